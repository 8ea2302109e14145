//! The command line: one file per subcommand. Data goes to standard output, talk to standard error.

mod check;
mod demo;
mod reference;
mod run;
mod sandbox;
mod schema;
mod selftest;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Speaks each payment provider's security dialect, on both sides, by configuration.
#[derive(Debug, Parser)]
#[command(name = "tollgate", bin_name = "tollgate", version, about, long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    ///
    /// Binds every listener before it reports that it is ready. A bad configuration ends with exit
    /// code 78 and all of its errors, before any port is bound. SIGHUP reloads, SIGTERM drains, a
    /// second SIGTERM ends at once. Edits of the configuration, of certificates and of keys are
    /// picked up while it runs.
    #[command(
        after_help = "Exit codes:\n  0   drained: every exchange ended\n  71  a port or a log cannot be had\n  75  exchanges were cut off by the grace period or a second signal\n  78  the configuration is not valid\n\nExample:\n  tollgate run --config /etc/tollgate/tollgate.yaml"
    )]
    Run {
        /// A YAML file, or a folder of them
        #[arg(long, short, value_name = "PATH")]
        config: PathBuf,
    },
    /// Check a configuration without running it
    ///
    /// Does all that a start would do short of opening a socket: reads every certificate and key,
    /// builds every plugin, compiles every rule. Prints all errors at once, each at its place, and
    /// exits with 78 (`EX_CONFIG`) if there is any.
    #[command(
        after_help = "Exit codes:\n  0   valid\n  70  with --strict: the binary fails its own known answers\n  78  the configuration is not valid\n\nExamples:\n  tollgate check conf/minimal.yaml\n  tollgate check --strict /etc/tollgate"
    )]
    Check {
        /// A YAML file, or a folder of them
        #[arg(value_name = "PATH")]
        config: PathBuf,
        /// Print findings as JSON
        #[arg(long)]
        json: bool,
        /// Refuse warnings too, and run `tollgate selftest` first
        #[arg(long)]
        strict: bool,
    },
    /// Run every algorithm's known answers inside this binary
    ///
    /// Holds what this binary computes on this machine against what standards and providers publish,
    /// for each algorithm and each provider's scheme, and that a changed input is refused. Needs no
    /// network and no files, and takes a moment. Whoever operates the gateway can keep the table.
    #[command(
        after_help = "Exit codes:\n  0   every answer was given\n  70  one was not: do not use this binary on this machine\n\nExample:\n  tollgate selftest"
    )]
    Selftest {
        /// Print the table as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what it does, with real requests against a sandbox on this machine
    ///
    /// Needs nothing but this binary: makes keys and certificates in a temporary folder, starts a
    /// token issuer, two sandbox providers and the twins of three real ones, runs the gateway in front
    /// of them, walks through payments, refusals, a tampered answer and a live reload under load, then
    /// through the life of a payment from order to settlement, and stays up so that you can try more.
    #[command(after_help = "Example:\n  tollgate demo --once")]
    Demo {
        /// End after the walk: exit code 0 only if every step was as promised
        #[arg(long)]
        once: bool,
        /// Folder for keys, certificates and the configuration; a new temporary one if absent
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Port of the gateway; a free one if it is taken, or 0
        #[arg(long, default_value_t = 8443, value_name = "PORT")]
        port: u16,
    },
    /// Be a payment provider, with its real wire format and faults on demand
    ///
    /// For whoever integrates with the provider, with this gateway or without: it checks signatures,
    /// encrypts and signs as the provider does, keeps a book of what was ordered, paid, refunded and
    /// settled, notifies merchants, and goes wrong when asked to, the same way for the same seed. What
    /// it needs is made or read at start and printed, with an entry for this gateway's configuration.
    #[command(after_help = SANDBOX)]
    Sandbox(sandbox::Wanted),
    /// Print the JSON Schema of the configuration
    ///
    /// Editors that know JSON Schema complete and check a configuration that begins with
    /// `# yaml-language-server: $schema=conf/tollgate.schema.json`.
    Schema,
    /// Print the reference of this binary: settings, plugins, faults, metrics
    ///
    /// Without a page it lists the pages. The text is Markdown and the same as in `docs/reference`,
    /// at the version that you run.
    #[command(
        after_help = "Examples:\n  tollgate reference rate_limit\n  tollgate reference faults | less"
    )]
    Reference {
        /// The page
        #[arg(value_name = "PAGE", value_parser = clap::builder::PossibleValuesParser::new(reference::names()))]
        page: Option<String>,
        /// Write every page into this folder
        #[arg(long, value_name = "DIR", conflicts_with = "page")]
        out: Option<PathBuf>,
    },
    /// Print the version
    Version,
}

/// Runs a command and says with which code the process ends.
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Run { config } => run::run(&config),
        Command::Check { config, json, strict } => check::run(&config, json, strict),
        Command::Selftest { json } => selftest::run(json),
        Command::Demo { once, folder, port } => demo::run(once, folder, port),
        Command::Sandbox(wanted) => sandbox::run(wanted),
        Command::Schema => schema::run(),
        Command::Reference { page, out } => reference::run(page.as_deref(), out.as_deref()),
        Command::Version => print(concat!("tollgate ", env!("CARGO_PKG_VERSION"), "\n")),
    }
}

/// Writes data to standard output. A reader that went away is not a failure of ours.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

/// What everything that serves runs on; or the code to end with, once the reason was said.
fn runtime() -> Result<tokio::runtime::Runtime, ExitCode> {
    let built =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("tollgate").build();
    built.map_err(|error| {
        say(&format!("error: the runtime cannot start: {error}"));
        ExitCode::from(CANNOT_START)
    })
}

/// Writes talk to standard error.
fn say(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.write_all(b"\n"));
}

/// Exit code of a bad configuration: `EX_CONFIG` of sysexits.
const BAD_CONFIGURATION: u8 = 78;

/// Exit code when the binary or the machine does not compute what it should: `EX_SOFTWARE` of sysexits.
const DEFECTIVE: u8 = 70;

/// Exit code when exchanges were cut off by the end of the grace period or a second signal:
/// `EX_TEMPFAIL` of sysexits.
const CUT_OFF: u8 = 75;

/// Exit code when the operating system refuses what a start needs: `EX_OSERR` of sysexits.
const CANNOT_START: u8 = 71;

const SANDBOX: &str = "Faults:
  lost_answer             done, and the connection is dropped without an answer
  error_after_charge      done, and answered with an error of the provider's own, 5xx
  slow                    the answer comes after three seconds
  reset_mid_answer        the connection is dropped in the middle of the answer
  wrong_signature         an answer or notification is signed wrongly
  probe_signature         signed wrongly on purpose, where the provider does that
  clock_skew              the provider's clock is eleven minutes wrong where it signs
  changed_file            a file differs from the one that was announced
  key_rotation            new keys before the answer; the old ones stay good
  duplicate_notification  sent again although it was acknowledged
  late_notification       sent five seconds after what it tells
  reordered_notification  sent after the one that follows it

Examples:
  tollgate sandbox wechat_pay --materials wechat --pay-after 500ms
  tollgate sandbox wechat_pay --fault lost_answer=0.1 --fault slow=0.05 --seed 7";

const LONG_ABOUT: &str = "Tollgate stands between a financial institution and its payment providers. \
It terminates TLS, proves who is calling, limits them, picks the provider, encrypts and signs in that \
provider's own dialect, and tells operators everything except secrets.";

const EXAMPLES: &str = "Examples:
  tollgate demo                         see it work
  tollgate check tollgate.yaml          find every error before it runs
  tollgate run --config tollgate.yaml   run it";
