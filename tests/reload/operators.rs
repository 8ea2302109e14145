//! Reloads that somebody asks for.

use rustix::process::Signal;

use super::*;

const ADMIN: &str = "admin: { address: 127.0.0.1:0, tokens: [{ name: reader, token: { env: READER }, role: read }, { name: chief, token: { env: CHIEF }, role: operate }] }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_operators_may_reload_and_every_try_is_on_record() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let variables = [("READER", "reader-reader-reader"), ("CHIEF", "chief-chief-chief-chief")];
    let program = Recipe::to(&provider).top(ADMIN).run_with(&variables).await;
    let mut operator = Http1::connect(program.address("admin")).await;
    for (token, path, method, status) in [
        (None, "/healthz", "GET", 200),
        (None, "/readyz", "GET", 200),
        (None, "/metrics", "GET", 401),
        (None, "/config", "GET", 401),
        (None, "/config/reload", "POST", 401),
        (Some("Bearer wrong-wrong-wrong-wrong"), "/config/reload", "POST", 401),
        (Some("Bearer reader-reader-reader"), "/metrics", "GET", 200),
        (Some("Bearer reader-reader-reader"), "/config", "GET", 200),
        (Some("Bearer reader-reader-reader"), "/config/reload", "POST", 403),
        (Some("Bearer chief-chief-chief-chief"), "/config/reload", "GET", 405),
        (Some("Bearer chief-chief-chief-chief"), "/config/reload", "POST", 200),
        (Some("Bearer chief-chief-chief-chief"), "/config", "GET", 200),
    ] {
        let header = token.map(|token| ("authorization", token));
        let answer = operator.call(method, path, header.as_slice(), b"", None).await;
        assert_eq!(answer.status, status, "{token:?} {method} {path}: {}", answer.text());
        for (_, secret) in variables {
            assert!(!answer.text().contains(secret), "{path} shows a token: {}", answer.text());
        }
    }
    let reloads: Vec<(String, String)> = audit(&program)
        .iter()
        .filter(|record| record["action"] == "admin_reload")
        .map(|record| (text(&record["actor"]), text(&record["result"])))
        .collect();
    let expected =
        [("unknown", "denied"), ("unknown", "denied"), ("reader", "denied"), ("chief", "allowed")];
    let expected = expected.map(|(actor, result)| (actor.to_owned(), result.to_owned()));
    assert_eq!(reloads, expected, "who tried, and with which result");
    let numbers: Vec<u64> =
        audit(&program).iter().filter_map(|record| record["sequence"].as_u64()).collect();
    let all: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, all, "the records have no gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_a_reload_is_its_answer() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).run().await;
    assert_eq!(reload(&program).await["outcome"], "unchanged", "nothing was edited");
    let good = program.folder.read("tollgate.yaml");
    program.folder.write("tollgate.yaml", good.replace("upstream: provider", "upstream: provder"));
    let refused = reload(&program).await;
    assert_eq!(refused["outcome"], "refused", "{refused}");
    let finding = &refused["findings"][0];
    assert_eq!(
        (&finding["message"], &finding["hint"]),
        (&"unknown upstream `provder`".into(), &"did you mean `provider`?".into()),
        "for machines: {refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_signal_reloads() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).run().await;
    // As soon as it listens: whoever supervises it need not guess when it is ready for signals.
    program.signal(Signal::HUP);
    ready_when(&program, "the reload is done", |found| {
        found["last_reload"]["outcome"] == "unchanged"
    })
    .await;
    edit(&program, "  pay:\n", "  pay:\n    match: { path: /edited }\n");
    program.signal(Signal::HUP);
    generation(&program, 2).await;
    let found = readiness(&program).await;
    assert_eq!(found["generation"], 2, "one edit is one generation, whoever noticed it first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_need_a_restart_are_named() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).run().await;
    edit(&program, "log: { access: all }", "log: { access: off, format: json }");
    edit(&program, "audit: { file: audit.jsonl }", "audit: { file: other.jsonl }");
    let both = |found: &Value| {
        found["last_reload"]["needs_restart"].as_array().is_some_and(|names| names.len() == 2)
    };
    let found = ready_when(&program, "both are taken up, in one reload or two", both).await;
    let number = found["generation"].as_u64().expect("a number");
    let talk = program
        .talk_until("it is logged", |lines| {
            lines.iter().any(|line| line.contains("when the process starts again"))
        })
        .await;
    assert!(talk.contains("log"), "by name: {talk}");
    edit(&program, "  pay:\n", "  pay:\n    match: { path: / }\n");
    let found = generation(&program, number + 1).await;
    assert!(both(&found), "an edit of something else does not make up for the start: {found}");
    let answer = program.http1().await.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 200, "everything else goes on");
    program.record("still on the old log", |record| record["status"] == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_log_that_cannot_be_written_stops_what_it_must() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    // A device on which every write fails, as on a full disk.
    let audit = "audit: { file: /dev/full, on_failure: open }";
    let program = Recipe::to(&provider).top(audit).run().await;
    edit(&program, "  pay:\n", "  pay:\n    match: { path: /edited }\n");
    generation(&program, 2).await;
    let metrics = program.metrics().await;
    let lost = metrics.count("tollgate_audit_failures_total", &[]);
    assert!(lost >= 2, "`open` goes on, and counts what is lost: {lost}");

    let folder =
        program.folder.read("tollgate.yaml").replace("on_failure: open", "on_failure: closed");
    let closed = Folder::new();
    closed.write("tollgate.yaml", folder);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["run", "--config", "tollgate.yaml"])
        .current_dir(closed.path())
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(71), "`closed` does not start: {talk}");
    assert!(talk.contains("the audit record of this start cannot be written"), "and why: {talk}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_log_that_cannot_be_opened_does_not_stop_a_start_that_is_told_to_go_on() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let audit = "audit: { file: absent/audit.jsonl, on_failure: open }";
    let program = Recipe::to(&provider).top(audit).run().await;
    let lost = program.metrics().await.count("tollgate_audit_failures_total", &[]);
    assert_eq!(lost, 1, "it is counted, to be alerted on");
    let talk = program
        .talk_until("records go elsewhere", |lines| {
            lines.iter().any(|line| line.contains(r#""action":"start""#))
        })
        .await;
    assert!(talk.contains("cannot be opened"), "and why: {talk}");
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
