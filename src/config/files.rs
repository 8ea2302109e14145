//! The texts that a configuration came from, and positions in them.
//!
//! A [`Span`] is small and copied freely; a [`Files`] holds what it points into. Text that turned
//! out to be a secret written where a reference belongs is masked here, once, so that no snippet
//! drawn later can show it, not even one drawn for a neighbour on the same line.

use std::fmt::{self, Debug, Formatter};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Which file of a load a position is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in one file. Ordered by file, then by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range of bytes without the file.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether nothing is under the span, as for a key without a value.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// A place as people count it: both numbers start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// Every file read for one load of a configuration.
#[derive(Debug, Default, Clone)]
pub struct Files {
    files: Vec<File>,
}

#[derive(Clone)]
struct File {
    name: String,
    path: PathBuf,
    text: String,
}

impl Debug for File {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Files {
    /// Adds a file: how to call it in messages, where it is, what it says.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        path: impl Into<PathBuf>,
        text: String,
    ) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(File { name: name.into(), path: path.into(), text });
        id
    }

    /// The name shown in messages.
    pub fn name(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| file.name.as_str())
    }

    /// Where the file is; relative paths named in it start from its folder.
    pub fn path(&self, file: FileId) -> &Path {
        self.file(file).map_or(Path::new(""), |file| file.path.as_path())
    }

    /// The text, with secrets masked.
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| file.text.as_str())
    }

    /// What stands under a span, with secrets masked; empty if it lies outside of the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or_default()
    }

    /// Line and column of a span's start.
    pub fn position(&self, span: Span) -> Position {
        let text = self.text(span.file);
        let before = text.get(..floor_char_boundary(text, span.start)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }

    /// Replaces what stands under the span by asterisks, byte for byte, so that positions stay.
    pub fn mask(&mut self, span: Span) {
        let Some(file) = self.files.get_mut(span.file.0 as usize) else { return };
        let Some(secret) = file.text.get(span.range()) else { return };
        let masked: String = secret
            .chars()
            .map(|c| if c == '\n' { "\n".to_owned() } else { "*".repeat(c.len_utf8()) })
            .collect();
        file.text.replace_range(span.range(), &masked);
    }

    fn file(&self, file: FileId) -> Option<&File> {
        self.files.get(file.0 as usize)
    }
}

/// The nearest boundary of a character at or before `at`.
pub(super) fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let mut files = Files::default();
        let file = files.add("a.yaml", "/etc/a.yaml", "é: 1\nsüd: x\n".into());
        let span = Span { file, start: "é: 1\nsü".len(), end: "é: 1\nsüd".len() };
        assert_eq!(files.position(span), Position { line: 2, column: 3 }, "characters, not bytes");
        assert_eq!(files.slice(span), "d", "the span's own text");
    }

    #[test]
    fn a_masked_secret_keeps_its_length_and_its_lines() {
        let mut files = Files::default();
        let file = files.add("a.yaml", "/a.yaml", "key: |\n  süß\n  x\nnext: 1\n".into());
        files.mask(Span { file, start: 7, end: 19 });
        assert_eq!(files.text(file), "key: |\n*******\n***\nnext: 1\n", "only the secret is gone");
    }

    #[test]
    fn a_span_outside_of_the_text_is_empty_and_harmless() {
        let mut files = Files::default();
        let file = files.add("a.yaml", "/a.yaml", "é".into());
        files.mask(Span { file, start: 1, end: 9 });
        assert_eq!(files.slice(Span { file, start: 1, end: 9 }), "", "not at a boundary");
        let end = files.position(Span { file, start: 90, end: 91 });
        assert_eq!(end, Position { line: 1, column: 2 }, "the end of the text");
    }
}
