//! The real program.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::watch;

use super::{
    Authority, Folder, Http1, Http2, Metrics,
    gateway::{find, read_metrics},
    within,
};

/// `tollgate run` in a process of its own, which is killed when this is dropped.
pub struct Binary {
    /// Its folder, with `tollgate.yaml` and `audit.jsonl`.
    pub folder: Folder,
    child: Child,
    addresses: Vec<(String, SocketAddr)>,
    records: Arc<Records>,
    talk: Arc<Lines>,
}

impl Binary {
    pub(super) async fn start(folder: Folder, yaml: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command
            .args(["run", "--config", "tollgate.yaml"])
            .current_dir(folder.path())
            .env_remove("TOLLGATE_LOG")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let records = Arc::new(Records::default());
        let talk = Arc::new(Lines::default());
        follow(child.stdout.take().unwrap(), records.lines.clone());
        follow(child.stderr.take().unwrap(), talk.clone());
        let listeners = yaml.matches("address:").count();
        let mut binary = Self { folder, child, addresses: Vec::new(), records, talk };
        let talk = binary.talk.clone();
        let lines = talk.until("the start of the program", |lines, ended| {
            ended || lines.iter().filter(|line| line.contains("listening")).count() == listeners
        });
        let lines = lines.await;
        binary.addresses = lines.iter().filter_map(|line| listening(line)).collect();
        assert_eq!(binary.addresses.len(), listeners, "it listens: {}\n{yaml}", lines.join("\n"));
        binary
    }

    /// The address of this listener; the operators' is `admin`.
    pub fn address(&self, listener: &str) -> SocketAddr {
        find(&self.addresses, listener)
    }

    /// A caller over HTTP/1.1 at the listener `plain`.
    pub async fn http1(&self) -> Http1 {
        Http1::connect(self.address("plain")).await
    }

    /// A caller over HTTP/2 at the listener `tls`.
    pub async fn http2(&self, authority: &Authority) -> Http2 {
        Http2::connect_tls(self.address("tls"), authority).await
    }

    /// What operators see at `/metrics`.
    pub async fn metrics(&self) -> Metrics {
        read_metrics(self.address("admin")).await
    }

    /// Waits until this is true of the metrics: what ends an exchange is counted after its answer.
    pub async fn metrics_until(&self, what: &str, holds: impl Fn(&Metrics) -> bool) -> Metrics {
        within(what, async {
            loop {
                let metrics = self.metrics().await;
                if holds(&metrics) {
                    return metrics;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Its access log.
    pub fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Waits for the access-log record of which this is true.
    pub async fn record(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.records.find(what, fits).await
    }

    /// Waits until this is true of its standard error, and returns that.
    pub async fn talk_until(&self, what: &str, holds: impl Fn(&[String]) -> bool) -> String {
        self.talk.until(what, |lines, _| holds(lines)).await.join("\n")
    }

    /// Its standard error so far.
    pub fn talk(&self) -> String {
        self.talk.text()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A line of its `/proc/…/status` in bytes, such as `VmRSS` or `VmHWM`.
    pub fn memory(&self, line: &str) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).expect("the program runs");
        let value = status.lines().find_map(|other| other.strip_prefix(line)?.strip_prefix(':'));
        let value = value.and_then(|value| value.trim().strip_suffix(" kB"));
        value.and_then(|value| value.parse::<u64>().ok()).expect("a size in kB") * 1024
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("the program runs");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        // Its outputs end with it.
        self.talk.until("the end of the program", |_, ended| ended).await;
        self.records.lines.until("the end of its output", |_, ended| ended).await;
        self.child.wait().expect("the program has ended")
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The name and address in a line of the log that says where callers are served.
fn listening(line: &str) -> Option<(String, SocketAddr)> {
    let words = line.split_once("listening")?.1;
    let word = |name: &str| words.split_whitespace().find_map(|word| word.strip_prefix(name));
    Some((word("listener=")?.to_owned(), word("address=")?.parse().ok()?))
}

/// Access-log records as they are written.
#[derive(Default)]
pub struct Records {
    lines: Arc<Lines>,
}

impl Records {
    /// All records so far.
    pub fn all(&self) -> Vec<Value> {
        let lines = self.lines.state.borrow();
        lines.0.iter().map(|line| serde_json::from_str(line).expect("one JSON line each")).collect()
    }

    /// Everything that was written, as text.
    pub fn text(&self) -> String {
        self.lines.text()
    }

    /// Waits for a record of which this is true.
    pub async fn find(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let fits = |line: &String| serde_json::from_str(line).is_ok_and(|record| fits(&record));
        let lines = self.lines.until(what, |lines, ended| ended || lines.iter().any(fits)).await;
        let found = lines.iter().find(|line| fits(line));
        serde_json::from_str(found.unwrap_or_else(|| panic!("{what}: no such record"))).unwrap()
    }

    pub(super) fn writer(&self) -> impl Write + Send + 'static {
        Sink { lines: self.lines.clone(), part: Vec::new() }
    }
}

/// Lines of text as they are written, and whether that has ended.
#[derive(Default)]
struct Lines {
    state: watch::Sender<(Vec<String>, bool)>,
}

impl Lines {
    async fn until(&self, what: &str, holds: impl Fn(&[String], bool) -> bool) -> Vec<String> {
        let mut state = self.state.subscribe();
        let found = within(what, state.wait_for(|(lines, ended)| holds(lines, *ended))).await;
        found.expect("somebody writes").0.clone()
    }

    fn text(&self) -> String {
        self.state.borrow().0.join("\n")
    }
}

struct Sink {
    lines: Arc<Lines>,
    part: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        while let Some(end) = self.part.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.part.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            self.lines.state.send_modify(|(lines, _)| lines.push(line));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn follow(output: impl Read + Send + 'static, lines: Arc<Lines>) {
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            lines.state.send_modify(|(lines, _)| lines.push(text));
            line.clear();
        }
        lines.state.send_modify(|(_, ended)| *ended = true);
    });
}
