//! The audit log: who did what to the gateway, with which result.
//!
//! A record is written and flushed before [`Audit::write`] returns, carries a sequence number
//! without gaps that continues after a restart, and is never dropped silently: when it cannot be
//! written the caller is told, and [`OnFailure`] says what it must do. A torn last line, left by a
//! crash, is kept as evidence and ended before the next record.

use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use tollgate_api::Clock;

use super::{metrics::Metrics, redact::scrub, time::rfc3339};

/// What to do with an action whose audit record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The action does not happen.
    #[default]
    Closed,
    /// It happens; the failure is counted and logged.
    Open,
}

/// What is recorded.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// Who acted: `admin:alice`, `signal`, `watcher`, `start`.
    pub actor: &'a str,
    /// What was done: `reload`, `drain`, `start`, `stop`, `admin_login_failed`.
    pub action: &'a str,
    /// What it was done to, if the action does not say so.
    pub resource: Option<&'a str>,
    /// Hash of the configuration before.
    pub old_hash: Option<&'a str>,
    /// Hash of the configuration after, or of the one that was refused.
    pub new_hash: Option<&'a str>,
    /// How it ended: `applied`, `refused`, `denied`, …
    pub result: &'a str,
    /// Details for a person, without secrets.
    pub detail: Option<&'a str>,
}

/// A record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit record could not be written")]
pub struct AuditError(#[from] io::Error);

/// The sink of audit records.
pub struct Audit {
    sink: Mutex<Sink>,
    on_failure: OnFailure,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

struct Sink {
    writer: Box<dyn Output>,
    sequence: u64,
    /// The last write may have left part of a line.
    torn: bool,
}

/// What a record is written to, and made durable on.
trait Output: Write + Send {
    fn sync(&mut self) -> io::Result<()>;
}

impl Output for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

struct Unsynced<W>(W);

impl<W: Write + Send> Write for Unsynced<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write + Send> Output for Unsynced<W> {
    fn sync(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    sequence: u64,
    time: String,
    actor: Cow<'a, str>,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_hash: Option<&'a str>,
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

impl Audit {
    /// Appends to this file, readable by its owner alone, and continues its sequence.
    pub fn file(
        path: &Path,
        on_failure: OnFailure,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let (sequence, torn) = resume(&mut file)?;
        let sink = Sink { writer: Box::new(file), sequence, torn };
        Ok(Self { sink: Mutex::new(sink), on_failure, clock, metrics })
    }

    /// Writes to this, usually standard error; the sequence begins at 1.
    pub fn writer(
        writer: impl Write + Send + 'static,
        on_failure: OnFailure,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let sink = Sink { writer: Box::new(Unsynced(writer)), sequence: 0, torn: false };
        Self { sink: Mutex::new(sink), on_failure, clock, metrics }
    }

    /// Writes and flushes a record, and returns its number. On an error the caller consults
    /// [`Audit::on_failure`]; the failure has been counted.
    pub fn write(&self, event: &Event<'_>) -> Result<u64, AuditError> {
        let time = rfc3339(self.clock.unix());
        let written = self.sink.lock().unwrap_or_else(PoisonError::into_inner).append(event, time);
        self.metrics.audited(written.is_ok());
        Ok(written?)
    }

    /// What to do with an action whose record cannot be written.
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }
}

impl Sink {
    fn append(&mut self, event: &Event<'_>, time: String) -> io::Result<u64> {
        let sequence = self.sequence + 1;
        let line = serde_json::to_string(&Line {
            sequence,
            time,
            actor: scrub(event.actor),
            action: event.action,
            resource: event.resource.map(scrub),
            old_hash: event.old_hash,
            new_hash: event.new_hash,
            result: event.result,
            detail: event.detail.map(scrub),
        })?;
        let start = if self.torn { "\n" } else { "" };
        // One write, so that a line is whole in all but a crash.
        let bytes = format!("{start}{line}\n");
        self.torn = true;
        self.writer.write_all(bytes.as_bytes())?;
        self.torn = false;
        // Whoever reads the file sees this number now, also if it could not be made durable.
        self.sequence = sequence;
        self.writer.sync()?;
        Ok(sequence)
    }
}

/// The last sequence number in the file, and whether its last line is torn.
fn resume(file: &mut File) -> io::Result<(u64, bool)> {
    const TAIL: u64 = 256 * 1024;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let torn = tail.last().is_some_and(|last| *last != b'\n');
    let last = tail.rsplit(|byte| *byte == b'\n').find_map(sequence_of);
    if length > 0 && last.is_none() && tail.contains(&b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file does not end with audit records",
        ));
    }
    Ok((last.unwrap_or(0), torn))
}

fn sequence_of(line: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        sequence: u64,
    }
    serde_json::from_slice::<Numbered>(line).ok().map(|line| line.sequence)
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Duration};

    use serde_json::Value;
    use tollgate_api::ManualClock;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("tollgate-audit-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("audit.log")
        }

        fn open(&self) -> Audit {
            let clock = Arc::new(ManualClock::at(Duration::from_secs(1)));
            Audit::file(&self.file(), OnFailure::Closed, clock, Arc::default()).unwrap()
        }

        fn sequences(&self) -> Vec<u64> {
            let text = std::fs::read(self.file()).unwrap();
            text.split(|byte| *byte == b'\n').filter_map(sequence_of).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    const RELOAD: Event<'static> = Event {
        actor: "admin:alice",
        action: "reload",
        resource: None,
        old_hash: Some("aa"),
        new_hash: Some("bb"),
        result: "applied",
        detail: None,
    };

    #[test]
    fn a_record_names_who_did_what_and_how_it_ended() {
        let folder = Folder::new("record");
        assert_eq!(folder.open().write(&RELOAD).unwrap(), 1, "the first record is number 1");
        let line: Value = serde_json::from_slice(&std::fs::read(folder.file()).unwrap()).unwrap();
        for (field, expected) in [
            ("actor", "admin:alice"),
            ("action", "reload"),
            ("old_hash", "aa"),
            ("new_hash", "bb"),
            ("result", "applied"),
            ("time", "1970-01-01T00:00:01.000Z"),
        ] {
            assert_eq!(line[field], expected, "{field} in {line}");
        }
    }

    #[test]
    fn the_sequence_continues_after_a_restart() {
        let folder = Folder::new("restart");
        for expected in 1..=3 {
            assert_eq!(folder.open().write(&RELOAD).unwrap(), expected, "no gap, no repeat");
        }
        assert_eq!(folder.sequences(), [1, 2, 3], "all are in the file");
    }

    #[test]
    fn a_torn_last_line_is_kept_and_does_not_spoil_the_next() {
        let folder = Folder::new("torn");
        folder.open().write(&RELOAD).unwrap();
        let mut file = OpenOptions::new().append(true).open(folder.file()).unwrap();
        file.write_all(br#"{"sequence":2,"time":"19"#).unwrap();
        assert_eq!(folder.open().write(&RELOAD).unwrap(), 2, "the torn record never counted");
        let text = std::fs::read_to_string(folder.file()).unwrap();
        assert_eq!(text.lines().count(), 3, "the torn line stands alone: {text}");
        assert_eq!(folder.sequences(), [1, 2], "whole records are in order");
    }

    #[test]
    fn a_file_that_is_something_else_is_not_continued() {
        let folder = Folder::new("other");
        std::fs::write(folder.file(), "listeners: {}\nroutes: {}\n").unwrap();
        let clock = Arc::new(ManualClock::default());
        let opened = Audit::file(&folder.file(), OnFailure::Closed, clock, Arc::default());
        assert!(opened.is_err(), "an audit log never begins inside another file");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_belongs_to_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("mode");
        folder.open().write(&RELOAD).unwrap();
        let mode = std::fs::metadata(folder.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    }

    #[test]
    fn a_record_that_cannot_be_written_is_an_error_and_leaves_no_gap() {
        struct Fails(u32, Arc<Mutex<Vec<u8>>>);
        impl Write for Fails {
            fn write(&mut self, data: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    // Half a line, then the disk is full, then there is room again.
                    1 => {
                        self.1.lock().unwrap().extend_from_slice(&data[..9]);
                        Ok(9)
                    }
                    2 => Err(io::ErrorKind::StorageFull.into()),
                    _ => {
                        self.1.lock().unwrap().extend_from_slice(data);
                        Ok(data.len())
                    }
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let written = Arc::new(Mutex::new(Vec::new()));
        let metrics = Arc::new(Metrics::new());
        let audit = Audit::writer(
            Fails(0, written.clone()),
            OnFailure::Closed,
            Arc::new(ManualClock::default()),
            metrics.clone(),
        );
        assert!(audit.write(&RELOAD).is_err(), "the caller is told");
        assert_eq!(audit.write(&RELOAD).unwrap(), 1, "the failed record took no number");
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "the torn half stands alone: {text}");
        let figures = metrics.encode();
        assert!(figures.contains("tollgate_audit_failures_total 1"), "the failure is counted");
        assert!(figures.contains("tollgate_audit_records_total 1"), "the success too");
    }

    #[test]
    fn concurrent_records_have_distinct_numbers_in_file_order() {
        let folder = Folder::new("concurrent");
        let audit = folder.open();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        assert!(audit.write(&RELOAD).is_ok(), "written");
                    }
                });
            }
        });
        let expected: Vec<u64> = (1..=40).collect();
        assert_eq!(folder.sequences(), expected, "no gap, no repeat, in order");
    }
}
