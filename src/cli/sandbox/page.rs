//! What `tollgate sandbox` says when it has started: where it listens, what it is called with, and
//! how to watch it.

use std::fmt::Write;

use crate::sandbox::twin::{File, Place, Twin};

pub(super) fn text(twin: &Twin, at: &Place<'_>, files: &[File], seed: u64) -> String {
    let (name, url, folder) = (twin.dialect().name(), at.url(), at.folder);
    let mut text = format!("{name}: listening at {url}, seed {seed}\n\nin {folder}:\n");
    let width = files.iter().map(|file| file.name.len()).max().unwrap_or_default();
    for file in files {
        // A text cannot fail to be written to.
        let _ = writeln!(text, "  {:width$}  {}", file.name, file.what);
    }
    let facts = twin.dialect().facts();
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    text.push('\n');
    for (name, value) in &facts {
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    let curl = if at.tls { format!("curl --cacert {folder}/ca.pem") } else { "curl".to_owned() };
    let _ = write!(
        text,
        "
watch and direct it:
  {curl} {url}/_book      what was ordered, paid, refunded, told
  {curl} {url}/_refusals  why requests were refused
  {curl} {url}/_wire      the last request and answer
  {curl} {url}/_pay -d '{{\"order\": \"ORDER\"}}'
  {curl} {url}/_faults -d '{{\"name\": \"lost_answer\", \"times\": 1}}'
  {curl} -X POST {url}/_rotate    new keys; /_retire ends the old ones; /_settle closes the day
  {curl} -X POST {url}/_renew     new credentials for you; /_revoke ends the old ones; /_credentials counts

for Tollgate's configuration:
# the whole entry, with its indentation, in the place of the one that is there
"
    );
    text.push_str(&twin.dialect().upstream(at));
    text.push_str("\nCtrl-C ends it.\n");
    text
}
