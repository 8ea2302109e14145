//! Chains: entries of `plugins` built in their order.

use std::{collections::HashSet, sync::Arc};

use tollgate_api::{Build, Callers, Role, Side};

use super::Context;
use crate::{
    config::{
        node::join_pointer,
        schema::{PluginEntry, PluginMode},
        setting_error,
    },
    pipeline::{Chain, Entry, Mode, definition},
    telemetry::metrics::Place,
};

/// What is known of a chain beside its plugins.
pub(super) struct Built {
    pub chain: Chain,
    /// A plugin that proves who is calling stands in it and counts.
    pub authenticates: bool,
    /// One stands in it and runs in shadow.
    pub shadows_authentication: bool,
}

/// Builds the chain of a route or upstream of this name.
pub(super) fn chain(
    context: &mut Context<'_>,
    pointer: &str,
    owner: &str,
    side: Side,
    callers: &dyn Callers,
    entries: &[PluginEntry],
) -> Option<Built> {
    let list = join_pointer(pointer, "plugins");
    let mut built = Vec::new();
    let mut names = HashSet::new();
    let (mut authenticates, mut shadows_authentication, mut complete) = (false, false, true);
    for (at, entry) in entries.iter().enumerate() {
        let place = join_pointer(&list, &at.to_string());
        let settings = join_pointer(&place, &entry.kind);
        if context.is_faulty(&place) {
            complete = false;
            continue;
        }
        let Some(definition) = definition(&entry.kind) else {
            context.error(&settings, format!("unknown plugin `{}`", entry.kind), "this plugin");
            complete = false;
            continue;
        };
        if !definition.sides.allows(side) {
            let (here, there) = match side {
                Side::Route => ("a route", "an upstream"),
                Side::Upstream => ("an upstream", "a route"),
            };
            context.error_with_hint(
                &settings,
                format!("`{}` cannot stand on {here}", entry.kind),
                "not on this side",
                format!("it belongs in the `plugins` of {there}"),
            );
            complete = false;
            continue;
        }
        let shadow = entry.mode == PluginMode::Shadow;
        if shadow && (side == Side::Upstream || !definition.role.may_be_shadowed()) {
            context.error_with_hint(
                &join_pointer(&place, "mode"),
                format!("`{}` cannot run in shadow here", entry.kind),
                "this mode",
                "only plugins that check can: what follows depends on what the others change",
            );
            complete = false;
        }
        if definition.role.authenticates() {
            authenticates |= !shadow;
            shadows_authentication |= shadow;
        }
        let name = entry.name.as_deref().unwrap_or(&entry.kind);
        if !names.insert(name) {
            context.error_with_hint(
                &settings,
                format!("`{name}` stands twice in this chain"),
                "the second one",
                format!("give one of them a `name`: `- {{ {}: …, name: another }}`", entry.kind),
            );
            complete = false;
        }
        let side_name = match side {
            Side::Route => "route",
            Side::Upstream => "upstream",
        };
        let instance: Arc<str> = Arc::from(format!("{side_name}/{owner}/{name}"));
        match build(context, side, callers, &instance, shadow, &settings, entry) {
            Some(plugin) => {
                let place = match side {
                    Side::Route => Place::Route(owner),
                    Side::Upstream => Place::Upstream(owner),
                };
                built.push(Entry {
                    plugin,
                    kind: definition.kind,
                    meter: context.environment.metrics.plugin(place, &instance, shadow),
                    name: instance,
                    mode: if shadow { Mode::Shadow } else { Mode::Enforced },
                });
            }
            None => complete = false,
        }
    }
    check_order(context, &list, side, entries);
    // Slots of the two chains that meet on an exchange must not overlap.
    let first_instance = match side {
        Side::Route => 0,
        Side::Upstream => 1 << 16,
    };
    complete.then(|| Built {
        chain: Chain::new(built, first_instance),
        authenticates,
        shadows_authentication,
    })
}

/// Warns where a plugin changes what a provider's dialect has signed already, or has not verified yet.
fn check_order(context: &mut Context<'_>, list: &str, side: Side, entries: &[PluginEntry]) {
    let role = |entry: &PluginEntry| definition(&entry.kind).map(|definition| definition.role);
    let changes =
        |entry: &PluginEntry| matches!(role(entry), Some(Role::Transform | Role::Dialect));
    let place = |at: usize, entry: &PluginEntry| {
        join_pointer(&join_pointer(list, &at.to_string()), &entry.kind)
    };
    let Some(dialect) = entries.iter().position(|entry| role(entry) == Some(Role::Dialect)) else {
        return;
    };
    let Some(kind) = entries.get(dialect).map(|entry| entry.kind.as_str()) else { return };
    for (at, entry) in entries.iter().enumerate() {
        let (relation, hint) = match side {
            Side::Upstream if at > dialect && changes(entry) => {
                ("behind", format!("what `{kind}` signs must be what is sent: let it be the last"))
            }
            Side::Route if at < dialect && changes(entry) => {
                ("before", format!("what `{kind}` verifies must be what came: let it be the first"))
            }
            Side::Route if at > dialect && role(entry) == Some(Role::Dialect) => (
                "behind",
                format!("what came is changed once `{kind}` has verified it: use a route for each"),
            ),
            _ => continue,
        };
        context.warning(
            &place(at, entry),
            format!("`{}` stands {relation} `{kind}`", entry.kind),
            "this plugin",
            hint,
        );
    }
}

fn build(
    context: &mut Context<'_>,
    side: Side,
    callers: &dyn Callers,
    instance: &str,
    shadow: bool,
    pointer: &str,
    entry: &PluginEntry,
) -> Option<Arc<dyn tollgate_api::Plugin>> {
    let definition = definition(&entry.kind)?;
    let mut sources = context.within(pointer);
    let environment = context.environment;
    let mut build = Build {
        side,
        name: instance,
        shadow,
        clock: environment.clock.clone(),
        entropy: environment.entropy.clone(),
        stores: &environment.stores,
        fetch: &*environment.fetch,
        callers,
        sources: &mut sources,
        state: &environment.state,
        jobs: &mut context.jobs,
        measures: environment.metrics.clone(),
    };
    match (definition.build)(entry.settings.clone(), &mut build) {
        Ok(plugin) => Some(plugin),
        Err(errors) => {
            for error in &errors {
                context.findings.push(setting_error(context.document, pointer, error));
            }
            None
        }
    }
}
