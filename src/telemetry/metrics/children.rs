//! Children of metric families, found without a lock that all requests share.
//!
//! Label values come from configuration names and closed sets, so a map holds few entries; a new one
//! is added by copying the map, which happens once per name.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc};

use arc_swap::ArcSwap;

/// A map that is read on every request and grows rarely.
pub(super) struct Children<K, T>(ArcSwap<HashMap<K, Arc<T>>>);

impl<K, T> Default for Children<K, T> {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(HashMap::new()))
    }
}

impl<K: Eq + Hash + Clone, T> Children<K, T> {
    /// Uses the child of this key, made first if there is none.
    pub(super) fn with<Q, R>(
        &self,
        key: &Q,
        create: impl FnOnce() -> T,
        work: impl FnOnce(&T) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(child) = self.0.load().get(key) {
            return work(child);
        }
        work(&self.insert(key, create))
    }

    /// The child of this key, made first if there is none.
    pub(super) fn shared<Q>(&self, key: &Q, create: impl FnOnce() -> T) -> Arc<T>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(child) = self.0.load().get(key) {
            return child.clone();
        }
        self.insert(key, create)
    }

    /// Forgets the children of the other keys.
    pub(super) fn retain(&self, keep: impl Fn(&K) -> bool) {
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.retain(|key, _| keep(key));
            map
        });
    }

    /// Visits every child.
    pub(super) fn each(&self, visit: impl Fn(&T)) {
        self.0.load().values().for_each(|child| visit(child));
    }

    fn insert<Q>(&self, key: &Q, create: impl FnOnce() -> T) -> Arc<T>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let fresh = Arc::new(create());
        let mut chosen = fresh.clone();
        // Two requests may race for the first use of a name: both end up with the same child.
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            chosen = map.entry(key.to_owned()).or_insert_with(|| fresh.clone()).clone();
            map
        });
        chosen
    }
}
