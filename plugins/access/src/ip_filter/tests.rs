use std::net::IpAddr;

use serde_json::{Value, json};
use tollgate_api::testing::{Bench, exchange_from, request, verdict};

use super::IpFilter;

async fn decide(settings: Value, client: &str) -> &'static str {
    let plugin = Bench::new().plugin::<IpFilter>(settings);
    let mut exchange = exchange_from(client.parse::<IpAddr>().unwrap());
    verdict(&request(&*plugin, &mut exchange).await)
}

#[tokio::test]
async fn deny_wins_and_an_empty_allow_list_admits_all_others() {
    let deny = json!({"deny": ["10.0.0.0/8", "2001:db8::/32"]});
    let both = json!({"allow": ["10.0.0.0/8"], "deny": ["10.6.0.0/16"]});
    let one = json!({"allow": ["192.0.2.7"]});
    for (settings, client, expected) in [
        (&deny, "10.1.2.3", "address_denied"),
        (&deny, "2001:db8::1", "address_denied"),
        (&deny, "192.0.2.1", "ok"),
        (&both, "10.1.2.3", "ok"),
        (&both, "10.6.2.3", "address_denied"),
        (&both, "192.0.2.1", "address_denied"),
        (&both, "2001:db8::1", "address_denied"),
        (&one, "192.0.2.7", "ok"),
        (&one, "192.0.2.8", "address_denied"),
    ] {
        assert_eq!(decide(settings.clone(), client).await, expected, "{client} by {settings}");
    }
}

#[tokio::test]
async fn an_ipv4_address_in_ipv6_notation_is_the_ipv4_address() {
    let deny = json!({"deny": ["10.0.0.0/8"]});
    assert_eq!(decide(deny, "::ffff:10.1.2.3").await, "address_denied", "cannot dodge a denial");
    let allow = json!({"allow": ["10.0.0.0/8"]});
    assert_eq!(decide(allow, "::ffff:10.1.2.3").await, "ok", "does not lose a permission");
    let six = json!({"allow": ["::/0"]});
    assert_eq!(decide(six, "::ffff:10.1.2.3").await, "address_denied", "is not an IPv6 address");
}

#[test]
fn settings_that_mean_nothing_or_something_else_are_refused() {
    for (settings, at) in [
        (json!({}), ""),
        (json!({"allow": []}), ""),
        (json!({"allow": ["10.0.0.1/8"]}), "/allow/0"),
        (json!({"deny": ["10.0.0.0/8", "localhost"]}), "/deny/1"),
        (json!({"denny": ["10.0.0.0/8"]}), ""),
    ] {
        let errors = Bench::new().errors::<IpFilter>(settings.clone());
        assert!(
            errors.first().is_some_and(|error| error.pointer.starts_with(at)),
            "{settings} is refused at `{at}`: {errors:?}"
        );
    }
}
