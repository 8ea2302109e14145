//! Who may do what on the admin listener.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, header};
use tollgate_api::Connection;
use tollgate_crypto::eq_constant_time;

use crate::{
    routing::Authority,
    snapshot::{Admin, Role},
};

/// Whether a call is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// By this operator.
    Granted(Arc<str>),
    /// Nobody proved who they are.
    Unauthenticated,
    /// Somebody did, and may not.
    Forbidden(Arc<str>),
}

/// Decides by token, client certificate or, on an open loopback listener, by being there.
pub(super) fn decide(
    admin: &Admin,
    connection: &Connection,
    headers: &HeaderMap,
    needed: Role,
) -> Access {
    let mut proven: Option<(Arc<str>, Role)> = None;
    if let Some(token) = bearer(headers) {
        // Every token is compared, so that the time does not tell which one was nearly right.
        for known in &admin.tokens {
            if eq_constant_time(known.token.expose(), token) {
                proven = Some((known.name.clone(), known.role));
            }
        }
        if proven.is_none() && !admin.tokens.is_empty() {
            return Access::Unauthenticated;
        }
    }
    if proven.is_none()
        && let Some(role) = admin.client_certificate_role
        && connection.tls.as_ref().is_some_and(|tls| !tls.client_certificates.is_empty())
    {
        proven = Some((Arc::from("client certificate"), role));
    }
    if proven.is_none()
        && admin.tokens.is_empty()
        && admin.client_certificate_role.is_none()
        && is_meant(connection, headers)
    {
        // The configuration allows this on loopback alone, or with required client certificates.
        proven = Some((Arc::from("local"), Role::Operate));
    }
    match proven {
        None => Access::Unauthenticated,
        Some((name, role)) if role >= needed => Access::Granted(name),
        Some((name, _)) => Access::Forbidden(name),
    }
}

/// Whether a call without a proof comes from somebody on this machine rather than from a web page
/// in their browser: such a page names its own site, be it as origin or (by DNS rebinding) as host.
fn is_meant(connection: &Connection, headers: &HeaderMap) -> bool {
    if connection.tls.as_ref().is_some_and(|tls| !tls.client_certificates.is_empty()) {
        return true;
    }
    let foreign_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| !matches!(site.as_bytes(), b"none" | b"same-origin"));
    let host = headers.get(header::HOST).and_then(|host| Authority::parse(host.as_bytes()).ok());
    let local = host.is_none_or(|Authority { host, .. }| {
        let name = host.as_str().trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    local && !foreign_site && !headers.contains_key(header::ORIGIN)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    if values.next().is_some() {
        return Some(b"");
    }
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tollgate_api::Tls;
    use tollgate_crypto::Secret;

    use super::*;
    use crate::{
        listener::{Limits, ListenerSpec},
        snapshot::AdminToken,
    };

    fn admin(tokens: &[(&str, &str, Role)], certificate: Option<Role>) -> Admin {
        Admin {
            listener: ListenerSpec {
                name: Arc::from("admin"),
                address: "127.0.0.1:0".parse().unwrap(),
                tls: None,
                limits: Limits::default(),
            },
            tokens: tokens
                .iter()
                .map(|(name, token, role)| AdminToken {
                    name: Arc::from(*name),
                    token: Secret::new(token.as_bytes().to_vec()),
                    role: *role,
                })
                .collect(),
            client_certificate_role: certificate,
        }
    }

    fn connection(certificate: bool) -> Connection {
        let tls = Tls {
            client_certificates: if certificate {
                vec![bytes::Bytes::from_static(b"der")]
            } else {
                Vec::new()
            },
            ..Tls::default()
        };
        let address = "127.0.0.1:1".parse().unwrap();
        Connection { listener: Arc::from("admin"), peer: address, local: address, tls: Some(tls) }
    }

    fn with(token: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(token).unwrap());
        }
        headers
    }

    #[test]
    fn roles_and_proofs_decide() {
        let granted = |name: &str| Access::Granted(Arc::from(name));
        let tokens = [
            ("reader", "aaaaaaaaaaaaaaaa", Role::Read),
            ("chief", "bbbbbbbbbbbbbbbb", Role::Operate),
        ];
        let guarded = admin(&tokens, None);
        for (token, needed, expected) in [
            (None, Role::Read, Access::Unauthenticated),
            (Some("Bearer aaaaaaaaaaaaaaaa"), Role::Read, granted("reader")),
            (
                Some("bearer aaaaaaaaaaaaaaaa"),
                Role::Operate,
                Access::Forbidden(Arc::from("reader")),
            ),
            (Some("Bearer bbbbbbbbbbbbbbbb"), Role::Operate, granted("chief")),
            (Some("Bearer aaaaaaaaaaaaaaa"), Role::Read, Access::Unauthenticated),
            (Some("Basic aaaaaaaaaaaaaaaa"), Role::Read, Access::Unauthenticated),
            (Some("Bearer "), Role::Read, Access::Unauthenticated),
        ] {
            assert_eq!(
                decide(&guarded, &connection(false), &with(token), needed),
                expected,
                "{token:?} for {needed:?}"
            );
        }
        let open = admin(&[], None);
        assert_eq!(
            decide(&open, &connection(false), &with(None), Role::Operate),
            granted("local"),
            "open loopback"
        );
        for (name, value) in
            [("origin", "http://evil"), ("host", "evil.example"), ("sec-fetch-site", "cross-site")]
        {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let access = decide(&open, &connection(false), &headers, Role::Read);
            assert_eq!(access, Access::Unauthenticated, "a web page says {name}: {value}");
        }
        let certified = admin(&[], Some(Role::Read));
        assert_eq!(
            decide(&certified, &connection(false), &with(None), Role::Read),
            Access::Unauthenticated,
            "no certificate"
        );
        assert_eq!(
            decide(&certified, &connection(true), &with(None), Role::Read),
            granted("client certificate"),
            "a verified one"
        );
    }
}
