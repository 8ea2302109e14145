//! A caller that speaks HTTP/2.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request};
use rustls_pki_types::ServerName;
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_rustls::TlsConnector;

use super::{Answer, Authority, within};

/// A connection of a caller; it is closed when this is dropped.
pub struct Http2 {
    /// Begins requests, for what no ordinary client would send.
    pub requests: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Http2 {
    /// With TLS, as ALPN agrees.
    pub async fn connect_tls(address: SocketAddr, authority: &Authority) -> Self {
        let config = authority.client(&["h2"], None);
        let stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        let _ = stream.set_nodelay(true);
        let name = ServerName::try_from("localhost").unwrap();
        let connecting = TlsConnector::from(config).connect(name, stream);
        let stream = within("a TLS handshake", connecting).await.expect("a TLS handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 was agreed on");
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (requests, connection) =
            within("an HTTP/2 handshake", builder.handshake(stream)).await.unwrap();
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { requests, driver }
    }

    /// Sends a request and reads the answer. See [`super::Caller::call`].
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        chunks: Option<usize>,
    ) -> Answer {
        let mut request = request(method, path, headers);
        if chunks.is_none() && !(body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE")) {
            request.headers_mut().insert("content-length", body.len().into());
        }
        // Without an announced length the end of an empty body comes as a frame of its own.
        let (response, mut stream) = self.begin(request, body.is_empty() && chunks.is_none()).await;
        let sending = async {
            if body.is_empty() && chunks.is_none() {
                return;
            }
            let pieces: Vec<&[u8]> = body.chunks(chunks.unwrap_or(64 * 1024)).collect();
            for piece in pieces {
                if push(&mut stream, Bytes::copy_from_slice(piece), false).await.is_err() {
                    return;
                }
            }
            let _ = stream.send_data(Bytes::new(), true);
        };
        let (answer, ()) =
            within("an answer", async { tokio::join!(read(response), sending) }).await;
        let sent = (method, path, body.len(), chunks);
        answer.unwrap_or_else(|error| panic!("an answer that is complete to {sent:?}: {error:?}"))
    }

    /// Begins a request.
    pub async fn begin(
        &mut self,
        request: Request<()>,
        end: bool,
    ) -> (ResponseFuture, h2::SendStream<Bytes>) {
        let mut ready = within("a free stream", self.requests.clone().ready()).await.unwrap();
        ready.send_request(request, end).expect("a request that can be sent")
    }

    /// Ends the connection without a word, as a caller does that loses its network.
    pub fn vanish(self) {
        self.driver.abort();
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The head of a request to `pay.example`.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(format!("https://pay.example{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// Sends a piece of a body as the window allows.
pub async fn push(
    stream: &mut h2::SendStream<Bytes>,
    mut piece: Bytes,
    end: bool,
) -> Result<(), h2::Error> {
    while !piece.is_empty() {
        stream.reserve_capacity(piece.len());
        let granted = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
        let granted = granted.unwrap_or_else(|| Err(h2::Reason::STREAM_CLOSED.into()))?;
        let part = piece.split_to(granted.min(piece.len()));
        stream.send_data(part, end && piece.is_empty())?;
    }
    Ok(())
}

/// Reads an answer to its end.
pub async fn read(response: ResponseFuture) -> Result<Answer, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut answer = Answer {
        status: head.status.as_u16(),
        headers: fields(&head.headers),
        ..Answer::default()
    };
    while let Some(piece) = body.data().await {
        let piece = piece?;
        let _ = body.flow_control().release_capacity(piece.len());
        answer.body.extend_from_slice(&piece);
    }
    answer.trailers = body.trailers().await?.map(|map| fields(&map)).unwrap_or_default();
    Ok(answer)
}

/// Header fields as pairs.
pub fn fields(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

const WINDOW: u32 = 8 * 1024 * 1024;
