//! Listeners: sockets, certificates, whom to trust.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use super::{Context, Policies};
use crate::{
    config::{
        node::join_pointer,
        schema::{self, Config, Listener, ListenerTls},
    },
    listener::{Certificate, ClientAuth, Limits, ListenerSpec, TlsSpec, trust_from_pem},
    snapshot::{ForwardedBy, ListenerPolicy},
};

/// All listeners, and how the loop treats their requests.
pub(super) fn compile(
    context: &mut Context<'_>,
    config: &Config,
) -> Option<(Vec<ListenerSpec>, Policies)> {
    let mut specs = Vec::new();
    let mut policies = HashMap::new();
    let mut taken: HashMap<SocketAddr, &str> = HashMap::new();
    let mut complete = true;
    if config.listeners.is_empty() && !context.faults.hides_some_of("/listeners") {
        context.error_with_hint(
            "/listeners",
            "no listener is configured",
            "needs at least one",
            "add `listeners: { public: { address: 0.0.0.0:8443, tls: … } }`",
        );
    }
    for (name, listener) in &config.listeners {
        let pointer = join_pointer("/listeners", name);
        let name: Arc<str> = Arc::from(name.as_str());
        let Some(spec) = one(context, &pointer, name.clone(), listener) else {
            complete = false;
            continue;
        };
        if spec.address.port() != 0
            && let Some(other) = taken.insert(
                spec.address,
                config.listeners.get_key_value(&*name).map_or("", |(key, _)| key),
            )
        {
            context.error(
                &join_pointer(&pointer, "address"),
                format!("the address `{}` is already used by listener `{other}`", spec.address),
                "used twice",
            );
        }
        policies.insert(name, Arc::new(policy(listener)));
        specs.push(spec);
    }
    complete.then_some((specs, policies))
}

fn one(
    context: &mut Context<'_>,
    pointer: &str,
    name: Arc<str>,
    listener: &Listener,
) -> Option<ListenerSpec> {
    let address = socket_address(context, &join_pointer(pointer, "address"), &listener.address);
    let tls = match &listener.tls {
        None => Some(None),
        Some(settings) => tls(context, &join_pointer(pointer, "tls"), settings).map(Some),
    };
    Some(ListenerSpec { name, address: address?, tls: tls?, limits: limits(listener) })
}

/// An address that was already checked for its form.
pub(super) fn socket_address(
    context: &mut Context<'_>,
    pointer: &str,
    text: &str,
) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        Some(address)
    } else {
        context.error(
            pointer,
            "invalid `address`: expected an address and port such as `127.0.0.1:8443`",
            "this value",
        );
        None
    }
}

/// TLS of a listener.
pub(super) fn tls(
    context: &mut Context<'_>,
    pointer: &str,
    settings: &ListenerTls,
) -> Option<TlsSpec> {
    let mut certificates = Vec::new();
    let list = join_pointer(pointer, "certificates");
    if settings.certificates.is_empty() {
        context.error(&list, "`certificates` needs at least one certificate", "is empty");
        return None;
    }
    let mut complete = true;
    for (at, files) in settings.certificates.iter().enumerate() {
        let pointer = join_pointer(&list, &at.to_string());
        let Some((chain, key)) = context.certificate(&pointer, files) else {
            complete = false;
            continue;
        };
        match Certificate::from_pem(&chain, key.expose()) {
            Ok(certificate) => {
                context.expires(&pointer, files, certificate.not_after());
                certificates.push(certificate);
            }
            Err(message) => {
                complete = false;
                context.error(
                    &join_pointer(&pointer, "chain"),
                    format!("this certificate cannot be used: {message}"),
                    "this certificate",
                );
            }
        }
    }
    let client = match &settings.client_certificates {
        None => Some(ClientAuth::Off),
        Some(client) => {
            let pointer = join_pointer(&join_pointer(pointer, "client_certificates"), "trust");
            context.file(&pointer, &client.trust).and_then(|pem| match trust_from_pem(&pem) {
                Ok(roots) if client.required => Some(ClientAuth::Required(roots)),
                Ok(roots) => Some(ClientAuth::Optional(roots)),
                Err(message) => {
                    context.error(&pointer, message, "this bundle");
                    None
                }
            })
        }
    };
    let client = client?;
    if !complete {
        return None;
    }
    match TlsSpec::new(certificates, client) {
        Ok(spec) => Some(spec),
        Err(message) => {
            context.error(pointer, format!("this TLS cannot be used: {message}"), "these settings");
            None
        }
    }
}

fn limits(listener: &Listener) -> Limits {
    let limits = &listener.limits;
    Limits {
        handshake_timeout: limits.handshake_timeout.into(),
        header_timeout: limits.header_timeout.into(),
        idle_timeout: limits.idle_timeout.into(),
        write_timeout: limits.write_timeout.into(),
        head_bytes: limits.header_size.as_usize(),
        connections: limits.connections as usize,
        http2_streams: limits.http2_streams,
        ..Limits::default()
    }
}

fn policy(listener: &Listener) -> ListenerPolicy {
    ListenerPolicy {
        trusted_proxies: listener.trusted_proxies.clone(),
        forwarded_by: match listener.forwarded_by {
            schema::ForwardedBy::XForwardedFor => ForwardedBy::XForwardedFor,
            schema::ForwardedBy::Forwarded => ForwardedBy::Forwarded,
        },
        header_size: listener.limits.header_size.as_usize(),
        write_timeout: listener.limits.write_timeout.into(),
    }
}
