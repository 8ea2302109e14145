//! The example with every party in one place: its providers and the institution's own service are
//! one server that answers what the test says.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value, json};
use tollgate::config::{Files, Sources, text};

use crate::support::*;

/// A gateway with the example's routes and maps.
pub struct Stage {
    gateway: Gateway,
    provider: Provider,
    reply: Arc<Mutex<Reply>>,
    token: Option<String>,
}

/// What a caller sends.
pub struct Call<'a>(pub &'a str, pub &'a str, pub Value);

/// What a provider receives: the request line, and the body as it is written.
pub struct Sent<'a>(pub &'a str, pub &'a str);

impl Stage {
    pub async fn new() -> Self {
        Self::of(example(), &["map"], |recipe| recipe).await
    }

    /// With callers' tokens, which this issuer signs.
    pub async fn with_tokens(mut all: Map<String, Value>, issuer: &Issuer) -> Self {
        for route in owners(&mut all, "routes") {
            for plugin in route.get_mut("plugins").and_then(Value::as_array_mut).unwrap() {
                if let Some(jwt) = plugin.get_mut("jwt").and_then(Value::as_object_mut) {
                    jwt.remove("jwks");
                    jwt.insert("jwks_file".to_owned(), "jwks.json".into());
                }
            }
        }
        Self::of(all, &["map", "jwt"], |recipe| recipe.file("jwks.json", issuer.jwks())).await
    }

    async fn of(
        mut all: Map<String, Value>,
        kinds: &[&str],
        furnish: impl FnOnce(Recipe) -> Recipe,
    ) -> Self {
        let reply = Arc::new(Mutex::new(Reply::new(200, "{}")));
        let shown = reply.clone();
        let provider = Provider::http1(move |_| shown.lock().unwrap().clone()).await;
        alone(&mut all, kinds, &provider.url());
        let gateway = furnish(Recipe::new(written(&all))).start();
        Self { gateway, provider, reply, token: None }
    }

    /// Calls with this token from now on.
    pub fn present(&mut self, token: &str) {
        self.token = Some(format!("Bearer {token}"));
    }

    /// What the next request is answered with.
    pub fn answers(&self, status: u16, body: &Value) {
        self.answers_text(status, &body.to_string());
    }

    /// The same, as it is written.
    pub fn answers_text(&self, status: u16, body: &str) {
        let reply = Reply::new(status, body.to_owned());
        *self.reply.lock().unwrap() = reply.with("content-type", "application/json;charset=utf-8");
    }

    /// Calls the payments API.
    pub async fn call(&self, Call(method, path, body): Call<'_>) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call_text("applications", "pay.example", method, path, &body).await
    }

    /// Notifies.
    pub async fn notify(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call_text("providers", "notify.example", "POST", path, &body).await
    }

    /// Sends a body as it is written.
    pub async fn call_text(
        &self,
        listener: &str,
        host: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Answer {
        let mut fields = vec![("host", host)];
        fields.extend(self.token.as_deref().map(|token| ("authorization", token)));
        if !body.is_empty() {
            fields.push(("content-type", "application/json"));
        }
        let mut caller = Http1::connect(self.gateway.address(listener)).await;
        caller.call(method, path, &fields, body.as_bytes(), None).await
    }

    /// One operation: the provider receives exactly this, and its answer becomes exactly that.
    pub async fn maps(&self, what: &str, call: Call<'_>, sent: Sent<'_>, expected: &Value) {
        let before = self.provider.requests().len();
        let answer = self.call(call).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(parsed(&answer), *expected, "{what}: in the one form");
        let requests = self.provider.requests();
        assert_eq!(requests.len(), before + 1, "{what}: one request");
        let request = &requests[before];
        assert_eq!(format!("{} {}", request.method, request.target), sent.0, "{what}: the request");
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert_eq!(body, sent.1, "{what}: the body, byte for byte");
    }

    /// What the provider says is told as this error.
    pub async fn tells(&self, call: Call<'_>, (status, code): (u16, &str)) {
        let what = format!("{} {}", call.0, call.1);
        let answer = self.call(call).await;
        assert_eq!(answer.status, status, "{what}, {code}: {}", answer.text());
        assert_eq!(parsed(&answer)["error"]["code"], code, "{what}: {}", answer.text());
        assert_eq!(answer.fault(), None, "{what}: it is the provider's word");
    }

    /// The gateway refuses by itself, and the provider hears nothing.
    pub async fn refuses(&self, call: Call<'_>, code: &str) -> Value {
        let before = self.provider.requests().len();
        let what = format!("{} {} {}", call.0, call.1, call.2);
        let answer = self.call(call).await;
        assert_eq!(answer.fault().as_deref(), Some(code), "{what}: {}", answer.text());
        assert_eq!(self.provider.requests().len(), before, "{what}: nothing was sent");
        parsed(&answer)
    }

    /// How many requests the provider or the institution received.
    pub fn count(&self) -> usize {
        self.provider.requests().len()
    }

    /// The last request that the provider or the institution received.
    pub fn last(&self) -> Received {
        self.provider.requests().pop().expect("a request")
    }
}

pub fn parsed(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("JSON: {}", answer.text()))
}

/// Plugins of these kinds alone, and one endpoint for all.
fn alone(all: &mut Map<String, Value>, kinds: &[&str], endpoint: &str) {
    for route in owners(all, "routes") {
        keep_plugins(route, kinds);
    }
    for upstream in owners(all, "upstreams") {
        upstream["endpoints"] = json!([endpoint]);
        upstream.as_object_mut().unwrap().remove("tls");
        keep_plugins(upstream, kinds);
    }
}

/// The example on free ports, without TLS and callers' tokens.
pub fn example() -> Map<String, Value> {
    example_in(&yaml())
}

/// The example as it is written.
pub fn yaml() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/payments.yaml");
    fs::read_to_string(path).unwrap()
}

/// This example on free ports, without TLS and callers' tokens.
pub fn example_in(yaml: &str) -> Map<String, Value> {
    let sources = Sources::fake([("payments.yaml", yaml)], []);
    let mut files = Files::default();
    let document = text::read(Path::new("payments.yaml"), &sources, &mut files).unwrap().to_json();
    let mut all = document.as_object().unwrap().clone();
    all.remove("admin");
    for listener in owners(&mut all, "listeners") {
        *listener = json!({ "address": "127.0.0.1:0" });
    }
    for route in owners(&mut all, "routes") {
        route["unauthenticated"] = true.into();
    }
    all
}

/// Every listener, route or upstream.
pub fn owners<'a>(
    all: &'a mut Map<String, Value>,
    section: &str,
) -> impl Iterator<Item = &'a mut Value> {
    all[section].as_object_mut().unwrap().values_mut()
}

/// Leaves plugins of these kinds alone in a chain.
pub fn keep_plugins(owner: &mut Value, kinds: &[&str]) {
    if let Some(plugins) = owner.get_mut("plugins").and_then(Value::as_array_mut) {
        plugins.retain(|plugin| kinds.iter().any(|kind| plugin.get(kind).is_some()));
    }
}

/// A configuration as text.
pub fn written(all: &Map<String, Value>) -> String {
    let lines: Vec<String> = all.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    lines.join("\n") + "\n"
}
