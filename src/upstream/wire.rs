//! A connection to a provider as Pingora's sessions see it: TCP or TLS, with three things of ours.
//!
//! The kernel's share is counted, which is the evidence whether anything was sent. It holds an
//! HTTP/1.1 request head back until its body, its end, or the first read, so that a small request
//! leaves in one segment. And it can tell without blocking whether an idle connection is usable.

use std::{
    fmt,
    io::{self, ErrorKind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use futures::FutureExt;
use pingora::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType, raw_connect::ProxyDigest,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::client::TlsStream;

use crate::upstream::transport::{Counted, Counters, Permit, Transport};

/// A connection.
pub(super) struct Wire {
    transport: Transport,
    /// What was written and not yet given to the transport.
    held: BytesMut,
    /// How much may be held; 0 for HTTP/2, which has buffers of its own.
    capacity: usize,
    /// Whether the next flush, which is the one after the head, is left to a later one.
    hold_head: bool,
    /// Whether the transport was written to since its last flush.
    dirty: bool,
    /// A write error met while reading; later writes report it.
    failed: Option<ErrorKind>,
    counters: Arc<Counters>,
    fd: UniqueIDType,
    _permit: Permit,
}

impl Wire {
    pub(super) fn plain(stream: Counted, permit: Permit) -> Self {
        let (fd, counters) = (stream.fd(), Arc::clone(stream.counters()));
        Self::new(Transport::Plain(stream), fd, counters, permit)
    }

    pub(super) fn tls(stream: TlsStream<Counted>, permit: Permit) -> Self {
        let tcp = stream.get_ref().0;
        let (fd, counters) = (tcp.fd(), Arc::clone(tcp.counters()));
        Self::new(Transport::Tls(Box::new(stream)), fd, counters, permit)
    }

    fn new(
        transport: Transport,
        fd: UniqueIDType,
        counters: Arc<Counters>,
        permit: Permit,
    ) -> Self {
        Self {
            transport,
            held: BytesMut::new(),
            capacity: 0,
            hold_head: false,
            dirty: false,
            failed: None,
            counters,
            fd,
            _permit: permit,
        }
    }

    /// Prepares for the next HTTP/1.1 request.
    pub(super) fn begin_http1(&mut self) {
        self.capacity = HELD_CAPACITY;
        self.hold_head = true;
    }

    pub(super) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Whether an idle connection can be used: still open, and silent as it should be.
    pub(super) fn is_usable(&mut self) -> bool {
        if !self.held.is_empty() || self.failed.is_some() {
            return false;
        }
        let mut byte = [0; 1];
        let peek = std::future::poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut byte);
            Pin::new(&mut self.transport).poll_read(cx, &mut buffer)
        });
        // Unconstrained: a task out of budget would be told "pending" without a look at the socket.
        tokio::task::unconstrained(peek).now_or_never().is_none()
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(kind.into()));
        }
        while !self.held.is_empty() {
            let written = ready!(Pin::new(&mut self.transport).poll_write(cx, &self.held))?;
            if written == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.held.advance(written);
            self.dirty = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_through(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_held(cx))?;
        ready!(Pin::new(&mut self.transport).poll_flush(cx))?;
        self.dirty = false;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.capacity > 0 && (self.dirty || !self.held.is_empty()) {
            // Whoever waits for an answer wants the request to be on its way. A write error is not
            // the outcome: the provider may have answered before it stopped reading.
            self.hold_head = false;
            if let Poll::Ready(Err(error)) = self.poll_through(cx) {
                self.failed = Some(error.kind());
                self.held.clear();
                self.dirty = false;
            }
        }
        Pin::new(&mut self.transport).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(kind.into()));
        }
        if self.held.len() + data.len() <= self.capacity {
            self.held.extend_from_slice(data);
            return Poll::Ready(Ok(data.len()));
        }
        // What is held and what does not fit leave together.
        let Self { transport, held, dirty, .. } = &mut *self;
        loop {
            let slices = [io::IoSlice::new(held), io::IoSlice::new(data)];
            let written = if held.is_empty() {
                ready!(Pin::new(&mut *transport).poll_write(cx, data))?
            } else {
                ready!(Pin::new(&mut *transport).poll_write_vectored(cx, &slices))?
            };
            *dirty = true;
            let of_held = held.len().min(written);
            held.advance(of_held);
            if written > of_held || written == 0 {
                return Poll::Ready(Ok(written - of_held));
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.hold_head) && !self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.poll_through(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.capacity == 0 && self.failed.is_none() {
            return Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
        self.poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.capacity == 0
    }
}

#[async_trait]
impl Shutdown for Wire {
    async fn shutdown(&mut self) {
        // Politeness, bounded: a peer that does not read cannot keep us.
        let _ = tokio::time::timeout(Duration::from_secs(1), AsyncWriteExt::shutdown(self)).await;
    }
}

impl UniqueID for Wire {
    fn id(&self) -> UniqueIDType {
        self.fd
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

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("fd", &self.fd).finish_non_exhaustive()
    }
}

/// Enough for a request head and a small body in one TLS record.
const HELD_CAPACITY: usize = 16 * 1_024;
