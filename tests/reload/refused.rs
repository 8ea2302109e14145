//! A configuration that is wrong changes nothing, and says so everywhere an operator looks.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_keeps_the_last_good_one_and_the_mended_one_is_taken() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .plugin("headers: { response: { set: { X-Turn: first } } }")
        .run()
        .await;
    let good = program.folder.read("tollgate.yaml");
    program.folder.write("tollgate.yaml", good.replace("X-Turn: first", "X-Turn: ''"));
    let found = ready_when(&program, "the refusal shows", |found| {
        found["last_reload"]["outcome"] == "refused"
    })
    .await;
    assert_eq!(found["ready"], true, "traffic still belongs here: {found}");
    assert!(found["reasons"].to_string().contains("refused"), "with a reason: {found}");
    let report = found["last_reload"]["report"].as_str().unwrap_or_default();
    assert!(report.contains("X-Turn: ''"), "the line is shown: {report}");
    assert!(report.contains("^^"), "with a caret: {report}");
    assert_eq!(found["generation"], 1, "the first one serves");
    let metrics = program.metrics().await;
    assert_eq!(metrics.count("tollgate_config_last_reload_successful", &[]), 0, "to be alerted on");
    assert_eq!(metrics.count("tollgate_reloads_total", &[("result", "refused")]), 1, "counted");
    program
        .talk_until("the log says why", |lines| {
            lines.iter().any(|line| line.contains("the last good one stays in force"))
        })
        .await;
    let records = audit(&program);
    let record = records.last().expect("a record");
    assert_eq!(
        (&record["action"], &record["actor"], &record["result"]),
        (&"reload".into(), &"watcher".into(), &"refused".into()),
        "the refusal is on record: {records:?}"
    );
    let mut caller = program.http1().await;
    let answer = caller.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.header("x-turn").as_deref(), Some("first"), "the last good one serves");

    program.folder.write("tollgate.yaml", good.replace("X-Turn: first", "X-Turn: mended"));
    generation(&program, 2).await;
    let answer = caller.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.header("x-turn").as_deref(), Some("mended"), "the mended one is taken");
    let found = readiness(&program).await;
    assert_eq!(found["reasons"], serde_json::json!([]), "nothing is left to say: {found}");
    let metrics = program.metrics().await;
    assert_eq!(metrics.count("tollgate_config_last_reload_successful", &[]), 1, "all is well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undoing_a_bad_edit_settles_it_without_a_new_generation() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).run().await;
    let good = program.folder.read("tollgate.yaml");
    program.folder.write("tollgate.yaml", "listeners: [\n");
    ready_when(&program, "the refusal shows", |found| found["last_reload"]["outcome"] == "refused")
        .await;
    program.folder.write("tollgate.yaml", good);
    let found = ready_when(&program, "it is settled", |found| {
        found["last_reload"]["outcome"] == "unchanged"
    })
    .await;
    assert_eq!((&found["generation"], &found["reasons"]), (&1.into(), &serde_json::json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_is_a_refusal_and_its_return_is_noticed() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let issuer = Issuer::new("k1");
    let program = Recipe::to(&provider)
        .file("jwks.json", issuer.jwks())
        .plugin(&Issuer::plugin())
        .run()
        .await;
    std::fs::remove_file(program.folder.join("jwks.json")).unwrap();
    let found = ready_when(&program, "the refusal shows", |found| {
        found["last_reload"]["outcome"] == "refused"
    })
    .await;
    let report = found["last_reload"]["report"].to_string();
    assert!(report.contains("`jwks.json` does not exist"), "it says what is gone: {report}");
    let next = Issuer::new("k2");
    program.folder.write("jwks.json", next.jwks());
    generation(&program, 2).await;
    let token = format!("Bearer {}", next.token(&serde_json::json!({})));
    let mut caller = program.http1().await;
    let answer = caller.call("GET", "/", &[("authorization", &token)], b"", None).await;
    assert_eq!(answer.status, 200, "the new key serves: {}", answer.text());
}
