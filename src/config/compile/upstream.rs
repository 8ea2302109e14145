//! Upstreams: endpoints, trust, timeouts, the chain that speaks to the provider.

use std::{collections::BTreeMap, sync::Arc};

use http::Uri;
use tollgate_api::Side;

use super::{Context, callers::Own, plugin};
use crate::{
    config::{
        node::join_pointer,
        schema::{self, Config},
    },
    listener::Certificate,
    snapshot::{HostPolicy, Provider},
    upstream::{
        Balance, ClientIdentity, EndpointSpec, HealthKind, HealthSpec, Protocol, Timeouts, TlsSpec,
        Trust, Upstream, UpstreamSpec,
    },
};

/// Upstreams by name; one that could not be compiled is known by name only, so that routes that
/// name it are not blamed as well.
pub(super) struct Upstreams(BTreeMap<String, (usize, Option<Arc<Provider>>)>);

impl Upstreams {
    /// Index and provider of an upstream, if the configuration has it.
    pub fn find(&self, name: &str) -> Option<&(usize, Option<Arc<Provider>>)> {
        self.0.get(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// All of them by index, if all could be compiled.
    pub fn finish(self) -> Option<Vec<Arc<Provider>>> {
        let mut all: Vec<_> = self.0.into_values().collect();
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, provider)| provider).collect()
    }
}

/// All upstreams.
pub(super) fn compile(context: &mut Context<'_>, config: &Config) -> Upstreams {
    Upstreams(
        config
            .upstreams
            .iter()
            .enumerate()
            .map(|(at, (name, upstream))| {
                let pointer = join_pointer("/upstreams", name);
                (name.clone(), (at, one(context, &pointer, name, upstream).map(Arc::new)))
            })
            .collect(),
    )
}

fn one(
    context: &mut Context<'_>,
    pointer: &str,
    name: &str,
    settings: &schema::Upstream,
) -> Option<Provider> {
    let errors = context.findings.errors();
    let endpoints = endpoints(context, pointer, settings);
    let tls = tls(context, &join_pointer(pointer, "tls"), &settings.tls);
    let health = settings.health.as_ref().map(|health| health_spec(context, pointer, health));
    let host = host(context, pointer, &settings.host_header);
    let sound =
        |context: &Context<'_>| context.findings.errors() == errors && !context.is_faulty(pointer);
    let upstream = match (sound(context), endpoints, tls) {
        (true, Some(endpoints), Some(tls)) => {
            let spec = spec(name, settings, endpoints, tls, health);
            connect(context, pointer, spec)
        }
        _ => None,
    };
    let own = Own::new(name, upstream.as_ref(), host.as_ref());
    let chain = plugin::chain(context, pointer, name, Side::Upstream, &own, &settings.plugins);
    if !sound(context) {
        return None;
    }
    let upstream = upstream?;
    Some(Provider {
        name: Arc::from(name),
        upstream,
        chain: chain?.chain,
        host: host?,
        forwarded: settings.forwarded,
        forward_authorization: settings.forward_authorization,
        first_byte: settings.timeouts.first_byte.into(),
        progress: settings.timeouts.progress.into(),
        total: settings.timeouts.total.into(),
        transfer: settings.timeouts.transfer.map(Into::into),
        reuse_unsafe: settings.reuse_unsafe.into(),
    })
}

fn spec(
    name: &str,
    settings: &schema::Upstream,
    endpoints: Vec<EndpointSpec>,
    tls: TlsSpec,
    health: Option<HealthSpec>,
) -> UpstreamSpec {
    UpstreamSpec {
        tls,
        protocol: match settings.protocol {
            schema::Protocol::Auto => Protocol::Auto,
            schema::Protocol::Http1 => Protocol::Http1,
            schema::Protocol::Http2 => Protocol::Http2,
        },
        timeouts: Timeouts {
            connect: settings.timeouts.connect.into(),
            first_byte: settings.timeouts.first_byte.into(),
            progress: settings.timeouts.progress.into(),
            total: settings.timeouts.total.into(),
            idle: settings.timeouts.idle.into(),
        },
        balance: match settings.balance {
            schema::Balance::RoundRobin => Balance::RoundRobin,
            schema::Balance::LeastLoaded => Balance::LeastLoaded,
        },
        health,
        resolve_every: settings.resolve_every.into(),
        reuse_unsafe: settings.reuse_unsafe.into(),
        connections: settings.connections as usize,
        ..UpstreamSpec::new(name, endpoints)
    }
}

fn connect(context: &mut Context<'_>, pointer: &str, spec: UpstreamSpec) -> Option<Arc<Upstream>> {
    match Upstream::new(spec, context.environment.clock.clone(), &context.environment.state) {
        Ok(upstream) => Some(Arc::new(upstream)),
        Err(message) => {
            context.error(
                pointer,
                format!("this upstream cannot be used: {message}"),
                "this upstream",
            );
            None
        }
    }
}

fn endpoints(
    context: &mut Context<'_>,
    pointer: &str,
    settings: &schema::Upstream,
) -> Option<Vec<EndpointSpec>> {
    let list = join_pointer(pointer, "endpoints");
    if settings.endpoints.is_empty() {
        context.error(&list, "`endpoints` needs at least one URL", "is empty");
        return None;
    }
    let mut endpoints: Vec<EndpointSpec> = Vec::new();
    for (at, entry) in settings.endpoints.iter().enumerate() {
        let place = join_pointer(&list, &at.to_string());
        match parse_endpoint(&entry.url) {
            Ok(mut endpoint) => {
                endpoint.weight = entry.weight;
                if !endpoint.tls && !settings.allow_plaintext && !is_loopback(&endpoint.host) {
                    context.error_with_hint(
                        &place,
                        "this endpoint would be spoken to without TLS",
                        "not on this machine",
                        "use `https://`, or say `allow_plaintext: true` if the network between is yours",
                    );
                }
                let is_same = |other: &EndpointSpec| other.to_string() == endpoint.to_string();
                if endpoints.iter().any(is_same) {
                    context.error_with_hint(
                        &place,
                        format!("the endpoint `{endpoint}` is given twice"),
                        "the second one",
                        "`{ url: …, weight: 2 }` gives it twice the share",
                    );
                }
                endpoints.push(endpoint);
            }
            Err(message) => {
                if entry.url.contains('@') {
                    context.hide(&place);
                }
                context.error(&place, format!("invalid endpoint: {message}"), "this URL");
            }
        }
    }
    (endpoints.len() == settings.endpoints.len()).then_some(endpoints)
}

fn parse_endpoint(url: &str) -> Result<EndpointSpec, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "expected a URL such as `https://api.example`")?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("expected `https://` or `http://`"),
    };
    let authority = uri.authority().ok_or("expected a host")?;
    if authority.as_str().contains('@') {
        return Err("credentials do not belong in a URL");
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err("an endpoint has no path: the request's is forwarded");
    }
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let host = authority.host();
    if host.is_empty() || port == 0 {
        return Err("expected a host and a port from 1 to 65535");
    }
    Ok(EndpointSpec::new(tls, host.to_ascii_lowercase(), port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn tls(
    context: &mut Context<'_>,
    pointer: &str,
    settings: &schema::UpstreamTls,
) -> Option<TlsSpec> {
    let trust = match &settings.trust {
        None => Some(None),
        Some(path) => {
            let place = join_pointer(pointer, "trust");
            context.file(&place, path).and_then(|pem| match Trust::from_pem(&pem) {
                Ok(trust) => Some(Some(trust)),
                Err(message) => {
                    context.error(&place, message, "this bundle");
                    None
                }
            })
        }
    };
    let identity = match &settings.certificate {
        None => Some(None),
        Some(files) => {
            let place = join_pointer(pointer, "certificate");
            context.certificate(&place, files).and_then(|(chain, key)| {
                // The listener's check of such a pair: that they belong together, and until when.
                let pair = Certificate::from_pem(&chain, key.expose());
                match pair.and_then(|pair| Ok((pair, ClientIdentity::from_pem(&chain, key)?))) {
                    Ok((pair, identity)) => {
                        context.expires(&place, files, pair.not_after());
                        Some(Some(identity))
                    }
                    Err(message) => {
                        context.error(&place, message, "this certificate");
                        None
                    }
                }
            })
        }
    };
    if let Some(name) = &settings.server_name
        && let Err(error) = crate::routing::Authority::parse(name)
    {
        let place = join_pointer(pointer, "server_name");
        context.error(&place, format!("invalid `server_name`: {error}"), "this value");
    }
    Some(TlsSpec { trust: trust?, identity: identity?, server_name: settings.server_name.clone() })
}

fn health_spec(context: &mut Context<'_>, pointer: &str, health: &schema::Health) -> HealthSpec {
    let kind = match &health.http {
        None => HealthKind::Tcp,
        Some(http) => {
            if !http.path.starts_with('/') {
                let place = format!("{pointer}/health/http/path");
                context.error(
                    &place,
                    "invalid `path`: expected a path that begins with `/`",
                    "this value",
                );
            }
            HealthKind::Http {
                path: http.path.clone(),
                expect: http.statuses.clone().unwrap_or_default(),
                host: None,
            }
        }
    };
    HealthSpec {
        interval: health.interval.into(),
        timeout: health.timeout.into(),
        healthy_after: health.healthy_after,
        unhealthy_after: health.unhealthy_after,
        ..HealthSpec::new(kind)
    }
}

fn host(context: &mut Context<'_>, pointer: &str, host: &schema::HostHeader) -> Option<HostPolicy> {
    match host {
        schema::HostHeader::Endpoint => Some(HostPolicy::Endpoint),
        schema::HostHeader::Caller => Some(HostPolicy::Caller),
        schema::HostHeader::Name(name) => match crate::routing::Authority::parse(name) {
            Ok(_) => Some(HostPolicy::Name(name.clone())),
            Err(error) => {
                let place = format!("{pointer}/host_header/name");
                context.error(&place, format!("invalid host: {error}"), "this value");
                None
            }
        },
    }
}
