//! One side of an HTTP/1 connection on a raw socket: writes what it is told to, reads strictly.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

/// A plaintext or TLS socket.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// A connection with what was read and not used yet.
pub struct Line {
    socket: Box<dyn Socket>,
    /// The raw socket, where there is no TLS: only it can be reset.
    descriptor: Option<std::os::fd::OwnedFd>,
    buffer: BytesMut,
}

/// The head of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Request line or status line.
    pub first: String,
    /// Fields in the order of arrival, names in lower case.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The value of a field; several are joined by commas.
    pub fn field(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .fields
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// How often a field occurs.
    pub fn count(&self, name: &str) -> usize {
        self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count()
    }
}

impl Line {
    /// Over a plaintext socket.
    pub fn plain(stream: TcpStream) -> Self {
        use std::os::fd::AsFd;
        let _ = stream.set_nodelay(true);
        let descriptor = stream.as_fd().try_clone_to_owned().ok();
        Self { socket: Box::new(stream), descriptor, buffer: BytesMut::new() }
    }

    /// Over TLS.
    pub fn over(socket: impl Socket + 'static) -> Self {
        Self { socket: Box::new(socket), descriptor: None, buffer: BytesMut::new() }
    }

    /// Writes; one call is one segment.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref()).await?;
        self.socket.flush().await
    }

    /// Ends the sending, as a peer does that has said everything.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }

    /// Ends the connection with a reset instead of a close (plaintext only).
    pub fn reset(self) {
        let descriptor = self.descriptor.expect("only a plaintext connection can be reset");
        let stream = std::net::TcpStream::from(descriptor);
        let socket = tokio::net::TcpStream::from_std(stream).expect("a socket");
        socket.set_zero_linger().expect("a reset on close");
    }

    /// Reads one more piece into the buffer; `false` at the end.
    async fn more(&mut self) -> io::Result<bool> {
        self.buffer.reserve(64 * 1024);
        Ok(self.socket.read_buf(&mut self.buffer).await? > 0)
    }

    /// Waits until something can be read, and says whether there is anything before the end.
    pub async fn readable(&mut self) -> bool {
        !self.buffer.is_empty() || self.more().await.unwrap_or(false)
    }

    /// Reads a head; `None` if the connection ended before its first byte.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                let text = String::from_utf8_lossy(&head[..end]).into_owned();
                let mut lines = text.split("\r\n");
                let first = lines.next().unwrap_or_default().to_owned();
                return Ok(Some(Head { first, fields: lines.map(field).collect() }));
            }
            if !self.more().await? {
                return if self.buffer.is_empty() { Ok(None) } else { Err(cut()) };
            }
        }
    }

    /// Reads exactly this many bytes.
    pub async fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.more().await? {
                return Err(cut());
            }
        }
        Ok(self.buffer.split_to(length).to_vec())
    }

    /// Reads and forgets exactly this many bytes.
    pub async fn skip(&mut self, mut length: u64) -> io::Result<()> {
        while length > 0 {
            if self.buffer.is_empty() && !self.more().await? {
                return Err(cut());
            }
            let taken = usize::try_from(length).unwrap_or(usize::MAX).min(self.buffer.len());
            self.buffer.advance(taken);
            length -= taken as u64;
        }
        Ok(())
    }

    /// Reads what has come, at most this much, or waits for something to come.
    pub async fn some(&mut self, most: usize) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() && !self.more().await? {
            return Err(cut());
        }
        Ok(self.buffer.split_to(most.min(self.buffer.len())).to_vec())
    }

    /// Reads a chunk, strictly; `None` is the last one, after which trailers follow.
    pub async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.text_line().await?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16)
            .map_err(|_| io::Error::other(format!("not a chunk size: {line:?}")))?;
        if size == 0 {
            return Ok(None);
        }
        let chunk = self.exactly(size).await?;
        if self.exactly(2).await? != b"\r\n" {
            return Err(io::Error::other("a chunk does not end where it says"));
        }
        Ok(Some(chunk))
    }

    /// Reads the trailer fields that follow the last chunk.
    pub async fn trailers(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut trailers = Vec::new();
        loop {
            let line = self.text_line().await?;
            if line.is_empty() {
                return Ok(trailers);
            }
            trailers.push(field(&line));
        }
    }

    /// Reads to the end of the connection. A reset is an error.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.more().await? {}
        Ok(std::mem::take(&mut self.buffer).to_vec())
    }

    /// Waits for the connection to end, gently or not, and forgets what still comes.
    pub async fn ended(&mut self) {
        while self.more().await.unwrap_or(false) {
            self.buffer.clear();
        }
    }

    async fn text_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.split_to(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.more().await? {
                return Err(cut());
            }
        }
    }
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.to_ascii_lowercase(), value.trim().to_owned())
}

fn find(buffer: &[u8], what: &[u8]) -> Option<usize> {
    buffer.windows(what.len()).position(|window| window == what)
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended in the middle of a message")
}
