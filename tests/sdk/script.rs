//! A program that an SDK runs in: Node.js or Python, asked in lines of JSON.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::within;

/// A running script. It is killed when this is dropped, and ends by itself if this process does.
pub struct Script {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    answers: mpsc::UnboundedReceiver<String>,
    talk: Arc<Mutex<String>>,
    asked: u64,
}

impl Script {
    /// Runs a script by Node.js.
    pub fn node(name: &'static str) -> Self {
        Self::start(&sdks().join("node"), name)
    }

    /// Runs a script by Python.
    pub fn python(name: &'static str) -> Self {
        Self::start(&sdks().join("python/bin/python"), name)
    }

    fn start(program: &Path, name: &'static str) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/scripts");
        let mut child = Command::new(program)
            .arg(scripts.join(name))
            .env("NODE_PATH", sdks().join("node_modules"))
            // Alipay's times are China's, and its SDK takes the machine's.
            .env("TZ", "Asia/Shanghai")
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let (sender, answers) = mpsc::unbounded_channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let talk = Arc::new(Mutex::new(String::new()));
        let (mut errors, heard) = (child.stderr.take().unwrap(), talk.clone());
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut piece) {
                heard.lock().push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let input = child.stdin.take().unwrap();
        Self { name, child, input, answers, talk, asked: 0 }
    }

    /// Asks for an action that must succeed.
    pub async fn ask(&mut self, action: &str, input: Value) -> Value {
        let answer = self.try_ask(action, input).await;
        answer.unwrap_or_else(|error| {
            panic!("{}: `{action}` failed: {error}\n{}", self.name, self.talk.lock())
        })
    }

    /// Asks for an action; returns its value, or the error that the SDK threw.
    pub async fn try_ask(&mut self, action: &str, input: Value) -> Result<Value, Value> {
        self.asked += 1;
        let line = json!({ "id": self.asked, "action": action, "input": input });
        let written = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        let what = format!("{}: an answer to `{action}`", self.name);
        let answer = match written {
            Ok(()) => within(&what, self.answers.recv()).await,
            Err(_) => None,
        };
        let answer = answer.unwrap_or_else(|| panic!("{what}: it ended\n{}", self.talk.lock()));
        let mut answer: Value = serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("{what}: {error}: {answer}\n{}", self.talk.lock()));
        assert_eq!(answer["id"], self.asked, "{what}: in order: {answer}");
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["value"].take()),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the SDKs are installed.
fn sdks() -> PathBuf {
    let folder = std::env::var_os("TOLLGATE_SDK").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.join(".installed").exists());
    folder.expect("TOLLGATE_SDK names the folder of the SDKs: run `make test-sdk`")
}
