//! The program, and how it ends.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Output, Stdio},
};

use reqwest::{Certificate, Client, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Folder, PATIENCE, prepare, within};

/// `tollgate sandbox` on a free port, killed when this is dropped.
pub struct Sandbox {
    /// Its materials.
    pub folder: Folder,
    /// Where it listens.
    pub url: String,
    /// What it printed.
    pub page: String,
    /// Trusts it.
    pub client: Client,
    child: Child,
}

impl Sandbox {
    /// With new materials.
    pub async fn start(provider: &str, arguments: &[&str]) -> Self {
        Self::start_in(Folder::new(), provider, arguments).await
    }

    /// With the materials of this folder.
    pub async fn start_in(folder: Folder, provider: &str, arguments: &[&str]) -> Self {
        prepare();
        let mut child = command(&folder, provider)
            .args(["--address", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reading = tokio::task::spawn_blocking(move || {
            let mut page = String::new();
            while let Some(Ok(line)) = lines.next() {
                page += &line;
                page.push('\n');
                if line == "Ctrl-C ends it." {
                    break;
                }
            }
            page
        });
        let page = within("the start of the sandbox", reading).await.unwrap();
        let url = page.split_once("listening at ").and_then(|(_, rest)| rest.split_once(','));
        let url = url.unwrap_or_else(|| panic!("it says where it listens: {page}")).0.to_owned();
        let mut client = Client::builder().no_proxy();
        if url.starts_with("https") {
            let authority = folder.read("ca.pem");
            client =
                client.tls_certs_only(Certificate::from_pem_bundle(authority.as_bytes()).unwrap());
        }
        let client = client.build().unwrap();
        Self { folder, url, page, client, child }
    }

    /// One of the paths for whoever watches.
    pub async fn watch(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.url)).send();
        json_of(within(path, answer).await.unwrap()).await.1
    }

    /// Waits until this is true of what it shows.
    pub async fn watch_until(&self, path: &str, holds: impl Fn(&Value) -> bool) {
        let waited = async {
            while !holds(&self.watch(path).await) {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, waited).await;
        assert!(ended.is_ok(), "{path} never became that: {:#}", self.watch(path).await);
    }

    /// Tells it something.
    pub async fn tell(&self, path: &str, what: &Value) -> (StatusCode, Value) {
        let answer = self.client.post(format!("{}{path}", self.url)).body(what.to_string()).send();
        json_of(within(path, answer).await.unwrap()).await
    }

    /// Ends it as Ctrl-C does, and gives its folder back.
    pub async fn end(mut self) -> Folder {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, Signal::INT).expect("it runs");
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(status.code(), Some(0), "Ctrl-C is how it ends");
        std::mem::replace(&mut self.folder, Folder::new())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Folder, provider: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .args(["sandbox", provider, "--materials"])
        .arg(folder.path())
        .env_remove("TOLLGATE_LOG")
        .stdin(Stdio::null());
    command
}

async fn json_of(answer: reqwest::Response) -> (StatusCode, Value) {
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn materials_are_private_and_kept_from_one_start_to_the_next() {
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let before: Vec<(String, String)> =
        ["apiclient_key.pem", "api_v3_key", "pub_key.pem", "ca.pem"]
            .into_iter()
            .chain(["provider/pub_key_private.pem", "provider/tls_key.pem"])
            .map(|name| {
                let mode = sandbox.folder.join(name).metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{name} is its owner's alone");
                assert!(sandbox.page.contains(name), "{name} is told: {}", sandbox.page);
                (name.to_owned(), sandbox.folder.read(name))
            })
            .collect();
    let key = &before[0].1;
    let line = key.lines().nth(1).unwrap();
    assert!(!sandbox.page.contains(line), "no key is printed: {}", sandbox.page);
    assert!(!sandbox.page.contains(before[1].1.trim()), "nor the other one");
    let folder = sandbox.end().await;
    let sandbox = Sandbox::start_in(folder, "wechat_pay", &[]).await;
    for (name, text) in before {
        assert_eq!(sandbox.folder.read(&name), text, "{name} is the same");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_starting_is_said_with_a_code_of_its_own() {
    let run = |folder: &Folder, arguments: &[&str]| -> Output {
        command(folder, "wechat_pay").args(arguments).output().expect("the program runs")
    };
    let talk = |output: &Output| String::from_utf8(output.stderr.clone()).unwrap();
    let folder = Folder::new();
    folder.write("api_v3_key", "too short");
    let output = run(&folder, &["--address", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(78), "a bad file: {}", talk(&output));
    assert!(
        talk(&output).contains("api_v3_key` is not a key of 32 characters"),
        "{}",
        talk(&output)
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&Folder::new(), &["--address", &address]);
    assert_eq!(output.status.code(), Some(71), "a port that is taken: {}", talk(&output));
    for arguments in [
        ["--fault", "lost"],
        ["--fault", "slow=2"],
        ["--pay-after", "5"],
        ["--notify", "127.0.0.1:80/x"],
        ["--notify", "ftp://x"],
    ] {
        let output = run(&Folder::new(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", talk(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_directed_over_plain_http_where_that_is_wanted() {
    let sandbox = Sandbox::start("wechat_pay", &["--plain", "--fault", "slow=0"]).await;
    assert!(sandbox.url.starts_with("http://127.0.0.1:"), "plain: {}", sandbox.url);
    assert!(!sandbox.folder.join("ca.pem").exists(), "no authority is needed");
    assert_eq!(sandbox.watch("/_book").await["provider"], "wechat_pay", "the book");
    assert_eq!(sandbox.watch("/_faults").await["slow"]["share"], 0.0, "what was said at start");
    let (status, told) = sandbox.tell("/_pay", &json!({ "order": "none" })).await;
    assert_eq!(status, StatusCode::CONFLICT, "nobody ordered that: {told}");
    let before = sandbox.watch("/_keys").await;
    let (_, during) = sandbox.tell("/_rotate", &json!({})).await;
    assert_eq!(during["certificates"].as_array().unwrap().len(), 2, "two while keys change");
    assert_eq!(during["certificates"][0], before["certificates"][0], "the old one is good");
    let (_, after) = sandbox.tell("/_retire", &json!({})).await;
    assert_eq!(after["certificates"], json!([during["certificates"][1]]), "one afterwards");
    let (_, renewed) = sandbox.tell("/_renew", &json!({})).await;
    let files: Vec<&String> = renewed["files"].as_object().unwrap().keys().collect();
    assert_eq!(files, ["apiclient_cert.pem", "apiclient_key.pem"], "the merchant's new files");
    let (_, revoked) = sandbox.tell("/_revoke", &json!({})).await;
    let good: Vec<_> = revoked.as_array().unwrap().iter().map(|one| &one["good"]).collect();
    assert_eq!(good, [false, true], "the old certificate has ended: {revoked}");
    assert_eq!(sandbox.watch("/_credentials").await, revoked, "and that is what is shown");
}
