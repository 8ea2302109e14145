//! One walk over a parsed expression: refuses what cannot work, notes what is named, and rewrites
//! what is better done once than on every run.

use std::collections::BTreeMap;

use cel::{
    IdedExpr,
    common::ast::{
        CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SourceInfo, operators,
    },
};

use super::{
    error::{ExpressionError, FieldName},
    function::{CALLABLES, MACROS, TYPES},
    reads::Purpose,
    shape::Shape,
    suggest::closest,
    tree::{
        Field, Path, belongs_to, flipped, is_decimal, is_literal, is_namespace, is_operator,
        literal_text, path_of, wrap_in_decimal,
    },
    value::{Networks, Pattern},
    variable::{Root, Scope, Variable},
};

/// A literal compiled at load; bound as the variable `@n`, which no text can write.
#[derive(Clone, Debug)]
pub(super) enum Constant {
    Pattern(Pattern),
    Networks(Networks),
}

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) variables: BTreeMap<Variable, Shape>,
    pub(super) constants: Vec<Constant>,
    /// Every field name that the text spells: these may be shown.
    pub(super) names: Vec<String>,
    /// The fields that must be there, in the order of the text, each once for each purpose.
    pub(super) reads: Vec<(FieldName, Purpose)>,
    pub(super) loops: bool,
    /// A loop reads a variable on every turn.
    pub(super) variable_in_loop: bool,
}

/// Checks `expression` and rewrites it in place.
pub(super) fn check(
    expression: &mut IdedExpr,
    source: &SourceInfo,
    allowed: Scope,
) -> Result<Findings, ExpressionError> {
    let mut walk =
        Walk { source, allowed, scope: Vec::new(), loops: Vec::new(), found: Findings::default() };
    walk.visit(expression)?;
    Ok(walk.found)
}

pub(super) struct Walk<'s> {
    source: &'s SourceInfo,
    allowed: Scope,
    /// Variables of loops, innermost last.
    pub(super) scope: Vec<String>,
    /// The element's name of each loop around this point.
    loops: Vec<String>,
    pub(super) found: Findings,
}

pub(super) type Checked = Result<(), ExpressionError>;

impl Walk<'_> {
    fn visit(&mut self, node: &mut IdedExpr) -> Checked {
        if let Some(path) = path_of(node) {
            return self.name(&path);
        }
        match &mut node.expr {
            Expr::Literal(LiteralValue::Double(_)) => Err(self.double(node.id)),
            Expr::Literal(_) | Expr::Ident(_) => Ok(()),
            Expr::Select(select) => self.visit(&mut select.operand),
            Expr::List(list) => list.elements.iter_mut().try_for_each(|item| self.visit(item)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.visit(&mut entry.key)?;
                    self.visit(&mut entry.value)
                }
                EntryExpr::StructField(_) => Err(self.error(node.id, "unexpected field")),
            }),
            Expr::Call(call) => self.call(node.id, call),
            Expr::Comprehension(comprehension) => self.comprehension(node.id, comprehension),
            Expr::Struct(_) | Expr::Unspecified => {
                Err(self.error(node.id, "messages cannot be built here"))
            }
        }
    }

    /// A variable with fields, `body.payer.name`, or the variable of a loop.
    fn name(&mut self, path: &Path) -> Checked {
        // Names that no text can write are those of macros and of compiled literals.
        if path.root.starts_with(['@', '#']) || self.scope.contains(&path.root) {
            return Ok(());
        }
        let Some(root) = Root::named(&path.root) else {
            if path.fields.is_empty() && TYPES.contains(&path.root.as_str()) {
                return Ok(());
            }
            let known = Root::ALL.iter().filter(|root| self.allows(**root));
            let known = known.map(|root| root.name());
            let known = known.chain(self.scope.iter().map(String::as_str));
            let meant = closest(&path.root, known).map(str::to_owned);
            let error = self.error(path.id, format!("unknown variable `{}`", path.root));
            return Err(match meant {
                Some(meant) => error.suggest(Some(&meant)),
                None => error.hint(match self.allowed {
                    Scope::Request => {
                        "the variables are `request`, `body`, `identity`, `client`, `listener` and \
                         `route`; a text stands in quotes"
                    }
                    Scope::Answer => {
                        "the variables are `answer`, `request`, `body`, `identity`, `client`, \
                         `listener` and `route`; a text stands in quotes"
                    }
                }),
            });
        };
        if !self.allows(root) {
            return Err(self
                .error(path.id, "there is no `answer` yet")
                .hint("only what is said about an answer can name it"));
        }
        self.found.names.extend(path.fields.iter().map(|(name, _)| name.clone()));
        self.found.variable_in_loop |= !self.loops.is_empty();
        let (variable, fields) = self.variable(root, path)?;
        if let Some((field, id)) = fields.first() {
            if !variable.is_map() {
                let name = shown(variable);
                return Err(self.error(*id, format!("`{name}` is a value without fields")));
            }
            if variable.is_headers() && *field != field.to_ascii_lowercase() {
                return Err(self
                    .error(*id, "header names are lower case")
                    .hint(format!("`{}`", field.to_ascii_lowercase())));
            }
        }
        let fields: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
        self.found.variables.entry(variable).or_default().add(&fields, !path.presence);
        if !path.presence && !path.optional {
            self.read(FieldName { variable, path: fields }, Purpose::Any);
        }
        Ok(())
    }

    pub(super) fn allows(&self, root: Root) -> bool {
        root != Root::Answer || self.allowed == Scope::Answer
    }

    pub(super) fn variable<'p>(
        &self,
        root: Root,
        path: &'p Path,
    ) -> Result<(Variable, &'p [Field]), ExpressionError> {
        let known = || root.fields().iter().map(|(name, _)| *name);
        match (root, path.fields.split_first()) {
            (Root::Body, _) => Ok((Variable::Body, &path.fields)),
            (Root::Listener, _) => Ok((Variable::Listener, &path.fields)),
            (Root::Route, _) => Ok((Variable::Route, &path.fields)),
            (_, None) => {
                let example = known().next().unwrap_or_default();
                Err(self
                    .error(path.id, format!("`{}` is a group of fields", root.name()))
                    .hint(format!("name one of them, such as `{}.{example}`", root.name())))
            }
            (_, Some(((field, id), rest))) => {
                let found = root.fields().iter().find(|(name, _)| name == field);
                found.map(|(_, variable)| (*variable, rest)).ok_or_else(|| {
                    let message = format!("`{}` has no field `{field}`", root.name());
                    let error = self.error(*id, message);
                    match closest(field, known()) {
                        Some(meant) => error.suggest(Some(meant)),
                        None => error.hint(format!(
                            "it has {}",
                            known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                        )),
                    }
                })
            }
        }
    }

    fn call(&mut self, id: u64, call: &mut CallExpr) -> Checked {
        if is_operator(&call.func_name) {
            if self.is_presence_test(call)? {
                return Ok(());
            }
            self.operator(id, call)?;
        } else {
            self.function(id, call)?;
            if let Some(target) = call.target.as_mut()
                && !is_namespace(target)
            {
                self.visit(target)?;
            }
        }
        call.args.iter_mut().try_for_each(|argument| self.visit(argument))
    }

    /// `"name" in request.headers` looks for one field: the others need not be converted.
    fn is_presence_test(&mut self, call: &CallExpr) -> Result<bool, ExpressionError> {
        let [name, map] = call.args.as_slice() else { return Ok(false) };
        let (Some(name_text), Some(mut path)) = (literal_text(name), path_of(map)) else {
            return Ok(false);
        };
        let root = Root::named(&path.root).filter(|_| !self.scope.contains(&path.root));
        let is_map = match root {
            Some(root) => self.variable(root, &path)?.0.is_map(),
            None => false,
        };
        if call.func_name != operators::IN || path.presence || !is_map {
            return Ok(false);
        }
        path.fields.push((name_text.to_owned(), name.id));
        path.presence = true;
        self.name(&path)?;
        Ok(true)
    }

    /// Makes `decimal` and numbers compare whichever side they stand on.
    fn operator(&self, id: u64, call: &mut CallExpr) -> Checked {
        let [left, right] = call.args.as_mut_slice() else { return Ok(()) };
        if call.func_name == operators::IN && is_decimal(left) {
            return Err(self
                .error(id, "`in` does not compare decimals")
                .hint("write the comparisons out: `decimal(x) == 1 || decimal(x) == 2`"));
        }
        let Some(flipped) = flipped(&call.func_name) else { return Ok(()) };
        match (is_decimal(left), is_decimal(right)) {
            (true, false) => wrap_in_decimal(right),
            (false, true) => wrap_in_decimal(left),
            (false, false) if is_literal(left) && !is_literal(right) => {
                std::mem::swap(left, right);
                flipped.clone_into(&mut call.func_name);
            }
            _ => {}
        }
        Ok(())
    }

    fn function(&mut self, id: u64, call: &mut CallExpr) -> Checked {
        let namespaced = call.target.as_deref().is_some_and(is_namespace);
        let member = call.target.is_some() && !namespaced;
        let prefix = if namespaced { "optional." } else { "" };
        let name = format!("{prefix}{}", call.func_name);
        let mut named = CALLABLES.iter().filter(|callable| callable.name == name).peekable();
        if named.peek().is_none() {
            return Err(self.unknown_function(id, &name));
        }
        let Some(callable) = named.find(|callable| callable.member == member) else {
            let form = if member { format!("{name}(x)") } else { format!("x.{name}(…)") };
            return Err(self.error(id, format!("`{name}` is called as `{form}`")));
        };
        let (least, most) = callable.arguments;
        if !(least..=most).contains(&call.args.len()) {
            let expected = match most {
                0 => "no argument".to_owned(),
                1 => "one argument".to_owned(),
                _ if least == most => format!("{most} arguments"),
                _ => format!("{least} or {most} arguments"),
            };
            return Err(self.error(id, format!("`{name}` takes {expected}")));
        }
        if let ("minor_units" | "major_units", [amount, currency]) =
            (name.as_str(), call.args.as_slice())
        {
            self.read_for(amount, Purpose::Amount);
            self.read_for(currency, Purpose::Currency);
        }
        match (name.as_str(), call.args.last_mut()) {
            ("minor_units" | "major_units", Some(currency)) => self.currency(currency),
            ("matches", Some(pattern)) => self.pattern(pattern),
            ("ip_in", Some(networks)) => self.networks(networks),
            ("decimal", Some(number)) => self.decimal(number),
            _ => Ok(()),
        }
    }

    fn unknown_function(&self, id: u64, name: &str) -> ExpressionError {
        let error = self.error(id, format!("unknown function `{name}`"));
        match name {
            "double" => error.hint("there are no doubles: use `decimal(…)`"),
            "replace" | "join" | "format" => error.hint("it can build texts without bound"),
            "duration" | "timestamp" => error.hint("expressions do not know the time"),
            "lower" | "toLower" => error.suggest(Some("lowerAscii")),
            "upper" | "toUpper" => error.suggest(Some("upperAscii")),
            _ => {
                let known = CALLABLES.iter().map(|callable| callable.name);
                error.suggest(closest(name, known.chain(MACROS.iter().copied())))
            }
        }
    }

    fn comprehension(&mut self, id: u64, node: &mut ComprehensionExpr) -> Checked {
        self.visit(&mut node.iter_range)?;
        if let Some(outer) = self.loops.last()
            && !belongs_to(&node.iter_range, outer)
        {
            return Err(self
                .error(id, "a loop inside a loop over something else takes too long")
                .hint(format!("an inner loop walks over a part of `{outer}`")));
        }
        for name in [Some(&node.iter_var), node.iter_var2.as_ref()].into_iter().flatten() {
            if Root::named(name).is_some() || TYPES.contains(&name.as_str()) {
                return Err(self
                    .error(id, format!("`{name}` is taken"))
                    .hint("give the loop's variable another name"));
            }
        }
        if self.loops.len() >= DEEPEST_LOOP {
            return Err(self.error(id, "at most three loops stand inside one another"));
        }
        self.found.loops = true;
        let depth = self.scope.len();
        self.scope.push(node.iter_var.clone());
        self.scope.extend(node.iter_var2.clone());
        self.scope.push(node.accu_var.clone());
        self.loops.push(node.iter_var.clone());
        self.visit(&mut node.accu_init)?;
        self.visit(&mut node.loop_cond)?;
        self.visit(&mut node.loop_step)?;
        self.visit(&mut node.result)?;
        self.loops.pop();
        self.scope.truncate(depth);
        Ok(())
    }

    fn double(&self, id: u64) -> ExpressionError {
        let error = self.error(id, "a floating-point number cannot be compared exactly");
        let span = self.source.offset_for(id);
        let written: Option<String> = span.and_then(|(start, _)| {
            let start = usize::try_from(start).ok()?;
            let rest = self.source.source.chars().skip(start);
            let text: String =
                rest.take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
            (!text.is_empty()).then_some(text)
        });
        error.hint(format!("use `decimal(\"{}\")`", written.as_deref().unwrap_or("…")))
    }

    /// The parser places a call at its bracket and a field at its dot: the error stands at the
    /// name.
    pub(super) fn error(&self, id: u64, message: impl Into<String>) -> ExpressionError {
        let place = self.source.offset_for(id).map_or(0, |(start, _)| start);
        let place = usize::try_from(place).unwrap_or(0);
        let text: Vec<char> = self.source.source.chars().collect();
        let before = text.get(..place).unwrap_or_default();
        let offset = match text.get(place) {
            Some('.') => place + 1,
            Some('(') => {
                let is_name = |c: &&char| c.is_alphanumeric() || **c == '_';
                place - before.iter().rev().take_while(is_name).count()
            }
            _ => place,
        };
        ExpressionError::new(offset, message)
    }
}

fn shown(variable: Variable) -> String {
    match variable.field() {
        "" => variable.root().name().to_owned(),
        field => format!("{}.{field}", variable.root().name()),
    }
}

const DEEPEST_LOOP: usize = 3;
