//! Header fields that no configuration may set, add or remove, because the gateway itself is
//! responsible for them.

use http::HeaderName;

/// Why plugins must leave this header field alone, as advice to whoever configured it; `None` if
/// they may touch it.
///
/// Framing follows from the body, hop-by-hop fields end at the gateway (RFC 9110 section 7.6.1),
/// the host follows from routing, and `Tollgate-*` tells callers what the gateway itself says.
pub fn reserved(name: &HeaderName) -> Option<&'static str> {
    match name.as_str() {
        "content-length" | "transfer-encoding" | "trailer" | "expect" | "content-encoding" => {
            Some("the gateway frames messages by itself, from the body that is really sent")
        }
        "connection"
        | "keep-alive"
        | "proxy-connection"
        | "te"
        | "upgrade"
        | "http2-settings"
        | "proxy-authenticate"
        | "proxy-authorization"
        | "proxy-authentication-info" => {
            Some("the field concerns one connection only and ends at the gateway")
        }
        "host" => Some("the host follows from the upstream's endpoint"),
        name if name.starts_with("tollgate-") => {
            Some("`Tollgate-` fields are the gateway's own; choose another name, such as `X-…`")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_hop_by_hop_host_and_our_own_fields_are_reserved_and_others_are_not() {
        for name in
            ["content-length", "transfer-encoding", "connection", "te", "host", "tollgate-error"]
        {
            assert!(reserved(&HeaderName::from_static(name)).is_some(), "`{name}` is reserved");
        }
        for name in ["authorization", "x-client-id", "content-type", "hostname", "x-tollgate"] {
            assert!(reserved(&HeaderName::from_static(name)).is_none(), "`{name}` is free");
        }
    }
}
