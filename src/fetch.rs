//! The client for keys and tokens: HTTPS to configured addresses only, bounded in size and time,
//! no redirects, no proxy from the environment.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use reqwest::{Client, Url, redirect};
use tollgate_api::{Fetch, FetchError, Fetched, Fetcher};

/// Makes fetchers over real sockets.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpFetch;

impl Fetch for HttpFetch {
    fn fetcher(&self, url: &str, trust: Option<&[u8]>) -> Result<Arc<dyn Fetcher>, String> {
        let url: Url = url.parse().map_err(|_| "not a valid URL".to_owned())?;
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(30));
        if let Some(trust) = trust {
            let roots = reqwest::Certificate::from_pem_bundle(trust)
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or("expected a PEM bundle with at least one certificate")?;
            client = client.tls_certs_only(roots);
        }
        let client = client.build().map_err(|_| "the trust bundle cannot be used".to_owned())?;
        Ok(Arc::new(HttpFetcher { client, url }))
    }
}

struct HttpFetcher {
    client: Client,
    url: Url,
}

impl HttpFetcher {
    async fn fetch(&self, limit: usize) -> Result<Fetched, FetchError> {
        let mut answer =
            self.client.get(self.url.clone()).send().await.map_err(|error| reduce(&error))?;
        if answer.status().is_redirection() {
            return Err(FetchError::Redirect);
        }
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(FetchError::TooLarge);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| reduce(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched {
            status: answer.status(),
            headers: answer.headers().clone(),
            body: Bytes::from(body),
        })
    }
}

impl Fetcher for HttpFetcher {
    fn get(&self, limit: usize, deadline: Duration) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(async move {
            tokio::time::timeout(deadline, self.fetch(limit))
                .await
                .unwrap_or(Err(FetchError::Timeout))
        })
    }
}

/// The kind alone: the text could hold a URL with a secret in it.
fn reduce(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        FetchError::Timeout
    } else if is_tls(error) {
        FetchError::Untrusted
    } else if error.is_connect() {
        FetchError::Unreachable
    } else {
        FetchError::Invalid
    }
}

/// Whether TLS is among the causes.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inside = inside.and_then(|inside| inside.downcast_ref::<rustls::Error>());
        if inside.is_some() || error.is::<rustls::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}
