//! One plugin in a configuration, compiled as `tollgate check` would, with files and variables from
//! memory.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair};
use tollgate::{
    config::{
        self, Environment, Formats, Report, Sources, compile::compile, references::Target,
        structure, text,
    },
    sandbox::RsaPair,
    snapshot::Snapshot,
    state::{MemoryRateLimiters, MemoryReplaySets},
    telemetry::Metrics,
};
use tollgate_api::{
    Definition, ManualClock, Plugin, SeededEntropy, Side, State, Stores,
    testing::{FakeFetch, NOW},
};

/// What a configuration refers to.
#[derive(Clone, Default)]
pub struct Referred {
    files: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    /// What no one may ever see: pieces of every secret that are long enough to be found by.
    pub secrets: Vec<String>,
}

impl Referred {
    /// Puts the same unfit content behind every reference to a secret.
    pub fn spoil(&mut self, content: &str) {
        let known =
            std::mem::replace(&mut self.secrets, vec!["Canary-unfit".into(), piece(content)]);
        for (_, text) in self.files.iter_mut().chain(&mut self.variables) {
            if known.contains(&piece(text)) {
                content.clone_into(text);
            }
        }
    }
}

/// Where a plugin is tried: what survives a reload, and what its settings refer to.
pub struct Bench {
    /// The definition under test.
    pub definition: &'static Definition,
    /// Where it stands.
    pub side: Side,
    /// What its example refers to.
    pub referred: Referred,
    /// Everything that outlives a configuration.
    pub environment: Environment,
    /// The figures that plugins report to.
    pub metrics: Arc<Metrics>,
}

/// The sides on which a plugin may stand.
pub fn sides(definition: &Definition) -> impl Iterator<Item = Side> {
    [Side::Route, Side::Upstream].into_iter().filter(|side| definition.sides.allows(*side))
}

/// Every plugin on every side on which it may stand.
pub fn everywhere() -> impl Iterator<Item = Bench> {
    tollgate::pipeline::DEFINITIONS
        .iter()
        .flat_map(|definition| sides(definition).map(|side| Bench::new(definition, side)))
}

impl Bench {
    /// A place for this plugin, with everything that its example refers to.
    pub fn new(definition: &'static Definition, side: Side) -> Self {
        let mut bench = Self::bare(definition, side);
        bench.referred = bench.furnish();
        bench
    }

    fn bare(definition: &'static Definition, side: Side) -> Self {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(NOW)));
        let metrics = Arc::new(Metrics::new());
        let environment = Environment {
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(1)),
            stores: Stores {
                rate_limiters: Arc::new(MemoryRateLimiters::new(clock.clone())),
                replay_sets: Arc::new(MemoryReplaySets::new(clock)),
            },
            fetch: Arc::new(FakeFetch::default()),
            state: Arc::new(State::default()),
            metrics: metrics.clone(),
        };
        Self { definition, side, referred: Referred::default(), environment, metrics }
    }

    /// A name for messages: `jwe on an upstream`.
    pub fn name(&self) -> String {
        let place = match self.side {
            Side::Route => "a route",
            Side::Upstream => "an upstream",
        };
        format!("`{}` on {place}", self.definition.kind)
    }

    /// The configuration with this entry of `plugins`.
    pub fn configuration(&self, entry: &str) -> String {
        let entry: String = entry.lines().fold(String::new(), |text, line| {
            if line.trim().is_empty() { text } else { text + "        " + line + "\n" }
        });
        let plugins = format!("    plugins:\n      -\n{entry}");
        let (route, upstream) = match self.side {
            Side::Route => (plugins.as_str(), ""),
            Side::Upstream => ("", plugins.as_str()),
        };
        format!(
            "listeners: {{ callers: {{ address: 127.0.0.1:0 }} }}\n\
             routes:\n  pay:\n    unauthenticated: true\n    send_to: [{{ upstream: provider }}]\n{route}\
             upstreams:\n  provider:\n    endpoints: [http://127.0.0.1:1]\n{upstream}"
        )
    }

    /// Compiles the configuration with this entry of `plugins`.
    pub fn compile(&self, entry: &str) -> Result<(Snapshot, Report), Report> {
        self.compile_with(entry, &self.referred)
    }

    /// Compiles it with something else behind its references.
    pub fn compile_with(
        &self,
        entry: &str,
        referred: &Referred,
    ) -> Result<(Snapshot, Report), Report> {
        let text = self.configuration(entry);
        let files = referred.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let variables =
            referred.variables.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let sources = Sources::fake(files.chain([(FILE, text.as_str())]), variables);
        let schema = config::schema_json();
        config::load(Path::new(FILE), &sources, schema, &Formats::standard())
            .and_then(|loaded| compile(loaded, &sources, &self.environment, 1))
    }

    /// The plugin's example for this side.
    pub fn example(&self) -> &'static str {
        self.definition.example_on(self.side)
    }

    /// The example, compiled.
    pub fn snapshot(&self) -> Snapshot {
        match self.compile(self.example()) {
            Ok((snapshot, _)) => snapshot,
            Err(report) => panic!("the example of {} does not load:\n{report}", self.name()),
        }
    }

    /// The plugin of a snapshot.
    pub fn plugin(&self, snapshot: &Snapshot) -> Arc<dyn Plugin> {
        let chain = match self.side {
            Side::Route => &snapshot.routes[0].chain,
            Side::Upstream => &snapshot.upstreams[0].chain,
        };
        chain.entries().next().expect("the plugin stands in its chain").plugin.clone()
    }

    /// Finds something for every reference of the example: whatever leaves the fewest errors.
    fn furnish(&self) -> Referred {
        let references = self.references();
        let of = |choice: &[usize]| {
            let mut referred = Referred::default();
            for (number, ((target, secret), candidate)) in references.iter().zip(choice).enumerate()
            {
                let content = CANDIDATES[*candidate](number);
                if *secret {
                    referred.secrets.push(piece(&content));
                }
                match target {
                    Target::File(name) => referred.files.push((name.clone(), content)),
                    Target::Variable(name) => referred.variables.push((name.clone(), content)),
                }
            }
            referred
        };
        let errors = |choice: &[usize]| {
            let compiled = self.compile_with(self.example(), &of(choice));
            compiled.err().map_or(0, |report| report.findings.errors())
        };
        let mut choice = vec![0; references.len()];
        for at in 0..references.len() {
            let try_out = |candidate: &usize| {
                let mut other = choice.clone();
                other[at] = *candidate;
                errors(&other)
            };
            choice[at] = (0..CANDIDATES.len()).min_by_key(try_out).unwrap_or_default();
        }
        of(&choice)
    }

    /// The references to secrets as the example writes them, `{ env: NAME }`, and what they name.
    pub fn secret_references(&self) -> Vec<(String, String)> {
        let secret = self.references().into_iter().filter(|(_, secret)| *secret);
        secret
            .map(|(target, _)| match target {
                Target::File(name) => (format!("{{ file: {name} }}"), name),
                Target::Variable(name) => (format!("{{ env: {name} }}"), name),
            })
            .collect()
    }

    /// The files and variables that the example names, each once, and whether they are secret.
    fn references(&self) -> Vec<(Target, bool)> {
        let text = self.configuration(self.example());
        let sources = Sources::fake([(FILE, text.as_str())], []);
        let mut files = config::Files::default();
        let document = text::read(Path::new(FILE), &sources, &mut files)
            .unwrap_or_else(|_| panic!("the example of {} is not YAML", self.name()));
        let found =
            structure::validate(&document, &files, config::schema_json(), &Formats::standard());
        let mut references: Vec<(Target, bool)> = Vec::new();
        for reference in found.references {
            if !references.iter().any(|(target, _)| *target == reference.target) {
                references.push((reference.target, reference.secret));
            }
        }
        references
    }
}

/// A piece of a secret that stands nowhere else.
fn piece(secret: &str) -> String {
    let mut lines = secret.lines().filter(|line| !line.starts_with("-----"));
    // The first line of a PEM key is the same for every key of its kind.
    let line = lines.nth(1).or_else(|| secret.lines().next()).unwrap_or_default();
    line.chars().take(40).collect()
}

/// What a reference may lead to: the first that fits is taken. Each number has its own.
const CANDIDATES: [fn(usize) -> String; 11] = [
    |number| format!("Canary-{number}-5uWZ9pQ2xk"),
    |number| base64(&[0xa0 + u8::try_from(number).unwrap(); 32]),
    |number| rsa(number).private.clone(),
    |number| rsa(number).public.clone(),
    |number| EC[number % EC.len()].serialize_pem(),
    |number| EC[number % EC.len()].public_key_pem(),
    |number| {
        let key = &EC[number % EC.len()];
        CertificateParams::new(Vec::new()).unwrap().self_signed(key).unwrap().pem()
    },
    |_| r#"{"keys":[]}"#.to_owned(),
    |number| format!("sk_test_{number}Canary5uWZ9pQ2xk"),
    |number| format!("whsec_{number}Canary5uWZ9pQ2xk"),
    // As many bytes as a key of AES-256 has, written as text.
    |number| format!("Canary-{number}-text-of-32-bytes-5uWZ9p"),
];

fn rsa(number: usize) -> &'static RsaPair {
    static PAIRS: LazyLock<Vec<RsaPair>> =
        LazyLock::new(|| (0..3).map(|_| RsaPair::generate().unwrap()).collect());
    &PAIRS[number % PAIRS.len()]
}

static EC: LazyLock<Vec<KeyPair>> =
    LazyLock::new(|| (0..3).map(|_| KeyPair::generate().unwrap()).collect());

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// What the configuration is called in messages.
pub const FILE: &str = "tollgate.yaml";
