//! Requests of the demonstration, over real sockets and TLS.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::page::{Page, shortened};

/// A client that trusts the demonstration's authority.
#[derive(Clone)]
pub(super) struct Client(reqwest::Client);

/// A request, such as a customer of the gateway sends.
#[derive(Clone)]
pub(super) struct Call {
    pub method: Method,
    pub url: String,
    pub token: Option<String>,
    /// JSON, as it is sent.
    pub body: Option<String>,
}

/// An answer, or why there is none.
pub(super) struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// What was downloaded.
#[derive(Default)]
pub(super) struct Download {
    /// Status and header fields, if they came.
    pub head: Option<(StatusCode, HeaderMap)>,
    /// What came of the body.
    pub bytes: Vec<u8>,
    /// Why no more of it came, if it did not come whole.
    pub broken: Option<String>,
}

impl Client {
    /// Trusts this authority (PEM). `localhost` and names in it are this machine, whatever the system
    /// thinks.
    pub fn new(authority: &str, machine: SocketAddr) -> Result<Self, String> {
        let roots = reqwest::Certificate::from_pem_bundle(authority.as_bytes())
            .map_err(|error| error.to_string())?;
        let client = reqwest::Client::builder()
            .tls_certs_only(roots)
            .no_proxy()
            .resolve("localhost", machine)
            .resolve("wechat-pay.raw.localhost", machine)
            .timeout(PATIENCE)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self(client))
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, call: &Call) -> Result<Answered, String> {
        let answer = self.request(call).send().await.map_err(|error| chain(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.map_err(|error| chain(&error))?;
        Ok(Answered { status, headers, body })
    }

    /// Sends a request and reads what there is of the answer.
    pub async fn download(&self, call: &Call) -> Download {
        let mut download = Download::default();
        match self.request(call).send().await {
            Err(error) => download.broken = Some(chain(&error)),
            Ok(mut answer) => {
                download.head = Some((answer.status(), answer.headers().clone()));
                loop {
                    match answer.chunk().await {
                        Ok(Some(chunk)) => download.bytes.extend_from_slice(&chunk),
                        Ok(None) => break,
                        Err(error) => {
                            download.broken = Some(chain(&error));
                            break;
                        }
                    }
                }
            }
        }
        download
    }

    /// Sends bytes with these header fields, as somebody does who is no caller of ours.
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answered, String> {
        let request = self.0.post(url).headers(headers).body(body);
        let answer = request.send().await.map_err(|error| chain(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.map_err(|error| chain(&error))?;
        Ok(Answered { status, headers, body })
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let mut request = self.0.request(call.method.clone(), &call.url);
        if let Some(token) = &call.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &call.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        request
    }

    /// Asks the issuer for a token, as an application does: OAuth 2.0 client credentials.
    pub async fn token(
        &self,
        issuer: &str,
        (client, secret): (&str, &str),
        audience: Option<&str>,
    ) -> Result<String, String> {
        let mut form = "grant_type=client_credentials".to_owned();
        if let Some(audience) = audience {
            form.push_str("&audience=");
            form.push_str(audience);
        }
        let answer = self
            .0
            .post(format!("{issuer}/token"))
            .basic_auth(client, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(|error| chain(&error))?;
        let body = answer.text().await.map_err(|error| chain(&error))?;
        serde_json::from_str::<Value>(&body)
            .ok()
            .and_then(|body| body.get("access_token")?.as_str().map(str::to_owned))
            .ok_or_else(|| format!("the issuer answered: {body}"))
    }
}

impl Call {
    /// A POST of a JSON document.
    pub fn post(url: String, token: Option<&str>, body: String) -> Self {
        Self { method: Method::POST, url, token: token.map(str::to_owned), body: Some(body) }
    }

    /// A GET.
    pub fn get(url: String) -> Self {
        Self { method: Method::GET, url, token: None, body: None }
    }

    /// A GET by a caller.
    pub fn ask(url: String, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::get(url) }
    }

    /// As one would type it. The token is shortened.
    pub fn typed(&self) -> Vec<String> {
        // What a shell would take for its own.
        let quote = if self.url.contains(['?', '&']) { "'" } else { "" };
        let mut lines = vec![format!("curl {quote}{}{quote}", self.url)];
        if let Some(token) = &self.token {
            lines.push(format!("  -H 'Authorization: Bearer {}'", shortened(token, 12)));
        }
        if let Some(body) = &self.body {
            lines.push(format!("  --json '{body}'"));
        }
        lines
    }

    /// Sends it, and prints both the request and the answer with these header fields. What cannot
    /// be sent is a broken promise.
    pub async fn shown(
        &self,
        client: &Client,
        page: &mut Page,
        headers: &[&str],
    ) -> Option<Answered> {
        page.request(&self.typed());
        match client.send(self).await {
            Ok(answered) => {
                page.answer(answered.status, &answered.headers, headers, &answered.body);
                Some(answered)
            }
            Err(error) => {
                page.promise("the gateway answers", false, &error);
                None
            }
        }
    }
}

impl Answered {
    /// A header field as text, empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body, null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A text member of the body, empty if it is absent.
    pub fn text(&self, member: &str) -> String {
        self.json().get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Longer than any deadline of the gateway in this demonstration.
const PATIENCE: Duration = Duration::from_mins(1);
