//! Providers' own security dialects, seen from both sides of the gateway.

mod alipay;
mod alipay_twin;
mod stripe;
mod wechat_pay;
