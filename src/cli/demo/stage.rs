//! Everything that runs in a demonstration, and where it is.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::task::JoinHandle;
use tollgate_api::{Clock, Entropy, SystemClock, SystemEntropy};
use tollgate_crypto::to_hex;

use super::{
    super::{BAD_CONFIGURATION, CANNOT_START},
    call::Client,
    gateway::{self, Ports},
    life::Cast,
};
use crate::{
    process::Process,
    reload,
    sandbox::{
        self, Issuer, MakeError, Materials, Provider, Server, twin::OpenError, write_private,
    },
};

/// What runs.
pub(super) struct Stage {
    /// The folder with keys, certificates and the configuration.
    pub folder: PathBuf,
    /// The gateway as callers name it.
    pub gateway: String,
    /// The payments API as callers name it.
    pub payments: String,
    /// Where providers notify the gateway.
    pub notifications: String,
    /// The second act's parties.
    pub cast: Cast,
    /// The operators' address.
    pub admin: String,
    /// The token issuer.
    pub issuer: String,
    /// Provider A.
    pub acquirer: Hosted,
    /// Provider B.
    pub wallet: Hosted,
    /// Clients' secrets at the issuer, which are all the same.
    pub secret: String,
    /// Sends requests.
    pub client: Client,
    /// The port that was asked for and taken, if it was.
    pub taken: Vec<u16>,
    process: Process,
    watching: JoinHandle<()>,
    issuing: Server<Issuer>,
}

/// A provider that is served.
pub(super) struct Hosted {
    /// The provider itself, to look into its book.
    pub provider: Arc<Provider>,
    /// Where it is served.
    pub url: String,
    server: Server<Provider>,
}

/// Why the stage could not be set.
#[derive(Debug, Error)]
pub(super) enum StageError {
    #[error("error: {0}")]
    Make(#[from] MakeError),
    #[error("error: a key that was just made cannot be used")]
    Key,
    #[error("error: {0}")]
    Twin(#[from] OpenError),
    #[error("error: {0}")]
    Serve(#[from] sandbox::StartError),
    #[error("error: the folder cannot be written to: {0}")]
    Write(#[from] io::Error),
    #[error("error: the client cannot be made: {0}")]
    Client(String),
    #[error("{0}")]
    Configuration(String),
    #[error("error: {0}")]
    Start(String),
}

impl StageError {
    /// With which code the process ends.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Configuration(_)) { BAD_CONFIGURATION } else { CANNOT_START }
    }
}

impl Stage {
    /// Starts everything, the gateway last, on this port if it is free.
    pub async fn set(folder: &Path, port: u16) -> Result<Self, StageError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let materials = Materials::make(clock.unix(), &*entropy)?;
        materials.write(folder)?;

        let mut secret = [0_u8; 12];
        entropy.fill(&mut secret);
        let secret = to_hex(&secret);
        let clients =
            CLIENTS.map(|id| sandbox::Client { id, secret: secret.clone(), scope: SCOPE });
        let issuer = Issuer::new(AUDIENCE, clients.into(), clock.clone(), entropy.clone());
        let issuer = Arc::new(issuer.ok_or(StageError::Key)?);
        let issuing = Server::start("issuer", issuer.clone(), &materials.issuer, clock.clone())?;
        let issuer_url = format!("https://{}", issuing.address());
        issuer.set_name(&issuer_url);

        let dialect = Box::new(materials.acquirer_dialect().ok_or(StageError::Key)?);
        let provider = Provider::new("card-acquirer", "card", dialect, entropy.clone());
        let acquirer = Hosted::serve(provider, &materials.acquirer, clock.clone())?;
        let dialect = Box::new(materials.wallet_dialect().ok_or(StageError::Key)?);
        let provider = Provider::new("wallet", "wallet", dialect, entropy.clone())
            .with_api_key(materials.wallet_api_key().to_owned());
        let wallet = Hosted::serve(provider, &materials.wallet, clock.clone())?;
        let cast = Cast::serve(folder, &materials, clock, entropy)?;

        let others = [issuing.address(), acquirer.server.address(), wallet.server.address()];
        let [issuer, a, b] = others.map(|address| address.to_string());
        let files = [gateway::demo([&issuer, &a, &b]), gateway::payments(&issuer, &cast)];
        let (process, ports) = gateway::start(folder, &files, port).await?;
        let Ports { callers, applications, providers, admin, taken } = ports;
        let watching = tokio::spawn(reload::watch(process.reloader().clone()));
        let machine = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let client = Client::new(materials.authority(), machine).map_err(StageError::Client)?;
        let stage = Self {
            folder: folder.to_owned(),
            gateway: format!("https://localhost:{callers}"),
            payments: format!("https://localhost:{applications}"),
            notifications: format!("https://127.0.0.1:{providers}"),
            admin: format!("http://127.0.0.1:{admin}"),
            cast,
            issuer: issuer_url,
            acquirer,
            wallet,
            secret,
            client,
            taken,
            process,
            watching,
            issuing,
        };
        // Requests do not say it: merchants say it once, in Stripe's Dashboard.
        stage.cast.stripe.twin.notify(&format!("{}/notify/stripe", stage.notifications));
        write_private(&folder.join("demo.json"), &format!("{:#}\n", stage.directory()))?;
        Ok(stage)
    }

    /// Where everything is, for programs; written to `demo.json` when everything is up.
    fn directory(&self) -> Value {
        let mut providers =
            json!({ "card-acquirer": self.acquirer.url, "wallet": self.wallet.url });
        if let Some(members) = providers.as_object_mut() {
            let parties = self.cast.parties().into_iter();
            members.extend(parties.map(|party| (party.name().into(), party.url.clone().into())));
        }
        json!({
            "gateway": self.gateway,
            "payments": self.payments,
            "notifications": self.notifications,
            "admin": self.admin,
            "issuer": self.issuer,
            "authority": self.folder.join("ca.pem"),
            "client_id": SHOP,
            "client_secret": self.secret,
            "providers": providers,
            "institution": self.cast.institution_url,
        })
    }

    /// A token for this client, meant for us or for somebody else.
    pub async fn token(&self, client: &str, audience: Option<&str>) -> Result<String, String> {
        self.client.token(&self.issuer, (client, &self.secret), audience).await
    }

    /// The file of the configuration that the walk edits. The other one is beside it.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join(gateway::DEMO)
    }

    /// Replaces the configuration as an editor or a deployment does: at once, by a rename.
    pub fn write_configuration(&self, text: &str) -> io::Result<()> {
        let next = self.folder.join("tollgate.yaml.next");
        write_private(&next, text)?;
        fs::rename(next, self.configuration())
    }

    /// Ends everything, the gateway first.
    pub async fn strike(&self) {
        self.watching.abort();
        self.process.drain().await;
        self.process.flush();
        tokio::join!(
            self.issuing.stop(),
            self.acquirer.server.stop(),
            self.wallet.server.stop(),
            self.cast.stop(),
        );
    }
}

impl Hosted {
    fn serve(
        provider: Provider,
        certificate: &sandbox::Pair,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, sandbox::StartError> {
        let provider = Arc::new(provider);
        let server = Server::start(provider.name(), provider.clone(), certificate, clock)?;
        Ok(Self { provider, url: format!("https://{}", server.address()), server })
    }
}

/// Who calls the gateway.
pub(super) const SHOP: &str = "demo-shop";
/// Whose many payments are the load.
pub(super) const MARKET: &str = "demo-market";
/// Who checks too many cards.
pub(super) const PROBER: &str = "demo-prober";
const CLIENTS: [&str; 3] = [SHOP, MARKET, PROBER];
const AUDIENCE: &str = "payments";
const SCOPE: &str = "payments:write payments:read payments:raw cards:check";
