//! Upstreams that a test answers for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{Call, Caller, Callers, FetchError, Fetched};

/// Answers a call.
pub type Respond = dyn Fn(&Call) -> Result<Fetched, FetchError> + Send + Sync;

/// Upstreams by name. The bench's own upstream is called `own`; none is there until it is given.
#[derive(Clone, Default)]
pub struct FakeCallers(Arc<Mutex<HashMap<String, Arc<FakeCaller>>>>);

impl FakeCallers {
    /// From now on the upstream of this name is there and answers like this.
    pub fn upstream(
        &self,
        name: &str,
        respond: impl Fn(&Call) -> Result<Fetched, FetchError> + Send + Sync + 'static,
    ) -> Arc<FakeCaller> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = known.entry(name.to_owned()).or_default().clone();
        *caller.respond.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(respond));
        caller
    }
}

impl Callers for FakeCallers {
    fn own(&self) -> Option<Arc<dyn Caller>> {
        self.named("own")
    }

    fn named(&self, upstream: &str) -> Option<Arc<dyn Caller>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(upstream).map(|caller| caller.clone() as Arc<dyn Caller>)
    }
}

/// One upstream of a test.
#[derive(Default)]
pub struct FakeCaller {
    respond: Mutex<Option<Arc<Respond>>>,
    calls: Mutex<Vec<Call>>,
}

impl FakeCaller {
    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Caller for FakeCaller {
    fn call(
        &self,
        call: Call,
        limit: usize,
        _: Duration,
    ) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(async move {
            let respond = self.respond.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
            let answer = respond.ok_or(FetchError::Unreachable)?(&call)?;
            if answer.body.len() > limit { Err(FetchError::TooLarge) } else { Ok(answer) }
        })
    }
}
