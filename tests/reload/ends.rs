//! How the process ends, and what must not stop it.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use rustix::process::Signal;
use tokio::{net::TcpStream, sync::Notify};

use super::*;

/// A provider that answers when it is told to, and tells when it was called.
async fn patient() -> (Provider, Arc<Notify>, Arc<Notify>) {
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (arrived.clone(), release.clone());
    let provider = Provider::raw(move |mut peer| {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            while peer.request().await.is_some() {
                tell.notify_one();
                wait.notified().await;
                if peer.reply(&Reply::new(200, "late")).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    (provider, arrived, release)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_drains_readiness_first_and_ends_with_the_last_exchange() {
    let (provider, arrived, release) = patient().await;
    // The delay is long enough for what is to be seen in it, on a busy machine too.
    let mut program = Recipe::to(&provider).top("drain: { delay: 5s, grace: 60s }").run().await;
    let address = program.address("plain");
    let mut caller = program.http1().await;
    let mut idle = program.http1().await;
    let call = tokio::spawn(async move { caller.call("POST", "/", &[], b"x", None).await });
    within("the request reaches the provider", arrived.notified()).await;
    program.signal(Signal::TERM);
    let found =
        ready_when(&program, "readiness turns false", |found| found["ready"] == false).await;
    assert!(found["reasons"].to_string().contains("draining"), "with the reason: {found}");
    assert!(TcpStream::connect(address).await.is_ok(), "callers are still let in meanwhile");
    within("then they are not", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(idle.closed().await, "idle connections are closed");
    release.notify_one();
    let answer = call.await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "late"), "what ran is finished");
    assert_eq!(answer.header("connection").as_deref(), Some("close"), "and is the last");
    let status = program.ended().await;
    assert!(status.success(), "long before the grace period: {status}");
    let records = audit(&program);
    assert_eq!(records.last().unwrap()["result"], "drained", "on record: {records:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_is_bounded_by_its_grace_period() {
    let (provider, arrived, _release) = patient().await;
    let mut program = Recipe::to(&provider).top("drain: { delay: 0s, grace: 200ms }").run().await;
    let mut caller = program.http1().await;
    let call = tokio::spawn(async move {
        caller.send("POST / HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 1\r\n\r\nx").await;
        caller.rest().await
    });
    within("the request reaches the provider", arrived.notified()).await;
    program.signal(Signal::TERM);
    let status = program.ended().await;
    assert_eq!(status.code(), Some(75), "whoever supervises it can tell");
    let record =
        program.record("the payment that was cut off", |record| record["status"].is_null()).await;
    assert_eq!(
        (&record["fault"]["code"], &record["outcome"]),
        (&"cut_off".into(), &"unknown".into()),
        "it was sent, and what came of it nobody knows: {record}"
    );
    assert!(program.talk().contains("cut off"), "it says what it did: {}", program.talk());
    let records = audit(&program);
    assert_eq!(records.last().unwrap()["result"], "cut_off", "on record: {records:?}");
    assert_eq!(call.await.unwrap(), b"", "no half of an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_at_once() {
    let (provider, arrived, _release) = patient().await;
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Recipe::to(&provider).top("drain: { delay: 1h, grace: 1h }").run().await;
        let mut caller = program.http1().await;
        caller.send("POST / HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 1\r\n\r\nx").await;
        within("the request reaches the provider", arrived.notified()).await;
        program.signal(Signal::TERM);
        ready_when(&program, "it drains", |found| found["ready"] == false).await;
        program.signal(signal);
        // Waits for much less than an hour.
        let status = program.ended().await;
        assert_eq!(status.code(), Some(75), "whoever supervises it can tell");
        program.record("it is on record", |record| record["fault"]["code"] == "cut_off").await;
        assert!(program.talk().contains("a second signal"), "it says why: {}", program.talk());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_reader_of_standard_output_stops_no_traffic() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let folder = Folder::new();
    folder.write(
        "tollgate.yaml",
        format!(
            "admin: {{ address: 127.0.0.1:0 }}\n\
             audit: {{ file: audit.jsonl }}\n\
             drain: {{ delay: 0s }}\n\
             listeners: {{ plain: {{ address: 127.0.0.1:0 }} }}\n\
             routes: {{ pay: {{ unauthenticated: true, send_to: [{{ upstream: provider }}] }} }}\n\
             upstreams: {{ provider: {{ endpoints: [{}] }} }}\n",
            provider.url()
        ),
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["run", "--config", "tollgate.yaml"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody reads this end.
    let stuck = child.stdout.take().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut addresses = lines.map_while(Result::ok).filter_map(|line| {
        let words = line.split_once("listening")?.1.to_owned();
        let word = |name: &str| {
            words.split_whitespace().find_map(|word| word.strip_prefix(name)).map(str::to_owned)
        };
        Some((word("listener=")?, word("address=")?.parse::<std::net::SocketAddr>().ok()?))
    });
    let (first, second) = (addresses.next().unwrap(), addresses.next().unwrap());
    let find =
        |name: &str| [&first, &second].into_iter().find(|(found, _)| found == name).unwrap().1;
    let (plain, admin) = (find("plain"), find("admin"));
    // More lines than the pipe and the queue hold together.
    let mut callers = Vec::new();
    for _ in 0..4 {
        callers.push(tokio::spawn(async move {
            let mut caller = Http1::connect(plain).await;
            for _ in 0..2_500 {
                let answer = caller.call("GET", "/", &[], b"", None).await;
                assert_eq!(answer.status, 200, "served");
            }
        }));
    }
    for caller in callers {
        caller.await.expect("every request was served");
    }
    let answer = Http1::connect(admin).await.call("GET", "/metrics", &[LOCAL], b"", None).await;
    let dropped = Metrics(answer.text()).count("tollgate_access_log_dropped_total", &[]);
    assert!(dropped > 0, "lines were lost, and counted");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, Signal::TERM).unwrap();
    let status = within(
        "the end",
        tokio::task::spawn_blocking(move || {
            let status = child.wait().unwrap();
            drop(stuck);
            status
        }),
    )
    .await
    .unwrap();
    assert!(status.success(), "it ends nevertheless: {status}");
}
