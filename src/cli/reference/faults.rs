//! Faults by whose they are, as a table.

use std::fmt::Write;

use tollgate_api::{Blame, codes};

/// Every fault code that the gateway and its plugins answer with.
pub(super) fn render() -> String {
    let mut text = String::new();
    for (blame, heading, about) in PARTS {
        let _ =
            write!(text, "\n## {heading}\n\n{about}\n\n| code | status | title |\n|---|---|---|\n");
        for code in codes::ALL.iter().filter(|code| code.blame == *blame) {
            let _ = writeln!(text, "| `{}` | {} | {} |", code.name, code.status, code.title);
        }
    }
    text
}

const PARTS: &[(Blame, &str, &str)] = &[
    (
        Blame::Caller,
        "The caller's",
        "The request is wrong, or its sender may not send it. Nothing was sent to a provider, except where `caller_incomplete` and `caller_gone` say otherwise in the access log.",
    ),
    (
        Blame::Upstream,
        "The provider's",
        "The provider failed, or its answer cannot be trusted. What is known of the attempt stands in the access log and in `tollgate_attempts_total`.",
    ),
    (
        Blame::Gateway,
        "The gateway's",
        "The gateway failed, is overloaded, or lacks something outside of itself that a decision needs.",
    ),
    (
        Blame::Configuration,
        "The configuration's",
        "The configuration asks for something that cannot be done any more.",
    ),
];
