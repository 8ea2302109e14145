//! Who plays in the act: a twin of each provider, and the institution's own service.

use std::{path::Path, sync::Arc, time::Duration};

use tollgate_api::{Clock, Entropy};

use super::super::stage::StageError;
use crate::sandbox::{
    Institution, Materials, Server,
    twin::{self, Kept, OpenError, Options, PROVIDERS, Twin},
};

/// Everybody but the gateway.
pub(in crate::cli::demo) struct Cast {
    /// WeChat Pay, for mobile payments.
    pub wechat_pay: Party,
    /// Alipay, for online payments.
    pub alipay: Party,
    /// Stripe, for card payments.
    pub stripe: Party,
    /// The institution's service, to see which events it got.
    pub institution: Arc<Institution>,
    /// Where it is served.
    pub institution_url: String,
    receiving: Server<Institution>,
}

/// A provider's twin that is served.
pub(in crate::cli::demo) struct Party {
    /// The twin.
    pub twin: Arc<Twin>,
    /// Where it is served.
    pub url: String,
    server: Server<Twin>,
}

/// What everybody is made of.
struct Making<'a> {
    folder: &'a Path,
    materials: &'a Materials,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Cast {
    /// Serves everybody on free ports. The merchant's files go into a folder for each provider.
    pub fn serve(
        folder: &Path,
        materials: &Materials,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StageError> {
        let institution = Arc::<Institution>::default();
        let pair = &materials.institution;
        let receiving = Server::start("institution", institution.clone(), pair, clock.clone())?;
        let making = Making { folder, materials, clock, entropy };
        Ok(Self {
            wechat_pay: making.party("wechat_pay")?,
            alipay: making.party("alipay")?,
            stripe: making.party("stripe")?,
            institution_url: format!("https://{}", receiving.address()),
            institution,
            receiving,
        })
    }

    /// What changes in `conf/payments.yaml` for these providers: from, to.
    pub fn changes(&self) -> Vec<(String, String)> {
        let endpoints = [
            ("[https://api.mch.weixin.qq.com, https://api2.mch.weixin.qq.com]", &self.wechat_pay),
            ("[https://openapi.alipay.com]", &self.alipay),
            ("[https://api.stripe.com]", &self.stripe),
        ];
        let mut changes: Vec<_> =
            endpoints.iter().map(|(from, party)| ((*from).to_owned(), party.endpoint())).collect();
        changes.extend(self.wechat_pay.changes(&[
            ("PUB_KEY_ID_0119000001092025010100382700009999", Own::Text("pub_key_id")),
            ("4C1A0F9B3D2E7F60514233241506F7E8D9CABB01", Own::Fact("serial_no")),
            ("keys/wechat_pay.pem", Own::Path("pub_key.pem")),
            ("secrets/apiclient_key.pem", Own::Path("apiclient_key.pem")),
            ("env: WECHAT_API_V3_KEY", Own::Secret("api_v3_key")),
        ]));
        changes.extend(self.alipay.changes(&[
            ("secrets/alipay-app.key", Own::Path("app_private_key.pem")),
            ("keys/alipay.pem", Own::Path("alipay_public_key.pem")),
        ]));
        changes.extend(self.stripe.changes(&[
            ("env: STRIPE_SECRET_KEY", Own::Secret("secret_key")),
            ("env: STRIPE_WEBHOOK_SECRET", Own::Secret("webhook_secret")),
        ]));
        changes.push(("livemode: true".to_owned(), "livemode: false".to_owned()));
        changes
    }

    /// Every twin.
    pub fn parties(&self) -> [&Party; 3] {
        [&self.wechat_pay, &self.alipay, &self.stripe]
    }

    /// Ends everybody.
    pub async fn stop(&self) {
        let twins = self.parties().map(|party| party.server.stop());
        tokio::join!(futures::future::join_all(twins), self.receiving.stop());
    }
}

/// Something of a twin's that stands in the configuration.
#[derive(Clone, Copy)]
enum Own {
    /// What is in this file.
    Text(&'static str),
    /// The path of this file.
    Path(&'static str),
    /// This file as a reference to a secret.
    Secret(&'static str),
    /// The number that is called so.
    Fact(&'static str),
}

impl Making<'_> {
    fn party(&self, name: &str) -> Result<Party, StageError> {
        let open = PROVIDERS.iter().find(|(other, _)| *other == name).map(|(_, open)| open);
        let dialect = open
            .ok_or(OpenError::Unusable)
            .and_then(|open| open(&Kept::default(), self.clock.unix(), &*self.entropy))?;
        twin::write(&self.folder.join(name), &dialect.files())?;
        let options = Options {
            trust: Some(self.materials.authority().as_bytes().to_vec()),
            ladder_scale: LADDER,
            slow: Duration::from_secs(1),
            ..Options::default()
        };
        let twin = Twin::new(dialect, options, self.clock.clone(), self.entropy.clone());
        let twin = twin.map_err(StageError::Client)?;
        let (pair, clock) = (&self.materials.twin, self.clock.clone());
        let server = Server::start(name, twin.clone(), pair, clock)?;
        let url = format!("https://{}", server.address());
        twin.dialect().served_at(&url);
        Ok(Party { twin, url, server })
    }
}

impl Party {
    /// What the provider is called, in configurations and as a channel.
    pub fn name(&self) -> &'static str {
        self.twin.dialect().name()
    }

    /// The setting `endpoints`, and whom to trust there.
    fn endpoint(&self) -> String {
        format!("[{}]\n    tls: {{ trust: ca.pem }}", self.url)
    }

    fn changes(&self, wanted: &[(&str, Own)]) -> Vec<(String, String)> {
        let (files, facts) = (self.twin.dialect().files(), self.twin.dialect().facts());
        let own = |own| match own {
            Own::Text(name) => {
                let file = files.iter().find(|file| file.name == name);
                file.map(|file| file.text.trim().to_owned()).unwrap_or_default()
            }
            Own::Path(name) => format!("{}/{name}", self.name()),
            Own::Secret(name) => format!("file: {}/{name}", self.name()),
            Own::Fact(name) => {
                let fact = facts.iter().find(|(label, _)| label.contains(name));
                fact.map(|(_, fact)| fact.clone()).unwrap_or_default()
            }
        };
        wanted.iter().map(|(from, to)| ((*from).to_owned(), own(*to))).collect()
    }
}

/// Of a million, how much of a provider's waiting time between notifications is waited: WeChat Pay
/// comes again after 15 ms instead of 15 s.
const LADDER: u32 = 1_000;
