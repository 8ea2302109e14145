//! A provider's twin, served in this process.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tollgate::sandbox::{
    Server,
    twin::{Kept, Options, PROVIDERS, Twin},
};
use tollgate_api::{Clock, SystemClock, SystemEntropy};

use crate::support::*;

/// A twin on a free port.
pub struct Stand {
    pub twin: Arc<Twin>,
    /// Where it is: `127.0.0.1:9443`.
    pub address: String,
    _server: Server<Twin>,
}

impl Stand {
    /// This provider's, with new keys. Notifications go to this address, whatever requests say.
    pub fn new(provider: &str, notify: &str) -> Self {
        Self::at(Arc::new(SystemClock::new()), provider, notify)
    }

    /// The same by this clock.
    pub fn at(clock: Arc<dyn Clock>, provider: &str, notify: &str) -> Self {
        prepare();
        let (_, open) = PROVIDERS.iter().find(|(name, _)| *name == provider).expect("a twin");
        let dialect = open(&Kept::default(), clock.unix(), &SystemEntropy).unwrap();
        let options = Options {
            notify: Some(notify.to_owned()),
            ladder_scale: 1,
            refund_after: Duration::from_hours(1),
            ..Options::default()
        };
        let twin = Twin::new(dialect, options, clock.clone(), Arc::new(SystemEntropy)).unwrap();
        let here = ([127, 0, 0, 1], 0).into();
        let server = Server::start_at(here, "twin", twin.clone(), None, clock).unwrap();
        let address = server.address().to_string();
        twin.dialect().served_at(&format!("http://{address}"));
        Self { twin, address, _server: server }
    }

    /// One of its files, as it is now.
    pub fn file(&self, name: &str) -> String {
        let files = self.twin.dialect().files();
        let file = files.into_iter().find(|file| file.name == name);
        file.unwrap_or_else(|| panic!("no file `{name}`")).text
    }

    /// One of its facts, by a part of its name.
    pub fn fact(&self, part: &str) -> String {
        let facts = self.twin.dialect().facts();
        let fact = facts.into_iter().find(|(name, _)| name.contains(part));
        fact.unwrap_or_else(|| panic!("no fact `{part}`")).1
    }

    /// A recipe with all its files, below `twin/`.
    pub fn recipe(&self, yaml: impl Into<String>) -> Recipe {
        let files = self.twin.dialect().files();
        files.iter().fold(Recipe::new(yaml), |recipe, file| {
            recipe.file(&format!("twin/{}", file.name), &file.text)
        })
    }

    /// Why it refused requests, by its codes.
    pub fn refusals(&self) -> Vec<String> {
        let refusals = self.twin.desk().refusals();
        refusals.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    }

    /// How many orders stand in its book.
    pub fn orders(&self) -> u64 {
        self.twin.book()["orders"].as_u64().unwrap()
    }

    /// Waits until this is true of what became of its notifications.
    pub async fn told(&self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        within(what, async {
            while !holds(&self.twin.notifications()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
