//! What passes between the gateway and a program that keeps no record of it, and speaks no TLS.

use std::{net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, split},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::support::Authority;

/// A relay on a free port that ends TLS and keeps what is sent to the program behind it.
pub struct Tap {
    /// Where it is.
    pub address: SocketAddr,
    heard: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Tap {
    /// In front of this port, with a certificate of this authority.
    pub async fn before(port: u16, authority: &Authority) -> Self {
        let tls = TlsAcceptor::from(authority.server(&["http/1.1"], false));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(String::new()));
        let all = heard.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(relay(near, tls.clone(), port, all.clone()));
            }
        });
        Self { address, heard, task }
    }

    /// Everything that was sent since this was asked last.
    pub fn heard(&self) -> String {
        std::mem::take(&mut self.heard.lock())
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(near: TcpStream, tls: TlsAcceptor, port: u16, heard: Arc<Mutex<String>>) {
    let Ok(near) = tls.accept(near).await else { return };
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) =
        (split(near), far.into_split());
    let forth = async {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from_near.read(&mut piece).await {
            heard.lock().push_str(&String::from_utf8_lossy(&piece[..length]));
            if to_far.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        let _ = to_far.shutdown().await;
    };
    let back = async {
        let _ = copy(&mut from_far, &mut to_near).await;
        let _ = to_near.shutdown().await;
    };
    tokio::join!(forth, back);
}
