//! What the tests of plugins share: a place to build them in and exchanges to send through them.
//!
//! A [`Bench`] is the gateway around a plugin, without a gateway: a clock that moves when told to,
//! files and secrets from memory, remote addresses that answer what the test says, figures that can
//! be read back. Nothing here is for production.

mod callers;
mod fetch;
mod figures;
mod limiter;
mod replay;
mod sources;

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method};

pub use callers::{FakeCaller, FakeCallers};
pub use fetch::{FakeFetch, Remote};
pub use figures::Figures;
pub use limiter::FakeLimiters;
pub use replay::FakeReplaySets;
pub use sources::MemorySources;

use crate::{
    Answer, Body, Build, Built, Clock, Connection, Definition, Entropy, Exchange, Fault, Flow,
    Jobs, ManualClock, Measures, Origin, Plugin, Request, SeededEntropy, SettingError, Settings,
    Side, State, Stores, Tick,
};

/// The time a [`Bench`] starts at: 2026-01-01T00:00:00Z.
pub const NOW: u64 = 1_767_225_600;

/// Everything a plugin is built from, under the test's control.
pub struct Bench {
    /// The time; starts at [`NOW`].
    pub clock: Arc<ManualClock>,
    /// Repeatable randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Remote addresses.
    pub fetch: FakeFetch,
    /// Upstreams that can be called.
    pub callers: FakeCallers,
    /// Files and secrets.
    pub sources: MemorySources,
    /// State that survives from one [`build`](Bench::build) to the next, as it does a reload.
    pub state: State,
    /// What was declared by the plugins built so far.
    pub jobs: Jobs,
    /// What plugins reported.
    pub figures: Arc<Figures>,
    /// Stores; the limiters allow everything until told otherwise.
    pub stores: Stores,
    /// Where the next plugin will stand.
    pub side: Side,
    /// Whether the next plugin runs in shadow.
    pub shadow: bool,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// A bench for route plugins.
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(NOW)));
        Self {
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(1)),
            fetch: FakeFetch::default(),
            callers: FakeCallers::default(),
            sources: MemorySources::default(),
            state: State::default(),
            jobs: Jobs::default(),
            figures: Arc::default(),
            stores: Stores {
                rate_limiters: Arc::new(FakeLimiters::default()),
                replay_sets: Arc::new(FakeReplaySets::new(clock)),
            },
            side: Side::Route,
            shadow: false,
        }
    }

    /// A bench for upstream plugins.
    pub fn upstream() -> Self {
        Self { side: Side::Upstream, ..Self::new() }
    }

    /// Builds a plugin from settings, as the configuration does, under the name `route/<kind>`.
    pub fn build<S: Settings>(&mut self, settings: serde_json::Value) -> Built {
        self.build_named::<S>(&format!("route/{}", S::KIND), settings)
    }

    /// Builds a plugin under this name.
    pub fn build_named<S: Settings>(&mut self, name: &str, settings: serde_json::Value) -> Built {
        self.with_build(name, |build| (Definition::of::<S>().build)(settings, build))
    }

    /// Lends what a plugin of this name would be built from.
    pub fn with_build<T>(&mut self, name: &str, make: impl FnOnce(&mut Build<'_>) -> T) -> T {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let measures: Arc<dyn Measures> = self.figures.clone();
        let mut build = Build {
            side: self.side,
            name,
            shadow: self.shadow,
            clock,
            entropy: self.entropy.clone(),
            stores: &self.stores,
            fetch: &self.fetch,
            callers: &self.callers,
            sources: &mut self.sources,
            state: &self.state,
            jobs: &mut self.jobs,
            measures,
        };
        make(&mut build)
    }

    /// Builds a plugin that must be accepted.
    ///
    /// # Panics
    /// If it is refused, with the errors.
    pub fn plugin<S: Settings>(&mut self, settings: serde_json::Value) -> Arc<dyn Plugin> {
        match self.build::<S>(settings) {
            Ok(plugin) => plugin,
            Err(errors) => panic!("the settings are refused: {errors:?}"),
        }
    }

    /// Builds a plugin that must be refused.
    ///
    /// # Panics
    /// If it is accepted.
    pub fn errors<S: Settings>(&mut self, settings: serde_json::Value) -> Vec<SettingError> {
        match self.build::<S>(settings) {
            Ok(_) => panic!("the settings are accepted"),
            Err(errors) => errors,
        }
    }

    /// Runs every declared job once, in the order declared.
    pub async fn run_jobs(&mut self) {
        let jobs = std::mem::take(&mut self.jobs).into_inner();
        for job in &jobs {
            (job.run)().await;
        }
        for job in jobs {
            let run = job.run;
            self.jobs.every(job.name, job.fingerprint, job.every, move || run());
        }
    }
}

/// An exchange at its start: `POST http://pay.example/v1/payments` from 192.0.2.10 without a body.
pub fn exchange() -> Exchange {
    exchange_from(IpAddr::from([192, 0, 2, 10]))
}

/// The same from another address.
pub fn exchange_from(client: IpAddr) -> Exchange {
    let connection = Connection {
        listener: "partners".into(),
        peer: (client, 40_000).into(),
        local: ([127, 0, 0, 1], 8443).into(),
        tls: None,
    };
    let request = Request {
        method: Method::POST,
        host: "pay.example".to_owned(),
        port: None,
        path: "/v1/payments".to_owned(),
        query: None,
        headers: HeaderMap::new(),
        body: Body::Empty,
    };
    Exchange::new(
        Arc::new(connection),
        client,
        "test-1".into(),
        "create-payment".into(),
        Tick(0),
        request,
    )
}

/// An exchange whose request has these header fields, in this order.
///
/// # Panics
/// If a field is not valid.
pub fn exchange_with(headers: &[(&str, &str)]) -> Exchange {
    let mut exchange = exchange();
    exchange.request.headers = header_map(headers);
    exchange
}

/// An exchange whose request holds this body, as `application/json`.
pub fn exchange_with_body(body: impl Into<bytes::Bytes>) -> Exchange {
    let mut exchange = exchange_with(&[("content-type", "application/json")]);
    exchange.request.body = Body::Held(body.into());
    exchange
}

/// A provider's answer of status 200 that holds this body, as `application/json`.
pub fn answer_with_body(body: impl Into<bytes::Bytes>) -> Answer {
    let mut answer = Answer::new(http::StatusCode::OK, "application/json", body.into());
    answer.origin = Origin::Provider;
    answer
}

/// Header fields from text.
///
/// # Panics
/// If one is not valid.
pub fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        match (HeaderName::try_from(*name), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => map.append(name, value),
            _ => panic!("`{name}` is not a valid header field"),
        };
    }
    map
}

/// Sends a request through a plugin: `Ok` when the chain would go on.
///
/// # Panics
/// If the plugin answers by itself.
pub async fn request(plugin: &dyn Plugin, exchange: &mut Exchange) -> Result<(), Fault> {
    match plugin.on_request(exchange).resolve().await? {
        Flow::Continue => Ok(()),
        Flow::Respond(answer) => panic!("the plugin answers by itself with {}", answer.status),
    }
}

/// Sends an answer back through a plugin.
pub async fn respond(
    plugin: &dyn Plugin,
    exchange: &mut Exchange,
    answer: Answer,
) -> Result<(), Fault> {
    exchange.answer = Some(answer);
    plugin.on_response(exchange).resolve().await.map(drop)
}

/// The name of the fault's code, or `ok`: reads well in table tests.
pub fn verdict(result: &Result<(), Fault>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(fault) => fault.code().name,
    }
}

#[cfg(test)]
mod tests {
    use futures::{future::join, pin_mut, poll};

    use super::*;
    use crate::{Fetch, FetchError, Measure};

    #[tokio::test]
    async fn a_held_remote_answers_when_released_and_counts_its_callers() {
        let fetch = FakeFetch::default();
        let remote = fetch.remote("https://id.example/jwks.json");
        remote.serves("{}");
        remote.hold();
        let fetcher = fetch.fetcher("https://id.example/jwks.json", None).unwrap();
        let get = fetcher.get(10, Duration::from_secs(1));
        pin_mut!(get);
        assert!(poll!(&mut get).is_pending(), "held");
        let (answer, ()) = join(get, async { remote.release() }).await;
        assert_eq!(answer.map(|fetched| fetched.body), Ok("{}".into()), "released");
        let small = fetcher.get(1, Duration::from_secs(1)).await.map(|fetched| fetched.status);
        assert_eq!(small, Err(FetchError::TooLarge), "the limit counts");
        assert_eq!(remote.calls(), 2, "both were counted");
    }

    #[tokio::test]
    async fn jobs_can_be_run_more_than_once_and_figures_read_back() {
        let mut bench = Bench::new();
        let figures = bench.figures.clone();
        bench.jobs.every("job", 1, Duration::from_secs(1), move || {
            let figures = figures.clone();
            async move { figures.add("x", Measure::KeyUses, 1) }
        });
        bench.run_jobs().await;
        bench.run_jobs().await;
        assert_eq!(bench.figures.of("x", Measure::KeyUses), Some(2.0), "ran twice");
        assert_eq!(bench.figures.of("x", Measure::Degraded), None, "never reported");
    }
}
