//! The table of built-in plugins. Adding a plugin adds a folder in its family's crate and one line
//! here; the configuration's schema and the reference documentation are generated from it.

use tollgate_api::Definition;

/// Every plugin, in the order of the reference documentation.
pub const DEFINITIONS: &[Definition] = &[
    Definition::of::<tollgate_access::jwt::Jwt>(),
    Definition::of::<tollgate_access::ip_filter::IpFilter>(),
    Definition::of::<tollgate_traffic::RateLimit>(),
    Definition::of::<tollgate_payload::jwe::Jwe>(),
    Definition::of::<tollgate_payload::aes_gcm::AesGcm>(),
    Definition::of::<tollgate_payload::map::Map>(),
    Definition::of::<tollgate_providers::stripe::Stripe>(),
    Definition::of::<tollgate_providers::wechat_pay::WechatPay>(),
    Definition::of::<tollgate_providers::alipay::Alipay>(),
    Definition::of::<tollgate_guard::headers::Headers>(),
];

/// The plugin of this kind.
pub fn definition(kind: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.kind == kind)
}
