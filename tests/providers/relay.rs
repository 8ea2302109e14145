//! Somebody between the gateway and a provider, who changes messages on their way.

use std::{net::SocketAddr, sync::Arc};

use parking_lot::Mutex;

use super::message::{Change, Message, nothing};
use crate::support::*;

/// Passes on what it receives, and does with it what it was told.
pub struct Relay {
    /// Where the gateway believes the provider to be.
    pub server: Provider,
    plan: Arc<Mutex<Plan>>,
}

struct Plan {
    request: Arc<Change>,
    answer: Arc<Change>,
    /// The answer breaks off in the middle of its body.
    cut: bool,
    leads_to: Option<SocketAddr>,
}

impl Relay {
    /// Before the provider at this address.
    pub async fn before(address: &str) -> Self {
        let relay = Self::new().await;
        relay.leads_to(address.parse().expect("an address"));
        relay
    }

    /// Before somebody who is named later.
    pub async fn new() -> Self {
        let plan = Arc::new(Mutex::new(Plan {
            request: Arc::new(nothing()),
            answer: Arc::new(nothing()),
            cut: false,
            leads_to: None,
        }));
        let theirs = plan.clone();
        let server = Provider::raw(move |mut peer| {
            let plan = theirs.clone();
            async move {
                let address = plan.lock().leads_to;
                let mut provider = Http1::connect(address.expect("somebody")).await;
                while let Some(request) = peer.request().await {
                    let (on_request, on_answer, cut) = {
                        let plan = plan.lock();
                        (plan.request.clone(), plan.answer.clone(), plan.cut)
                    };
                    let mut message = Message::of_request(&request);
                    on_request(&mut message);
                    let mut answer = Message::of_answer(&message.send(&mut provider).await);
                    on_answer(&mut answer);
                    if cut {
                        let length = answer.body.len();
                        let head =
                            format!("HTTP/1.1 200 Reply\r\nContent-Length: {length}\r\n\r\n");
                        peer.write(head).await;
                        peer.write(&answer.body[..length / 2]).await;
                        return;
                    }
                    if peer.reply(&answer.reply()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        Self { server, plan }
    }

    /// Says before whom it stands.
    pub fn leads_to(&self, address: SocketAddr) {
        self.plan.lock().leads_to = Some(address);
    }

    /// From now on this is done to answers, and nothing to requests.
    pub fn on_answers(&self, change: Change) {
        let mut plan = self.plan.lock();
        plan.answer = Arc::new(change);
        plan.request = Arc::new(nothing());
        plan.cut = false;
    }

    /// From now on this is done to requests, and nothing to answers.
    pub fn on_requests(&self, change: Change) {
        let mut plan = self.plan.lock();
        plan.request = Arc::new(change);
        plan.answer = Arc::new(nothing());
        plan.cut = false;
    }

    /// From now on answers break off.
    pub fn cuts(&self) {
        self.plan.lock().cut = true;
    }
}
