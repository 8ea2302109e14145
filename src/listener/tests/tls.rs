use std::{sync::Arc, time::Duration};

use super::support::*;
use crate::listener::*;

async fn who(stand: &Stand, client: Arc<rustls::ClientConfig>, name: &str) -> String {
    let mut client = Client(stand.secure(client, name).await.expect("a handshake"));
    client.send("GET /who HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.answer().await.1
}

/// The names of the certificate that the listener shows to a client that asks for this name.
async fn shown(stand: &Stand, authority: &Authority, name: &str) -> Vec<u8> {
    // The client checks the certificate's name, so what it is shown is read before that.
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let mut config = (*authority.client(&["http/1.1"], None)).clone();
    config.dangerous().set_certificate_verifier(Arc::new(Peek(seen.clone())));
    let _ = stand.secure(Arc::new(config), name).await;
    let seen = seen.lock().clone();
    assert!(!seen.is_empty(), "a certificate was shown for {name}");
    seen
}

#[derive(Debug)]
struct Peek(Arc<parking_lot::Mutex<Vec<u8>>>);

impl rustls::client::danger::ServerCertVerifier for Peek {
    fn verify_server_cert(
        &self,
        leaf: &rustls_pki_types::CertificateDer<'_>,
        _: &[rustls_pki_types::CertificateDer<'_>],
        _: &rustls_pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        *self.0.lock() = leaf.to_vec();
        Err(rustls::Error::General("seen enough".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("never asked".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("never asked".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn leaf(certificate: &Certificate) -> Vec<u8> {
    certificate.key().cert[0].to_vec()
}

#[tokio::test]
async fn a_tls_connection_knows_its_version_cipher_name_and_protocol() {
    let authority = Authority::new();
    let stand = Stand::with(Some(simple_tls(&authority)), Limits::default());
    let said = who(&stand, authority.client(&["http/1.1"], None), "pay.example").await;
    assert!(said.starts_with("TLSv1.3 TLS13_AES_"), "version and cipher: {said}");
    assert!(said.ends_with("name=pay.example protocol=http/1.1 client=0"), "the rest: {said}");
    assert_eq!(stand.tiny.count(Event::Handshake), 1, "the handshake is counted");
}

#[tokio::test]
async fn tls_1_2_is_spoken_and_a_client_without_alpn_gets_http_1() {
    let authority = Authority::new();
    let stand = Stand::with(Some(simple_tls(&authority)), Limits::default());
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS12])
    .unwrap()
    .with_root_certificates(authority.trust())
    .with_no_client_auth();
    config.alpn_protocols.clear();
    let said = who(&stand, Arc::new(config), "pay.example").await;
    assert!(said.starts_with("TLSv1.2 TLS_ECDHE_"), "an AEAD suite of TLS 1.2: {said}");
    assert!(said.contains("protocol=-"), "no ALPN: {said}");
}

#[tokio::test]
async fn the_certificate_is_chosen_by_name_exact_before_wildcard_before_the_first() {
    let authority = Authority::new();
    let first = authority.certificate(&["pay.example"]);
    let wildcard = authority.certificate(&["*.bank.example"]);
    let exact = authority.certificate(&["special.bank.example"]);
    let tls = TlsSpec::new(vec![first.clone(), wildcard.clone(), exact.clone()], ClientAuth::Off)
        .unwrap();
    let stand = Stand::with(Some(tls), Limits::default());
    for (name, expected, why) in [
        ("pay.example", &first, "its own name"),
        ("api.bank.example", &wildcard, "the wildcard"),
        ("API.Bank.Example", &wildcard, "in any case"),
        ("special.bank.example", &exact, "exact before wildcard"),
        ("a.b.bank.example", &first, "a wildcard stands for one label"),
        ("bank.example", &first, "and not for none"),
        ("other.example", &first, "an unknown name gets the first"),
        ("127.0.0.1", &first, "no name gets the first"),
    ] {
        assert_eq!(shown(&stand, &authority, name).await, leaf(expected), "{name}: {why}");
    }
}

#[tokio::test]
async fn a_required_client_certificate_must_be_shown_and_trusted() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let tls = TlsSpec::new(
        vec![authority.certificate(&["pay.example"])],
        ClientAuth::Required(authority.trust()),
    )
    .unwrap();
    let stand = Stand::with(Some(tls), Limits::default());
    let identity = authority.issue(&["partner.example"]);
    let said = who(&stand, authority.client(&["http/1.1"], Some(identity)), "pay.example").await;
    assert!(said.ends_with("client=1"), "the chain is known to the exchange: {said}");
    for (identity, why) in
        [(None, "absent"), (Some(stranger.issue(&["partner.example"])), "unknown")]
    {
        let client = authority.client(&["http/1.1"], identity);
        // In TLS 1.3 the client learns of the refusal when it first reads.
        let refused = match stand.secure(client, "pay.example").await {
            Err(_) => true,
            Ok(mut stream) => {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let _ = stream.write_all(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n").await;
                within(stream.read(&mut [0; 16])).await.is_err()
            }
        };
        assert!(refused, "{why}: refused with an alert");
    }
    let failed = Event::HandshakeFailed(HandshakeFailure::ClientCertificate);
    stand.tiny.until(|tiny| tiny.count(failed) == 2).await;
    assert_eq!(*stand.tiny.seen.lock(), ["/who"], "only the trusted client reached the handler");
}

#[tokio::test]
async fn an_optional_client_certificate_may_be_absent_but_not_unknown() {
    let authority = Authority::new();
    let tls = TlsSpec::new(
        vec![authority.certificate(&["pay.example"])],
        ClientAuth::Optional(authority.trust()),
    )
    .unwrap();
    let stand = Stand::with(Some(tls), Limits::default());
    let said = who(&stand, authority.client(&["http/1.1"], None), "pay.example").await;
    assert!(said.ends_with("client=0"), "absent is allowed: {said}");
    let identity = authority.issue(&["partner.example"]);
    let said = who(&stand, authority.client(&["http/1.1"], Some(identity)), "pay.example").await;
    assert!(said.ends_with("client=1"), "trusted is known: {said}");
    let stranger = Authority::new().issue(&["partner.example"]);
    let _ = stand.secure(authority.client(&["http/1.1"], Some(stranger)), "pay.example").await;
    let failed = Event::HandshakeFailed(HandshakeFailure::ClientCertificate);
    stand.tiny.until(|tiny| tiny.count(failed) == 1).await;
}

#[tokio::test]
async fn a_handshake_that_fails_or_takes_too_long_is_counted_by_its_reason() {
    let authority = Authority::new();
    let limits = Limits { handshake_timeout: Duration::from_millis(200), ..Limits::default() };
    let stand = Stand::with(Some(simple_tls(&authority)), limits);
    let mut silent = stand.connect().await;
    assert_eq!(silent.rest().await, "", "a silent client is cut at the deadline");
    let failed = Event::HandshakeFailed;
    stand.tiny.until(|tiny| tiny.count(failed(HandshakeFailure::Timeout)) == 1).await;
    let stand = Stand::with(Some(simple_tls(&authority)), Limits::default());
    stand.connect().await.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    stand.tiny.until(|tiny| tiny.count(failed(HandshakeFailure::NotTls)) == 1).await;
    assert!(
        stand.secure(authority.client(&["spdy/1"], None), "pay.example").await.is_err(),
        "no protocol in common"
    );
    stand.tiny.until(|tiny| tiny.count(failed(HandshakeFailure::Incompatible)) == 1).await;
    assert!(
        stand.secure(Authority::new().client(&["h2"], None), "pay.example").await.is_err(),
        "a client that does not trust us"
    );
    stand.tiny.until(|tiny| tiny.count(failed(HandshakeFailure::RefusedByClient)) == 1).await;
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_refused_with_the_reason() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(&["pay.example"]);
    let (_, other) = authority.issue(&["pay.example"]);
    let error = |chain: &str, key: &str| {
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).expect_err("it is refused")
    };
    assert!(error(&chain, &other).contains("does not belong"), "another key");
    assert!(error(&chain, &chain).contains("holds no private key"), "no key at all");
    assert!(error("", &key).contains("holds no certificate"), "no certificate");
    assert!(error("-----BEGIN CERTIFICATE-----\n!", &key).contains("not valid PEM"), "broken PEM");
    let good = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(good.names(), ["pay.example"], "its names are known");
    assert!(good.not_after() > Duration::ZERO, "its end is known");
    assert!(!format!("{good:?}").contains("PRIVATE"), "Debug says nothing of the key");
    assert!(trust_from_pem(b"").is_err(), "an empty bundle trusts nobody, which is a mistake");
    assert!(TlsSpec::new(Vec::new(), ClientAuth::Off).is_err(), "TLS needs a certificate");
}
