//! From the `log` crate, which Pingora and rustls speak, to `tracing`.

use log::{Level, LevelFilter, Log, Record};

use super::quotes_strangers;

/// Passes records on, withholding the text of those that may quote what strangers sent.
pub(super) struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn || !quotes_strangers(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        if !quotes_strangers(record.target()) {
            // It has no other way to fail than the subscriber, which reports by itself.
            let _ = tracing_log::format_trace(record);
            return;
        }
        let (library, line) = (record.target(), record.line());
        if record.level() == Level::Error {
            tracing::error!(library, line, "a library reported an error; its text is withheld");
        } else {
            tracing::warn!(library, line, "a library gave a warning; its text is withheld");
        }
    }

    fn flush(&self) {}
}

/// The same level in the terms of the `log` crate.
pub(super) fn level(most: tracing::level_filters::LevelFilter) -> LevelFilter {
    match most.into_level() {
        None => LevelFilter::Off,
        Some(tracing::Level::ERROR) => LevelFilter::Error,
        Some(tracing::Level::WARN) => LevelFilter::Warn,
        Some(tracing::Level::INFO) => LevelFilter::Info,
        Some(tracing::Level::DEBUG) => LevelFilter::Debug,
        Some(tracing::Level::TRACE) => LevelFilter::Trace,
    }
}
