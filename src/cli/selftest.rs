//! `tollgate selftest`: whether this binary, on this machine, computes what the standards and the
//! providers publish. Reads nothing, asks nobody, and takes a moment; `check --strict` includes it.

use std::{fmt::Write, panic, process::ExitCode};

use tollgate_crypto::known_answers::KnownAnswer;

use super::{DEFECTIVE, print, say};

pub(super) fn run(json: bool) -> ExitCode {
    let results = results();
    if json {
        print(&format!("{:#}\n", to_json(&results)));
    } else {
        print(&table(&results));
    }
    conclude(&results)
}

/// A known answer, and whether it was given.
pub(super) struct Tried {
    answer: KnownAnswer,
    given: bool,
}

/// Tries every known answer there is: of the algorithms, then of the providers' schemes.
pub(super) fn results() -> Vec<Tried> {
    let mut answers = tollgate_crypto::known_answers::all();
    answers.extend(tollgate_providers::known_answers::all());
    // A machine that computes wrongly may well panic.
    let attempt = |answer: KnownAnswer| Tried {
        given: panic::catch_unwind(answer.check).unwrap_or(false),
        answer,
    };
    answers.into_iter().map(attempt).collect()
}

/// Whether every answer was given.
pub(super) fn passed(results: &[Tried]) -> bool {
    failed(results).next().is_none()
}

/// Says which answers were not given, if any, and with which code the process ends.
pub(super) fn conclude(results: &[Tried]) -> ExitCode {
    let failed: Vec<&str> = failed(results).collect();
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    say(&format!("error: this binary must not be used here: it fails {}", failed.join(", ")));
    say("hint: the binary or the machine is defective; install it anew, or run it elsewhere");
    ExitCode::from(DEFECTIVE)
}

/// What a person wants to see confirmed.
fn summary(results: &[Tried]) -> String {
    let given = results.iter().filter(|tried| tried.given).count();
    format!("{given} of {} known answers given", results.len())
}

pub(super) fn to_json(results: &[Tried]) -> serde_json::Value {
    let rows: Vec<_> = results
        .iter()
        .map(|Tried { answer, given }| {
            serde_json::json!({
                "algorithm": answer.algorithm,
                "source": answer.source,
                "given": given,
            })
        })
        .collect();
    serde_json::json!({ "passed": passed(results), "answers": rows })
}

fn failed(results: &[Tried]) -> impl Iterator<Item = &'static str> {
    results.iter().filter(|tried| !tried.given).map(|tried| tried.answer.algorithm)
}

fn table(results: &[Tried]) -> String {
    let widest = |of: fn(&KnownAnswer) -> &'static str, title: &str| {
        let widths = results.iter().map(|tried| of(&tried.answer).chars().count());
        widths.max().unwrap_or(0).max(title.len())
    };
    let first = widest(|answer| answer.algorithm, ALGORITHM);
    let second = widest(|answer| answer.source, SOURCE);
    let mut text = String::new();
    let mut row = |algorithm: &str, source: &str, result: &str| {
        let _ = writeln!(text, "{algorithm:<first$}  {source:<second$}  {result}");
    };
    row(ALGORITHM, SOURCE, "RESULT");
    for Tried { answer, given } in results {
        row(answer.algorithm, answer.source, if *given { "ok" } else { "FAILED" });
    }
    let _ = writeln!(text, "\n{}", summary(results));
    text
}

const ALGORITHM: &str = "ALGORITHM";
const SOURCE: &str = "KNOWN ANSWER";

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(check: fn() -> bool) -> Vec<Tried> {
        let answer = KnownAnswer { algorithm: "ROT13", source: "folklore", check };
        vec![Tried { given: panic::catch_unwind(check).unwrap_or(false), answer }]
    }

    #[test]
    fn an_answer_that_is_not_given_is_named_and_ends_with_70() {
        let results = tried(|| false);
        let expected = "ALGORITHM  KNOWN ANSWER  RESULT\nROT13      folklore      FAILED\n\n0 of 1 known answers given\n";
        assert_eq!(table(&results), expected, "the table");
        assert_eq!(conclude(&results), ExitCode::from(70), "EX_SOFTWARE");
        assert_eq!(to_json(&results)["passed"], false, "for programs");
        assert_eq!(conclude(&tried(|| true)), ExitCode::SUCCESS, "and otherwise 0");
    }

    #[test]
    fn a_check_that_panics_is_a_failed_one() {
        let results = tried(|| panic!("a machine that computes wrongly"));
        assert_eq!(failed(&results).collect::<Vec<_>>(), ["ROT13"], "it is reported");
    }

    #[test]
    fn this_binary_gives_every_answer_and_no_two_have_one_name() {
        let results = results();
        assert_eq!(failed(&results).collect::<Vec<_>>(), [""; 0], "all given");
        let mut names: Vec<_> = results.iter().map(|tried| tried.answer.algorithm).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a table with two rows of one name helps nobody");
    }
}
