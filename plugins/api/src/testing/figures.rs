//! Figures that can be read back.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{Measure, Measures};

/// Remembers what plugins report, by instance and measure.
#[derive(Default)]
pub struct Figures(Mutex<HashMap<(String, Measure), f64>>);

impl Figures {
    /// The gauge or counter as it stands, if it was ever reported.
    pub fn of(&self, instance: &str, measure: Measure) -> Option<f64> {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.get(&(instance.to_owned(), measure)).copied()
    }

    /// The counter over all instances.
    pub fn total(&self, measure: Measure) -> f64 {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.iter().filter(|((_, of), _)| *of == measure).map(|(_, value)| value).sum()
    }

    /// The same as a whole number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "tests count little"
    )]
    pub fn count(&self, measure: Measure) -> u64 {
        self.total(measure) as u64
    }
}

impl Measures for Figures {
    fn set(&self, instance: &str, measure: Measure, value: f64) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.insert((instance.to_owned(), measure), value);
    }

    #[expect(clippy::cast_precision_loss, reason = "tests count little")]
    fn add(&self, instance: &str, measure: Measure, by: u64) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *figures.entry((instance.to_owned(), measure)).or_default() += by as f64;
    }
}
