//! An event is delivered once, although providers send their notifications until they are
//! acknowledged, and sometimes after.
//!
//! What was delivered and acknowledged is acknowledged again without being delivered. What is being
//! delivered at this moment is refused, so that the provider sends it again later. What was refused or
//! failed may be delivered anew. The institution must still recognise an event that it has seen: when
//! its answer is lost, nobody else can know that it had arrived.

use std::{sync::Arc, time::Duration};

use tollgate_api::{Build, Fault, Measure, Measures, ReplaySet, Seen, codes};

/// Events of one provider and account.
pub struct Deliveries {
    delivered: Arc<dyn ReplaySet>,
    under_way: Arc<dyn ReplaySet>,
    measures: Arc<dyn Measures>,
    instance: String,
}

/// What to do with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Deliver it, then say [`Deliveries::done`] or [`Deliveries::abandon`].
    Deliver,
    /// It was delivered before: acknowledge it.
    Acknowledge,
}

impl Deliveries {
    /// Events under this name, of the provider and its account.
    pub fn new(build: &Build<'_>, name: &str) -> Self {
        let sets = &build.stores.replay_sets;
        Self {
            delivered: sets.replay_set(&format!("{name}/delivered")),
            under_way: sets.replay_set(&format!("{name}/under_way")),
            measures: build.measures.clone(),
            instance: build.name.to_owned(),
        }
    }

    /// Asks what to do with the event of this identifier. Refuses while it is being delivered.
    pub async fn begin(&self, event: &[u8]) -> Result<Delivery, Fault> {
        let unavailable = |error| Fault::new(&codes::STORE_UNAVAILABLE).caused_by(error);
        match self.under_way.insert(event, LONGEST).resolve().await.map_err(unavailable)? {
            Seen::Again => return Err(Fault::new(&codes::NOTIFICATION_IN_PROGRESS)),
            Seen::First => {}
        }
        // Asked after the insertion: between two copies that race, the one that comes second sees
        // either the first under way or its result.
        match self.delivered.contains(event).resolve().await {
            Ok(false) => Ok(Delivery::Deliver),
            Ok(true) => {
                self.under_way.remove(event);
                Ok(Delivery::Acknowledge)
            }
            Err(error) => {
                self.under_way.remove(event);
                Err(unavailable(error))
            }
        }
    }

    /// The institution took the event.
    pub async fn done(&self, event: &[u8]) {
        if self.delivered.insert(event, MEMORY).resolve().await.is_err() {
            // It may be delivered again then, which is the lesser evil, and which operators see.
            self.measures.add(&self.instance, Measure::EventsNotRemembered, 1);
        }
        self.under_way.remove(event);
    }

    /// The delivery is over without success, or nobody knows.
    pub fn abandon(&self, event: &[u8]) {
        self.under_way.remove(event);
    }
}

/// How long a delivered event is remembered. Providers give up after about a day.
pub const MEMORY: Duration = Duration::from_hours(72);
/// After this a delivery whose end nobody told counts as abandoned. Longer than any exchange takes,
/// so that nobody removes the mark of another delivery of the same event.
const LONGEST: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use tollgate_api::testing::{Bench, FakeReplaySets};

    use super::*;

    struct Scene {
        bench: Bench,
        sets: FakeReplaySets,
        deliveries: Deliveries,
    }

    impl Scene {
        fn new() -> Self {
            let mut bench = Bench::new();
            let sets = FakeReplaySets::new(bench.clock.clone());
            bench.stores.replay_sets = Arc::new(sets.clone());
            let deliveries =
                bench.with_build("route/stripe", |build| Deliveries::new(build, "provider/1"));
            Self { bench, sets, deliveries }
        }

        async fn begin(&self) -> Result<Delivery, &'static str> {
            self.deliveries.begin(b"EV-1").await.map_err(|fault| fault.code().name)
        }
    }

    #[tokio::test]
    async fn an_event_is_delivered_once_and_acknowledged_ever_after() {
        let scene = Scene::new();
        assert_eq!(scene.begin().await, Ok(Delivery::Deliver), "new");
        assert_eq!(scene.begin().await, Err("notification_in_progress"), "under way");
        scene.deliveries.done(b"EV-1").await;
        scene.bench.clock.advance(Duration::from_hours(25));
        for _ in 0..2 {
            assert_eq!(scene.begin().await, Ok(Delivery::Acknowledge), "delivered");
        }
        let other = scene.deliveries.begin(b"EV-2").await.unwrap();
        assert_eq!(other, Delivery::Deliver, "another event");
    }

    #[tokio::test]
    async fn what_failed_may_be_delivered_anew() {
        let scene = Scene::new();
        assert_eq!(scene.begin().await, Ok(Delivery::Deliver), "new");
        scene.deliveries.abandon(b"EV-1");
        assert_eq!(scene.begin().await, Ok(Delivery::Deliver), "it failed");
        scene.bench.clock.advance(LONGEST);
        assert_eq!(scene.begin().await, Ok(Delivery::Deliver), "nobody told its end");
    }

    #[tokio::test]
    async fn a_store_that_cannot_tell_delivers_nothing() {
        let scene = Scene::new();
        scene.sets.fail(true);
        assert_eq!(scene.begin().await, Err("store_unavailable"), "closed, not open");
        scene.sets.fail(false);
        assert_eq!(scene.begin().await, Ok(Delivery::Deliver), "and later it goes on");
    }

    #[tokio::test]
    async fn operators_see_what_could_not_be_remembered() {
        let scene = Scene::new();
        assert_eq!(scene.begin().await, Ok(Delivery::Deliver), "new");
        scene.sets.fail(true);
        scene.deliveries.done(b"EV-1").await;
        let told = scene.bench.figures.of("route/stripe", Measure::EventsNotRemembered);
        assert_eq!(told, Some(1.0), "one event may come again");
    }
}
