//! Paths with expressions in braces.

use tollgate_api::{
    expression::{Expression, ExpressionError, Variables},
    form::percent_encode,
};

use super::blame::Failure;

/// A path that was checked.
#[derive(Debug)]
pub(super) struct Template {
    segments: Vec<Vec<Part>>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Computed(Expression),
}

/// Why a text is no path.
#[derive(Debug)]
pub(super) enum TemplateError {
    /// The path itself is wrong.
    Path(&'static str),
    /// An expression in it is; the number is the byte at which it begins.
    Expression(usize, ExpressionError),
}

impl Template {
    /// Parses `/v1/orders/{body.order_id}`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut rest = text
            .strip_prefix('/')
            .ok_or(TemplateError::Path("expected a path that begins with `/`"))?;
        let mut segments = vec![Vec::new()];
        while let Some(first) = rest.chars().next() {
            let (part, after) = match first {
                '/' => {
                    segments.push(Vec::new());
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                '{' => {
                    let inside = rest.get(1..).unwrap_or_default();
                    let end = closing(inside)
                        .ok_or(TemplateError::Path("expected a `}` for every `{`"))?;
                    let (expression, after) = inside.split_at(end);
                    let start = text.len() - inside.len();
                    let expression = Expression::compile(expression)
                        .map_err(|error| TemplateError::Expression(start, error))?;
                    (Part::Computed(expression), after.get(1..).unwrap_or_default())
                }
                _ => {
                    let end = rest.find(['/', '{']).unwrap_or(rest.len());
                    let (literal, after) = rest.split_at(end);
                    if !literal.bytes().all(is_path_byte) {
                        return Err(TemplateError::Path(
                            "expected a path of letters, digits and `-._~!$&'()*+,;=:@`; what \
                             comes after `?` belongs in `query`",
                        ));
                    }
                    (Part::Literal(literal.to_owned()), after)
                }
            };
            if let Some(segment) = segments.last_mut() {
                segment.push(part);
            }
            rest = after;
        }
        let last = segments.len() - 1;
        for (at, segment) in segments.iter().enumerate() {
            let ambiguous = match segment.as_slice() {
                [] => at < last,
                [Part::Literal(literal)] => literal == "." || literal == "..",
                _ => false,
            };
            if ambiguous {
                return Err(TemplateError::Path(
                    "expected a path without empty, `.` or `..` steps",
                ));
            }
        }
        Ok(Self { segments })
    }

    /// The path with its expressions' results.
    pub fn expand(&self, variables: &dyn Variables) -> Result<String, Failure> {
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            let start = path.len();
            for part in segment {
                match part {
                    Part::Literal(text) => path.push_str(text),
                    Part::Computed(expression) => {
                        let text = expression.evaluate_text(variables)?;
                        let text = text.filter(|text| !text.is_empty());
                        let text = text.ok_or_else(|| Failure::unfit(expression))?;
                        path.push_str(&percent_encode(&text));
                    }
                }
            }
            let written = path.get(start..).unwrap_or_default();
            if (written == "." || written == "..")
                && let Some(expression) = computed(segment).next()
            {
                return Err(Failure::unfit(expression));
            }
        }
        Ok(path)
    }

    /// Every expression of the path.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.segments.iter().flat_map(|segment| computed(segment))
    }
}

fn computed(segment: &[Part]) -> impl Iterator<Item = &Expression> {
    segment.iter().filter_map(|part| match part {
        Part::Computed(expression) => Some(expression),
        Part::Literal(_) => None,
    })
}

/// Where the brace that ends an expression stands: not in a text, and not one of a pair.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What may stand in a path as it is (RFC 3986 section 3.3); percent-encoding is left to
/// expressions, so that there is one spelling.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use tollgate_api::expression::{Data, Variable};

    use super::*;

    /// A request whose path has one parameter.
    struct Id(String);

    impl Variables for Id {
        fn resolve(&self, variable: Variable) -> Option<Data<'_>> {
            let id = || Data::Map(vec![(Cow::Borrowed("id"), Data::text(&self.0))]);
            (variable == Variable::Params).then(id)
        }
    }

    #[test]
    fn braces_in_texts_and_maps_do_not_end_an_expression() {
        let path = r#"/a/{"}" + {"x": request.params.id}["x"] + '{'}/b"#;
        let template = Template::parse(path).unwrap();
        let path = template.expand(&Id("7".to_owned())).unwrap();
        assert_eq!(path, "/a/%7D7%7B/b", "the brace of the template ends it");
    }

    proptest! {
        #[test]
        fn whatever_a_value_is_the_path_keeps_its_steps(id in any::<String>()) {
            let template = Template::parse("/v1/{request.params.id}/x-{request.params.id}").unwrap();
            match template.expand(&Id(id.clone())) {
                Ok(path) => {
                    let steps: Vec<&str> = path.split('/').collect();
                    prop_assert_eq!(steps.len(), 4, "{}", path);
                    prop_assert!(!steps.iter().skip(1).any(|step| ["", ".", ".."].contains(step)));
                    let plain = |byte: u8| byte == b'%' || byte == b'/' || is_path_byte(byte);
                    prop_assert!(path.bytes().all(plain), "{}", path);
                }
                Err(_) => prop_assert!(["", ".", ".."].contains(&id.as_str()), "{:?}", id),
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[/a-z{}\"'\\\\. %?]{0,40}") {
            let _ = Template::parse(&text);
        }
    }
}
