//! The last step: the metrics tell what the walk did.

use super::{
    call::Call,
    page::{Page, shortened},
    stage::Stage,
};

/// Reads the metrics and holds them against what the walk did.
pub(super) async fn metrics(stage: &Stage, page: &mut Page) {
    page.step(
        "What operators saw",
        "Labels are names from the configuration and codes of ours, never what a caller sent.",
    );
    let call = Call::get(format!("{}/metrics", stage.admin));
    page.request(&call.typed());
    let text = match stage.client.send(&call).await {
        Ok(answer) => answer.body,
        Err(error) => return page.promise("the metrics are there", false, &error),
    };
    for line in text.lines().filter(|line| is_told(line)) {
        page.line(&format!("   {}", shortened(line, 140)));
    }
    for (what, name) in [
        ("gateway", "tollgate_gateway_duration_seconds"),
        ("provider A", "tollgate_upstream_duration_seconds"),
    ] {
        let of = if what == "gateway" { "route=\"pay\"" } else { "upstream=\"card-acquirer\"" };
        let (total, count) = (
            sum(&text, &format!("{name}_sum"), &[of]),
            sum(&text, &format!("{name}_count"), &[of]),
        );
        let mean = 1_000.0 * total / count.max(1.0);
        page.note(what, &format!("took {mean:.1} ms of a payment on average"));
    }
    page.line("");
    for (what, name, labels, least) in STORY {
        let value = sum(&text, name, labels);
        page.promise(what, value >= *least, &value);
    }
    let leaked = labels(&text).find(|labels| SECRETS.iter().any(|secret| labels.contains(secret)));
    page.promise(
        "no order, client or token is in them",
        leaked.is_none(),
        &leaked.unwrap_or_default(),
    );
}

/// Names and labels, without the numbers.
fn labels(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.rsplit_once(' ')).map(|(labels, _)| labels)
}

/// Whether a line is worth printing: a series of interest that counted something.
fn is_told(line: &str) -> bool {
    TOLD.iter().any(|name| line.starts_with(name)) && !line.ends_with(" 0")
}

/// The sum of all series of this name that have these labels.
fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    text.lines()
        .filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        })
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// What is promised of the metrics: name, labels, least value.
const STORY: &[(&str, &str, &[&str], f64)] = &[
    (
        "payments without a good token were counted",
        "tollgate_faults_total",
        &["code=\"token_"],
        2.0,
    ),
    (
        "so was the check that was too much",
        "tollgate_faults_total",
        &["code=\"rate_limited\""],
        1.0,
    ),
    (
        "so was the tampered answer",
        "tollgate_faults_total",
        &["code=\"upstream_decryption_failed\"", "blame=\"upstream\""],
        1.0,
    ),
    (
        "so was the notification that was forged",
        "tollgate_faults_total",
        &["code=\"signature_invalid\"", "route=\"notify-wechat-pay\""],
        1.0,
    ),
    (
        "so was the file that was changed",
        "tollgate_faults_total",
        &["code=\"upstream_checksum_mismatch\""],
        1.0,
    ),
    (
        "so was the answer that was lost, as an unknown outcome",
        "tollgate_attempts_total",
        &["outcome=\"unknown\""],
        1.0,
    ),
    (
        "and every payment that went well",
        "tollgate_requests_total",
        &["route=\"pay\"", "status=\"200\""],
        600.0,
    ),
    ("the second configuration is in force", "tollgate_config_generation", &[], 2.0),
    ("it was accepted", "tollgate_config_last_reload_successful", &[], 1.0),
];

/// Which metrics are printed.
const TOLD: [&str; 6] = [
    "tollgate_requests_total{",
    "tollgate_faults_total{",
    "tollgate_attempts_total{",
    "tollgate_config_generation ",
    "tollgate_reloads_total{",
    "tollgate_token_cache_hits_total{",
];

/// What a caller sent: an order, a client, the beginning of any token.
const SECRETS: [&str; 3] = ["123456", "demo-shop", "eyJ"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_name_and_labels() {
        let text = "# HELP a b\na{x=\"1\",y=\"2\"} 3\na{x=\"2\",y=\"2\"} 4\na_b{x=\"1\"} 50\nc 7\n";
        assert!((sum(text, "a", &["y=\"2\""]) - 7.0).abs() < 0.1, "both series of the name");
        assert!((sum(text, "a", &["x=\"1\""]) - 3.0).abs() < 0.1, "one by its label");
        assert!((sum(text, "c", &[]) - 7.0).abs() < 0.1, "without labels");
        assert!((sum(text, "d", &[]) - 0.0).abs() < 0.1, "an absent one is zero");
    }

    #[test]
    fn series_that_counted_nothing_are_not_printed() {
        assert!(is_told("tollgate_faults_total{code=\"internal\"} 1"), "it counted");
        assert!(!is_told("tollgate_faults_total{code=\"internal\"} 0"), "it did not");
        assert!(!is_told("tollgate_panics_total 1"), "another name");
    }
}
