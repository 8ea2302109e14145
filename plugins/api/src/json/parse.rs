//! The parser: one pass over the bytes into a flat list of nodes, without recursion.
//!
//! Nodes stand in the order of the text. An object's members alternate name and value; `next` of
//! a node is the index just past its last descendant, which makes skipping a subtree one step.

use std::collections::HashSet;

use super::{
    document::{Limits, Node, NodeKind},
    encode::unescape,
    error::{JsonError, JsonFault},
};

/// Parses `body` into nodes; the root is the first.
pub(super) fn parse(body: &[u8], limits: Limits) -> Result<Vec<Node>, JsonError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| fault(error.valid_up_to(), JsonFault::NotUtf8))?;
    if text.starts_with('\u{feff}') {
        return Err(fault(0, JsonFault::ByteOrderMark));
    }
    let mut parser = Parser { text, at: 0, nodes: Vec::new(), open: Vec::new(), limits };
    parser.run()?;
    Ok(parser.nodes)
}

struct Open {
    node: usize,
    object: bool,
    children: usize,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
    limits: Limits,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), JsonError> {
        loop {
            self.skip_space();
            if self.value()? {
                continue;
            }
            loop {
                self.skip_space();
                let Some(top) = self.open.last() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(fault(self.at, JsonFault::TrailingData)),
                    };
                };
                let object = top.object;
                match (self.peek(), object) {
                    (Some(b','), _) => {
                        self.at += 1;
                        if object {
                            self.skip_space();
                            self.name()?;
                        }
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => self.close()?,
                    _ => return Err(self.unexpected()),
                }
            }
        }
    }

    /// Reads one scalar or opens one container. True: a child value must follow.
    fn value(&mut self) -> Result<bool, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => {
                self.open(true)?;
                if self.peek() == Some(b'}') {
                    self.close()?;
                    return Ok(false);
                }
                self.name()?;
                return Ok(true);
            }
            Some(b'[') => {
                self.open(false)?;
                if self.peek() == Some(b']') {
                    self.close()?;
                    return Ok(false);
                }
                return Ok(true);
            }
            Some(b'"') => {
                self.count_child()?;
                self.string()?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.count_child()?;
                self.number()?;
                self.push(NodeKind::Number, start)?;
            }
            Some(b't') => self.word("true", NodeKind::Bool(true))?,
            Some(b'f') => self.word("false", NodeKind::Bool(false))?,
            Some(b'n') => self.word("null", NodeKind::Null)?,
            _ => return Err(self.unexpected()),
        }
        Ok(false)
    }

    fn open(&mut self, object: bool) -> Result<(), JsonError> {
        if self.open.len() >= self.limits.depth {
            return Err(fault(self.at, JsonFault::TooDeep));
        }
        self.count_child()?;
        let start = self.at;
        self.at += 1;
        self.open.push(Open { node: self.nodes.len(), object, children: 0 });
        self.push(if object { NodeKind::Object } else { NodeKind::Array }, start)?;
        self.skip_space();
        Ok(())
    }

    fn close(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        let Some(open) = self.open.pop() else {
            return Err(fault(self.at, JsonFault::UnexpectedCharacter));
        };
        let next = self.nodes.len();
        if open.object && open.children > 1 {
            self.refuse_duplicates(open.node + 1, next, open.children)?;
        }
        if let Some(node) = self.nodes.get_mut(open.node) {
            node.end = self.at;
            node.next = next;
        }
        Ok(())
    }

    fn count_child(&mut self) -> Result<(), JsonError> {
        let (at, most) = (self.at, self.limits.members);
        if let Some(top) = self.open.last_mut() {
            top.children += 1;
            if top.children > most {
                return Err(fault(at, JsonFault::TooManyMembers));
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: NodeKind, start: usize) -> Result<(), JsonError> {
        if self.nodes.len() >= self.limits.values {
            return Err(fault(start, JsonFault::TooManyValues));
        }
        let next = self.nodes.len() + 1;
        self.nodes.push(Node { kind, start, end: self.at, next });
        Ok(())
    }

    fn word(&mut self, word: &str, kind: NodeKind) -> Result<(), JsonError> {
        self.count_child()?;
        let start = self.at;
        if !self.rest().starts_with(word) {
            return Err(fault(start, JsonFault::UnexpectedCharacter));
        }
        self.at += word.len();
        self.push(kind, start)
    }

    fn name(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(fault(self.at, JsonFault::UnexpectedEnd)),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..0x20) => return Err(fault(self.at, JsonFault::ControlCharacter)),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.push(NodeKind::String { escaped }, start)
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex(start)? {
                    0xd800..=0xdbff => {
                        let paired = self.rest().starts_with("\\u") && {
                            self.at += 2;
                            matches!(self.hex(start)?, 0xdc00..=0xdfff)
                        };
                        if paired { Ok(()) } else { Err(fault(start, JsonFault::LoneSurrogate)) }
                    }
                    0xdc00..=0xdfff => Err(fault(start, JsonFault::LoneSurrogate)),
                    _ => Ok(()),
                }
            }
            None => Err(fault(self.at, JsonFault::UnexpectedEnd)),
            Some(_) => Err(fault(start, JsonFault::InvalidEscape)),
        }
    }

    fn hex(&mut self, escape: usize) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or("");
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fault(escape, JsonFault::InvalidEscape));
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| fault(escape, JsonFault::InvalidEscape))
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(start)?,
            _ => return Err(fault(start, JsonFault::InvalidNumber)),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits(start)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits(start)?;
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(fault(start, JsonFault::InvalidNumber));
        }
        if self.at - start > LONGEST_NUMBER {
            return Err(fault(start, JsonFault::NumberTooLong));
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self, number: usize) -> Result<(), JsonError> {
        let first = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == first { Err(fault(number, JsonFault::InvalidNumber)) } else { Ok(()) }
    }

    /// Names are compared as a reader would see them: `"a"` and `"\u0061"` are one name.
    fn refuse_duplicates(&self, from: usize, to: usize, count: usize) -> Result<(), JsonError> {
        let mut seen = HashSet::with_capacity(count);
        let mut index = from;
        while index < to {
            let Some(name) = self.nodes.get(index) else { break };
            let raw = self.text.get(name.start + 1..name.end - 1).unwrap_or("");
            if !seen.insert(unescape(raw, name.kind == NodeKind::String { escaped: true })) {
                return Err(fault(name.start, JsonFault::DuplicateMember));
            }
            index = self.nodes.get(index + 1).map_or(to, |value| value.next);
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn unexpected(&self) -> JsonError {
        let reason = match self.peek() {
            None => JsonFault::UnexpectedEnd,
            Some(_) => JsonFault::UnexpectedCharacter,
        };
        fault(self.at, reason)
    }
}

fn fault(offset: usize, fault: JsonFault) -> JsonError {
    JsonError { offset, fault }
}

/// Longer than any amount, short enough that comparing numbers stays cheap.
const LONGEST_NUMBER: usize = 256;
