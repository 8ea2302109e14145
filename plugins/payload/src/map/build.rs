//! From settings to the plugin, or everything that is wrong with them.

use std::{collections::BTreeMap, sync::Arc};

use http::{HeaderName, Method, StatusCode, header};
use tollgate_api::{
    Build, Built, SettingError,
    expression::{Expression, Root},
    fields, setting,
};

use super::{
    AnswerSettings, BodySettings, Map, Mapper, MethodSetting, OperationSettings, RequestSettings,
    answer::{AnswerRule, is_bodiless},
    operation::{Kind, Operation},
    outgoing::{Content, Outgoing},
    template::{Template, TemplateError},
    tree::escaped,
};
use crate::message::is_stale;

/// Builds the plugin. It needs nothing from outside.
pub(super) fn plugin(settings: Map, _: &mut Build<'_>) -> Built {
    let mut errors = Vec::new();
    let whens: Vec<Option<&Expression>> =
        settings.operations.iter().map(|operation| operation.when.as_ref()).collect();
    unreachable("/operations", "operation", &whens, &mut errors);
    if settings.operations.is_empty() {
        errors.push(SettingError::new("/operations", "expected at least one operation"));
    }
    let keep_headers = kept(&settings.keep_headers, &mut errors);
    let mut operations = Vec::new();
    for (at, operation) in settings.operations.into_iter().enumerate() {
        operations.extend(self::operation(operation, &format!("/operations/{at}"), &mut errors));
    }
    let answers = self::answers(settings.answers, "/answers", &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let names = |root| {
        let mut shared = answers.iter().flat_map(AnswerRule::expressions);
        operations.iter().any(|operation| operation.names(root))
            || shared.any(|expression| expression.names(root))
    };
    let (reads_body, reads_answer) = (names(Root::Body), names(Root::Answer));
    Ok(Arc::new(Mapper {
        operations,
        answers,
        otherwise: settings.otherwise,
        keep_headers,
        max_body: settings.max_body.as_usize(),
        reads_body,
        reads_answer,
    }))
}

/// What is tried in order, and whose turn never comes.
fn unreachable(
    pointer: &str,
    what: &str,
    whens: &[Option<&Expression>],
    errors: &mut Vec<SettingError>,
) {
    for (at, when) in whens.iter().enumerate() {
        let earlier = whens.get(..at).unwrap_or_default();
        if earlier.contains(&None) {
            errors.push(
                SettingError::new(
                    format!("{pointer}/{at}"),
                    format!("expected no {what} behind one without `when`, which takes everything"),
                )
                .with_hint("give the earlier one a `when`, or move it to the end"),
            );
            return;
        }
        if when.is_some() && earlier.contains(when) {
            errors.push(
                SettingError::new(
                    format!("{pointer}/{at}/when"),
                    format!("expected each {what} once; an earlier one has the same `when`"),
                )
                .with_hint("the first one takes it"),
            );
        }
    }
}

fn kept(names: &[setting::HeaderName], errors: &mut Vec<SettingError>) -> Vec<HeaderName> {
    for (at, name) in names.iter().enumerate() {
        let about_the_body = "the field speaks of the body that stays behind";
        let stale = is_stale(name.name()) || *name.name() == header::CONTENT_TYPE;
        let hint = fields::reserved(name.name()).or(stale.then_some(about_the_body));
        if let Some(hint) = hint {
            let expected = format!("expected a field that may go on; `{}` may not", name.as_str());
            errors.push(SettingError::new(format!("/keep_headers/{at}"), expected).with_hint(hint));
        }
    }
    names.iter().map(|name| name.name().clone()).collect()
}

fn operation(
    settings: OperationSettings,
    at: &str,
    errors: &mut Vec<SettingError>,
) -> Option<Operation> {
    let kind = match (settings.request, settings.unsupported) {
        (Some(request), None) => self::request(request, &format!("{at}/request"), errors)
            .map(|outgoing| Kind::Request(Box::new(outgoing))),
        (None, Some(why)) => {
            if !settings.answers.is_empty() {
                let expected = "expected no `answers`, because nothing is asked";
                errors.push(SettingError::new(format!("{at}/answers"), expected));
            }
            if why.trim().is_empty() || why.chars().any(char::is_control) {
                let expected = "expected a sentence without line breaks";
                errors.push(SettingError::new(format!("{at}/unsupported"), expected));
            }
            Some(Kind::Unsupported(why.into()))
        }
        (Some(_), Some(_)) => {
            let expected = "expected `request` or `unsupported`, not both";
            errors.push(SettingError::new(format!("{at}/unsupported"), expected));
            None
        }
        (None, None) => {
            errors.push(SettingError::new(at, "expected a `request`, or `unsupported` and why"));
            None
        }
    };
    let answers = self::answers(settings.answers, &format!("{at}/answers"), errors);
    Some(Operation { when: settings.when, require: settings.require, kind: kind?, answers })
}

fn request(
    settings: RequestSettings,
    at: &str,
    errors: &mut Vec<SettingError>,
) -> Option<Outgoing> {
    let method = method(settings.method);
    if method == Method::GET && settings.body.is_some() {
        let expected = "expected no body with GET: it has no meaning and servers refuse it";
        errors.push(SettingError::new(format!("{at}/body"), expected));
    }
    let path = match Template::parse(&settings.path) {
        Ok(path) => Some(path),
        Err(error) => {
            errors.push(template_error(&format!("{at}/path"), &settings.path, error));
            None
        }
    };
    let headers = headers(settings.headers, &format!("{at}/headers"), |value| value, errors);
    let body = match settings.body {
        None => Some(None),
        Some(BodySettings::Json(tree)) => {
            let node = tree.compile(&format!("{at}/body/json"), errors);
            node.map(|node| Some(Content::Json(node)))
        }
        Some(BodySettings::Form(fields)) => {
            let mut compiled = Vec::new();
            for (name, tree) in fields {
                let place = format!("{at}/body/form/{}", escaped(&name));
                let Some(node) = tree.compile(&place, errors) else { continue };
                if !node.is_scalar() {
                    errors.push(
                        SettingError::new(place, "expected one value for each field of a form")
                            .with_hint("`{ $json: … }` writes JSON as a text"),
                    );
                }
                compiled.push((name, node));
            }
            Some(Some(Content::Form(compiled)))
        }
    };
    let query = settings.query.into_iter().collect();
    Some(Outgoing { method, path: path?, query, headers, body: body? })
}

fn answers(
    settings: Vec<AnswerSettings>,
    at: &str,
    errors: &mut Vec<SettingError>,
) -> Vec<AnswerRule> {
    let whens: Vec<Option<&Expression>> =
        settings.iter().map(|rule| rule.when.as_ref().map(|when| &when.0)).collect();
    unreachable(at, "answer", &whens, errors);
    let mut answers = Vec::new();
    for (number, rule) in settings.into_iter().enumerate() {
        answers.extend(answer(rule, &format!("{at}/{number}"), errors));
    }
    answers
}

fn answer(
    settings: AnswerSettings,
    at: &str,
    errors: &mut Vec<SettingError>,
) -> Option<AnswerRule> {
    let status = match settings.status.map(StatusCode::from_u16) {
        None => None,
        Some(Ok(status)) if (200..600).contains(&status.as_u16()) => Some(status),
        Some(_) => {
            errors.push(SettingError::new(format!("{at}/status"), "expected a final status"));
            None
        }
    };
    if status.is_some_and(is_bodiless) && settings.body.is_some() {
        let expected = "expected a status that can have a body";
        errors.push(SettingError::new(format!("{at}/status"), expected));
    }
    let headers = headers(settings.headers, &format!("{at}/headers"), |value| value.0, errors);
    let body = match settings.body {
        None => None,
        Some(body) => Some(body.json.compile(&format!("{at}/body/json"), errors)?),
    };
    Some(AnswerRule { when: settings.when.map(|when| when.0), status, headers, body })
}

fn headers<E>(
    settings: BTreeMap<String, E>,
    at: &str,
    expression: impl Fn(E) -> Expression,
    errors: &mut Vec<SettingError>,
) -> Vec<(HeaderName, Expression)> {
    let mut compiled: Vec<(HeaderName, Expression)> = Vec::new();
    for (text, value) in settings {
        let pointer = format!("{at}/{}", escaped(&text));
        let Ok(name) = text.parse::<HeaderName>() else {
            let expected = "expected a header name such as `Idempotency-Key`";
            errors.push(SettingError::new(pointer, expected));
            continue;
        };
        if let Some(hint) = fields::reserved(&name) {
            let expected = format!("expected a field that may be set; `{text}` may not");
            errors.push(SettingError::new(pointer, expected).with_hint(hint));
        } else if compiled.iter().any(|(other, _)| *other == name) {
            errors.push(SettingError::new(pointer, "expected each header name once, in any case"));
        } else {
            compiled.push((name, expression(value)));
        }
    }
    compiled
}

fn template_error(pointer: &str, text: &str, error: TemplateError) -> SettingError {
    match error {
        TemplateError::Path(expected) => SettingError::new(pointer, expected),
        TemplateError::Expression(start, error) => {
            let before = text.get(..start).unwrap_or_default().chars().count();
            let expected = format!("{} at character {}", error.message, before + error.offset + 1);
            let refused = SettingError::new(pointer, expected);
            match error.hint {
                Some(hint) => refused.with_hint(hint),
                None => refused,
            }
        }
    }
}

const fn method(setting: MethodSetting) -> Method {
    match setting {
        MethodSetting::Get => Method::GET,
        MethodSetting::Post => Method::POST,
        MethodSetting::Put => Method::PUT,
        MethodSetting::Patch => Method::PATCH,
        MethodSetting::Delete => Method::DELETE,
    }
}
