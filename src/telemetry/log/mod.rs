//! The program's own log, on standard error.
//!
//! Libraries that handle what callers and providers send may put raw bytes of it into their messages
//! (Pingora quotes up to 2,048 bytes of a malformed head). What they say below `warn` is dropped
//! whatever the filter asks for; of a warning or error only its place in their source is kept, never
//! its text. The same holds for panics: their message may quote what was being handled. Card numbers
//! in anything else are masked.

mod bridge;
mod format;

use std::{
    io::{self, Write},
    panic,
};

use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
    registry::LookupSpan,
};

use super::redact::scrub;
use bridge::Bridge;
use format::Withholding;

/// Environment variable whose filter is used instead of the configured one.
pub const FILTER_VARIABLE: &str = "TOLLGATE_LOG";

/// Sends the log of the whole process to standard error, as text or as JSON lines. The filter is that
/// of the environment, else this, else `info`; one that cannot be read is reported and `info` used.
/// Once a log is installed, further calls change nothing.
pub fn install(filter: Option<&str>, json: bool) {
    let environment = std::env::var(FILTER_VARIABLE).ok();
    let wanted = environment.as_deref().or(filter).unwrap_or(DEFAULT);
    let (filter, wrong) = match parse(wanted) {
        Ok(filter) => (filter, false),
        Err(_) => (EnvFilter::new(DEFAULT), true),
    };
    let most = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let subscriber = tracing_subscriber::registry().with(layer(filter, json, io::stderr));
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return;
    }
    if log::set_logger(&Bridge).is_ok() {
        log::set_max_level(bridge::level(most));
    }
    quiet_panics();
    if wrong {
        tracing::warn!("the log filter cannot be read, so `{DEFAULT}` is used");
    }
}

/// Whether a filter such as `info,tollgate::reload=debug` can be read; the error says what is wrong.
pub fn check(filter: &str) -> Result<(), String> {
    parse(filter).map(drop).map_err(|error| error.to_string())
}

fn parse(filter: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::builder().parse(filter)
}

/// What makes lines of events, over any writer.
fn layer<S, W>(filter: EnvFilter, json: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = filter.and(filter_fn(|metadata: &Metadata<'_>| {
        let loud = *metadata.level() <= tracing::Level::WARN && metadata.is_event();
        loud || !quotes_strangers(metadata.target())
    }));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Scrubbing(writer));
    if json {
        let format = Withholding::json(tracing_subscriber::fmt::format().json());
        layer.json().event_format(format).with_filter(filter).boxed()
    } else {
        let format = Withholding::text(tracing_subscriber::fmt::format().with_ansi(false));
        layer.event_format(format).with_filter(filter).boxed()
    }
}

/// Whether messages of this target may hold bytes that callers or providers sent.
fn quotes_strangers(target: &str) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    ["pingora", "hyper", "rustls"].iter().any(|prefix| library.starts_with(prefix))
        || ["h2", "tokio_rustls", "reqwest"].contains(&library)
}

/// A panic is logged by its place alone.
fn quiet_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let thread = std::thread::current();
        tracing::error!(place, thread = thread.name(), "panic: this is a bug");
    }));
}

/// Masks card numbers in each line. The layer hands over one whole line at a time.
struct Scrubbing<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Scrubbing<W> {
    type Writer = Scrubbing<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Scrubbing(self.0.make_writer())
    }
}

impl<W: Write> Write for Scrubbing<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(scrub(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

const DEFAULT: &str = "info";

#[cfg(test)]
mod tests;
