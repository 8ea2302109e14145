//! Unions: which variant the writer meant, so that the errors speak about that one.

use serde_json::Value as Json;

use super::layers::Layers;
use super::values::{SECRET_HINT, found};
use super::{Findings, Place, Walker, expected};
use crate::config::diagnostic::Diagnostic;
use crate::config::node::Value;
use crate::config::similar::{one_of, similar};

impl<'a> Walker<'a> {
    /// Adds the chosen variants to the layers. False if none fits, which was reported.
    pub(super) fn choose_variants(&mut self, place: &Place<'a>, layers: &mut Layers<'a>) -> bool {
        let mut chosen = Layers::default();
        for alternatives in layers.alternatives() {
            let mut variants: Vec<Layers<'a>> = alternatives
                .into_iter()
                .filter_map(|schema| Layers::expand(schema, self.root))
                .collect();
            let picked = match variants.len() {
                0 => continue,
                1 => variants.pop(),
                _ => self.choose(place, &variants, layers),
            };
            let Some(mut picked) = picked else { return false };
            // A variant may be a union itself.
            if picked.alternatives().next().is_some() && !self.choose_variants(place, &mut picked) {
                return false;
            }
            chosen.extend(picked);
        }
        layers.extend(chosen);
        true
    }

    fn choose(
        &mut self,
        place: &Place<'a>,
        variants: &[Layers<'a>],
        layers: &Layers<'a>,
    ) -> Option<Layers<'a>> {
        let fitting: Vec<&Layers<'a>> = variants
            .iter()
            .filter(|variant| accepts(variant, &place.node.value, self.root, DEPTH))
            .collect();
        match (fitting.as_slice(), &place.node.value) {
            ([], _) => {
                self.no_variant(place, variants, layers);
                None
            }
            (_, Value::String(text)) => self.by_text(place, text, &fitting, variants, layers),
            (_, Value::Mapping(_)) => self.by_key(place, &fitting, variants, layers),
            ([one], _) => Some((*one).clone()),
            _ => self.by_trial(place, &fitting),
        }
    }

    fn by_text(
        &mut self,
        place: &Place<'a>,
        text: &str,
        fitting: &[&Layers<'a>],
        variants: &[Layers<'a>],
        layers: &Layers<'a>,
    ) -> Option<Layers<'a>> {
        if let Some(named) = fitting.iter().find(|variant| constants(variant).contains(&text)) {
            return Some((*named).clone());
        }
        let free: Vec<&Layers<'a>> =
            fitting.iter().copied().filter(|variant| variant.constants().is_none()).collect();
        if !free.is_empty() {
            return self.by_trial(place, &free);
        }
        let mut known: Vec<&str> = fitting.iter().flat_map(|variant| constants(variant)).collect();
        let tagged: Vec<&str> =
            tags(&variants.iter().collect::<Vec<_>>()).into_iter().map(|(tag, _)| tag).collect();
        if tagged.contains(&text) && !place.secret {
            let noun = layers.text("x-noun").map(|noun| format!("{noun} ")).unwrap_or_default();
            self.report(
                Diagnostic::error(format!("{noun}`{text}` needs settings"))
                    .at(place.caret(), "has none")
                    .hint(format!("write `{text}: …`")),
            );
            return None;
        }
        known.extend(&tagged);
        let expected = one_of(&known);
        let (message, label) = match layers.text("x-noun") {
            Some(noun) if !place.secret => {
                (format!("unknown {noun} `{text}`"), format!("expected {expected}"))
            }
            _ => (format!("{} must be {expected}", place.name), format!("found {}", found(place))),
        };
        let meant = similar(text, &known).map(|meant| format!("did you mean `{meant}`?"));
        self.report(Diagnostic::error(message).at(place.caret(), label).hint_if(meant));
        None
    }

    fn by_key(
        &mut self,
        place: &Place<'a>,
        fitting: &[&Layers<'a>],
        variants: &[Layers<'a>],
        layers: &Layers<'a>,
    ) -> Option<Layers<'a>> {
        if let Some(tag) = inner_tag(fitting) {
            return self.by_inner_tag(place, tag, fitting);
        }
        let tags = tags(fitting);
        if tags.len() < fitting.len() {
            return match fitting {
                [one] => Some((*one).clone()),
                _ => self.by_trial(place, fitting),
            };
        }
        let present: Vec<_> =
            tags.iter().filter(|(tag, _)| place.node.entry(tag).is_some()).collect();
        match present.as_slice() {
            [(_, variant)] => Some((*variant).clone()),
            [] => {
                self.no_tag(place, &tags, variants, layers);
                None
            }
            several => {
                self.several_tags(place, &several.iter().map(|(tag, _)| *tag).collect::<Vec<_>>());
                None
            }
        }
    }

    fn no_tag(
        &mut self,
        place: &Place<'a>,
        tags: &[(&'a str, Layers<'a>)],
        variants: &[Layers<'a>],
        layers: &Layers<'a>,
    ) {
        let beside = tags.iter().flat_map(|(_, variant)| variant.properties());
        let shared: Vec<&str> = layers.properties().chain(beside).map(|(key, _)| key).collect();
        let alone: Vec<&str> = variants.iter().flat_map(constants).collect();
        let names: Vec<&str> =
            tags.iter().map(|(tag, _)| *tag).chain(alone.iter().copied()).collect();
        let unknown =
            place.node.entries().iter().find(|entry| !shared.contains(&entry.key.as_str()));
        let expected = format!("expected {}", one_of(&names));
        let (noun, inside) = match layers.text("x-noun") {
            Some(noun) => (noun, String::new()),
            None => ("key", format!(" in {}", place.name)),
        };
        let Some(entry) = unknown else {
            let message = format!("{} does not say which {noun} it is", place.name);
            return self.report(Diagnostic::error(message).at(place.caret(), expected));
        };
        if alone.contains(&entry.key.as_str()) {
            return self.report(
                Diagnostic::error(format!("`{}` takes no settings", entry.key))
                    .at(entry.key_span, "stands alone")
                    .hint(format!("write `{}` without a colon", entry.key)),
            );
        }
        let hint = similar(&entry.key, &names)
            .map_or(expected, |meant| format!("did you mean `{meant}`?"));
        self.report(
            Diagnostic::error(format!("unknown {noun} `{}`{inside}", entry.key))
                .at(entry.key_span, format!("no such {noun}"))
                .hint(hint),
        );
    }

    fn several_tags(&mut self, place: &Place<'a>, tags: &[&str]) {
        let mut finding =
            Diagnostic::error(format!("{} holds more than one of {}", place.name, one_of(tags)));
        for (index, entry) in place
            .node
            .entries()
            .iter()
            .filter(|entry| tags.contains(&entry.key.as_str()))
            .enumerate()
        {
            finding = finding.at(
                entry.key_span,
                if index == 0 { "only one may stand here" } else { "and this" },
            );
        }
        self.report(finding);
    }

    fn by_inner_tag(
        &mut self,
        place: &Place<'a>,
        tag: &'a str,
        fitting: &[&Layers<'a>],
    ) -> Option<Layers<'a>> {
        let names: Vec<(&str, &&Layers<'a>)> =
            fitting.iter().filter_map(|variant| Some((constant(variant, tag)?, variant))).collect();
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let Some(entry) = place.node.entry(tag) else {
            self.report(
                Diagnostic::error(format!("`{tag}` is missing in {}", place.name))
                    .at(place.caret(), format!("needs `{tag}`"))
                    .hint(format!("`{tag}` is {}", one_of(&known))),
            );
            return None;
        };
        if let Value::String(text) = &entry.value.value
            && let Some((_, variant)) = names.iter().find(|(name, _)| name == text)
        {
            return Some((**variant).clone());
        }
        let inner = place.entry(entry);
        let meant = match &entry.value.value {
            Value::String(text) => {
                similar(text, &known).map(|meant| format!("did you mean `{meant}`?"))
            }
            _ => None,
        };
        self.report(
            Diagnostic::error(format!("`{tag}` must be {}", one_of(&known)))
                .at(inner.caret(), format!("found {}", found(&inner)))
                .hint_if(meant),
        );
        None
    }

    /// The variant with the fewest errors, for unions that nothing tells apart.
    fn by_trial(&mut self, place: &Place<'a>, variants: &[&Layers<'a>]) -> Option<Layers<'a>> {
        let errors = |variant: &Layers<'a>| {
            let mut trial = Walker {
                root: self.root,
                files: self.files,
                formats: self.formats,
                findings: Findings::default(),
            };
            trial.check_layers(place, variant.clone());
            trial.findings.diagnostics.errors()
        };
        variants.iter().min_by_key(|variant| errors(variant)).map(|variant| (*variant).clone())
    }

    fn no_variant(&mut self, place: &Place<'a>, variants: &[Layers<'a>], layers: &Layers<'a>) {
        let expected = expected::of(layers, self.root, self.formats);
        let references =
            variants.iter().any(|variant| variant.properties().any(|(key, _)| key == "env"));
        let hint = match &place.node.value {
            _ if place.secret && references => Some(SECRET_HINT.to_owned()),
            Value::String(text) => tags(&variants.iter().collect::<Vec<_>>())
                .iter()
                .find(|(tag, _)| tag == text)
                .map(|(tag, _)| format!("it has settings of its own: `{tag}: {{ … }}`")),
            _ => None,
        };
        self.report(
            Diagnostic::error(format!("{} must be {expected}", place.name))
                .at(place.caret(), format!("found {}", found(place)))
                .hint_if(hint),
        );
    }
}

/// The texts that a variant consists of.
fn constants<'a>(variant: &Layers<'a>) -> Vec<&'a str> {
    variant.constants().unwrap_or_default().into_iter().filter_map(Json::as_str).collect()
}

/// The key that tells each variant from all others.
fn tags<'a>(variants: &[&Layers<'a>]) -> Vec<(&'a str, Layers<'a>)> {
    variants
        .iter()
        .enumerate()
        .filter_map(|(own, variant)| {
            let tag = variant.required().find(|tag| {
                variants.iter().enumerate().all(|(other, variant)| {
                    own == other || variant.properties().all(|(key, _)| key != *tag)
                })
            })?;
            Some((tag, (*variant).clone()))
        })
        .collect()
}

/// The property that holds a different constant in each variant.
fn inner_tag<'a>(variants: &[&Layers<'a>]) -> Option<&'a str> {
    let (first, others) = variants.split_first()?;
    if others.is_empty() {
        return None;
    }
    let mut tags = first.properties().map(|(key, _)| key);
    tags.find(|tag| variants.iter().all(|variant| constant(variant, tag).is_some()))
}

fn constant<'a>(variant: &Layers<'a>, key: &str) -> Option<&'a str> {
    let (_, schema) = variant.properties().find(|(name, _)| *name == key)?;
    schema.get("const")?.as_str()
}

/// Whether a variant, or one of its own variants, takes values of this type.
fn accepts<'a>(variant: &Layers<'a>, value: &Value, root: &'a Json, depth: usize) -> bool {
    let inner: Vec<&Json> = variant.alternatives().flatten().collect();
    match depth.checked_sub(1) {
        Some(depth) if !inner.is_empty() => inner.into_iter().any(|schema| {
            Layers::expand(schema, root).is_none_or(|variant| accepts(&variant, value, root, depth))
        }),
        _ => variant.accept(value),
    }
}

/// Unions within unions.
const DEPTH: usize = 4;
