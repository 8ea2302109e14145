//! What belongs to one connection stays there: fields, framing, interim answers, trailers.

mod hop_by_hop;
mod interim;
mod messages;
mod trailers;
