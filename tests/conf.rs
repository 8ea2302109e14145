//! The examples in `conf/`: each loads as it stands there, starts, and shows nobody its secrets.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use tollgate::{
    config::{self, Files, Formats, Sources, references::Target, structure, text},
    sandbox::{Materials, RsaPair, write_private},
};
use tollgate_api::{Clock, SystemClock, SystemEntropy};

use crate::support::*;

#[test]
fn every_example_is_valid_without_a_warning() {
    for path in examples() {
        let example = Example::of(&path);
        let folder = Folder::new();
        example.write(folder.path());
        folder.write("tollgate.yaml", &example.yaml);
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(["check", "tollgate.yaml"])
            .current_dir(folder.path())
            .envs(example.variables())
            .output()
            .unwrap();
        let (out, talk) = (text_of(&output.stdout), text_of(&output.stderr));
        assert!(output.status.success(), "`{}`: {talk}", example.name);
        assert_eq!(talk, "", "`{}` deserves no warning", example.name);
        assert!(out.starts_with("`tollgate.yaml` is valid"), "`{}`: {out}", example.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_starts_and_shows_operators_no_secret() {
    let address = regex::Regex::new(r"address: \S+:\d+").unwrap();
    for path in examples() {
        let example = Example::of(&path);
        // The same on ports that are free.
        let yaml = address.replace_all(&example.yaml, "address: 127.0.0.1:0");
        // In the form that the harness reads.
        let yaml =
            yaml.replace("filter: error", "filter: info").replace("format: json", "format: text");
        let mut recipe = Recipe::new(yaml);
        for (name, content) in &example.files {
            recipe = recipe.file(name, content);
        }
        let variables: Vec<(&str, &str)> = example.variables().collect();
        let program = recipe.run_with(&variables).await;
        let mut operator = match example.authority.as_ref() {
            Some(authority) if example.name == "gateway.yaml" => {
                Http1::connect_tls(program.address("admin"), authority).await
            }
            _ => Http1::connect(program.address("admin")).await,
        };
        let token = format!("Bearer {}", example.content("secrets/deployer.token"));
        let headers = [LOCAL, ("authorization", token.as_str())];
        let ready = operator.call("GET", "/readyz", &[LOCAL], b"", None).await;
        assert_eq!(ready.status, 200, "`{}` is ready: {}", example.name, ready.text());
        for path in ["/config", "/metrics"] {
            let answer = operator.call("GET", path, &headers, b"", None).await;
            assert_eq!(answer.status, 200, "`{}`, {path}: {}", example.name, answer.text());
            for secret in example.secrets() {
                assert!(!answer.text().contains(&secret), "`{}` shows {secret}", example.name);
            }
        }
        for secret in example.secrets() {
            assert!(!program.talk().contains(&secret), "`{}` logs {secret}", example.name);
        }
    }
}

#[test]
fn the_schema_in_conf_is_the_one_that_the_program_prints() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tollgate")).arg("schema").output().expect("it runs");
    let committed = fs::read_to_string(folder().join("tollgate.schema.json")).unwrap_or_default();
    assert!(
        text_of(&output.stdout) == committed,
        "conf/tollgate.schema.json is out of date: run `cargo run -- schema > conf/tollgate.schema.json`"
    );
}

/// A file of `conf/` with all that it refers to.
struct Example {
    name: String,
    yaml: String,
    files: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    secret: Vec<String>,
    authority: Option<Authority>,
}

impl Example {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let yaml = fs::read_to_string(path).unwrap();
        let mut example = Self {
            name,
            yaml,
            files: Vec::new(),
            variables: Vec::new(),
            secret: Vec::new(),
            authority: None,
        };
        example.furnish();
        example
    }

    /// Makes everything that the file refers to.
    fn furnish(&mut self) {
        if self.name == "demo.yaml" {
            return self.furnish_demo();
        }
        let authority = Authority::new();
        let made = materials(&authority);
        for (target, secret) in references(&self.yaml) {
            let (Target::File(name) | Target::Variable(name)) = &target;
            let Some((_, content)) = made.iter().find(|(other, _)| other == name) else {
                panic!("`{}` refers to `{name}`: say in tests/conf.rs what that is", self.name)
            };
            let content = content.clone();
            if secret {
                self.secret.push(content.clone());
            }
            match target {
                Target::File(name) => self.files.push((name, content)),
                Target::Variable(name) => self.variables.push((name, content)),
            }
        }
        self.authority = Some(authority);
    }

    /// The demo makes what its own file refers to.
    fn furnish_demo(&mut self) {
        let folder = Folder::new();
        let materials = Materials::make(SystemClock::new().unix(), &SystemEntropy).unwrap();
        materials.write(folder.path()).unwrap();
        for (target, secret) in references(&self.yaml) {
            let Target::File(name) = target else { panic!("the demo needs no environment") };
            let content = folder.read(&name);
            if secret {
                self.secret.push(content.clone());
            }
            self.files.push((name, content));
        }
    }

    fn write(&self, folder: &Path) {
        for (name, content) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_private(&path, content).unwrap();
        }
    }

    fn content(&self, name: &str) -> &str {
        self.files.iter().find(|(other, _)| other == name).map_or("", |(_, content)| content)
    }

    fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A piece of each secret that stands nowhere else.
    fn secrets(&self) -> impl Iterator<Item = String> {
        let piece = |secret: &String| {
            let mut lines = secret.lines().filter(|line| !line.starts_with("-----"));
            lines.next_back().unwrap_or_default().to_owned()
        };
        self.secret.iter().map(piece)
    }
}

/// Whatever the examples name.
fn materials(authority: &Authority) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for name in ["gateway", "partners", "client"] {
        let pair = authority.pair(&["localhost", "pay.example", "127.0.0.1"]);
        made.push((format!("tls/{name}.pem"), pair.chain));
        made.push((format!("tls/{name}.key"), pair.key));
    }
    let elliptic = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let rsa = RsaPair::generate().unwrap();
    let others = [
        ("tls/partners-ca.pem", authority.pem()),
        ("tls/internal-ca.pem", authority.pem()),
        ("keys/ours-2026.key", elliptic().serialize_pem()),
        ("keys/ours-2025.key", elliptic().serialize_pem()),
        ("keys/partner.pem", elliptic().public_key_pem()),
        ("keys/ours-rsa.key", rsa.private),
        ("keys/acquirer.pem", rsa.public),
        ("secrets/deployer.token", "Canary-deployer-8Zk2uQ".to_owned()),
        ("TOLLGATE_METRICS_TOKEN", "Canary-prometheus-8Zk2uQ".to_owned()),
        ("secrets/apiclient_key.pem", RsaPair::generate().unwrap().private),
        ("keys/wechat_pay.pem", RsaPair::generate().unwrap().public),
        ("WECHAT_API_V3_KEY", "Canary-api-v3-key-8Zk2uQ--------".to_owned()),
        ("secrets/alipay-app.key", RsaPair::generate().unwrap().private),
        ("keys/alipay.pem", RsaPair::generate().unwrap().public),
        ("ALIPAY_CONTENT_KEY", "Q2FuYXJ5LWFsaXBheS0tLQ==".to_owned()),
        ("ACQUIRER_MERCHANT", "Canary-merchant-8Zk2uQ".to_owned()),
        ("STRIPE_SECRET_KEY", "sk_test_0Canary8Zk2uQ".to_owned()),
        ("STRIPE_WEBHOOK_SECRET", "whsec_0Canary8Zk2uQ".to_owned()),
        ("WALLET_KEY", "Q2FuYXJ5LXdhbGxldC1rZXktLS0tLS0tLS0tLS0tLTE=".to_owned()),
        ("WALLET_KEY_BEFORE", "Q2FuYXJ5LXdhbGxldC1rZXktLS0tLS0tLS0tLS0tLTA=".to_owned()),
    ];
    made.extend(others.map(|(name, content)| (name.to_owned(), content)));
    made
}

/// The files and variables that a configuration names, each once, and whether they are secret.
fn references(yaml: &str) -> Vec<(Target, bool)> {
    let sources = Sources::fake([("tollgate.yaml", yaml)], []);
    let mut files = Files::default();
    let document = text::read(Path::new("tollgate.yaml"), &sources, &mut files).unwrap();
    let found = structure::validate(&document, &files, config::schema_json(), &Formats::standard());
    let mut references: Vec<(Target, bool)> = Vec::new();
    for reference in found.references {
        if !references.iter().any(|(target, _)| *target == reference.target) {
            references.push((reference.target, reference.secret));
        }
    }
    references
}

fn examples() -> Vec<PathBuf> {
    let folders = [folder(), folder().join("providers")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let examples: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    assert!(examples.len() >= 5, "they were found: {examples:?}");
    examples
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf")
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
