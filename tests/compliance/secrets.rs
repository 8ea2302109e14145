//! What a plugin is trusted with is shown to nobody.

use tollgate::config::{Report, Style};
use tollgate_api::testing;

use super::bench::{Bench, Referred, everywhere};

#[tokio::test]
async fn no_secret_is_seen_in_what_a_plugin_leaves_behind() {
    for bench in everywhere().filter(|bench| !bench.referred.secrets.is_empty()) {
        let snapshot = bench.snapshot();
        let mut shown = vec![("the effective configuration", snapshot.effective.to_string())];
        let plugin = bench.plugin(&snapshot);
        let mut exchange = testing::exchange_with_body(r#"{"card":{"number":"4111"}}"#);
        if let Err(fault) = plugin.on_request(&mut exchange).resolve().await {
            shown.push(("a fault", format!("{fault:?} {fault} {:?}", fault.cause())));
        }
        exchange.answer = Some(testing::answer_with_body(r#"{"secret":"x"}"#));
        if let Err(fault) = plugin.on_response(&mut exchange).resolve().await {
            shown.push(("a fault", format!("{fault:?} {fault} {:?}", fault.cause())));
        }
        shown.push(("the exchange", format!("{exchange:?}")));
        shown.push(("the metrics", bench.metrics.encode()));
        for (place, text) in shown {
            hidden(&bench, &bench.referred, place, &text);
        }
    }
}

#[test]
fn no_secret_is_seen_in_an_error_about_its_neighbours() {
    for bench in everywhere() {
        let entry = format!("{}\n  qqqqqq: 1\n", bench.example().trim_end());
        let Err(report) = bench.compile(&entry) else { panic!("{} was accepted", bench.name()) };
        everything_hidden(&bench, &bench.referred, &report);
    }
}

#[test]
fn no_secret_is_seen_when_it_is_the_secret_that_is_wrong() {
    // Nothing that any plugin takes, each in a form that a parser might quote.
    for content in [
        "Canary-unfit-5uWZ9pQ2xk\u{7f}",
        "-----BEGIN PRIVATE KEY-----\nQ2FuYXJ5LXVuZml0\n-----END PRIVATE KEY-----\n",
        r#"{"kty":"oct","k":"Canary-unfit-5uWZ9pQ2xk","alg":"none"}"#,
    ] {
        for bench in everywhere().filter(|bench| !bench.referred.secrets.is_empty()) {
            let mut unfit = bench.referred.clone();
            unfit.spoil(content);
            match bench.compile_with(bench.example(), &unfit) {
                Ok((snapshot, report)) => {
                    // A plugin may take any text, a header's value for one.
                    hidden(&bench, &unfit, "the configuration", &snapshot.effective.to_string());
                    everything_hidden(&bench, &unfit, &report);
                }
                Err(report) => everything_hidden(&bench, &unfit, &report),
            }
        }
    }
}

#[test]
fn a_secret_that_is_written_out_is_refused_and_masked() {
    for bench in everywhere() {
        for (form, named) in bench.secret_references() {
            let entry = bench.example().replacen(&form, "Canary-written-out", 1);
            assert_ne!(entry, bench.example(), "{}: `{form}` stands there", bench.name());
            let Err(report) = bench.compile(&entry) else {
                panic!("{} accepts a secret in place of `{named}`", bench.name());
            };
            let mut written = Referred::default();
            written.secrets.push("Canary-written-out".into());
            everything_hidden(&bench, &written, &report);
        }
    }
}

fn everything_hidden(bench: &Bench, referred: &Referred, report: &Report) {
    for (place, text) in [
        ("an error", report.render(Style::Plain)),
        ("a coloured error", report.render(Style::Coloured)),
        ("an error for machines", report.to_json().to_string()),
        ("the debug form of an error", format!("{report:?}")),
    ] {
        hidden(bench, referred, place, &text);
    }
}

fn hidden(bench: &Bench, referred: &Referred, place: &str, text: &str) {
    for secret in &referred.secrets {
        assert!(!text.contains(secret), "{place} of {} shows a secret: {text}", bench.name());
    }
}
