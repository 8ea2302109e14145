//! Tells merchants what happened: signed, repeated on the provider's ladder until it is acknowledged,
//! and remembered.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    sync::{Arc, Weak},
    time::Duration,
};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use reqwest::{Client, redirect};
use serde_json::{Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::{Event, Fault, Letter, On, Options, Shared};

/// Sends letters.
pub(super) struct Notifier {
    client: Client,
    /// Where letters go, whatever the merchant said.
    to: Mutex<Option<String>>,
    /// Of a million, how much of the provider's waiting times is waited.
    scale: u32,
    late: Duration,
    attempts: Semaphore,
    waiting: Arc<Semaphore>,
    records: Mutex<VecDeque<Record>>,
    held: Mutex<Option<Parcel>>,
}

/// A letter on its way.
struct Parcel {
    letter: Letter,
    /// It is sent once more when it was acknowledged.
    twice: bool,
    /// The seconds in which it was signed before.
    signed: Vec<u64>,
    _place: OwnedSemaphorePermit,
}

/// What became of a letter.
#[derive(Debug, Clone)]
struct Record {
    id: String,
    kind: String,
    subject: String,
    to: Option<String>,
    state: &'static str,
    attempts: Vec<Value>,
}

impl Notifier {
    pub fn new(options: &Options) -> Result<Self, String> {
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent("Mozilla/4.0");
        if let Some(trust) = &options.trust {
            let roots = reqwest::Certificate::from_pem_bundle(trust)
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or("the trust bundle holds no certificate")?;
            client = client.tls_certs_only(roots);
        }
        Ok(Self {
            client: client.build().map_err(|_| "the trust bundle cannot be used")?,
            to: Mutex::new(options.notify.clone()),
            scale: options.ladder_scale,
            late: options.late,
            attempts: Semaphore::new(CONCURRENT),
            waiting: Arc::new(Semaphore::new(WAITING)),
            records: Mutex::default(),
            held: Mutex::default(),
        })
    }

    /// Sends letters here from now on.
    pub fn direct(&self, to: &str) {
        *self.to.lock() = Some(to.to_owned());
    }

    /// What became of the latest letters, the latest last.
    pub fn records(&self) -> Vec<Value> {
        let records = self.records.lock();
        let shown = records.iter().map(|record| {
            json!({
                "id": record.id,
                "kind": record.kind,
                "order": record.subject,
                "to": record.to,
                "state": record.state,
                "attempts": record.attempts,
            })
        });
        shown.collect()
    }

    fn enter(&self, letter: &Letter) {
        let mut records = self.records.lock();
        if records.len() == RECORDS {
            records.pop_front();
        }
        records.push_back(Record {
            id: letter.id.clone(),
            kind: letter.kind.clone(),
            subject: letter.subject.clone(),
            to: letter.to.clone(),
            state: if letter.to.is_some() { "waiting" } else { "no_address" },
            attempts: Vec::new(),
        });
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.records.lock().iter_mut().rev().find(|record| record.id == id) {
            change(record);
        }
    }

    fn scaled(&self, step: Duration) -> Duration {
        step.saturating_mul(self.scale) / 1_000_000
    }
}

/// Tells of an event, on tasks of its own.
pub(super) fn tell(shared: &Arc<Shared>, event: &Event) {
    for mut letter in shared.dialect.letters(event, &shared.desk) {
        let notifier = &shared.notifier;
        letter.to = notifier.to.lock().clone().or(letter.to);
        notifier.enter(&letter);
        if letter.to.is_none() {
            continue;
        }
        let Ok(place) = notifier.waiting.clone().try_acquire_owned() else {
            notifier.change(&letter.id, |record| record.state = "too_many");
            continue;
        };
        let strikes = |fault| shared.faults.strikes(fault, On::Notification, &letter.subject);
        let twice = strikes(Fault::DuplicateNotification);
        let late = strikes(Fault::LateNotification);
        let reordered = strikes(Fault::ReorderedNotification);
        let parcel = Parcel { letter, twice, signed: Vec::new(), _place: place };
        let weak = Arc::downgrade(shared);
        if late {
            let wait = notifier.late;
            tokio::spawn(async move {
                sleep(wait).await;
                deliver(weak, parcel, None).await;
            });
            continue;
        }
        let mut held = notifier.held.lock();
        if reordered && held.is_none() {
            tokio::spawn(release(weak, parcel.letter.id.clone(), notifier.late));
            *held = Some(parcel);
        } else {
            // What was held back follows the first attempt of this one.
            tokio::spawn(deliver(weak, parcel, held.take()));
        }
    }
}

/// Sends what is still held back when it is late: nothing came that it could follow.
async fn release(shared: Weak<Shared>, id: String, late: Duration) {
    sleep(late).await;
    let Some(strong) = shared.upgrade() else { return };
    let alone = strong.notifier.held.lock().take_if(|parcel| parcel.letter.id == id);
    drop(strong);
    if let Some(parcel) = alone {
        deliver(shared, parcel, None).await;
    }
}

/// Sends a letter until it is acknowledged or the ladder ends, and the follower after the first time.
fn deliver(
    shared: Weak<Shared>,
    mut parcel: Parcel,
    mut follower: Option<Parcel>,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let mut step = 0;
        loop {
            let Some(strong) = shared.upgrade() else { return };
            let (outcome, acknowledged) = attempt(&strong, &mut parcel).await;
            let wait = strong.dialect.ladder().get(step).map(|step| strong.notifier.scaled(*step));
            strong.notifier.change(&parcel.letter.id, |record| {
                record.attempts.push(outcome);
                if acknowledged {
                    record.state = "acknowledged";
                } else if wait.is_none() && record.state != "acknowledged" {
                    record.state = "given_up";
                }
            });
            drop(strong);
            if let Some(follower) = follower.take() {
                tokio::spawn(deliver(shared.clone(), follower, None));
            }
            if acknowledged {
                if !std::mem::take(&mut parcel.twice) {
                    return;
                }
                continue;
            }
            let Some(wait) = wait else { return };
            step += 1;
            sleep(wait).await;
        }
    })
}

/// What came of an attempt, for the record, and whether it was acknowledged.
async fn attempt(shared: &Shared, parcel: &mut Parcel) -> (Value, bool) {
    let letter = &parcel.letter;
    let _turn = shared.notifier.attempts.acquire().await;
    let mut how = shared.sealing(On::Notification, &letter.subject, |_| true);
    // Two attempts of one second would be signed alike, and the second taken for a replay of the first.
    while parcel.signed.contains(&how.now.as_secs()) {
        how.now += Duration::from_secs(1);
    }
    parcel.signed.push(how.now.as_secs());
    let envelope = shared.dialect.seal_letter(letter, &how, &shared.desk);
    let at = shared.desk.now().as_secs();
    let url = letter.to.as_deref().unwrap_or_default();
    shared.sends(url, &envelope);
    let request = shared.notifier.client.post(url).headers(envelope.headers).body(envelope.body);
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return (json!({ "at": at, "failed": failure(&error) }), false),
    };
    let status = answer.status();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > ANSWER {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    let acknowledged = shared.dialect.acknowledged(status, &body);
    (json!({ "at": at, "status": status.as_u16(), "acknowledged": acknowledged }), acknowledged)
}

fn failure(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        refusal(error)
    } else if error.is_builder() {
        "not a URL"
    } else {
        "the connection broke"
    }
}

/// Why there is no connection, as far as a cause says it.
fn refusal(error: &reqwest::Error) -> &'static str {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return distrust(error);
        }
        let broken = error.downcast_ref::<io::Error>();
        if broken.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return "connection refused";
        }
        // What an I/O error wraps is not its source.
        let wrapped = broken.and_then(io::Error::get_ref);
        cause = wrapped.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source());
    }
    "no connection"
}

fn distrust(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError::{NotValidForName, NotValidForNameContext};

    match error {
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "the certificate is for another name"
        }
        rustls::Error::InvalidCertificate(_) => "the certificate is not trusted",
        _ => "no TLS connection",
    }
}

/// What providers wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
const CONCURRENT: usize = 32;
/// Letters that are on their way at once; more are not sent, and the book says so.
const WAITING: usize = 4_096;
const RECORDS: usize = 1_000;
const ANSWER: usize = 64 * 1024;
