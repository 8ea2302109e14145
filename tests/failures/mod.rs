//! Peers that are slow, silent or gone, on either side: the right answer, the right record, no hang,
//! and money that moves once.

mod attempts;
mod callers;
mod early_answers;
mod half_sent;
mod hang_ups;
mod providers;
