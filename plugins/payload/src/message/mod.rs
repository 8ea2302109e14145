//! What `jwe` and `aes_gcm` have in common: which part of a message is protected, which way a
//! message goes, and whose fault a failure is.

pub(crate) mod envelope;
mod fields;
mod media;
mod problem;
mod scope;
mod status;
mod transformer;

pub(crate) use envelope::check_json;
pub(crate) use fields::{CompiledFields, replace_each};
pub(crate) use media::{
    MediaType, forget_stale, is_form, is_json, is_stale, media_type, set_content_type,
};
pub(crate) use problem::Problem;
pub(crate) use scope::CompiledScope;
pub(crate) use transformer::{Message, Protection, Transformer};

pub use fields::FieldValues;
pub use scope::{FieldList, Scope};
pub use status::StatusPattern;
