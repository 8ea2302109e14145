//! The settings of `ip_filter`. The comments on the fields are the user documentation.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tollgate_api::{Build, Built, Role, SettingError, Settings, Sides, setting::Cidr};

use super::AddressCheck;

/// Refuses callers by their address.
///
/// The address is the connection's peer, or what a trusted proxy in front vouched for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpFilter {
    /// Networks and addresses that may call. Without any, all may that are not denied.
    #[serde(default)]
    pub allow: Vec<Cidr>,

    /// Networks and addresses that may not call, even if they are allowed above.
    #[serde(default)]
    pub deny: Vec<Cidr>,
}

impl Settings for IpFilter {
    const KIND: &'static str = "ip_filter";
    const SIDES: Sides = Sides::Route;
    const ROLE: Role = Role::Check;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, _: &mut Build<'_>) -> Built {
        if self.allow.is_empty() && self.deny.is_empty() {
            return Err(vec![
                SettingError::new("", "expected at least one network in `allow` or `deny`")
                    .with_hint("without any, every caller is admitted; leave the plugin out"),
            ]);
        }
        Ok(Arc::new(AddressCheck { allow: self.allow, deny: self.deny }))
    }
}
