//! The operators' listener.

use std::sync::Arc;

use super::{Context, listener};
use crate::{
    config::{
        node::join_pointer,
        schema::{self, Config},
    },
    listener::{ClientAuth, Limits, ListenerSpec},
    snapshot::{Admin, AdminToken, Role},
};

/// The admin listener: loopback may be open, anything else needs TLS and proof.
pub(super) fn compile(context: &mut Context<'_>, config: &Config) -> Option<Admin> {
    let settings = &config.admin;
    let address = listener::socket_address(context, "/admin/address", &settings.address);
    let tls = match &settings.tls {
        None => Some(None),
        Some(tls) => listener::tls(context, "/admin/tls", tls).map(Some),
    };
    let mut tokens = Vec::new();
    for (at, token) in settings.tokens.iter().enumerate() {
        let pointer = format!("/admin/tokens/{at}/token");
        let Some(secret) = context.secret(&pointer, &token.token) else { continue };
        let secret = trimmed(&secret);
        if secret.expose().len() < SHORTEST_TOKEN {
            context.error(
                &pointer,
                format!("an admin token needs at least {SHORTEST_TOKEN} characters"),
                "too short",
            );
        }
        tokens.push(AdminToken {
            name: Arc::from(token.name.as_str()),
            token: secret,
            role: role(token.role),
        });
    }
    let (address, tls) = (address?, tls?);
    if !address.ip().is_loopback() {
        if tls.is_none() {
            context.error_with_hint(
                "/admin/address",
                "the admin listener must not be plaintext off loopback",
                "reachable from elsewhere",
                "add `admin.tls`, or listen on 127.0.0.1",
            );
        }
        let certificates_required =
            tls.as_ref().is_some_and(|tls| matches!(tls.client(), ClientAuth::Required(_)));
        if settings.tokens.is_empty() && !certificates_required {
            context.error_with_hint(
                "/admin/address",
                "the admin listener must not be open off loopback",
                "reachable from elsewhere",
                "add `admin.tokens`, or require client certificates",
            );
        }
    }
    if settings.client_certificate_role.is_some()
        && tls.as_ref().is_none_or(|tls| matches!(tls.client(), ClientAuth::Off))
    {
        context.error(
            &join_pointer("/admin", "client_certificate_role"),
            "`client_certificate_role` needs `admin.tls.client_certificates`",
            "has no effect",
        );
    }
    Some(Admin {
        listener: ListenerSpec {
            name: Arc::from("admin"),
            address,
            tls,
            limits: Limits { connections: 256, ..Limits::default() },
        },
        tokens,
        client_certificate_role: settings.client_certificate_role.map(role),
    })
}

fn role(role: schema::Role) -> Role {
    match role {
        schema::Role::Read => Role::Read,
        schema::Role::Operate => Role::Operate,
    }
}

/// A file usually ends in a line break that does not belong to the token.
fn trimmed(secret: &tollgate_crypto::Secret) -> tollgate_crypto::Secret {
    tollgate_crypto::Secret::new(secret.expose().trim_ascii().to_vec())
}

const SHORTEST_TOKEN: usize = 16;
