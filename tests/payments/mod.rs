//! The payments API of `conf/payments.yaml` over real sockets: what each provider receives of a
//! request, and what the institution gets back, as `docs/payments.md` promises it. The providers'
//! own plugins and `jwt` are left out: nothing is signed, so that what is mapped can be seen. `twins` puts
//! them back, in front of twins that check every signature.

mod alipay;
mod clients;
mod events;
mod mistaken;
mod party;
mod promises;
mod stage;
mod stripe;
mod twins;
mod wechat_pay;
