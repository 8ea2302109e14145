//! Answering the caller: in memory or piece by piece, with the framing that version, method and
//! status ask for.

use bytes::Bytes;
use http::{Method, Version, header};
use pingora::{
    http::ResponseHeader,
    protocols::http::{HttpTask, ServerSession},
};
use tokio::time::timeout;
use tollgate_api::{Answer, Body};

use super::{caller::Caller, hop};

impl Caller<'_> {
    /// Sends an answer that is in memory.
    pub async fn send(&mut self, answer: &Answer, method: &Method) {
        let Body::Held(body) = &answer.body else {
            let head = self.head(answer, Some(0), method);
            return self.write(vec![HttpTask::Header(head, true)], 0).await;
        };
        let head = self.head(answer, Some(body.len() as u64), method);
        if bodiless(answer, method) || body.is_empty() {
            return self.write(vec![HttpTask::Header(head, true)], 0).await;
        }
        // The write timeout is one piece's, so that a large answer may take its time.
        let mut rest = body.clone();
        let first = rest.split_to(rest.len().min(PIECE));
        let bytes = first.len() as u64;
        let tasks =
            vec![HttpTask::Header(head, false), HttpTask::Body(Some(first), rest.is_empty())];
        self.write(tasks, bytes).await;
        while !rest.is_empty() && !self.gone {
            let piece = rest.split_to(rest.len().min(PIECE));
            let bytes = piece.len() as u64;
            self.write(vec![HttpTask::Body(Some(piece), rest.is_empty())], bytes).await;
        }
    }

    /// Sends the head of an answer that streams, with the first piece of its body if it is there.
    pub async fn send_head(
        &mut self,
        answer: &Answer,
        length: Option<u64>,
        method: &Method,
        first: Option<Bytes>,
    ) {
        let head = self.head(answer, length, method);
        if bodiless(answer, method) {
            return self.write(vec![HttpTask::Header(head, true)], 0).await;
        }
        let mut tasks = vec![HttpTask::Header(head, false)];
        let bytes = first.as_ref().map_or(0, |first| first.len() as u64);
        if let Some(first) = first.filter(|first| !first.is_empty()) {
            tasks.push(HttpTask::Body(Some(first), false));
        }
        self.write(tasks, bytes).await;
    }

    /// Sends a piece of a streamed answer.
    pub async fn send_chunk(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        let bytes = chunk.len() as u64;
        self.write(vec![HttpTask::Body(Some(chunk), false)], bytes).await;
    }

    /// Ends a streamed answer.
    pub async fn send_end(&mut self, trailers: Option<http::HeaderMap>) {
        let task = match trailers.filter(|_| self.is_http2()).map(hop::safe_trailers) {
            Some(trailers) => HttpTask::Trailer(Some(Box::new(trailers))),
            None => HttpTask::Done,
        };
        self.write(vec![task], 0).await;
    }

    /// Relays an interim answer (`103 Early Hints`, `100 Continue`) where the protocol has them.
    pub async fn send_interim(&mut self, mut head: Box<ResponseHeader>) {
        if head.status == http::StatusCode::CONTINUE && !std::mem::take(&mut self.expects_continue)
        {
            return;
        }
        if self.session.req_header().version == Version::HTTP_11 {
            hop::strip_interim(&mut head);
            self.write(vec![HttpTask::Header(head, false)], 0).await;
        }
    }

    /// Leaves the answer incomplete, so that the caller cannot take it for a whole one.
    pub async fn abort(&mut self) {
        self.keep = false;
        self.session.set_keepalive(None);
        self.session.shutdown().await;
    }

    async fn write(&mut self, tasks: Vec<HttpTask>, bytes: u64) {
        if self.gone {
            return;
        }
        let started = self.clock.tick();
        // One body chunk can be large; Pingora's own timeout applies to each write.
        let result = timeout(self.write_timeout, self.session.response_duplex_vec(tasks)).await;
        self.waited += self.clock.tick().since(started);
        if matches!(result, Ok(Ok(_))) {
            self.bytes_out += bytes;
        } else {
            self.gone = true;
            self.keep = false;
        }
    }

    /// The answer's head on the wire, with the framing that follows from version and length.
    fn head(
        &mut self,
        answer: &Answer,
        length: Option<u64>,
        method: &Method,
    ) -> Box<ResponseHeader> {
        if !self.keep {
            self.session.set_keepalive(None);
        }
        let version = self.session.req_header().version;
        let mut head = ResponseHeader::build_no_case(answer.status, Some(answer.headers.len() + 4))
            .unwrap_or_else(|_| ServerSession::generate_error(500));
        for (name, value) in &answer.headers {
            let _ = head.append_header(name.clone(), value.clone());
        }
        head.remove_header(&header::CONTENT_LENGTH);
        head.remove_header(&header::TRANSFER_ENCODING);
        let without_length = matches!(answer.status.as_u16(), 204 | 304);
        match length {
            _ if without_length => {}
            Some(0) if method == Method::HEAD && answer.origin.is_provider() => {}
            Some(length) => {
                let _ = head.insert_header(header::CONTENT_LENGTH, length);
            }
            None if version == Version::HTTP_11 && method != Method::HEAD => {
                let _ = head.insert_header(header::TRANSFER_ENCODING, "chunked");
            }
            // HTTP/2 frames by itself; HTTP/1.0 ends by closing.
            None => {}
        }
        Box::new(head)
    }
}

/// Whether this answer has no body on the wire, whatever its headers say (RFC 9112 section 6.3).
pub fn bodiless(answer: &Answer, method: &Method) -> bool {
    method == Method::HEAD || matches!(answer.status.as_u16(), 204 | 304)
}

/// An answer in memory is written in pieces of this size.
const PIECE: usize = 256 * 1024;
