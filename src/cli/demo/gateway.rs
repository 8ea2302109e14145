//! The gateway of a demonstration: its two files in one folder, on ports that are free.

use std::{io, path::Path};

use tokio::net::TcpListener;

use super::{life::Cast, stage::StageError};
use crate::{
    config::Style,
    process::{self, Process},
    sandbox::write_private,
};

/// Where the gateway is.
pub(super) struct Ports {
    /// What the first act calls.
    pub callers: u16,
    /// The payments API.
    pub applications: u16,
    /// Where providers notify.
    pub providers: u16,
    /// The operators' address.
    pub admin: u16,
    /// Ports that were wanted and could not be had.
    pub taken: Vec<u16>,
}

/// Starts the gateway in this folder. `demo` and `payments` are its files, their addresses of others
/// already in them.
pub(super) async fn start(
    folder: &Path,
    [demo, payments]: &[String; 2],
    wanted: u16,
) -> Result<(Process, Ports), StageError> {
    let mut left = TRIES;
    loop {
        let ports = free_ports(wanted).await?;
        let at = |port: u16| format!("127.0.0.1:{port}");
        let own = [(CALLERS, &*at(ports.callers)), (OPERATORS, &at(ports.admin))];
        write_private(&folder.join(DEMO), &replaced(demo, &own))?;
        let own = [(APPLICATIONS, &*at(ports.applications)), (PROVIDERS, &at(ports.providers))];
        write_private(&folder.join(PAYMENTS), &replaced(payments, &own))?;
        left -= 1;
        match Process::start(folder.to_owned()) {
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

/// `conf/demo.yaml` with the addresses of the token issuer and the two providers.
pub(super) fn demo([issuer, acquirer, wallet]: [&str; 3]) -> String {
    replaced(
        DEMO_TEMPLATE,
        &[("127.0.0.1:9441", issuer), ("127.0.0.1:9442", acquirer), ("127.0.0.1:9443", wallet)],
    )
}

/// `conf/payments.yaml` on this machine: the twins in the place of the providers, their merchant's
/// credentials in the place of the examples, hosts that this machine knows.
pub(super) fn payments(issuer: &str, cast: &Cast) -> String {
    let changes = payment_changes(issuer, cast);
    let changes: Vec<_> = changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    replaced(PAYMENTS_TEMPLATE, &changes)
}

fn payment_changes(issuer: &str, cast: &Cast) -> Vec<(String, String)> {
    let issuer = format!("https://{issuer}");
    let mut changes = vec![
        // The other file says where operators look.
        ("admin: { address: 127.0.0.1:9180 }\n\n".to_owned(), String::new()),
        ("0.0.0.0:8443".to_owned(), APPLICATIONS.to_owned()),
        ("0.0.0.0:8444".to_owned(), PROVIDERS.to_owned()),
        // An address, because a name may lead providers elsewhere.
        ("https://notify.example:8444".to_owned(), format!("https://{PROVIDERS}")),
        ("host: notify.example".to_owned(), "host: 127.0.0.1".to_owned()),
        ("host: pay.example".to_owned(), "host: localhost".to_owned()),
        (".raw.example".to_owned(), ".raw.localhost".to_owned()),
        (
            "jwks: https://id.example/jwks.json".to_owned(),
            format!("jwks: {issuer}/jwks.json\n          trust: ca.pem"),
        ),
        ("https://id.example".to_owned(), issuer),
        ("https://events.internal.example".to_owned(), cast.institution_url.clone()),
        ("tls/internal-ca.pem".to_owned(), "ca.pem".to_owned()),
    ];
    changes.extend(cast.changes());
    changes
}

fn replaced(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The ports that are wanted, each if it is free, else another one. All are held until all are found,
/// so that they differ.
async fn free_ports(wanted: u16) -> io::Result<Ports> {
    let mut taken = Vec::new();
    let usual = |port| if wanted == 0 { 0 } else { port };
    let admin = free_port(usual(9180), &mut taken).await?;
    let callers = free_port(wanted, &mut taken).await?;
    let providers = free_port(usual(8444), &mut taken).await?;
    let applications = free_port(usual(8445), &mut taken).await?;
    let port = |socket: &TcpListener| socket.local_addr().map(|address| address.port());
    Ok(Ports {
        callers: port(&callers)?,
        applications: port(&applications)?,
        providers: port(&providers)?,
        admin: port(&admin)?,
        taken,
    })
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
const DEMO_TEMPLATE: &str = include_str!("../../../conf/demo.yaml");
const PAYMENTS_TEMPLATE: &str = include_str!("../../../conf/payments.yaml");
/// The two files; the first is the one that the walk edits.
pub(super) const DEMO: &str = "tollgate.yaml";
const PAYMENTS: &str = "payments.yaml";
/// What stands in the files for addresses of the gateway's own.
const CALLERS: &str = "127.0.0.1:8443";
const PROVIDERS: &str = "127.0.0.1:8444";
const APPLICATIONS: &str = "127.0.0.1:8445";
const OPERATORS: &str = "127.0.0.1:9180";
/// How often ports are looked for that nobody takes before the gateway does.
const TRIES: u32 = 5;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tollgate_api::{Clock, SystemClock, SystemEntropy};

    use super::{super::folder::Folder, *};
    use crate::sandbox::Materials;

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
            assert!(DEMO_TEMPLATE.contains(&address), "{address}");
        }
    }

    #[tokio::test]
    async fn nothing_is_left_of_the_addresses_and_credentials_of_the_example() {
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
        let materials = Materials::make(clock.unix(), &*entropy).unwrap();
        let folder = Folder::open(None).unwrap();
        let cast = Cast::serve(folder.path(), &materials, clock, entropy).unwrap();
        let changes = payment_changes("127.0.0.1:9441", &cast);
        for (from, _) in &changes {
            assert!(PAYMENTS_TEMPLATE.contains(from), "conf/payments.yaml does not say `{from}`");
        }
        let text = payments("127.0.0.1:9441", &cast);
        let settings = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        for line in settings {
            for foreign in [".example", ".com", "env:", "0.0.0.0", "secrets/", "tls/internal"] {
                assert!(!line.contains(foreign), "`{foreign}` is left in `{line}`");
            }
        }
        cast.stop().await;
    }
}
