//! Which twins there are.

use std::time::Duration;

use tollgate_api::Entropy;

use super::{Dialect, Kept, OpenError, alipay::Alipay, stripe::Stripe, wechat_pay::WechatPay};

/// Makes a twin's dialect from the files of a folder, as far as they are there. The time is since the
/// Unix epoch.
pub type Open = fn(&Kept, Duration, &dyn Entropy) -> Result<Box<dyn Dialect>, OpenError>;

/// Every provider, as it is called on the command line.
pub const PROVIDERS: [(&str, Open); 3] = [
    ("wechat_pay", |kept, now, entropy| Ok(Box::new(WechatPay::open(kept, now, entropy)?))),
    ("alipay", |kept, now, entropy| Ok(Box::new(Alipay::open(kept, now, entropy)?))),
    ("stripe", |kept, now, entropy| Ok(Box::new(Stripe::open(kept, now, entropy)?))),
];
