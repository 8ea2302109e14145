//! `Idempotency-Key`: what came of a key is told again, for a day.
//!
//! As Stripe documents it ("Idempotent requests"): the first result is kept, whatever it is, once
//! something began to be done; the same key with other parameters is an error, and so is the same key
//! while the first request is being answered. What fails before anything begins is not kept.

use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;

use super::{super::Answer, refused::Refused};
use crate::sandbox::Request;

/// The keys of the last day.
#[derive(Default)]
pub(super) struct Keys(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    entries: HashMap<String, Entry>,
    /// Keys with their time, the oldest first.
    order: VecDeque<(Duration, String)>,
}

struct Entry {
    print: Vec<u8>,
    answer: Option<Answer>,
    busy: bool,
}

/// The first request of a key is being answered until this is dropped.
struct Busy {
    table: Arc<Mutex<Table>>,
    key: String,
}

impl Keys {
    /// Does it, unless the key has been used; then tells what came of it, and whether that is so.
    pub fn once(
        &self,
        request: &Request,
        now: Duration,
        act: impl FnOnce() -> Result<Answer, Refused>,
    ) -> Result<(Answer, bool), Refused> {
        let Some(key) = scoped(request) else { return act().map(|answer| (answer, false)) };
        if let Some(answer) = self.0.lock().begin(&key, print(request), now)? {
            return Ok((answer, true));
        }
        let busy = Busy { table: self.0.clone(), key: key.clone() };
        let mut answer = match act() {
            Ok(answer) => answer,
            Err(refused) if refused.begun => refused.answer().acting(),
            Err(refused) => {
                self.0.lock().entries.remove(&key);
                return Err(refused);
            }
        };
        self.0.lock().keep(&key, &answer);
        answer.until_sent = Some(Arc::new(busy) as Arc<dyn Any + Send + Sync>);
        Ok((answer, false))
    }

    /// Tells this in the place of what came of the request's key.
    pub fn replace(&self, request: &Request, answer: &Answer) {
        if let Some(key) = scoped(request) {
            self.0.lock().keep(&key, answer);
        }
    }
}

impl Table {
    /// What came of the key; nothing if it is new, and then it is busy.
    fn begin(
        &mut self,
        key: &str,
        print: Vec<u8>,
        now: Duration,
    ) -> Result<Option<Answer>, Refused> {
        while self.order.len() >= KEYS
            || self.order.front().is_some_and(|(at, _)| *at + LIFETIME < now)
        {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.entries.remove(&oldest);
        }
        let name = key.rsplit('\n').next().unwrap_or_default();
        match self.entries.get(key) {
            None => {
                let entry = Entry { print, answer: None, busy: true };
                self.entries.insert(key.to_owned(), entry);
                self.order.retain(|(_, other)| other != key);
                self.order.push_back((now, key.to_owned()));
                Ok(None)
            }
            Some(entry) if entry.print != print => {
                let message = format!(
                    "Keys for idempotent requests can only be used with the same parameters they were \
                     first used with. Try using a key other than '{name}' if you meant to execute a \
                     different request."
                );
                Err(Refused::idempotency(StatusCode::BAD_REQUEST, None, message))
            }
            Some(Entry { answer: Some(answer), busy: false, .. }) => {
                let mut answer = answer.clone();
                let replayed = HeaderName::from_static("idempotent-replayed");
                answer.headers.insert(replayed, HeaderValue::from_static("true"));
                Ok(Some(answer))
            }
            Some(_) => {
                let message = format!(
                    "There is currently another in-progress request using this Idempotent Key ({name}). \
                     Please try again later."
                );
                let code = Some("idempotency_key_in_use");
                Err(Refused::idempotency(StatusCode::CONFLICT, code, message))
            }
        }
    }

    fn keep(&mut self, key: &str, answer: &Answer) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.answer = Some(Answer { until_sent: None, ..answer.clone() });
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(entry) = self.table.lock().entries.get_mut(&self.key) {
            entry.busy = false;
        }
    }
}

/// The key with whom it belongs to. Keys mean nothing but in POST.
fn scoped(request: &Request) -> Option<String> {
    let key = request.only_header("idempotency-key").filter(|_| request.method == Method::POST)?;
    Some(format!("{}\n{key}", request.only_header("stripe-account").unwrap_or_default()))
}

/// What is asked for, in whatever order its parameters come.
fn print(request: &Request) -> Vec<u8> {
    let body = String::from_utf8_lossy(&request.body);
    let mut pairs: Vec<&str> = body.split('&').collect();
    pairs.sort_unstable();
    let text = format!("{}\n{}", request.target, pairs.join("&"));
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

const LIFETIME: Duration = Duration::from_hours(24);
const KEYS: usize = 100_000;
