//! The configuration of a gateway for one test: written out, or put together from its parts.

use std::{fmt::Write, sync::Arc};

use tollgate_api::{Clock, SystemClock};

use super::{Authority, Binary, Folder, Gateway, Provider, gateway::Edit};

/// What a gateway is started from: a folder with `tollgate.yaml` and the files it names.
pub struct Recipe {
    folder: Folder,
    source: Source,
}

enum Source {
    /// YAML as a test writes it.
    Text(String),
    /// One route to one upstream.
    Parts(Box<Parts>),
}

#[derive(Default)]
struct Parts {
    endpoints: Vec<String>,
    listener: Vec<String>,
    tls: bool,
    route: Vec<String>,
    plugins: Vec<String>,
    rules: Vec<String>,
    upstream: Vec<String>,
    upstream_plugins: Vec<String>,
    top: Vec<String>,
}

impl Recipe {
    /// A configuration as written. `admin`, `audit`, `drain` and `log` get values fit for tests
    /// unless they are written: the operators' listener on a free port, audit records in
    /// `audit.jsonl`, no delay, no access log (except of the [`Binary`]).
    pub fn new(yaml: impl Into<String>) -> Self {
        Self { folder: Folder::new(), source: Source::Text(yaml.into()) }
    }

    /// A listener `plain`, a route `pay` that takes everything, and an upstream `provider` with this
    /// provider as its endpoint.
    pub fn to(provider: &Provider) -> Self {
        Self::to_endpoints(&[&provider.url()])
    }

    /// The same with these URLs as endpoints.
    pub fn to_endpoints(endpoints: &[&str]) -> Self {
        let parts = Parts {
            endpoints: endpoints.iter().map(|url| (*url).to_owned()).collect(),
            ..Parts::default()
        };
        Self { folder: Folder::new(), source: Source::Parts(Box::new(parts)) }
    }

    /// Adds a file to the folder.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.folder.write(name, content);
        self
    }

    /// Adds a listener `tls` with a certificate for `localhost`, `pay.example` and 127.0.0.1, and
    /// `ca.pem`, the authority that signed it. A configuration as written must name the files
    /// `tls/gateway.pem` and `tls/gateway.key` itself.
    #[must_use]
    pub fn tls(mut self, authority: &Authority) -> Self {
        let pair = authority.pair(&["localhost", "pay.example", "127.0.0.1"]);
        self.folder.write("tls/gateway.pem", pair.chain);
        self.folder.write("tls/gateway.key", pair.key);
        self.folder.write("ca.pem", authority.pem());
        if let Source::Parts(parts) = &mut self.source {
            parts.tls = true;
        }
        self
    }

    /// Adds a line to the listeners: `limits: { header_timeout: 1s }`.
    #[must_use]
    pub fn listener(self, line: &str) -> Self {
        self.part(|parts| parts.listener.push(line.to_owned()))
    }

    /// Adds a line to the route: `limits: { request_body: 1KiB }`.
    #[must_use]
    pub fn route(self, line: &str) -> Self {
        self.part(|parts| parts.route.push(line.to_owned()))
    }

    /// Adds a plugin to the route, in its flow form: `rate_limit: { per: address, limit: 1/h }`.
    #[must_use]
    pub fn plugin(self, entry: &str) -> Self {
        self.part(|parts| parts.plugins.push(entry.to_owned()))
    }

    /// Adds a rule to `send_to`, before the one that always applies.
    #[must_use]
    pub fn rule(self, entry: &str) -> Self {
        self.part(|parts| parts.rules.push(entry.to_owned()))
    }

    /// Makes the route hold its requests: a rule names `body`. Bodies must be JSON then.
    #[must_use]
    pub fn held(self) -> Self {
        self.rule(r#"{ when: 'request.method == "NEVER" && body == 1', upstream: provider }"#)
    }

    /// Adds a line to the upstream: `timeouts: { first_byte: 200ms }`.
    #[must_use]
    pub fn upstream(self, line: &str) -> Self {
        self.part(|parts| parts.upstream.push(line.to_owned()))
    }

    /// Adds a plugin to the upstream, in its flow form.
    #[must_use]
    pub fn upstream_plugin(self, entry: &str) -> Self {
        self.part(|parts| parts.upstream_plugins.push(entry.to_owned()))
    }

    /// Adds a line at the top: `limits: { held_memory: 1MiB }`.
    #[must_use]
    pub fn top(self, line: &str) -> Self {
        self.part(|parts| parts.top.push(line.to_owned()))
    }

    /// Starts a gateway in this process, as `tollgate run` would; must be called on a runtime.
    pub fn start(self) -> Gateway {
        let (folder, yaml) = self.write("log: { access: off }");
        Gateway::start(folder, &yaml)
    }

    /// Puts the same gateway together by hand, with changes to its compiled configuration that no
    /// text can make: a plugin of the test's own, say. Nothing reloads and there is no operators'
    /// listener; in return the access log is at hand ([`Gateway::record`]).
    pub fn assemble(self, edit: impl FnOnce(&mut Edit<'_>)) -> Gateway {
        self.assemble_at(Arc::new(SystemClock::new()), edit)
    }

    /// The same by this clock.
    pub fn assemble_at(self, clock: Arc<dyn Clock>, edit: impl FnOnce(&mut Edit<'_>)) -> Gateway {
        let (folder, yaml) = self.write("log: { access: all }");
        Gateway::assemble(folder, &yaml, clock, edit)
    }

    /// Starts the real program.
    pub async fn run(self) -> Binary {
        self.run_with(&[]).await
    }

    /// Starts the real program with these environment variables.
    pub async fn run_with(self, environment: &[(&str, &str)]) -> Binary {
        let (folder, yaml) = self.write("log: { access: all }");
        Binary::start(folder, &yaml, environment).await
    }

    fn part(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        let Source::Parts(parts) = &mut self.source else {
            panic!("a configuration as written has no parts to add to");
        };
        change(parts);
        self
    }

    fn write(self, log: &str) -> (Folder, String) {
        let mut yaml = match self.source {
            Source::Text(yaml) => yaml,
            Source::Parts(parts) => parts.render(),
        };
        let defaults = [
            "admin: { address: 127.0.0.1:0 }",
            "audit: { file: audit.jsonl }",
            "drain: { delay: 0s, grace: 10s }",
            log,
        ];
        for line in defaults {
            let (key, _) = line.split_once(' ').unwrap();
            if !yaml.lines().any(|other| other.starts_with(key)) {
                yaml.push_str(line);
                yaml.push('\n');
            }
        }
        self.folder.write("tollgate.yaml", &yaml);
        (self.folder, yaml)
    }
}

impl Parts {
    fn render(&self) -> String {
        let mut yaml = String::new();
        let mut lines = |indent: usize, lines: &[String]| {
            for line in lines {
                writeln!(yaml, "{:indent$}{line}", "").unwrap();
            }
        };
        let entries = |entries: &[String]| {
            let entries = entries.iter().map(|entry| format!("- {entry}"));
            entries.collect::<Vec<_>>()
        };
        let text = |text: &[&str]| text.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        lines(0, &self.top);
        lines(0, &text(&["listeners:", "  plain:", "    address: 127.0.0.1:0"]));
        lines(4, &self.listener);
        if self.tls {
            let tls = "    tls: { certificates: [{ chain: tls/gateway.pem, key: { file: tls/gateway.key } }] }";
            lines(0, &text(&["  tls:", "    address: 127.0.0.1:0", tls]));
            lines(4, &self.listener);
        }
        lines(0, &text(&["routes:", "  pay:", "    unauthenticated: true"]));
        lines(4, &self.route);
        if !self.plugins.is_empty() {
            lines(4, &text(&["plugins:"]));
            lines(6, &entries(&self.plugins));
        }
        lines(4, &text(&["send_to:"]));
        lines(6, &entries(&self.rules));
        lines(6, &text(&["- { upstream: provider }"]));
        lines(0, &text(&["upstreams:", "  provider:"]));
        lines(4, &[format!("endpoints: [{}]", self.endpoints.join(", "))]);
        lines(4, &self.upstream);
        if !self.upstream_plugins.is_empty() {
            lines(4, &text(&["plugins:"]));
            lines(6, &entries(&self.upstream_plugins));
        }
        yaml
    }
}
