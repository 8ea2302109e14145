//! Who the caller is, as far as a plugin proved it.

use std::sync::Arc;

use serde_json::{Map, Value};

/// What an authentication plugin established about the caller.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `sub`, or the subject of a certificate.
    pub subject: Option<String>,
    /// `client_id` or `azp`: the application that calls.
    pub client_id: Option<String>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// Every claim, shared with the cache of verified tokens.
    pub claims: Arc<Map<String, Value>>,
    /// The kind of plugin that proved it.
    pub proven_by: &'static str,
}

impl Identity {
    /// The name limits are counted under: the client if there is one, else the subject.
    pub fn client(&self) -> Option<&str> {
        self.client_id.as_deref().or(self.subject.as_deref())
    }
}
