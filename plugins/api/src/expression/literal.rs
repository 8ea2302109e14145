//! Literals that are compiled at load: patterns, networks and the numbers in quotes.

use std::sync::Arc;

use cel::{IdedExpr, common::ast::Expr};
use regex::RegexBuilder;

use super::{
    check::{Checked, Constant, Walk},
    decimal::Decimal,
    tree::literal_text,
    value::{Networks, Pattern},
};
use crate::{money::Currency, setting::Cidr};

impl Walk<'_> {
    pub(super) fn pattern(&mut self, node: &mut IdedExpr) -> Checked {
        let Some(text) = literal_text(node) else {
            return Err(self
                .error(node.id, "the pattern of `matches` must be a literal text")
                .hint("a pattern that comes from a message could be anything"));
        };
        let compiled = RegexBuilder::new(text)
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN)
            .nest_limit(32)
            .build();
        match compiled {
            Ok(regex) => {
                self.constant(node, Constant::Pattern(Pattern(Arc::new(regex))));
                Ok(())
            }
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(self.error(node.id, "the pattern is too large"))
            }
            Err(_) => Err(self.error(node.id, "invalid regular expression")),
        }
    }

    pub(super) fn networks(&mut self, node: &mut IdedExpr) -> Checked {
        let shape = || "the networks of `ip_in` are a literal text or a list of them";
        let texts: Vec<(u64, &str)> = match &node.expr {
            Expr::List(list) => list
                .elements
                .iter()
                .map(|item| literal_text(item).map(|text| (item.id, text)))
                .collect::<Option<_>>(),
            _ => literal_text(node).map(|text| vec![(node.id, text)]),
        }
        .ok_or_else(|| self.error(node.id, shape()))?;
        let networks = texts
            .into_iter()
            .map(|(id, text)| {
                text.parse::<Cidr>().map_err(|error| {
                    let ours = self.error(id, error.message);
                    error.hint.map_or_else(|| ours.clone(), |hint| ours.clone().hint(hint))
                })
            })
            .collect::<Result<Arc<[Cidr]>, _>>()?;
        self.constant(node, Constant::Networks(Networks(networks)));
        Ok(())
    }

    pub(super) fn decimal(&self, node: &IdedExpr) -> Checked {
        match literal_text(node) {
            Some(text) if text.parse::<Decimal>().is_err() => {
                Err(self.error(node.id, "not a decimal number of at most 38 digits"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn currency(&self, node: &IdedExpr) -> Checked {
        match literal_text(node) {
            Some(code) if Currency::of(code).is_none() => {
                let error = self.error(node.id, "not the code of an active currency");
                let upper = code.to_ascii_uppercase();
                Err(match Currency::of(&upper) {
                    Some(_) => error.suggest(Some(&upper)),
                    None => error.hint("ISO 4217 has codes such as `EUR`"),
                })
            }
            _ => Ok(()),
        }
    }

    fn constant(&mut self, node: &mut IdedExpr, constant: Constant) {
        let name = format!("@{}", self.found.constants.len());
        self.found.constants.push(constant);
        node.expr = Expr::Ident(name);
    }
}

/// Bytes of a compiled pattern, and of its cache.
const LARGEST_PATTERN: usize = 1 << 20;
