//! Changes of the configuration while the real program serves: what is taken up, what is refused,
//! what survives, and how the process ends.

mod ends;
mod files;
mod listeners;
mod load;
mod operators;
mod refused;
mod state;

use serde_json::Value;

use crate::support::*;

/// What `/readyz` says.
async fn readiness(program: &Binary) -> Value {
    let mut operator = Http1::connect(program.address("admin")).await;
    let answer = operator.call("GET", "/readyz", &[LOCAL], b"", None).await;
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// Waits until this is true of `/readyz`.
async fn ready_when(program: &Binary, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    within(what, async {
        loop {
            let found = readiness(program).await;
            if holds(&found) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Waits for the configuration of this number.
async fn generation(program: &Binary, number: u64) -> Value {
    let what = format!("configuration {number} is in force");
    ready_when(program, &what, |found| found["generation"].as_u64() >= Some(number)).await
}

/// Asks for a reload, and returns what came of it.
async fn reload(program: &Binary) -> Value {
    let mut operator = Http1::connect(program.address("admin")).await;
    let answer = operator.call("POST", "/config/reload", &[LOCAL], b"", None).await;
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// The audit records so far.
fn audit(program: &Binary) -> Vec<Value> {
    let lines = program.folder.read("audit.jsonl");
    lines.lines().map(|line| serde_json::from_str(line).expect("a record each")).collect()
}

/// Puts something else in place of a part of the configuration.
fn edit(program: &Binary, from: &str, to: &str) {
    let yaml = program.folder.read("tollgate.yaml");
    assert!(yaml.contains(from), "`{from}` stands in:\n{yaml}");
    program.folder.write("tollgate.yaml", yaml.replace(from, to));
}

/// A change that has nothing to do with what is tested: each number is another configuration.
async fn unrelated_change(program: &Binary, number: u64) {
    let yaml = program.folder.read("tollgate.yaml");
    let lines = yaml.lines().filter(|line| !line.starts_with("limits:"));
    let rest: String = lines.fold(String::new(), |all, line| all + line + "\n");
    program
        .folder
        .write("tollgate.yaml", format!("{rest}limits: {{ held_memory: {number}MiB }}\n"));
    generation(program, number).await;
}
