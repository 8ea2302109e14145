//! A message between two parties, and what somebody on the way can do to it.

use serde_json::Value;

use crate::support::*;

/// A request or an answer.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Of a request.
    pub method: String,
    /// Of a request.
    pub target: String,
    /// Of an answer.
    pub status: u16,
    /// Without those of the framing.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is done to a message.
pub type Change = Box<dyn Fn(&mut Message) + Send + Sync>;

impl Message {
    pub fn of_request(request: &Received) -> Self {
        Self {
            method: request.method.clone(),
            target: request.target.clone(),
            headers: without_framing(&request.headers),
            body: request.body.clone(),
            ..Self::default()
        }
    }

    pub fn of_answer(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            headers: without_framing(&answer.headers),
            body: answer.body.clone(),
            ..Self::default()
        }
    }

    /// Sends it as a request.
    pub async fn send(&self, to: &mut Http1) -> Answer {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        to.call(&self.method, &self.target, &headers, &self.body, None).await
    }

    /// As an answer.
    pub fn reply(&self) -> Reply {
        let reply = Reply::new(self.status, self.body.clone());
        self.headers.iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    }

    fn field(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(other, _)| other == name);
        &mut found.unwrap_or_else(|| panic!("it has `{name}`")).1
    }
}

fn without_framing(headers: &[(String, String)]) -> Vec<(String, String)> {
    let framing = ["content-length", "transfer-encoding", "connection", "keep-alive"];
    let kept = headers.iter().filter(|(name, _)| !framing.contains(&name.as_str()));
    kept.cloned().collect()
}

/// Another letter or digit.
fn other(letter: char) -> char {
    match letter {
        '9' => '0',
        'z' => 'a',
        'Z' => 'A',
        _ => char::from(letter as u8 + 1),
    }
}

/// A text with another letter or digit at this place, or at the next where there is one: what is
/// base64 stays base64, and what is percent-encoded stays as it is.
pub fn other_at(text: &str, from: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let plain = |at: &usize| {
        let escaped = letters[at.saturating_sub(2)..*at].contains(&'%');
        letters[*at].is_ascii_alphanumeric() && !escaped
    };
    let at = (from..letters.len()).find(plain).expect("a letter or digit");
    letters[at] = other(letters[at]);
    letters.into_iter().collect()
}

/// Nothing is done.
pub fn nothing() -> Change {
    Box::new(|_| {})
}

/// The field is taken out.
pub fn missing(name: &'static str) -> Change {
    Box::new(move |message| message.headers.retain(|(other, _)| other != name))
}

/// The field is there twice, with the same value.
pub fn twice(name: &'static str) -> Change {
    Box::new(move |message| {
        let value = message.field(name).clone();
        message.headers.push((name.to_owned(), value));
    })
}

/// The value of the field is made another one.
pub fn field(
    name: &'static str,
    change: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Change {
    Box::new(move |message| {
        let value = message.field(name);
        *value = change(value);
    })
}

/// The field says this.
pub fn says(name: &'static str, value: &'static str) -> Change {
    field(name, move |_| value.to_owned())
}

/// One letter in the middle of the field is another one.
pub fn letter(name: &'static str) -> Change {
    field(name, |value| other_at(value, value.chars().count() / 2))
}

/// A field is added.
pub fn added(name: &'static str, value: &'static str) -> Change {
    Box::new(move |message| message.headers.push((name.to_owned(), value.to_owned())))
}

/// The number in the field is this much greater.
pub fn later(name: &'static str, by: i64) -> Change {
    field(name, move |value| (value.parse::<i64>().expect("a number") + by).to_string())
}

/// In the field, this is replaced by that.
pub fn replaced(name: &'static str, from: &'static str, to: &'static str) -> Change {
    field(name, move |value| {
        assert!(value.contains(from), "`{from}` stands in {value}");
        value.replacen(from, to, 1)
    })
}

/// The target is made another one.
pub fn target(change: fn(&str) -> String) -> Change {
    Box::new(move |message| message.target = change(&message.target))
}

/// The method is another one.
pub fn method(method: &'static str) -> Change {
    Box::new(move |message| method.clone_into(&mut message.method))
}

/// The status is another one.
pub fn status(status: u16) -> Change {
    Box::new(move |message| message.status = status)
}

/// The byte of the body at this place of its length is another one.
pub fn byte(place: fn(usize) -> usize) -> Change {
    Box::new(move |message| {
        let at = place(message.body.len());
        message.body[at] ^= 1;
    })
}

/// The body is made another one.
pub fn body(change: impl Fn(&str) -> String + Send + Sync + 'static) -> Change {
    Box::new(move |message| {
        let text = String::from_utf8(message.body.clone()).expect("a text");
        let changed = change(&text);
        assert_ne!(changed, text, "it is changed");
        message.body = changed.into_bytes();
    })
}

/// The body is parsed as JSON and written again: it says the same in other bytes.
pub fn written_again() -> Change {
    body(|text| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        let compact = value.to_string();
        if compact == text { serde_json::to_string_pretty(&value).unwrap() } else { compact }
    })
}
