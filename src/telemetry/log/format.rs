//! Lines of the log: as usual for our own events, without the text for those of libraries that may
//! quote what strangers sent.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use super::quotes_strangers;

/// Another format, applied to what may be written in full.
pub(super) struct Withholding<F> {
    format: F,
    json: bool,
}

impl<F> Withholding<F> {
    pub(super) fn json(format: F) -> Self {
        Self { format, json: true }
    }

    pub(super) fn text(format: F) -> Self {
        Self { format, json: false }
    }
}

impl<S, N, F> FormatEvent<S, N> for Withholding<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if !quotes_strangers(metadata.target()) {
            return self.format.format_event(context, out, event);
        }
        let (level, target) = (metadata.level(), metadata.target());
        let line = metadata.line().unwrap_or(0);
        // Levels, targets and lines are constants of the library's source and need no quoting.
        if self.json {
            out.write_str(r#"{"timestamp":""#)?;
            SystemTime.format_time(&mut out)?;
            writeln!(
                out,
                r#"","level":"{level}","fields":{{"message":"{WITHHELD}","line":{line}}},"target":"{target}"}}"#
            )
        } else {
            SystemTime.format_time(&mut out)?;
            writeln!(out, " {level:>5} {target}: {WITHHELD} line={line}")
        }
    }
}

const WITHHELD: &str = "a library reported something; its text is withheld";
