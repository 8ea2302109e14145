//! What a merchant proves itself with: one of a kind, several while it changes them, and how often each
//! was seen.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use serde_json::{Value, json};

/// Credentials of a merchant, the newest last. Those that were ended are kept to be recognised.
pub struct Credentials<T>(RwLock<Vec<Credential<T>>>);

struct Credential<T> {
    /// What it is called where it must not be shown.
    name: String,
    value: T,
    good: bool,
    seen: AtomicU64,
}

impl<T: Clone> Credentials<T> {
    /// With this one.
    pub fn new(name: String, value: T) -> Self {
        let credentials = Self(RwLock::default());
        credentials.renew(name, value);
        credentials
    }

    /// Another one, beside those that are good.
    pub fn renew(&self, name: String, value: T) {
        let mut all = self.0.write();
        if all.len() == KEPT {
            all.remove(0);
        }
        all.push(Credential { name, value, good: true, seen: AtomicU64::new(0) });
    }

    /// Ends all but the newest.
    pub fn revoke(&self) {
        let mut all = self.0.write();
        if let Some((_, older)) = all.split_last_mut() {
            for one in older {
                one.good = false;
            }
        }
    }

    /// The newest.
    pub fn newest(&self) -> Option<T> {
        self.0.read().last().map(|one| one.value.clone())
    }

    /// The good one that a request was made with, which counts as seen. One that was ended counts too,
    /// and is not found.
    pub fn seen(&self, is: impl Fn(&T) -> bool) -> Option<T> {
        let all = self.0.read();
        let found = all.iter().rev().find(|one| is(&one.value))?;
        found.seen.fetch_add(1, Ordering::Relaxed);
        found.good.then(|| found.value.clone())
    }

    /// Whether this is one that is good.
    pub fn is_good(&self, is: impl Fn(&T) -> bool) -> bool {
        self.0.read().iter().any(|one| one.good && is(&one.value))
    }

    /// Each by its name, with how many requests it was seen in.
    pub fn shown(&self) -> Value {
        let all = self.0.read();
        let shown = all.iter().map(|one| {
            let seen = one.seen.load(Ordering::Relaxed);
            json!({ "name": one.name, "good": one.good, "seen": seen })
        });
        shown.collect::<Vec<_>>().into()
    }
}

const KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_one_is_good_beside_the_new_one_until_it_is_ended_and_still_counted_then() {
        let credentials = Credentials::new("a".to_owned(), 1);
        assert_eq!(credentials.seen(|value| *value == 1), Some(1), "the only one");
        credentials.renew("b".to_owned(), 2);
        assert_eq!(credentials.newest(), Some(2), "the newest");
        assert_eq!(credentials.seen(|value| *value == 1), Some(1), "the old one is still good");
        assert_eq!(credentials.seen(|value| *value == 2), Some(2), "and so is the new one");
        assert_eq!(credentials.seen(|value| *value == 3), None, "no other");
        credentials.revoke();
        assert_eq!(credentials.seen(|value| *value == 1), None, "the old one has ended");
        let shown = json!([
            { "name": "a", "good": false, "seen": 3 },
            { "name": "b", "good": true, "seen": 1 },
        ]);
        assert_eq!(credentials.shown(), shown, "each is counted");
    }
}
