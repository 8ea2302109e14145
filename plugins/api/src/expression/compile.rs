//! From text to a checked expression.

use std::{fmt, str::FromStr, sync::Arc};

use cel::{
    IdedExpr,
    common::ast::{EntryExpr, Expr},
};

use super::{
    check::{Findings, check},
    error::{ExpressionError, FieldName},
    function::ENVIRONMENT,
    reads::Purpose,
    tree::path_of,
    variable::{Root, Scope, Variable},
};

/// A rule, checked and ready to run. Cloning shares it.
#[derive(Clone)]
pub struct Expression {
    pub(super) compiled: Arc<Compiled>,
}

pub(super) struct Compiled {
    text: String,
    pub(super) tree: IdedExpr,
    pub(super) found: Findings,
    /// The field whose value is all there is to it.
    pub(super) copies: Option<FieldName>,
}

impl Expression {
    /// Compiles a text of at most 4,096 bytes over a request.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        Self::compile_in(text, Scope::Request)
    }

    /// Compiles a text that may name what this scope has.
    pub fn compile_in(text: &str, scope: Scope) -> Result<Self, ExpressionError> {
        refuse_deep_text(text)?;
        let (mut tree, source) = ENVIRONMENT
            .parser()
            .max_recursion_depth(DEEPEST_PARSE)
            .error_recovery_limit(4)
            .parse_with_source_info(text)
            .map_err(|errors| syntax_error(text, &errors))?;
        if depth(&tree) > DEEPEST_TREE {
            return Err(ExpressionError::new(0, "nested too deeply"));
        }
        let is_copy = path_of(&tree).is_some_and(|path| !path.presence && !path.optional);
        let found = check(&mut tree, &source, scope)?;
        let copies = match found.reads.as_slice() {
            [(only, _)] if is_copy => Some(only.clone()),
            _ => None,
        };
        Ok(Self { compiled: Arc::new(Compiled { text: text.to_owned(), tree, found, copies }) })
    }

    /// Whether the expression names this root: an expression that names [`Root::Body`] needs a
    /// held body.
    pub fn names(&self, root: Root) -> bool {
        self.variables().any(|variable| variable.root() == root)
    }

    /// Every variable the expression names.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.compiled.found.variables.keys().copied()
    }

    /// The fields that must be there for it to have a result, in the order of the text, each once.
    pub fn reads(&self) -> impl Iterator<Item = &FieldName> {
        self.reads_for(Purpose::Any)
    }

    pub(super) fn reads_for(&self, purpose: Purpose) -> impl Iterator<Item = &FieldName> {
        let reads = self.compiled.found.reads.iter();
        reads.filter(move |(_, other)| *other == purpose).map(|(field, _)| field)
    }

    /// The text it was compiled from.
    pub fn as_str(&self) -> &str {
        &self.compiled.text
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Self::compile(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Expression").field(&self.as_str()).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Expression {}

/// The parser recurses over brackets, prefixes and conditionals: a text is measured before it may
/// see it. What stands in quotes counts as well, which is harmless: the bounds are wide.
fn refuse_deep_text(text: &str) -> Result<(), ExpressionError> {
    if text.trim().is_empty() {
        return Err(ExpressionError::new(0, "expected an expression"));
    }
    if text.len() > LONGEST {
        return Err(ExpressionError::new(LONGEST, "longer than 4,096 bytes"));
    }
    let (mut open, mut prefixes, mut conditionals) = (0_usize, 0_usize, 0_usize);
    for (offset, character) in text.chars().enumerate() {
        match character {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        match character {
            '!' | '-' => prefixes += 1,
            ' ' | '\t' | '\r' | '\n' => {}
            _ => prefixes = 0,
        }
        conditionals += usize::from(character == '?');
        if open > DEEPEST_BRACKETS || prefixes > DEEPEST_BRACKETS || conditionals > MOST_QUESTIONS {
            return Err(ExpressionError::new(offset, "nested too deeply"));
        }
    }
    Ok(())
}

fn syntax_error(text: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError::new(0, "syntax error");
    };
    let (line, column) = first.pos;
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
    let lines: usize = text.split_inclusive('\n').take(before).map(|l| l.chars().count()).sum();
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    // The parser's message may go on for a list of every token there is.
    let message = first.msg.split(" expecting ").next().unwrap_or_default();
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.replace("'<EOF>'", "end of text").replace('\'', "`");
    ExpressionError::new(lines + column, format!("syntax error: {}", message.trim()))
}

/// Levels of the tree, counted without recursion.
fn depth(tree: &IdedExpr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(tree, 1)];
    while let Some((node, level)) = open.pop() {
        deepest = deepest.max(level);
        let next = level + 1;
        match &node.expr {
            Expr::Select(select) => open.push((&select.operand, next)),
            Expr::List(list) => open.extend(list.elements.iter().map(|item| (item, next))),
            Expr::Call(call) => {
                open.extend(call.target.iter().map(|target| (target.as_ref(), next)));
                open.extend(call.args.iter().map(|argument| (argument, next)));
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        open.extend([(&entry.key, next), (&entry.value, next)]);
                    }
                }
            }
            Expr::Comprehension(inner) => open.extend([
                (&inner.iter_range, next),
                (&inner.accu_init, next),
                (&inner.loop_cond, next),
                (&inner.loop_step, next),
                (&inner.result, next),
            ]),
            Expr::Literal(_) | Expr::Ident(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }
    deepest
}

const LONGEST: usize = 4_096;
const DEEPEST_BRACKETS: usize = 16;
const MOST_QUESTIONS: usize = 32;
const DEEPEST_PARSE: u16 = 64;
const DEEPEST_TREE: usize = 24;
