//! Everything that runs in a demonstration, and where it is.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinHandle};
use tollgate_api::{Clock, Entropy, SystemClock, SystemEntropy};
use tollgate_crypto::to_hex;

use super::{
    super::{BAD_CONFIGURATION, CANNOT_START},
    call::Client,
};
use crate::{
    config::Style,
    process::{self, Process},
    reload,
    sandbox::{self, Issuer, MakeError, Materials, Provider, Server, write_private},
};

/// What runs.
pub(super) struct Stage {
    /// The folder with keys, certificates and the configuration.
    pub folder: PathBuf,
    /// The gateway as callers name it.
    pub gateway: String,
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
        let provider = Provider::new("wallet", "wallet", dialect, entropy)
            .with_api_key(materials.wallet_api_key().to_owned());
        let wallet = Hosted::serve(provider, &materials.wallet, clock)?;

        let text = TEMPLATE
            .replace("127.0.0.1:9441", &issuing.address().to_string())
            .replace("127.0.0.1:9442", &acquirer.server.address().to_string())
            .replace("127.0.0.1:9443", &wallet.server.address().to_string());
        let (process, ports) = start(folder, &text, port).await?;
        let Ports { port, admin_port, taken } = ports;
        let watching = tokio::spawn(reload::watch(process.reloader().clone()));
        let gateway = SocketAddr::from(([127, 0, 0, 1], port));
        let client = Client::new(materials.authority(), gateway).map_err(StageError::Client)?;
        let stage = Self {
            folder: folder.to_owned(),
            gateway: format!("https://localhost:{port}"),
            admin: format!("http://127.0.0.1:{admin_port}"),
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
        write_private(&folder.join("demo.json"), &format!("{:#}\n", stage.directory()))?;
        Ok(stage)
    }

    /// Where everything is, for programs; written to `demo.json` when everything is up.
    fn directory(&self) -> Value {
        json!({
            "gateway": self.gateway,
            "admin": self.admin,
            "issuer": self.issuer,
            "authority": self.folder.join("ca.pem"),
            "client_id": SHOP,
            "client_secret": self.secret,
            "providers": { "card-acquirer": self.acquirer.url, "wallet": self.wallet.url },
        })
    }

    /// A token for this client, meant for us or for somebody else.
    pub async fn token(&self, client: &str, audience: Option<&str>) -> Result<String, String> {
        self.client.token(&self.issuer, (client, &self.secret), audience).await
    }

    /// The configuration that the gateway runs on.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join(CONFIGURATION)
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
        tokio::join!(self.issuing.stop(), self.acquirer.server.stop(), self.wallet.server.stop());
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

/// Where the gateway is.
struct Ports {
    port: u16,
    admin_port: u16,
    taken: Vec<u16>,
}

/// Starts the gateway on this configuration, on this port if it is free.
async fn start(folder: &Path, text: &str, wanted: u16) -> Result<(Process, Ports), StageError> {
    let configuration = folder.join(CONFIGURATION);
    let mut left = TRIES;
    loop {
        let ports = free_ports(wanted).await?;
        let text = text
            .replace("127.0.0.1:8443", &format!("127.0.0.1:{}", ports.port))
            .replace("127.0.0.1:9180", &format!("127.0.0.1:{}", ports.admin_port));
        write_private(&configuration, &text)?;
        left -= 1;
        match Process::start(configuration.clone()) {
            Ok(process) => return Ok((process, ports)),
            // Somebody else was faster.
            Err(process::StartError::Bind(_)) if left > 0 => {}
            Err(process::StartError::Configuration(report)) => {
                return Err(StageError::Configuration(report.render(Style::for_stderr())));
            }
            Err(other) => return Err(StageError::Start(other.to_string())),
        }
    }
}

/// The ports that are wanted, each if it is free, else another one. Both are held until both are
/// found, so that they differ.
async fn free_ports(wanted: u16) -> io::Result<Ports> {
    let mut taken = Vec::new();
    let admin = free_port(if wanted == 0 { 0 } else { ADMIN }, &mut taken).await?;
    let callers = free_port(wanted, &mut taken).await?;
    let (admin_port, port) = (admin.local_addr()?.port(), callers.local_addr()?.port());
    Ok(Ports { port, admin_port, taken })
}

/// This port if it is free, else another one.
async fn free_port(wanted: u16, taken: &mut Vec<u16>) -> io::Result<TcpListener> {
    if let Ok(socket) = TcpListener::bind(("127.0.0.1", wanted)).await {
        return Ok(socket);
    }
    taken.push(wanted);
    TcpListener::bind(("127.0.0.1", 0)).await
}

/// The configuration, as everybody can read it in the project.
const TEMPLATE: &str = include_str!("../../../conf/demo.yaml");
const CONFIGURATION: &str = "tollgate.yaml";
const ADMIN: u16 = 9180;
/// How often ports are looked for that nobody takes before the gateway does.
const TRIES: u32 = 5;

/// Who calls the gateway.
pub(super) const SHOP: &str = "demo-shop";
/// Whose many payments are the load.
pub(super) const MARKET: &str = "demo-market";
/// Who checks too many cards.
pub(super) const PROBER: &str = "demo-prober";
const CLIENTS: [&str; 3] = [SHOP, MARKET, PROBER];
const AUDIENCE: &str = "payments";
const SCOPE: &str = "payments:write cards:check";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_replaced_by_a_free_one() {
        let mut taken = Vec::new();
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let used = socket.local_addr().unwrap().port();
        let found = free_port(used, &mut taken).await.unwrap().local_addr().unwrap().port();
        assert!(found != used && found != 0, "another port: {found}");
        assert_eq!(taken, [used], "and it is said");
    }

    #[test]
    fn the_configuration_names_every_address_that_is_replaced() {
        for port in ["8443", "9180", "9441", "9442", "9443"] {
            let address = format!("127.0.0.1:{port}");
            assert!(TEMPLATE.contains(&address), "{address}");
        }
    }
}
