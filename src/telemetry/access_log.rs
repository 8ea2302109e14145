//! The access log: one JSON line per exchange.
//!
//! Lines go through a bounded queue to a thread of their own. When the sink is slow or stuck the
//! queue fills, further lines are dropped and counted, and traffic goes on. A line holds no body,
//! query or credential; text that came from outside is shortened, and card numbers in it are masked.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use super::{line, metrics::Metrics, record::Record};

/// Where access-log lines go.
pub struct AccessLog {
    queue: SyncSender<Entry>,
    metrics: Arc<Metrics>,
}

enum Entry {
    Line(Vec<u8>),
    /// Everything before this has been written.
    Flush(SyncSender<()>),
}

impl AccessLog {
    /// Starts the writer thread over this sink, usually standard output. `capacity` is the number of
    /// lines that may wait; a line has at most about 4 KiB.
    pub fn start(
        sink: impl Write + Send + 'static,
        capacity: usize,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let (queue, lines) = sync_channel(capacity.max(1));
        let counted = metrics.clone();
        thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_lines(sink, &lines, &counted))?;
        Ok(Self { queue, metrics })
    }

    /// Queues the line of an exchange. Never waits.
    pub fn write(&self, record: &Record<'_>) {
        if self.queue.try_send(Entry::Line(line::of(record))).is_err() {
            self.metrics.access_log_dropped(1);
        }
    }

    /// Waits until everything queued so far has been written, at most this long; false if it was not.
    pub fn flush(&self, within: Duration) -> bool {
        const PAUSE: Duration = Duration::from_millis(5);
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        let mut waited = Duration::ZERO;
        loop {
            match self.queue.try_send(entry) {
                Ok(()) => return written.recv_timeout(within.saturating_sub(waited)).is_ok(),
                Err(TrySendError::Full(back)) if waited < within => entry = back,
                Err(_) => return false,
            }
            thread::park_timeout(PAUSE);
            waited += PAUSE;
        }
    }
}

/// Runs until the log is dropped.
fn write_lines(mut sink: impl Write, entries: &Receiver<Entry>, metrics: &Metrics) {
    // As many lines as are waiting go out in one write.
    const BATCH: usize = 64 * 1024;
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(first) = entries.recv() {
        let mut lines = 0;
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(entry) = next {
            match entry {
                Entry::Line(line) => {
                    batch.extend_from_slice(&line);
                    lines += 1;
                }
                Entry::Flush(done) => flushed.push(done),
            }
            next = if batch.len() < BATCH { entries.try_recv().ok() } else { None };
        }
        if sink.write_all(&batch).and_then(|()| sink.flush()).is_err() {
            metrics.access_log_dropped(lines);
        }
        batch.clear();
        for done in flushed {
            // Whoever waited may have given up.
            let _ = done.try_send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use tollgate_api::Connection;

    use super::*;
    use crate::telemetry::trace::TraceContext;

    const WITHIN: Duration = Duration::from_secs(20);

    #[derive(Default)]
    struct Gate {
        open: Mutex<bool>,
        opened: Condvar,
        written: Mutex<Vec<u8>>,
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Gate>);

    impl Sink {
        fn open(&self) {
            *self.0.open.lock().unwrap() = true;
            self.0.opened.notify_all();
        }

        fn lines(&self) -> usize {
            String::from_utf8(self.0.written.lock().unwrap().clone()).unwrap().lines().count()
        }
    }

    impl Write for Sink {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            let open = self.0.open.lock().unwrap();
            drop(self.0.opened.wait_while(open, |open| !*open).unwrap());
            self.0.written.lock().unwrap().extend_from_slice(data);
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn connection() -> Connection {
        let address = ([127, 0, 0, 1], 4000).into();
        Connection { listener: "partners".into(), peer: address, local: address, tls: None }
    }

    fn dropped(metrics: &Metrics) -> usize {
        let text = metrics.encode();
        let line = text.lines().find(|line| line.starts_with("tollgate_access_log_dropped_total"));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    }

    const TRACE: TraceContext =
        TraceContext { trace: [1; 16], span: [2; 8], parent: None, sampled: false };

    #[test]
    fn a_stuck_sink_drops_lines_and_never_stops_traffic() {
        let metrics = Arc::new(Metrics::new());
        let sink = Sink::default();
        let log = AccessLog::start(sink.clone(), 8, metrics.clone()).unwrap();
        let connection = connection();
        // Each of these returns although nothing is ever written.
        for _ in 0..1000 {
            log.write(&Record::new(&connection, "id", TRACE));
        }
        assert!(dropped(&metrics) >= 1, "what did not fit is counted");
        assert!(!log.flush(Duration::from_millis(20)), "a flush gives up when it must");
        sink.open();
        assert!(log.flush(WITHIN), "once the sink takes lines again, the rest is written");
        assert_eq!(sink.lines() + dropped(&metrics), 1000, "every line was written or counted");
    }

    #[test]
    fn a_broken_sink_counts_every_line() {
        let metrics = Arc::new(Metrics::new());
        let log = AccessLog::start(Broken, 64, metrics.clone()).unwrap();
        let connection = connection();
        for _ in 0..10 {
            log.write(&Record::new(&connection, "id", TRACE));
        }
        assert!(log.flush(WITHIN), "the writer is alive");
        assert_eq!(dropped(&metrics), 10, "lines that could not be written are counted");
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let metrics = Arc::new(Metrics::new());
        let sink = Sink::default();
        sink.open();
        let log = AccessLog::start(sink.clone(), 1000, metrics).unwrap();
        let connection = connection();
        for nth in 0..100 {
            log.write(&Record::new(&connection, &nth.to_string(), TRACE));
        }
        assert!(log.flush(WITHIN), "everything is written");
        let text = String::from_utf8(sink.0.written.lock().unwrap().clone()).unwrap();
        let ids: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line["id"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = (0..100).map(|nth| nth.to_string()).collect();
        assert_eq!(ids, expected, "one JSON object per line");
    }
}
