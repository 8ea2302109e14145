//! Providers' own security dialects, seen from both sides of the gateway.

mod alipay;
mod alipay_twin;
mod message;
mod relay;
mod rotation;
mod stripe;
mod tampering;
mod twin;
mod wechat_pay;
