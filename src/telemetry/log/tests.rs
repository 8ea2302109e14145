use std::sync::{Arc, Mutex};

use log::Log;

use super::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log says while `work` runs.
fn captured(filter: &str, json: bool, work: impl FnOnce()) -> String {
    let sink = Captured::default();
    let writer = sink.clone();
    let layer = layer(parse(filter).unwrap(), json, move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, work);
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn record(target: &str, level: log::Level, text: &str) {
    let arguments = format_args!("{text}");
    let record =
        log::Record::builder().target(target).level(level).line(Some(77)).args(arguments).build();
    Bridge.log(&record);
}

const SECRET: &str = "Authorization: Bearer s3cr3t 4111111111111111";

#[test]
fn no_library_that_handles_strangers_bytes_gets_them_into_the_log() {
    use log::Level;
    for json in [false, true] {
        let text = captured("trace", json, || {
            for target in [
                "pingora_core::protocols::http::v1::server",
                "pingora",
                "pingora_pool::connection",
                "rustls::conn",
                "rustls_pki_types",
                "hyper::proto",
                "hyper_util::client",
                "h2::server",
                "reqwest::connect",
                "tokio_rustls",
            ] {
                for level in [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace] {
                    record(target, level, SECRET);
                }
            }
            tracing::error!(target: "h2::codec", secret = SECRET, "{SECRET}");
            tracing::warn!(target: "hyper::proto::h1", "{SECRET}");
            tracing::trace!(target: "h2::proto", "{SECRET}");
            let span = tracing::trace_span!(target: "h2::server", "frame", secret = SECRET);
            span.in_scope(|| tracing::error!(target: "h2::codec", "{SECRET}"));
        });
        assert!(!text.contains("s3cr3t"), "nothing of the message: {text}");
        assert!(!text.contains("1111"), "nothing of the message: {text}");
        assert!(text.contains("pingora_core::protocols::http::v1::server"), "its place: {text}");
        assert!(text.contains("77"), "down to the line: {text}");
        // Ten libraries through `log` with a warning and an error each, three through `tracing`.
        assert_eq!(text.lines().count(), 23, "warnings and errors alone: {text}");
        if json {
            for line in text.lines() {
                let parsed = serde_json::from_str::<serde_json::Value>(line);
                assert!(parsed.is_ok(), "each line is JSON: {line}");
            }
        }
    }
}

#[test]
fn our_own_events_and_other_libraries_are_written_in_full() {
    for json in [false, true] {
        let text = captured("debug", json, || {
            tracing::debug!(target: "tollgate::reload", generation = 7, "applied");
            record("notify::inotify", log::Level::Debug, "watching a folder");
        });
        for expected in ["tollgate::reload", "generation", "7", "applied", "watching a folder"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }
}

#[test]
fn card_numbers_are_masked_whoever_logs_them() {
    let text = captured("trace", true, || {
        tracing::info!(target: "tollgate::proxy", path = "/cards/4111111111111111", "{SECRET}");
        record("notify", log::Level::Info, "4242 4242 4242 4242");
    });
    assert!(!text.contains("4111111111111111"), "masked: {text}");
    assert!(!text.contains("4242 4242 4242"), "masked: {text}");
    assert!(text.contains("411111******1111"), "and recognisable: {text}");
}

#[test]
fn the_filter_decides_what_is_written_of_our_own_events() {
    let text = captured("info,tollgate::reload=debug", false, || {
        tracing::debug!(target: "tollgate::reload", "kept");
        tracing::debug!(target: "tollgate::proxy", "dropped");
        record("notify", log::Level::Debug, "dropped");
    });
    assert!(text.contains("kept") && !text.contains("dropped"), "as the filter says: {text}");
}

#[test]
fn a_wrong_filter_is_told_from_a_right_one() {
    assert_eq!(check("info,tollgate::reload=debug"), Ok(()), "a filter");
    assert!(check("tollgate=loud=1").is_err(), "no filter");
}

#[test]
fn levels_of_both_crates_agree() {
    use tracing::level_filters::LevelFilter as Ours;
    for (ours, theirs) in [
        (Ours::OFF, log::LevelFilter::Off),
        (Ours::ERROR, log::LevelFilter::Error),
        (Ours::WARN, log::LevelFilter::Warn),
        (Ours::INFO, log::LevelFilter::Info),
        (Ours::DEBUG, log::LevelFilter::Debug),
        (Ours::TRACE, log::LevelFilter::Trace),
    ] {
        assert_eq!(bridge::level(ours), theirs, "{ours}");
    }
}
