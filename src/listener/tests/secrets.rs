//! Malformed heads full of secrets, every log record at `trace` searched.

use std::{
    fmt::{Debug, Write as _},
    sync::Arc,
};

use parking_lot::Mutex;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_log::NormalizeEvent;

use super::support::*;

/// Writes down every event of every level. What Pingora, h2 and rustls say below `warn` is left
/// out, as in the gateway's own log.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let normal = event.normalized_metadata();
        let metadata = normal.as_ref().unwrap_or_else(|| event.metadata());
        let foreign =
            ["pingora", "h2", "rustls"].iter().any(|target| metadata.target().starts_with(target));
        if foreign && *metadata.level() > tracing::Level::WARN {
            return;
        }
        event.record(&mut Text(&mut self.0.lock()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

#[tokio::test]
async fn no_secret_of_a_malformed_head_reaches_a_log_record_or_the_answer() {
    const SECRETS: [&str; 3] = ["eyJhbGciOiJub25lIn0", "4242424242424242", "hunter2"];
    let everything = Everything::default();
    let _ = tracing_log::LogTracer::init();
    let _guard = tracing::subscriber::set_default(everything.clone());
    // Another test of this process may have installed the gateway's own log, and lowered the level.
    log::set_max_level(log::LevelFilter::Trace);
    log::error!("a record of the log crate");
    assert!(everything.0.lock().contains("a record of the log crate"), "records are captured");
    let stand = Stand::plain();
    let fields = format!("Authorization: Bearer {}\r\nX-Card: {}\r\n", SECRETS[0], SECRETS[1]);
    for head in [
        format!("POST /pay?password={} HTTP/1.1\r\n{fields}Bad Header: 1\r\n\r\n", SECRETS[2]),
        format!("POST /pay?password={} HTTP/9.9\r\n{fields}\r\n", SECRETS[2]),
        format!("POST /pay?password={} HTTP/1.1\r\n{fields}X: \0\r\n\r\n", SECRETS[2]),
        format!("POST / HTTP/1.1\r\n{fields}Host: {0}\r\nHost: {0}x\r\n\r\n", SECRETS[2]),
        format!("POST / HTTP/1.1\r\n{fields}Content-Length: {}\r\n\r\n", SECRETS[2]),
        format!("POST / HTTP/1.1\r\n{fields}Transfer-Encoding: {}\r\n\r\n", SECRETS[2]),
        format!("{}\r\n{fields}\r\n", SECRETS[2]),
    ] {
        let mut client = stand.connect().await;
        client.send(&head).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head:?} is refused: {answer}");
        for secret in SECRETS {
            assert!(!answer.contains(secret), "nothing is echoed: {answer}");
        }
    }
    let logged = everything.0.lock().clone();
    for secret in SECRETS {
        assert!(!logged.contains(secret), "nothing is logged: {logged}");
    }
}
