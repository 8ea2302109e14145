use std::{collections::BTreeSet, fs, path::PathBuf};

use tollgate_api::codes;

use super::{
    page::{self, GUIDES},
    settings::UNKNOWN,
};
use crate::{pipeline, telemetry::Metrics};

fn docs() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))
}

#[test]
fn the_committed_reference_is_what_this_binary_says() {
    let folder = docs().join("reference");
    let mut expected = BTreeSet::new();
    for page in page::all() {
        let committed = fs::read_to_string(folder.join(page.file())).unwrap_or_default();
        let differs = committed.lines().zip(page.text.lines()).find(|(old, new)| old != new);
        assert!(
            committed == page.text,
            "docs/reference/{} is out of date; run `cargo run -- reference --out docs/reference`: {differs:?}",
            page.file()
        );
        expected.insert(page.file());
    }
    let present: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, expected, "a page of something that is gone");
}

#[test]
fn every_plugin_has_a_guide_and_a_page_that_can_be_asked_for() {
    let asked: Vec<&str> = page::names();
    let pages: Vec<&str> =
        page::all().iter().map(|page| page.name).filter(|name| *name != page::INDEX).collect();
    assert_eq!(asked, pages, "the names offered are the pages there are");
    for plugin in pipeline::DEFINITIONS {
        let guide = GUIDES.iter().find(|(kind, _)| *kind == plugin.kind);
        assert!(
            guide.is_some_and(|(_, text)| text.starts_with(&format!("# {}\n", plugin.kind))),
            "{}",
            plugin.kind
        );
    }
}

#[test]
fn guides_name_only_faults_and_metrics_that_exist() {
    let metrics = Metrics::new();
    let families: BTreeSet<&str> = metrics.reference().iter().map(|family| family.name).collect();
    let known: BTreeSet<&str> = codes::ALL.iter().map(|code| code.name).collect();
    for (kind, text) in GUIDES {
        for word in text.split('`').skip(1).step_by(2).filter(|word| word.starts_with("tollgate_"))
        {
            assert!(families.contains(word), "{kind}: there is no metric `{word}`");
        }
        let faults = text
            .split("## Faults")
            .nth(1)
            .unwrap_or_default()
            .split("\n## ")
            .next()
            .unwrap_or_default();
        let named: Vec<&str> =
            known.iter().copied().filter(|code| faults.contains(&format!("`{code}`"))).collect();
        assert!(!named.is_empty(), "{kind}: the guide has a section on faults that names some");
    }
}

#[test]
fn no_default_is_left_unsaid() {
    for page in page::all() {
        assert!(
            !page.text.contains(UNKNOWN),
            "{}: a setting has a default that its schema does not tell",
            page.name
        );
    }
}

#[test]
fn every_link_of_the_reference_leads_somewhere() {
    for page in page::all() {
        for link in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let there = match link.strip_prefix('#') {
                Some(anchor) => {
                    page.text.lines().filter(|line| line.starts_with('#')).any(|heading| {
                        let kept = heading.trim_start_matches('#').trim().chars();
                        let kept =
                            kept.filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
                        kept.collect::<String>().to_lowercase().replace(' ', "-") == anchor
                    })
                }
                None => link.contains("://") || docs().join("reference").join(link).exists(),
            };
            assert!(there, "{}: the link `{link}` leads nowhere", page.name);
        }
    }
}

#[test]
fn the_operations_manual_speaks_of_every_metric_and_every_fault() {
    let manual = fs::read_to_string(docs().join("operations.md")).unwrap();
    let metrics = Metrics::new();
    for family in metrics.reference() {
        assert!(
            manual.contains(family.name),
            "docs/operations.md does not say what `{}` is good for",
            family.name
        );
    }
    for code in codes::ALL {
        assert!(
            manual.contains(&format!("`{}`", code.name)),
            "docs/operations.md does not say what to do about `{}`",
            code.name
        );
    }
    let known: BTreeSet<&str> = metrics.reference().iter().map(|family| family.name).collect();
    for word in manual.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let name = word.strip_suffix("_bucket").unwrap_or(word);
        assert!(
            !name.starts_with("tollgate_") || known.contains(name),
            "there is no metric `{word}`"
        );
    }
}

#[test]
fn documents_refer_to_files_and_tests_that_exist() {
    let root = docs().join("..");
    for document in ["README.md", "docs/architecture.md", "docs/threats.md", "docs/operations.md"] {
        let content = fs::read_to_string(root.join(document)).unwrap();
        for link in content.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            let there = path.is_empty()
                || path.contains("://")
                || root.join(document).parent().unwrap().join(path).exists();
            assert!(there, "{document}: the link `{link}` leads nowhere");
        }
        for word in content.split('`').skip(1).step_by(2) {
            let (file, test) = word.split_once("::").unwrap_or((word, ""));
            if file.split('.').next_back() != Some("rs") || file.contains(' ') {
                continue;
            }
            let source = fs::read_to_string(root.join(file)).unwrap_or_default();
            assert!(!source.is_empty(), "{document}: there is no file `{file}`");
            assert!(
                test.is_empty() || source.contains(&format!("fn {test}(")),
                "{document}: `{file}` has no test `{test}`"
            );
        }
    }
}

#[test]
fn the_readme_explains_the_smallest_example_as_it_is() {
    let root = docs().join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let example = fs::read_to_string(root.join("conf/minimal.yaml")).unwrap();
    assert!(
        readme.contains(&format!("```yaml\n{example}```\n")),
        "README.md shows another configuration than conf/minimal.yaml"
    );
}
