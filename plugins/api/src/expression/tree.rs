//! Questions about nodes of a parsed expression.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, LiteralValue, operators},
};

/// A name with the fields selected on it, all spelled in the text.
pub(super) struct Path {
    pub(super) root: String,
    pub(super) id: u64,
    pub(super) fields: Vec<Field>,
    /// Only asked for with `has`.
    pub(super) presence: bool,
    /// May be missing: `body.?x`.
    pub(super) optional: bool,
}

/// A field's name and its node.
pub(super) type Field = (String, u64);

pub(super) fn path_of(node: &IdedExpr) -> Option<Path> {
    match &node.expr {
        Expr::Ident(name) => {
            let root = name.clone();
            Some(Path { root, id: node.id, fields: Vec::new(), presence: false, optional: false })
        }
        Expr::Select(select) => {
            let mut path = path_of(&select.operand).filter(|path| !path.presence)?;
            path.fields.push((select.field.clone(), node.id));
            path.presence = select.test;
            Some(path)
        }
        Expr::Call(call) => {
            let selects = [operators::INDEX, operators::OPT_INDEX, operators::OPT_SELECT]
                .contains(&call.func_name.as_str());
            let [operand, field] = call.args.as_slice() else { return None };
            let field = (literal_text(field).filter(|_| selects)?.to_owned(), field.id);
            let mut path = path_of(operand).filter(|path| !path.presence)?;
            path.fields.push(field);
            path.optional |= call.func_name != operators::INDEX;
            Some(path)
        }
        _ => None,
    }
}

/// The path that a value is taken from, through methods called on it: `body.currency` of
/// `body.currency.upperAscii()`.
pub(super) fn source_of(node: &IdedExpr) -> Option<Path> {
    match &node.expr {
        Expr::Call(call) if call.target.is_some() => source_of(call.target.as_deref()?),
        _ => path_of(node),
    }
}

/// Whether a loop over `range` stays within the element `outer` of the loop around it.
pub(super) fn belongs_to(range: &IdedExpr, outer: &str) -> bool {
    match &range.expr {
        Expr::Ident(name) => name == outer,
        Expr::Select(select) => belongs_to(&select.operand, outer),
        Expr::List(_) | Expr::Map(_) | Expr::Literal(_) => true,
        Expr::Comprehension(inner) => belongs_to(&inner.iter_range, outer),
        Expr::Call(call) => match (&call.target, call.args.first()) {
            (Some(target), _) => belongs_to(target, outer),
            (None, Some(operand)) if is_operator(&call.func_name) => belongs_to(operand, outer),
            _ => false,
        },
        Expr::Struct(_) | Expr::Unspecified => false,
    }
}

pub(super) fn is_operator(name: &str) -> bool {
    !name.chars().all(|character| character.is_alphanumeric() || character == '_')
}

pub(super) fn is_namespace(target: &IdedExpr) -> bool {
    matches!(&target.expr, Expr::Ident(name) if name == "optional")
}

pub(super) fn is_decimal(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if call.func_name == "decimal" && call.target.is_none())
}

pub(super) fn is_literal(node: &IdedExpr) -> bool {
    matches!(node.expr, Expr::Literal(_))
}

pub(super) fn literal_text(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

pub(super) fn wrap_in_decimal(node: &mut IdedExpr) {
    let id = node.id;
    let argument = std::mem::take(node);
    let call = CallExpr { func_name: "decimal".to_owned(), target: None, args: vec![argument] };
    *node = IdedExpr { id, expr: Expr::Call(call) };
}

/// The comparison with its sides exchanged; nothing for what is no comparison.
pub(super) fn flipped(operator: &str) -> Option<&'static str> {
    Some(match operator {
        operators::EQUALS => operators::EQUALS,
        operators::NOT_EQUALS => operators::NOT_EQUALS,
        operators::LESS => operators::GREATER,
        operators::LESS_EQUALS => operators::GREATER_EQUALS,
        operators::GREATER => operators::LESS,
        operators::GREATER_EQUALS => operators::LESS_EQUALS,
        _ => return None,
    })
}
