//! Stripe's search language: `metadata['order_id']:'1' AND status:'succeeded' AND amount>100`.

use serde_json::{Value, json};

use super::{super::Desk, call::Call, intents, list, refused::Refused};

/// One condition.
#[derive(Debug, PartialEq, Eq)]
struct Clause {
    /// `status`, or of metadata the key.
    field: Field,
    negated: bool,
    operator: char,
    value: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Field {
    Own(&'static str),
    Metadata(String),
}

/// `GET /v1/payment_intents/search`.
pub(super) fn intents(call: &Call, url: &str, desk: &Desk) -> Result<Value, Refused> {
    call.knows(&["query", "limit", "page"])?;
    let query = call.text("query")?.ok_or_else(|| Refused::missing("query"))?;
    let (clauses, any) = parse(query).ok_or_else(|| {
        let message = format!("We were unable to parse your search query: {query}");
        Refused::parameter("query", "parameter_invalid_string", message)
    })?;
    let fits = |intent: &Value| {
        let mut fitting = clauses.iter().map(|clause| clause.holds(intent));
        if any { fitting.any(|holds| holds) } else { fitting.all(|holds| holds) }
    };
    let mut found: Vec<Value> = {
        let book = desk.book();
        let ours = book.payments().filter(|payment| intents::belongs(payment, call));
        let wide = call.expands("data.latest_charge");
        ours.map(|payment| intents::wide(payment, wide)).filter(fits).collect()
    };
    found.reverse();
    let mut page = list::page(found, call, url)?;
    if let Some(members) = page.as_object_mut() {
        members.insert("object".to_owned(), json!("search_result"));
        members.insert("next_page".to_owned(), Value::Null);
    }
    Ok(page)
}

impl Clause {
    fn holds(&self, intent: &Value) -> bool {
        let value = match &self.field {
            Field::Own(name) => intent.get(*name),
            Field::Metadata(key) => intent.get("metadata").and_then(|metadata| metadata.get(key)),
        };
        let holds = match value {
            Some(Value::String(text)) if self.operator == '~' => text.contains(&self.value),
            // Capitals count for nothing (docs.stripe.com/search, "Search query language").
            Some(Value::String(text)) => {
                self.operator == ':' && text.eq_ignore_ascii_case(&self.value)
            }
            Some(Value::Number(number)) => match (number.as_u64(), self.value.parse::<u64>()) {
                (Some(number), Ok(value)) => match self.operator {
                    '>' => number > value,
                    '<' => number < value,
                    _ => number == value,
                },
                _ => false,
            },
            _ => false,
        };
        holds != self.negated
    }
}

/// The conditions, and whether any of them is enough. Both words in one query are not allowed.
fn parse(query: &str) -> Option<(Vec<Clause>, bool)> {
    let (mut clauses, mut word) = (Vec::new(), None);
    let mut rest = query.trim();
    loop {
        let (clause, others) = clause(rest)?;
        clauses.push(clause);
        rest = others.trim_start();
        if rest.is_empty() {
            return Some((clauses, word == Some("OR")));
        }
        let (next, others) = rest.split_once(' ')?;
        if !matches!(next, "AND" | "OR") || word.is_some_and(|word| word != next) {
            return None;
        }
        word = Some(next);
        rest = others.trim_start();
    }
}

fn clause(text: &str) -> Option<(Clause, &str)> {
    let (negated, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (field, rest) = if let Some(rest) = text.strip_prefix("metadata[") {
        let (key, rest) = quoted(rest)?;
        (Field::Metadata(key), rest.strip_prefix(']')?)
    } else {
        let known = |name: &&&str| text.starts_with(**name);
        let name = FIELDS.iter().find(known)?;
        (Field::Own(name), text.get(name.len()..)?)
    };
    let operator = rest.chars().next().filter(|operator| ":~<>".contains(*operator))?;
    let rest = rest.get(1..)?;
    let (value, rest) = if rest.starts_with(['"', '\'']) {
        quoted(rest)?
    } else {
        let end = rest.find(' ').unwrap_or(rest.len());
        let (value, rest) = rest.split_at(end);
        (value.to_owned(), rest)
    };
    (!value.is_empty()).then_some((Clause { field, negated, operator, value }, rest))
}

/// A text in quotes of either kind, and what follows it. A backslash takes the next character as it is.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut letters = text.char_indices();
    let (_, mark) = letters.next().filter(|(_, mark)| matches!(mark, '"' | '\''))?;
    let mut value = String::new();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?.1),
            letter if letter == mark => return Some((value, text.get(at + 1..)?)),
            letter => value.push(letter),
        }
    }
    None
}

const FIELDS: [&str; 5] = ["status", "currency", "amount", "created", "customer"];
