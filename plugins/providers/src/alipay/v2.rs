//! v2: parameters signed in sorted order and sent to `/gateway.do`.
//!
//! A caller gives the parameters as a form or as a JSON object, in which `biz_content` may be an
//! object: its bytes are taken as they stand. What belongs to the gateway (`app_id`, `sign`,
//! `timestamp`, …) is set whatever the caller says.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use tollgate_api::{
    Answer, Clock, Exchange, Fault, Flow, Hooks, Needs, Plugin, Request, Step, Turn, codes,
    json::{Document, Kind, Limits, encode_string},
};
use tollgate_crypto::{Secret, base64_encode};

use super::{
    CallerTokens,
    borders::says_only_itself,
    content::ContentKey,
    form::{FormError, Parameters},
    message::{held, media_type, whole},
    time::in_china,
    v2_answer::V2Answers,
};
use crate::signing::Signatory;

/// The plugin on an upstream that speaks v2.
pub(super) struct V2Calls {
    pub identity: V2Identity,
    pub signatory: Signatory,
    pub content: Option<Arc<ContentKey>>,
    pub answers: V2Answers,
    /// Methods that are answered with what was signed.
    pub signed_orders: Vec<String>,
    pub clock: Arc<dyn Clock>,
}

/// Who calls.
pub(super) struct V2Identity {
    pub app_id: String,
    /// The numbers of the application's and the root certificate.
    pub certificates: Option<(String, String)>,
    pub app_auth_token: Option<Secret>,
    pub caller_tokens: CallerTokens,
}

/// The `method` that this attempt called.
struct Called(String);

impl Plugin for V2Calls {
    fn needs(&self) -> Needs {
        Needs::WHOLE
    }

    fn hooks(&self) -> Hooks {
        Hooks::BOTH
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(async move {
            let (called, parameters) = self.sign(&exchange.request).await?;
            if self.signed_orders.contains(&called) {
                return Ok(Flow::Respond(Box::new(order(&parameters))));
            }
            let request = &mut exchange.request;
            request.method = Method::POST;
            PATH.clone_into(&mut request.path);
            request.query = Some(parameters.encode(is_public));
            request.body = held(parameters.encode(|name| !is_public(name)));
            request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
            exchange.store(Called(called));
            Ok(Flow::Continue)
        })
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let called = exchange.take();
        let answer = exchange.answer.as_mut().filter(|answer| answer.origin.is_provider());
        let (Some(Called(method)), Some(answer)) = (called, answer) else {
            return Ok(Turn::Pass).into();
        };
        Step::later(async move { self.answers.verify(answer, &method).await.map(|()| Turn::Pass) })
    }
}

impl V2Calls {
    /// The method, and the parameters with the signature among them.
    async fn sign(&self, request: &Request) -> Result<(String, Parameters), Fault> {
        let mut parameters = given(request)?;
        let method = parameters.filled("method").filter(|method| is_method(method));
        let Some(method) = method.map(str::to_owned) else {
            return Err(
                Fault::new(&codes::FIELD_INVALID).caused_by("`method` is not a method's name")
            );
        };
        if parameters.filled("charset").is_some_and(|charset| !is_utf8(charset)) {
            return Err(Fault::new(&codes::FIELD_INVALID).caused_by("`charset` is not utf-8"));
        }
        self.identity.complete(&mut parameters)?;
        parameters.set("timestamp", in_china(self.clock.unix()));
        if let (Some(key), Some(content)) = (&self.content, parameters.filled("biz_content")) {
            let content = key.encrypt(content.as_bytes());
            parameters.set("biz_content", content);
            parameters.set("encrypt_type", "AES");
        }
        // What is empty is neither signed nor sent.
        parameters.retain(|_, value| !value.is_empty());
        if !says_only_itself(&parameters, is_public) {
            return Err(Fault::new(&codes::FIELD_INVALID)
                .caused_by("a name or value could be read as another parameter"));
        }
        let text = parameters.text_to_sign().into_bytes();
        let signature = base64_encode(&self.signatory.sign(text).await?);
        parameters.set("sign", signature);
        Ok((method, parameters))
    }
}

impl V2Identity {
    /// Sets what belongs to the gateway, and removes what must not come from a caller.
    fn complete(&self, parameters: &mut Parameters) -> Result<(), Fault> {
        for name in ["sign", "encrypt_type", "app_cert_sn", "alipay_root_cert_sn"] {
            parameters.remove(name);
        }
        for (name, value) in [
            ("app_id", self.app_id.as_str()),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("version", "1.0"),
        ] {
            parameters.set(name, value);
        }
        if parameters.get("format").is_some() {
            parameters.set("format", "json");
        }
        if let Some((app, root)) = &self.certificates {
            parameters.set("app_cert_sn", app.as_str());
            parameters.set("alipay_root_cert_sn", root.as_str());
        }
        if let Some(token) = self.app_auth_token.as_ref().and_then(Secret::expose_str) {
            parameters.set("app_auth_token", token);
        } else if self.caller_tokens == CallerTokens::Refuse
            && parameters.filled("app_auth_token").is_some()
        {
            return Err(Fault::new(&codes::ACCOUNT_DENIED));
        }
        Ok(())
    }
}

/// The answer with everything that was signed, for the payer's app or browser.
fn order(parameters: &Parameters) -> Answer {
    let order = encode_string(&parameters.encode(|_| true));
    let body = Bytes::from(format!("{{\"order_string\":{order}}}"));
    Answer::new(StatusCode::OK, "application/json", body)
}

/// What the caller gave: in the query, and in a form or a JSON object.
fn given(request: &Request) -> Result<Parameters, Fault> {
    let query = request.query.as_deref().unwrap_or_default();
    let mut parameters = Parameters::parse(query.as_bytes()).map_err(of_form)?;
    let body = whole(&request.body)?;
    if body.is_empty() {
        return Ok(parameters);
    }
    match media_type(&request.headers).as_deref() {
        Some(FORM) => {
            let form = Parameters::parse(&body).map_err(of_form)?;
            for (name, value) in form.iter() {
                parameters.add(name.to_owned(), value.to_owned()).map_err(of_form)?;
            }
        }
        Some("application/json") => add_json(&mut parameters, &body)?,
        _ => return Err(Fault::new(&codes::UNSUPPORTED_MEDIA_TYPE)),
    }
    Ok(parameters)
}

/// Texts as what they say, `null` not at all, anything else as it is written.
fn add_json(parameters: &mut Parameters, body: &Bytes) -> Result<(), Fault> {
    let document = Document::parse(body, Limits::default())
        .map_err(|error| Fault::new(&codes::INVALID_JSON).caused_by(error))?;
    if document.root().kind() != Kind::Object {
        return Err(Fault::new(&codes::FIELD_INVALID).caused_by("the body is not an object"));
    }
    for member in document.root().members() {
        let value = match member.value.as_str() {
            Some(text) => text.into_owned(),
            None if member.value.is_null() => continue,
            None => member.value.raw().to_owned(),
        };
        parameters.add(member.name.into_owned(), value).map_err(of_form)?;
    }
    Ok(())
}

fn of_form(error: FormError) -> Fault {
    let code = match error {
        FormError::Malformed => &codes::FIELD_INVALID,
        FormError::Duplicate => &codes::AMBIGUOUS_REQUEST,
    };
    Fault::new(code).caused_by(error)
}

/// Names of methods look like `alipay.trade.pay`. The answer's member is named after it.
pub(super) fn is_method(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    (1..=128).contains(&name.len()) && name.bytes().all(plain)
}

/// Whether a charset is the one that is spoken here.
pub(super) fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// Whether a parameter goes into the query. The signature covers the form as well.
fn is_public(name: &str) -> bool {
    PUBLIC.contains(&name)
}

const PATH: &str = "/gateway.do";
const FORM: &str = "application/x-www-form-urlencoded";
const PUBLIC: [&str; 15] = [
    "app_id",
    "method",
    "format",
    "charset",
    "sign_type",
    "sign",
    "timestamp",
    "version",
    "notify_url",
    "return_url",
    "auth_token",
    "app_auth_token",
    "app_cert_sn",
    "alipay_root_cert_sn",
    "ws_service_url",
];
