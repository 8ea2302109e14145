//! `tollgate demo`: the gateway between real clients and a sandbox, on this machine, in one process.
//!
//! It makes keys and certificates, starts a token issuer, two providers, twins of three real ones and the
//! institution's own service, writes a configuration, starts the gateway on it, and walks through what
//! it promises, in two acts; every step states its promises and checks them. It changes nothing outside its folder and removes the folder if it made it.

mod call;
mod checks;
pub(super) mod folder;
mod gateway;
mod life;
mod load;
mod page;
mod stage;
mod story;
mod tries;
mod walk;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CANNOT_START, runtime, say};
use folder::Folder;
use page::Page;
use stage::Stage;

pub(super) fn run(once: bool, folder: Option<PathBuf>, port: u16) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = runtime.block_on(show(once, folder, port));
    runtime.shutdown_background();
    code
}

async fn show(once: bool, folder: Option<PathBuf>, port: u16) -> ExitCode {
    let Some(mut stop) = Stop::new() else {
        say("error: signals cannot be received");
        return ExitCode::from(CANNOT_START);
    };
    let mut folder = match Folder::open(folder) {
        Ok(folder) => folder,
        Err(error) => {
            say(&format!("error: {error}"));
            return ExitCode::from(CANNOT_START);
        }
    };
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut page = Page::new(Box::new(io::stdout()), colours);
    page.title("Tollgate demo", "keys, certificates, an issuer, five providers, a gateway");
    let stage = match Stage::set(folder.path(), port).await {
        Ok(stage) => stage,
        Err(error) => {
            say(&error.to_string());
            return ExitCode::from(error.exit_code());
        }
    };
    tries::introduce(&stage, &mut page);
    let walked = tokio::select! {
        () = walk::walk(&stage, &mut page) => true,
        () = stop.wanted() => false,
    };
    let kept = walked && page.summary();
    if walked && !once {
        tries::invite(&stage, &mut page);
        stop.wanted().await;
    }
    if !once {
        page.line("");
        page.line("Stopping.");
    }
    tokio::select! {
        () = stage.strike() => {}
        () = stop.wanted() => {}
    }
    folder.remove();
    // Whoever stopped a demo that was to run once did not see it succeed.
    if kept || (!once && walked) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// SIGINT and SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> Option<Self> {
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_promise_of_the_walk_is_kept() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = Folder::open(None).unwrap();
        let stage = Stage::set(folder.path(), 0).await.unwrap();
        let mut page = Page::new(Box::new(io::stderr()), false);
        walk::walk(&stage, &mut page).await;
        assert!(page.summary(), "as printed above");
        stage.strike().await;
    }
}
