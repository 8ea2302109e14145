//! What `/metrics` says.

/// The text of `/metrics` at one moment.
#[derive(Debug, Clone)]
pub struct Metrics(pub String);

impl Metrics {
    /// [`Metrics::value`] of something that is counted.
    #[expect(clippy::cast_possible_truncation, reason = "a count is whole and small")]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        self.value(name, labels).round() as i64
    }

    /// The sum of all series of this name that have these labels; 0 if there is none.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        self.0
            .lines()
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let (found, found_labels) = series.split_once('{').unwrap_or((series, ""));
                let fits = found == name && wanted.iter().all(|label| found_labels.contains(label));
                fits.then(|| value.parse::<f64>().ok()).flatten()
            })
            .sum()
    }
}
