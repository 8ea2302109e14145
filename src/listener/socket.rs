//! A caller's socket, plaintext or TLS, and how it is lent to Pingora's sessions.
//!
//! Pingora's own stream takes 64 KiB for each connection; this one takes nothing while idle and
//! collects small writes, so that a head and its body leave in one send. A session owns the
//! [`Wire`] it is given; when the session drops it, the [`Socket`] comes back to its [`Home`], so
//! that the connection can be closed gently, whatever happened to the session.

use std::{
    fmt, io,
    os::fd::AsRawFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType, raw_connect::ProxyDigest,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::server::TlsStream;

/// A connected socket with a small buffer of writes.
pub(super) struct Socket {
    link: Link,
    pending: Vec<u8>,
    sent: usize,
}

enum Link {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self { link: Link::Plain(stream), pending: Vec::new(), sent: 0 }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>) -> Self {
        Self { link: Link::Tls(Box::new(stream)), pending: Vec::new(), sent: 0 }
    }

    /// Closes the connection so that the peer can read what was sent: closing a socket with unread
    /// bytes would reset it, and the peer might lose the answer. What still arrives is discarded,
    /// up to 64 KiB and one second.
    pub(super) async fn close_gently(mut self) {
        let _ = timeout(LINGER, async {
            if self.shutdown().await.is_err() {
                return;
            }
            let mut discarded = 0;
            let mut buffer = vec![0; 4096];
            while discarded < LINGER_BYTES {
                match self.read(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => discarded += read,
                }
            }
        })
        .await;
    }

    /// Closes the connection when nothing is expected from the peer.
    pub(super) async fn close(mut self) {
        let _ = timeout(LINGER, self.shutdown()).await;
    }

    fn fd(&self) -> UniqueIDType {
        match &self.link {
            Link::Plain(stream) => stream.as_raw_fd(),
            Link::Tls(stream) => stream.get_ref().0.as_raw_fd(),
        }
    }

    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.pending.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = ready!(self.link.poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.sent = 0;
        self.pending.clear();
        self.pending.shrink_to(KEPT);
        Poll::Ready(Ok(()))
    }
}

impl Link {
    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Link::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.pending.len() >= COLLECT {
            ready!(this.poll_pending(cx))?;
        }
        if this.pending.is_empty() && data.len() >= COLLECT {
            return this.link.poll_write(cx, data);
        }
        let room = COLLECT.saturating_sub(this.pending.len()).min(data.len());
        this.pending.extend_from_slice(data.get(..room).unwrap_or_default());
        Poll::Ready(Ok(room))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        match &mut this.link {
            Link::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Link::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_pending(cx))?;
        match &mut this.link {
            Link::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Where a lent socket comes back to.
#[derive(Clone, Default)]
pub(super) struct Home(Arc<Mutex<Option<Socket>>>);

impl Home {
    /// Lends the socket; it comes back when the wire is dropped.
    pub(super) fn lend(&self, socket: Socket) -> Wire {
        Wire { socket: Some(socket), home: self.clone() }
    }

    /// The socket, if it came back.
    pub(super) fn take(&self) -> Option<Socket> {
        self.0.lock().take()
    }
}

/// A socket lent to one of Pingora's sessions.
pub(super) struct Wire {
    socket: Option<Socket>,
    home: Home,
}

impl Wire {
    fn socket(&mut self) -> io::Result<Pin<&mut Socket>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        *self.home.0.lock() = self.socket.take();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().socket()?.poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket()?.poll_shutdown(cx)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait]
impl Shutdown for Wire {
    async fn shutdown(&mut self) {
        if let Ok(mut socket) = self.socket() {
            let _ = AsyncWriteExt::shutdown(&mut socket).await;
        }
    }
}

impl UniqueID for Wire {
    fn id(&self) -> UniqueIDType {
        self.socket.as_ref().map_or(-1, Socket::fd)
    }
}

impl Ssl for Wire {}

impl Peek for Wire {}

impl GetTimingDigest for Wire {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for Wire {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for Wire {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

/// Writes are collected up to this size, the most that fits into one TLS record.
const COLLECT: usize = 16 * 1024;
/// What an idle connection may keep of its buffer.
const KEPT: usize = 1024;
/// How long a closing connection may take.
const LINGER: Duration = Duration::from_secs(1);
/// How much a closing connection may still send.
const LINGER_BYTES: usize = 64 * 1024;
