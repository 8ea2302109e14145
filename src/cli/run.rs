//! `tollgate run`: start, signals, drain.

use std::{path::Path, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};

use super::{BAD_CONFIGURATION, CANNOT_START, CUT_OFF, runtime, say};
use crate::{
    config::Style,
    process::{Process, StartError},
    reload::{self, Actor},
};

pub(super) fn run(path: &Path) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = runtime.block_on(serve(path));
    // What is left after the grace period is given up.
    runtime.shutdown_background();
    code
}

async fn serve(path: &Path) -> ExitCode {
    // First of all: until it is taken, a SIGHUP ends the process (or, where it is ignored, is lost),
    // and a SIGTERM cuts off callers that are served already. What comes during the start waits.
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        say("error: signals cannot be received");
        return ExitCode::from(CANNOT_START);
    };
    let process = match Process::start(path.to_owned()) {
        Ok(process) => process,
        Err(StartError::Configuration(report)) => {
            say(&report.render(Style::for_stderr()));
            return ExitCode::from(BAD_CONFIGURATION);
        }
        Err(error) => {
            say(&format!("error: {error}"));
            return ExitCode::from(CANNOT_START);
        }
    };
    for (name, address) in process.addresses() {
        tracing::info!(listener = %name, %address, "listening");
    }
    let watching = tokio::spawn(reload::watch(process.reloader().clone()));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                process.reloader().reload(Actor::Signal).await;
            }
        }
    }
    watching.abort();
    tracing::info!("draining");
    let complete = tokio::select! {
        complete = process.drain() => {
            if complete {
                tracing::info!("drained");
            } else {
                tracing::warn!("the grace period is over; exchanges are cut off");
            }
            complete
        }
        _ = terminate.recv() => {
            tracing::warn!("a second signal: ending at once");
            false
        }
        _ = interrupt.recv() => {
            tracing::warn!("a second signal: ending at once");
            false
        }
    };
    if !complete {
        process.cut_off().await;
    }
    process.flush();
    if complete { ExitCode::SUCCESS } else { ExitCode::from(CUT_OFF) }
}
