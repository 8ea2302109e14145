//! Lists, the newest first, a page at a time.

use serde_json::{Value, json};

use super::{call::Call, refused::Refused};

/// A page of these, which come the newest first: `limit`, `starting_after`, `ending_before`.
pub(super) fn page(all: Vec<Value>, call: &Call, url: &str) -> Result<Value, Refused> {
    let limit = match call.amount("limit")? {
        None => 10,
        Some(limit @ 1..=100) => usize::try_from(limit).unwrap_or(100),
        Some(limit) => {
            let message = format!("limit is {limit}, which is more than 100");
            return Err(Refused::parameter("limit", "parameter_invalid_integer", message));
        }
    };
    let position = |name: &str| match call.text(name)? {
        None => Ok(None),
        Some(id) => {
            let found = all.iter().position(|one| one.get("id") == Some(&id.into()));
            found.map(Some).ok_or_else(|| Refused::no_such("object", name, id))
        }
    };
    let (from, to) = (position("starting_after")?, position("ending_before")?);
    let (from, to) = (from.map_or(0, |at| at + 1), to.unwrap_or(all.len()));
    // Before something, the page ends there; else it begins where it is told to.
    let from = if to < all.len() { from.max(to.saturating_sub(limit)) } else { from };
    let left = to.saturating_sub(from);
    let more = if to < all.len() { from > 0 } else { left > limit };
    let data: Vec<Value> = all.into_iter().skip(from).take(limit.min(left)).collect();
    Ok(json!({ "object": "list", "url": url, "has_more": more, "data": data }))
}
