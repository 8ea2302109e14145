//! Notifications, as a merchant receives them.

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::mpsc;

use super::{merchant::file, *};
use crate::sandbox::{Reply, Server, Service};

/// Hears, and answers with the next of these statuses, or 204.
struct Ear {
    heard: mpsc::UnboundedSender<(HeaderMap, Bytes)>,
    statuses: Mutex<Vec<u16>>,
}

impl Service for Ear {
    async fn answer(&self, request: Request) -> Reply {
        let _ = self.heard.send((request.headers, request.body));
        let status = self.statuses.lock().pop().unwrap_or(204);
        let status = StatusCode::from_u16(status).unwrap();
        Reply::Answer { status, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

struct Listening {
    bench: Bench,
    heard: mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    _server: Server<Ear>,
}

impl Listening {
    fn new(statuses: Vec<u16>) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let ear = Arc::new(Ear { heard: sender, statuses: Mutex::new(statuses) });
        let clock = Arc::new(tollgate_api::SystemClock::new());
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::start_at(address, "merchant", ear, None, clock).unwrap();
        let notify = Some(format!("http://{}/notify", server.address()));
        let bench = Bench::with(Options { notify, ladder_scale: 1, ..Options::default() });
        Self { bench, heard, _server: server }
    }

    async fn hear(&mut self) -> (HeaderMap, Bytes) {
        let heard = tokio::time::timeout(Duration::from_secs(30), self.heard.recv()).await;
        heard.expect("a notification within half a minute").unwrap()
    }
}

/// What a notification says, decrypted.
fn opened(body: &[u8]) -> (Value, Value) {
    let letter: Value = serde_json::from_slice(body).unwrap();
    let text = |name: &str| letter["resource"][name].as_str().unwrap();
    let (nonce, aad) = (text("nonce"), text("associated_data"));
    let clear = cipher::open(&file("api_v3_key"), nonce, aad, text("ciphertext")).unwrap();
    let told = serde_json::from_str(&clear).unwrap();
    (letter, told)
}

#[tokio::test]
async fn a_merchant_is_told_of_payments_and_refunds_encrypted_and_signed() {
    let mut listening = Listening::new(vec![]);
    let public_key = file("pub_key_id").trim().to_owned();
    listening.bench.names = Some(public_key.clone());
    listening.bench.order("order-1", 500).await;
    listening.bench.twin.desk().pay("order-1").unwrap();
    let (headers, body) = listening.hear().await;
    assert!(listening.bench.is_proven(&headers, &body), "signed");
    assert_eq!(headers["wechatpay-serial"], public_key.as_str(), "with the key the order named");
    let (letter, told) = opened(&body);
    assert_eq!(letter["event_type"], "TRANSACTION.SUCCESS", "{letter:#}");
    assert_eq!(letter["resource"]["algorithm"], "AEAD_AES_256_GCM", "{letter:#}");
    assert_eq!(
        (&told["out_trade_no"], &told["trade_state"]),
        (&json!("order-1"), &json!("SUCCESS")),
        "{told:#}"
    );

    listening.bench.refund("refund-1", "order-1", 200, 500).await;
    let (headers, body) = listening.hear().await;
    assert!(listening.bench.is_proven(&headers, &body), "signed");
    let (letter, told) = opened(&body);
    assert_eq!(letter["event_type"], "REFUND.SUCCESS", "{letter:#}");
    assert_eq!(
        (&told["out_refund_no"], &told["refund_status"]),
        (&json!("refund-1"), &json!("SUCCESS")),
        "{told:#}"
    );
}

#[tokio::test]
async fn a_notification_is_repeated_with_a_new_signature_and_the_same_words() {
    let mut listening = Listening::new(vec![500, 401]);
    listening.bench.twin.faults().plan(Fault::WrongSignature, Plan::times(1).on(On::Notification));
    listening.bench.order("order-1", 500).await;
    listening.bench.twin.desk().pay("order-1").unwrap();
    let (first, body) = listening.hear().await;
    assert!(!listening.bench.is_proven(&first, &body), "the first is signed wrongly");
    for attempt in 1..3 {
        let (headers, again) = listening.hear().await;
        assert!(listening.bench.is_proven(&headers, &again), "attempt {attempt} is signed rightly");
        assert_ne!(headers["wechatpay-nonce"], first["wechatpay-nonce"], "attempt {attempt}");
        assert_eq!(again, body, "attempt {attempt} says the same");
    }
}
