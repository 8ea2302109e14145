//! Whatever a caller asks, what is signed verifies for whoever reads Alipay's documents.

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::prelude::*;
use tollgate_crypto::{PublicKey, base64_decode};

use super::*;

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
});
static V2: LazyLock<Arc<dyn Plugin>> = LazyLock::new(|| plugin(Side::Upstream, settings("v2")));
static V3: LazyLock<Arc<dyn Plugin>> = LazyLock::new(|| plugin(Side::Upstream, settings("v3")));
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    PublicKey::from_pem(text(&generated("alipay.json")["app_public_key_pem"])).unwrap()
});

fn fits(message: &str, signature: &str) -> bool {
    KEY.verify(Algorithm::Rs256, message.as_bytes(), &base64_decode(signature).unwrap()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn v2_signs_what_it_sends(
        given in proptest::collection::btree_map("[a-z_]{1,12}", "\\PC{0,24}", 0..8),
        content in "\\PC{0,64}",
    ) {
        let mut parameters: BTreeMap<_, _> = given;
        parameters.remove("charset");
        parameters.insert("method".to_owned(), "alipay.trade.pay".to_owned());
        parameters.insert("biz_content".to_owned(), content.clone());
        // What could be read as another parameter is refused.
        prop_assume!(!parameters.values().any(|value| value.contains('&') && value.contains('=')));
        parameters.remove("app_auth_token");
        let exchange = RUNTIME.block_on(called(&**V2, super::v2::call(&json!(parameters)))).unwrap();
        let query = decoded(exchange.request.query.as_deref().unwrap());
        let form = decoded(&body_of(&exchange.request.body));
        let mut sent = query;
        for (name, value) in form {
            prop_assert!(sent.insert(name.clone(), value).is_none(), "{} twice", name);
        }
        let signature = sent.remove("sign").unwrap();
        let mut lines: Vec<String> = sent
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| [name.as_str(), value.as_str()].join("="))
            .collect();
        lines.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
        prop_assert!(fits(&lines.join("&"), &signature), "{:?}", lines);
        let received = sent.get("biz_content").cloned().unwrap_or_default();
        prop_assert_eq!(received, content);
    }

    #[test]
    fn v3_signs_what_it_sends(body in "\\PC{0,64}", path in "(/[a-z%20]{1,8}){1,4}", query in proptest::option::of("[a-z=&%0-9]{0,24}")) {
        let mut exchange = exchange_with_body(body.clone());
        exchange.request.path = path.clone();
        exchange.request.query = query.clone();
        let exchange = RUNTIME.block_on(called(&**V3, exchange)).unwrap();
        let field = header(&exchange.request.headers, "authorization").unwrap();
        let (said, signature) =
            field.strip_prefix("ALIPAY-SHA256withRSA ").unwrap().split_once(",sign=").unwrap();
        let target = match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        let message = format!("{said}\nPOST\n{target}\n{body}\n");
        prop_assert!(fits(&message, signature), "{}", message);
    }
}
