use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, HeaderValue};
use tollgate_api::{Clock, ManualClock, Side, Step, testing::FakeReplaySets};

use super::*;

const NOW: Duration = Duration::from_secs(SECONDS);
const SECONDS: u64 = 1_767_225_600;
const FIVE_MINUTES: Duration = Duration::from_mins(5);
const WINDOW: Window = Window::within(FIVE_MINUTES);

/// Accepts the signature `good`, and remembers that it was asked.
#[derive(Default)]
struct Key(Mutex<usize>);

impl VerifyingKey for Key {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        *self.0.lock().unwrap() += 1;
        message == b"message" && signature == b"good"
    }
}

#[derive(Default)]
struct OneKey(Arc<Key>);

impl Keys for OneKey {
    fn find<'a>(&'a self, id: &'a str) -> KeyFor<'a> {
        let key: Arc<dyn VerifyingKey> = self.0.clone();
        Step::Now(if id == "k1" { Ok(key) } else { Err(Refusal::KeyUnknown) })
    }
}

fn presented() -> Presented {
    Presented {
        key_id: "k1".to_owned(),
        time: Some(NOW),
        message: b"message".to_vec(),
        signatures: vec![b"good".to_vec()],
        nonce: Some(b"n1".to_vec()),
    }
}

fn verifier(clock: &Arc<ManualClock>) -> (Verifier, FakeReplaySets) {
    let clock: Arc<dyn Clock> = clock.clone();
    let sets = FakeReplaySets::new(clock.clone());
    let replay = Some(Replay::new(&sets, "provider", WINDOW));
    (Verifier { clock, window: Some(WINDOW), replay }, sets)
}

#[tokio::test]
async fn a_sound_message_passes_once() {
    let (verifier, _) = verifier(&Arc::new(ManualClock::at(NOW)));
    let keys = OneKey::default();
    let proof = verifier.verify(&keys, &presented()).await.unwrap();
    assert_eq!(proof.key_id(), "k1", "the key is known afterwards");
    let again = verifier.verify(&keys, &presented()).await;
    assert_eq!(again, Err(Refusal::Replayed), "the same message once more");
    let other = Presented { nonce: Some(b"n2".to_vec()), ..presented() };
    assert!(verifier.verify(&keys, &other).await.is_ok(), "another nonce");
}

#[tokio::test]
async fn what_comes_first_in_the_order_is_what_is_refused() {
    let (verifier, _) = verifier(&Arc::new(ManualClock::at(NOW)));
    let keys = OneKey::default();
    let old = NOW.checked_sub(FIVE_MINUTES);
    for (message, refusal, looked) in [
        (
            Presented { key_id: "k2".into(), time: old, signatures: vec![], ..presented() },
            Refusal::KeyUnknown,
            0,
        ),
        (Presented { time: old, signatures: vec![], ..presented() }, Refusal::Expired, 0),
        (Presented { time: None, ..presented() }, Refusal::Missing, 0),
        (Presented { signatures: vec![], ..presented() }, Refusal::Invalid, 0),
        (Presented { signatures: vec![b"bad".to_vec()], ..presented() }, Refusal::Invalid, 1),
        (Presented { message: b"other".to_vec(), ..presented() }, Refusal::Invalid, 2),
        (Presented { nonce: None, ..presented() }, Refusal::Missing, 3),
    ] {
        let refused = verifier.verify(&keys, &message).await;
        assert_eq!(refused, Err(refusal), "{message:?}");
        assert_eq!(*keys.0.0.lock().unwrap(), looked, "signatures looked at: {message:?}");
    }
    let sound = verifier.verify(&keys, &presented()).await;
    assert!(sound.is_ok(), "what was refused did not use up the nonce");
}

#[tokio::test]
async fn any_of_several_signatures_may_fit_and_all_are_tried() {
    let (verifier, _) = verifier(&Arc::new(ManualClock::at(NOW)));
    let keys = OneKey::default();
    let signatures = vec![b"good".to_vec(), b"bad".to_vec()];
    let message = Presented { signatures, ..presented() };
    assert!(verifier.verify(&keys, &message).await.is_ok(), "the first fits");
    assert_eq!(*keys.0.0.lock().unwrap(), 2, "the second was tried all the same");
}

#[tokio::test]
async fn a_store_that_cannot_tell_refuses() {
    let (verifier, sets) = verifier(&Arc::new(ManualClock::at(NOW)));
    sets.fail(true);
    let refused = verifier.verify(&OneKey::default(), &presented()).await;
    assert_eq!(refused, Err(Refusal::StoreUnavailable), "closed, not open");
}

#[tokio::test]
async fn a_message_is_remembered_until_it_could_no_longer_pass() {
    let clock = Arc::new(ManualClock::at(NOW));
    let (verifier, _) = verifier(&clock);
    let keys = OneKey::default();
    let future = Presented { time: Some(NOW + Duration::from_secs(299)), ..presented() };
    assert!(verifier.verify(&keys, &future).await.is_ok(), "from a clock that is ahead");
    for _ in 0..598 {
        clock.advance(Duration::from_secs(1));
        let again = verifier.verify(&keys, &future).await;
        assert_eq!(again, Err(Refusal::Replayed), "while it could pass: {:?}", clock.unix());
    }
    clock.advance(Duration::from_secs(2));
    assert_eq!(verifier.verify(&keys, &future).await, Err(Refusal::Expired), "and then never");
}

#[test]
fn the_window_has_two_bounds_and_says_whether_they_belong_to_it() {
    let inclusive = Window { inclusive: true, ..WINDOW };
    let lopsided = Window { future: Duration::from_secs(10), ..WINDOW };
    for (window, offset, within) in [
        (WINDOW, 0, true),
        (WINDOW, -299, true),
        (WINDOW, -300, false),
        (WINDOW, 299, true),
        (WINDOW, 300, false),
        (inclusive, -300, true),
        (inclusive, -301, false),
        (inclusive, 300, true),
        (inclusive, 301, false),
        (lopsided, 9, true),
        (lopsided, 10, false),
        (lopsided, -299, true),
    ] {
        let time = Duration::from_secs(SECONDS.saturating_add_signed(offset));
        assert_eq!(window.check(NOW, time).is_ok(), within, "{window:?} at {offset} s");
    }
}

#[test]
fn a_field_is_there_once_and_holds_text() {
    let mut headers = HeaderMap::new();
    for (name, value) in [("a", "1"), ("twice", "1"), ("twice", "1"), ("empty", "")] {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers.append("odd", HeaderValue::from_bytes(b"\xff").unwrap());
    for (name, expected) in [
        ("a", Ok("1")),
        ("absent", Err(Refusal::Missing)),
        ("twice", Err(Refusal::Malformed)),
        ("empty", Err(Refusal::Missing)),
        ("odd", Err(Refusal::Malformed)),
    ] {
        assert_eq!(field(&headers, name), expected, "{name}");
    }
    assert_eq!(optional_field(&headers, "absent"), Ok(None), "may be absent");
    assert_eq!(optional_field(&headers, "twice"), Err(Refusal::Malformed), "but not twice");
}

#[test]
fn seconds_are_digits_and_nothing_else() {
    assert_eq!(seconds("1767225600"), Ok(NOW), "a time");
    for text in ["", " 1", "+1", "-1", "1.0", "1e3", "0x1", "1767225600000", "９"] {
        assert_eq!(seconds(text), Err(Refusal::Malformed), "`{text}`");
    }
}

#[test]
fn every_refusal_has_a_code_of_its_own_on_each_side() {
    let all = [
        Refusal::Missing,
        Refusal::Malformed,
        Refusal::Algorithm,
        Refusal::KeyUnknown,
        Refusal::Expired,
        Refusal::Invalid,
        Refusal::Replayed,
        Refusal::KeysUnavailable,
        Refusal::StoreUnavailable,
    ];
    // Whether keys or the replay set are missing makes no difference once the provider has acted.
    for (side, expected) in [(Side::Route, all.len()), (Side::Upstream, all.len() - 1)] {
        let names: std::collections::BTreeSet<_> =
            all.iter().map(|refusal| refusal.code(side).name).collect();
        assert_eq!(names.len(), expected, "on {side:?}: {names:?}");
        let upstream = names.iter().filter(|name| name.starts_with("upstream_")).count();
        let all_of_them = if side == Side::Upstream { expected } else { 0 };
        assert_eq!(upstream, all_of_them, "on {side:?}: {names:?}");
        let turned_away = all.iter().any(|refusal| refusal.code(side).status == 503);
        assert_eq!(turned_away, side == Side::Route, "503 would say that nothing was done");
    }
}
