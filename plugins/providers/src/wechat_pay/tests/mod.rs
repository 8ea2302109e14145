//! The plugin on both sides, against vectors and against whoever tampers with messages.

mod acknowledgements;
mod answers;
mod downloads;
mod fields;
mod files;
mod notifications;
mod properties;
mod requests;
mod rotation;
mod settings;
mod shangmi;
mod support;
