//! What the payment methods of Stripe's test mode do.

/// What comes of paying with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The card pays.
    Pays,
    /// The payer has to prove who it is.
    Waits,
    /// It does not: `code`, `decline_code`, and what the payer is told.
    Declined(&'static str, &'static str, &'static str),
}

/// By the name of the payment method.
pub(super) fn outcome(method: &str) -> Option<Outcome> {
    CARDS.iter().find(|(name, _)| *name == method).map(|(_, outcome)| *outcome)
}

const DECLINED: &str = "Your card was declined.";

const CARDS: [(&str, Outcome); 14] = [
    ("pm_card_visa", Outcome::Pays),
    ("pm_card_visa_debit", Outcome::Pays),
    ("pm_card_mastercard", Outcome::Pays),
    ("pm_card_mastercard_debit", Outcome::Pays),
    ("pm_card_amex", Outcome::Pays),
    ("pm_card_unionpay", Outcome::Pays),
    ("pm_card_authenticationRequired", Outcome::Waits),
    ("pm_card_threeDSecure2Required", Outcome::Waits),
    ("pm_card_chargeDeclined", Outcome::Declined("card_declined", "generic_decline", DECLINED)),
    (
        "pm_card_visa_chargeDeclined",
        Outcome::Declined("card_declined", "generic_decline", DECLINED),
    ),
    (
        "pm_card_chargeDeclinedInsufficientFunds",
        Outcome::Declined(
            "card_declined",
            "insufficient_funds",
            "Your card has insufficient funds.",
        ),
    ),
    (
        "pm_card_chargeDeclinedFraudulent",
        Outcome::Declined("card_declined", "fraudulent", DECLINED),
    ),
    (
        "pm_card_chargeDeclinedExpiredCard",
        Outcome::Declined("expired_card", "expired_card", "Your card has expired."),
    ),
    (
        "pm_card_chargeDeclinedProcessingError",
        Outcome::Declined(
            "processing_error",
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
];
