//! Running an expression: binds what it names, evaluates, and reduces whatever goes wrong.

use std::collections::HashMap;

use cel::{
    Context, Value,
    common::{
        types::{CelBool, CelMap, CelMapKey},
        value::Val,
    },
};

use super::{
    check::Constant,
    compile::Expression,
    data::Conversion,
    error::{EvalError, EvalErrorKind},
    function::ENVIRONMENT,
    result::text_of,
    variable::{Root, Variable, Variables},
};

impl Expression {
    /// Runs a condition.
    pub fn evaluate_bool(&self, variables: &dyn Variables) -> Result<bool, EvalError> {
        self.run(variables, |value| value.downcast_ref::<CelBool>().map(|value| *value.inner()))
    }

    /// Runs an expression that yields a key. An integer, a boolean or a number counts as its text.
    pub fn evaluate_string(&self, variables: &dyn Variables) -> Result<String, EvalError> {
        self.run(variables, text_of)
    }

    pub(super) fn run<T>(
        &self,
        variables: &dyn Variables,
        result: impl FnOnce(&dyn Val) -> Option<T>,
    ) -> Result<T, EvalError> {
        let found = &self.compiled.found;
        let context = self.context(variables)?;
        let value = Value::resolve_val(&self.compiled.tree, &context)
            .map_err(|error| EvalError::of(&error, &found.names))?;
        result(value.as_ref()).ok_or_else(|| EvalError::new(EvalErrorKind::WrongResult))
    }

    /// A body or group that nobody supplies is an empty map, so that `has` answers and reading it
    /// is a missing field.
    fn context<'v>(&self, variables: &'v dyn Variables) -> Result<Context<'v, 'v>, EvalError> {
        let found = &self.compiled.found;
        let conversion = Conversion {
            most: match (found.loops, found.variable_in_loop) {
                (false, _) => usize::MAX - 1,
                (true, false) => LONGEST_LOOP,
                (true, true) => LONGEST_COSTLY_LOOP,
            },
        };
        let mut context: Context<'v, 'v> = Context::with_env(ENVIRONMENT.clone());
        let mut groups: Vec<(Root, Members<'v>)> = Vec::new();
        for (variable, shape) in &found.variables {
            let value = match variables.resolve(*variable) {
                Some(data) => Some(conversion.data(data, shape)?),
                None => None,
            };
            let (root, field) = (variable.root(), variable.field());
            if field.is_empty() {
                let absent = || (root == Root::Body).then(empty);
                if let Some(value) = value.or_else(absent) {
                    context.add_variable_as_val(root.name(), value);
                }
                continue;
            }
            if groups.last().is_none_or(|(last, _)| *last != root) {
                groups.push((root, HashMap::new()));
            }
            let absent = || (*variable == Variable::AnswerBody).then(empty);
            if let (Some((_, members)), Some(value)) = (groups.last_mut(), value.or_else(absent)) {
                members.insert(CelMapKey::from(field), value);
            }
        }
        for (root, members) in groups {
            context.add_variable_as_val(root.name(), Box::new(CelMap::from(members)));
        }
        for (index, constant) in found.constants.iter().enumerate() {
            let value: Box<dyn Val> = match constant {
                Constant::Pattern(pattern) => Box::new(pattern.clone()),
                Constant::Networks(networks) => Box::new(networks.clone()),
            };
            context.add_variable_as_val(format!("@{index}"), value);
        }
        Ok(context)
    }
}

/// What a body that is not there is taken for.
fn empty<'v>() -> Box<dyn Val + 'v> {
    Box::new(CelMap::default())
}

type Members<'v> = HashMap<CelMapKey<'v>, Box<dyn Val + 'v>>;

/// Members of one list or map, for an expression with a loop.
const LONGEST_LOOP: usize = 10_000;
/// The same, if each turn of the loop reads a variable: it may search a whole body.
const LONGEST_COSTLY_LOOP: usize = 1_000;
