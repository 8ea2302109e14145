//! Remote addresses that answer what a test says, and count who asked.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use crate::{Fetch, FetchError, Fetched, Fetcher};

/// Hands out a [`Remote`] for each URL; the same one for the same URL.
#[derive(Clone, Default)]
pub struct FakeFetch(Arc<Mutex<HashMap<String, Arc<Remote>>>>);

impl FakeFetch {
    /// The remote at this URL. Until told otherwise it is unreachable.
    pub fn remote(&self, url: &str) -> Arc<Remote> {
        let mut remotes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remotes.entry(url.to_owned()).or_default().clone()
    }
}

impl Fetch for FakeFetch {
    fn fetcher(&self, url: &str, trust: Option<&[u8]>) -> Result<Arc<dyn Fetcher>, String> {
        if trust.is_some_and(|bundle| !bundle.starts_with(b"-----BEGIN CERTIFICATE-----")) {
            return Err("expected certificates in PEM".to_owned());
        }
        Ok(self.remote(url))
    }
}

/// One remote address.
#[derive(Default)]
pub struct Remote {
    answer: Mutex<Option<(StatusCode, Bytes)>>,
    failure: Mutex<Option<FetchError>>,
    calls: AtomicUsize,
    held: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Remote {
    /// From now on it answers 200 with this.
    pub fn serves(&self, body: impl Into<Bytes>) {
        self.answers(StatusCode::OK, body);
    }

    /// From now on it answers with this.
    pub fn answers(&self, status: StatusCode, body: impl Into<Bytes>) {
        *lock(&self.answer) = Some((status, body.into()));
        *lock(&self.failure) = None;
    }

    /// From now on it fails like this.
    pub fn fails(&self, error: FetchError) {
        *lock(&self.failure) = Some(error);
    }

    /// From now on calls wait until [`release`](Remote::release).
    pub fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    /// Lets the waiting calls go on.
    pub fn release(&self) {
        self.held.store(false, Ordering::SeqCst);
        lock(&self.waiting).drain(..).for_each(Waker::wake);
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn outcome(&self, limit: usize) -> Result<Fetched, FetchError> {
        if let Some(error) = *lock(&self.failure) {
            return Err(error);
        }
        match lock(&self.answer).clone() {
            None => Err(FetchError::Unreachable),
            Some((_, body)) if body.len() > limit => Err(FetchError::TooLarge),
            Some((status, body)) => Ok(Fetched { status, headers: HeaderMap::new(), body }),
        }
    }
}

impl Fetcher for Remote {
    fn get(&self, limit: usize, _: Duration) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            poll_fn(|context| {
                // Registered before looking, so that a release in between is not missed.
                lock(&self.waiting).push(context.waker().clone());
                if self.held.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            self.outcome(limit)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
