//! `tollgate sandbox`: a provider's twin, for whoever integrates with it, with Tollgate or without.

mod page;

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tollgate_api::{Clock, SystemClock, SystemEntropy, setting};

use super::{BAD_CONFIGURATION, CANNOT_START, demo::folder::Folder, print, runtime, say};
use crate::sandbox::{
    Server,
    twin::{Fault, Kept, OpenError, Options, PROVIDERS, Place, Plan, Twin, tls, write},
};

/// What is said on the command line.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// The provider
    #[arg(value_name = "PROVIDER", value_parser = clap::builder::PossibleValuesParser::new(PROVIDERS.map(|(name, _)| name)))]
    provider: String,
    /// Where it listens; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443")]
    address: SocketAddr,
    /// Speak plain HTTP instead of TLS
    #[arg(long)]
    plain: bool,
    /// Folder for keys and certificates: files that are there are used, missing ones are made; a
    /// temporary one if absent
    #[arg(long, value_name = "DIR")]
    materials: Option<PathBuf>,
    /// Decides identifiers and which requests meet a fault
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Do this wrong, always or to a share from 0 to 1; may be repeated
    #[arg(long = "fault", value_name = "NAME[=SHARE]", value_parser = fault)]
    faults: Vec<(Fault, Plan)>,
    /// Payers pay by themselves after this time, such as `500ms`; otherwise when they are told
    #[arg(long, value_name = "TIME", value_parser = delay)]
    pay_after: Option<Duration>,
    /// Send notifications here, whatever requests say
    #[arg(long, value_name = "URL", value_parser = url)]
    notify: Option<String>,
    /// Trust these authorities (PEM) when sending notifications; the system's if absent
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// How much of the provider's waiting time between notifications is waited, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    ladder: u32,
}

/// A twin that is served, and its folder.
struct Served {
    twin: Arc<Twin>,
    server: Server<Twin>,
    _folder: Option<Folder>,
}

/// Why it is not.
struct Failed {
    reason: String,
    code: u8,
}

pub(super) fn run(wanted: Wanted) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = runtime.block_on(show(wanted));
    runtime.shutdown_background();
    code
}

async fn show(wanted: Wanted) -> ExitCode {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        say("error: signals cannot be received");
        return ExitCode::from(CANNOT_START);
    };
    let served = match serve(wanted) {
        Ok(served) => served,
        Err(Failed { reason, code }) => {
            say(&format!("error: {reason}"));
            return ExitCode::from(code);
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    served.server.stop().await;
    drop(served.twin);
    ExitCode::SUCCESS
}

fn serve(wanted: Wanted) -> Result<Served, Failed> {
    let cannot_start = |reason: String| Failed { reason, code: CANNOT_START };
    let (path, folder) = if let Some(path) = wanted.materials {
        (std::path::absolute(&path).unwrap_or(path), None)
    } else {
        let folder =
            Folder::temporary("sandbox").map_err(|error| cannot_start(error.to_string()))?;
        (folder.path().to_owned(), Some(folder))
    };
    let options = Options {
        seed: wanted.seed,
        pay_after: wanted.pay_after,
        notify: wanted.notify,
        trust: wanted.trust.as_deref().map(read).transpose()?,
        ladder_scale: wanted.ladder,
        ..Options::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (kept, now) = (Kept::of(&path), clock.unix());
    let open = PROVIDERS.iter().find(|(name, _)| *name == wanted.provider);
    let (_, open) = open.ok_or_else(|| cannot_start("there is no such provider".to_owned()))?;
    let dialect = open(&kept, now, &SystemEntropy)?;
    let mut files = dialect.files();
    let ip = wanted.address.ip();
    let pair = if wanted.plain {
        None
    } else {
        let ip = ip.to_string();
        let mut names = vec!["localhost", "127.0.0.1", "::1"];
        if !names.contains(&ip.as_str()) {
            names.push(&ip);
        }
        names.extend(dialect.hosts());
        let (pair, more) = tls(&kept, &names, now)?;
        files.extend(more);
        Some(pair)
    };
    write(&path, &files)?;
    let bad = |reason: String| Failed { reason, code: BAD_CONFIGURATION };
    let twin = Twin::new(dialect, options, clock.clone(), Arc::new(SystemEntropy)).map_err(bad)?;
    for (fault, plan) in wanted.faults {
        twin.faults().plan(fault, plan);
    }
    let server =
        Server::start_at(wanted.address, &wanted.provider, twin.clone(), pair.as_ref(), clock)
            .map_err(|error| cannot_start(error.to_string()))?;
    let address = reachable(server.address()).to_string();
    let (tls, folder_name) = (!wanted.plain, path.display().to_string());
    let place = Place { address: &address, folder: &folder_name, tls };
    twin.dialect().served_at(&place.url());
    if !server.address().ip().is_loopback() {
        say(&exposed(server.address()));
    }
    print(&page::text(&twin, &place, &files, wanted.seed));
    Ok(Served { twin, server, _folder: folder })
}

fn exposed(address: SocketAddr) -> String {
    format!("warning: {address} is not loopback: whoever reaches it may direct this twin")
}

/// An address that listens everywhere is reached at this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => ([127, 0, 0, 1], address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => ([0, 0, 0, 0, 0, 0, 0, 1], address.port()).into(),
        _ => address,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| Failed {
        reason: format!("`{}`: {error}", path.display()),
        code: BAD_CONFIGURATION,
    })
}

fn fault(text: &str) -> Result<(Fault, Plan), String> {
    let (name, share) = text.split_once('=').unwrap_or((text, "1"));
    let fault = Fault::named(name).ok_or_else(|| {
        let names: Vec<_> = Fault::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
        format!("expected one of {}", names.join(", "))
    })?;
    let plan = Plan::share(share).ok_or("expected a share from 0 to 1")?;
    Ok((fault, plan))
}

/// Where notifications can be sent to.
fn url(text: &str) -> Result<String, String> {
    let known = reqwest::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    known.then(|| text.to_owned()).ok_or_else(|| "expected `http://…` or `https://…`".to_owned())
}

fn delay(text: &str) -> Result<Duration, String> {
    let delay: setting::Delay = text.parse().map_err(|_| "expected a time such as `500ms`")?;
    Ok(delay.as_std())
}

/// In millionths.
fn share(text: &str) -> Result<u32, String> {
    Ok(Plan::share(text).ok_or("expected a share from 0 to 1")?.share)
}

impl From<OpenError> for Failed {
    fn from(error: OpenError) -> Self {
        let code = match error {
            OpenError::Invalid(..) | OpenError::Foreign(_) | OpenError::Io(..) => BAD_CONFIGURATION,
            OpenError::Make(_) | OpenError::Unusable => CANNOT_START,
        };
        Self { reason: error.to_string(), code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_name_and_maybe_a_share() {
        assert_eq!(fault("slow").unwrap().1.share, 1_000_000, "always");
        let (name, plan) = fault("lost_answer=0.1").unwrap();
        assert_eq!((name, plan.share), (Fault::LostAnswer, 100_000), "to a tenth");
        assert!(fault("lost").unwrap_err().contains("`lost_answer`"), "the names are told");
        assert!(fault("slow=2").is_err() && fault("slow=").is_err(), "shares end at one");
        assert_eq!(delay("500ms").unwrap(), Duration::from_millis(500), "a time");
        assert!(delay("500").is_err(), "a time has a unit");
    }

    #[test]
    fn notifications_go_to_a_url_alone() {
        for text in ["http://127.0.0.1:80/x", "https://merchant.example", "http://[::1]:8/x?a=b"] {
            assert_eq!(url(text).as_deref(), Ok(text), "{text}");
        }
        for text in ["127.0.0.1:80/x", "localhost:80/x", "ftp://x", "http://", "/x", ""] {
            assert!(url(text).is_err(), "`{text}` is none");
        }
    }

    #[test]
    fn whoever_lets_others_reach_a_twin_is_warned() {
        let warning = exposed("0.0.0.0:9443".parse().unwrap());
        assert!(warning.contains("0.0.0.0:9443") && warning.contains("may direct"), "{warning}");
    }

    #[test]
    fn a_twin_that_listens_everywhere_is_reached_at_this_machine() {
        for (from, to) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("192.0.2.1:1", "192.0.2.1:1")]
        {
            assert_eq!(reachable(from.parse().unwrap()).to_string(), to, "{from}");
        }
    }
}
