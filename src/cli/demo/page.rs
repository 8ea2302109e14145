//! What the demonstration prints: headings, requests, answers, promises kept and broken.

use std::io::Write;

use http::{HeaderMap, StatusCode};

/// Where it is printed. A reader that went away is not a failure of ours.
pub(super) struct Page {
    out: Box<dyn Write + Send>,
    colours: bool,
    steps: usize,
    promises: usize,
    broken: Vec<String>,
    step: String,
}

/// What is emphasised, as SGR parameters.
#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Faint,
    Good,
    Bad,
    Request,
}

impl Page {
    /// Prints to `out`, with colours or without.
    pub fn new(out: Box<dyn Write + Send>, colours: bool) -> Self {
        Self { out, colours, steps: 0, promises: 0, broken: Vec::new(), step: String::new() }
    }

    /// The first line.
    pub fn title(&mut self, title: &str, about: &str) {
        let (title, about) = (self.ink(Ink::Bold, title), self.ink(Ink::Faint, about));
        self.line("");
        self.line(&format!("{title}  {about}"));
        self.line("");
    }

    /// Begins a step: its name, and what it is about.
    pub fn step(&mut self, name: &str, about: &str) {
        self.steps += 1;
        name.clone_into(&mut self.step);
        let heading = self.ink(Ink::Bold, &format!("{}. {name}", self.steps));
        self.line("");
        self.line(&heading);
        for line in wrapped(about) {
            self.line(&format!("   {line}"));
        }
        self.line("");
    }

    /// A request as one could type it, over several lines.
    pub fn request(&mut self, lines: &[String]) {
        for (at, text) in lines.iter().enumerate() {
            let prompt = if at == 0 { "$" } else { " " };
            let end = if at + 1 < lines.len() { " \\" } else { "" };
            let text = self.ink(Ink::Request, &format!("{text}{end}"));
            self.line(&format!("   {prompt} {text}"));
        }
    }

    /// An answer: status, the header fields that matter here, body.
    pub fn answer(&mut self, status: StatusCode, headers: &HeaderMap, shown: &[&str], body: &str) {
        let reason = status.canonical_reason().unwrap_or_default();
        let status = self.ink(Ink::Bold, &format!("{} {reason}", status.as_u16()));
        self.line(&format!("   {status}"));
        for name in shown {
            for value in headers.get_all(*name) {
                let value = shortened(&String::from_utf8_lossy(value.as_bytes()), WIDTH);
                self.line(&format!("   {name}: {value}"));
            }
        }
        if !body.is_empty() {
            self.line(&format!("   {}", shortened(body.trim_end(), BODY)));
        }
        self.line("");
    }

    /// Something worth knowing about the step.
    pub fn note(&mut self, label: &str, text: &str) {
        let label = self.ink(Ink::Faint, &format!("{label:<NOTE$}"));
        self.line(&format!("   {label} {}", shortened(text, BODY)));
    }

    /// A promise, whether it was kept, and what was found in its place if not.
    pub fn promise(&mut self, promise: &str, kept: bool, found: &dyn std::fmt::Display) {
        self.promises += 1;
        if kept {
            let mark = self.ink(Ink::Good, "✓");
            self.line(&format!("   {mark} {promise}"));
        } else {
            let mark = self.ink(Ink::Bad, "✗");
            let found = shortened(&found.to_string(), BODY);
            self.line(&format!("   {mark} {promise}; found: {found}"));
            self.broken.push(format!("{}: {promise}", self.step));
        }
    }

    /// The end of the walk; true if every promise was kept.
    pub fn summary(&mut self) -> bool {
        self.line("");
        if self.broken.is_empty() {
            let text = format!("✓ {} steps, {} promises, all kept.", self.steps, self.promises);
            let text = self.ink(Ink::Good, &text);
            self.line(&text);
            return true;
        }
        let count = self.broken.len();
        let text = format!("✗ {count} of {} promises were not kept:", self.promises);
        let text = self.ink(Ink::Bad, &text);
        self.line(&text);
        for broken in std::mem::take(&mut self.broken) {
            self.line(&format!("  {broken}"));
        }
        false
    }

    /// A heading between parts.
    pub fn heading(&mut self, text: &str) {
        let text = self.ink(Ink::Bold, text);
        self.line("");
        self.line(&text);
        self.line("");
    }

    /// A remark between lines that could be typed.
    pub fn comment(&mut self, text: &str) {
        let text = self.ink(Ink::Faint, text);
        self.line(&format!("   {text}"));
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Faint => "2",
            Ink::Good => "32",
            Ink::Bad => "1;31",
            Ink::Request => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// At most this many characters, the end replaced by `…`.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Lines of at most [`WIDTH`] characters, broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Characters of a line of text.
const WIDTH: usize = 96;
/// Characters of a body that are shown.
const BODY: usize = 280;
/// Characters of a note's label.
const NOTE: usize = 14;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn printed(colours: bool, write: impl FnOnce(&mut Page)) -> String {
        let paper = Paper::default();
        write(&mut Page::new(Box::new(paper.clone()), colours));
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_broken_promise_is_told_at_its_place_and_again_at_the_end() {
        let text = printed(false, |page| {
            page.step("A payment", "goes through");
            page.promise("status 200", true, &200);
            page.promise("one charge", false, &2);
            assert!(!page.summary(), "the walk did not go as promised");
        });
        assert!(text.contains("✓ status 200\n"), "kept: {text}");
        assert!(text.contains("✗ one charge; found: 2\n"), "broken: {text}");
        assert!(
            text.contains("✗ 1 of 2 promises were not kept:\n  A payment: one charge\n"),
            "{text}"
        );
    }

    #[test]
    fn a_walk_is_good_only_if_every_promise_was_kept() {
        printed(false, |page| {
            page.step("A payment", "goes through");
            page.promise("status 200", true, &200);
            assert!(page.summary(), "all kept");
        });
    }

    #[test]
    fn colours_appear_only_where_they_are_wanted() {
        let write = |page: &mut Page| page.promise("status 200", true, &200);
        assert!(printed(true, write).contains("\x1b[32m✓\x1b[0m"), "on a terminal");
        assert!(!printed(false, write).contains('\x1b'), "in a file");
    }

    #[test]
    fn long_text_is_shortened_and_wrapped_at_characters() {
        assert_eq!(shortened("äöü", 2), "äö…", "not in the middle of a character");
        assert_eq!(shortened("äö", 2), "äö", "what fits is left alone");
        let lines = wrapped(&"word ".repeat(50));
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
    }
}
