//! The second act, the life of a payment: ordered, paid and notified, found, refunded, settled; and
//! what happens when an answer is lost. A mobile, an online and a card payment go through one API, that
//! of `conf/payments.yaml`, each to a twin of its provider, which checks every signature with code of
//! its own.

mod cast;
mod channel;
mod lost;
mod money;
mod notified;
mod ordered;
mod settled;
mod wire;

use super::{
    checks::token,
    page::Page,
    stage::{SHOP, Stage},
};
pub(super) use cast::Cast;
use channel::CHANNELS;

/// Every step, in order.
pub(super) async fn live(stage: &Stage, page: &mut Page) {
    page.heading("The life of a payment: one API, whichever provider");
    let Some(token) = token(stage, page, SHOP, None).await else { return };
    let shop = Shop { stage, token };
    let orders = ordered::three(&shop, page).await;
    notified::paid(&shop, page, &orders).await;
    notified::forged(&shop, page).await;
    money::found(&shop, page, &orders).await;
    money::refunded(&shop, page, &orders).await;
    settled::file(&shop, page).await;
    settled::changed(&shop, page).await;
    lost::order(&shop, page).await;
    lost::charge(&shop, page).await;
}

/// The institution's application, which calls the payments API.
struct Shop<'a> {
    stage: &'a Stage,
    token: String,
}
