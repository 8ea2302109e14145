//! The harness. Every test starts a gateway of its own ([`Gateway`] in this process, [`Binary`] as
//! the real program) from YAML text in a folder of its own, in front of providers of its own
//! ([`Provider`]) that record what they receive, and speaks to it as a caller ([`Http1`], [`Http2`]).
//!
//! Nothing here sleeps or has a fixed port; what is waited for is waited for, at most [`PATIENCE`].
#![allow(dead_code, unused_imports, reason = "it offers more than the tests of one day use")]

mod authority;
mod binary;
mod caller;
mod folder;
mod gateway;
mod http1;
pub mod http2;
mod issuer;
mod line;
mod metrics;
mod plugins;
mod provider;
mod recipe;

use std::{sync::Once, time::Duration};

pub use authority::{Authority, Pair};
pub use binary::{Binary, Records};
pub use caller::{Answer, Caller};
pub use folder::Folder;
pub use gateway::{Edit, Gateway};
pub use http1::{Http1, LOCAL};
pub use http2::Http2;
pub use issuer::Issuer;
pub use line::Line;
pub use metrics::Metrics;
pub use plugins::{Holding, Panicking};
pub use provider::{Peer, Provider, Received, Refusing, Reply, Stream};
pub use recipe::Recipe;

/// How long anything may take before the test gives up. It is long because machines that run tests
/// are busy; a test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Fails instead of hanging.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, future).await;
    ended.unwrap_or_else(|_| panic!("{what}: did not happen within {PATIENCE:?}"))
}

/// What a process needs once: the cryptographic provider that `main` installs in the real program,
/// and a log that is silent, so that the gateway's does not replace the panic messages of tests.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    });
}

/// Bytes that differ from place to place, so that a piece that is lost, doubled or moved shows.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// A JSON document of exactly this many bytes, for routes that read bodies; none for 0.
pub fn json_of(length: usize) -> Vec<u8> {
    match length {
        0 => Vec::new(),
        1 => b"7".to_vec(),
        _ => {
            let letters = pattern(length - 2).into_iter().map(|byte| b'a' + byte % 26);
            std::iter::once(b'"').chain(letters).chain(std::iter::once(b'"')).collect()
        }
    }
}
