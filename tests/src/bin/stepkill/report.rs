//! What was found, as a line between two processes, a row of a table, and JSON.

use std::fmt::Write as _;
use std::time::Duration;

use crate::verifier::{Found, Seen};

/// The figures of one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Instructions in all scenes together.
    pub(crate) instructions: u64,
    /// Of these, those that others can see.
    pub(crate) points: u64,
    pub(crate) kills: u64,
    /// Kills after which the old value was found.
    pub(crate) rolled_back: u64,
    /// Kills after which the new value was found.
    pub(crate) committed: u64,
    /// Kills after which the name was free.
    pub(crate) free: u64,
    /// Kills after which a change in place was left half-made.
    pub(crate) poisoned: u64,
    /// Kills of which the next writer was told that a change was lost.
    pub(crate) taken_over: u64,
    /// Runs that differed from the recorded one: killed near the place that was meant.
    pub(crate) strayed: u64,
    pub(crate) violations: u64,
    /// Microseconds from a kill to the first value that somebody else published.
    pub(crate) slowest: u64,
    /// Places at which that missed the goal each time.
    pub(crate) slow: u64,
    pub(crate) milliseconds: u64,
}

/// The names of the figures, in the order of [`Figures::values`].
const NAMES: [&str; 13] = [
    "instructions",
    "points",
    "kills",
    "rolled_back",
    "committed",
    "free",
    "poisoned",
    "taken_over",
    "strayed",
    "violations",
    "slowest_us",
    "slow",
    "ms",
];

impl Figures {
    fn values(&mut self) -> [&mut u64; 13] {
        [
            &mut self.instructions,
            &mut self.points,
            &mut self.kills,
            &mut self.rolled_back,
            &mut self.committed,
            &mut self.free,
            &mut self.poisoned,
            &mut self.taken_over,
            &mut self.strayed,
            &mut self.violations,
            &mut self.slowest,
            &mut self.slow,
            &mut self.milliseconds,
        ]
    }

    pub(crate) fn count(&mut self, seen: Seen) {
        match seen.found {
            Found::Free => self.free += 1,
            Found::Old => self.rolled_back += 1,
            Found::New => self.committed += 1,
            Found::Poisoned => self.poisoned += 1,
        }
        self.taken_over += u64::from(seen.recovered);
        let micros = u64::try_from(seen.recovery.as_micros()).unwrap_or(u64::MAX);
        self.slowest = self.slowest.max(micros);
    }

    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest)
    }

    /// The figures of several operations together.
    pub(crate) fn total(all: &[(&str, Figures)]) -> Figures {
        let mut total = Figures::default();
        for (_, figures) in all {
            let mut figures = *figures;
            let slowest = total.slowest.max(figures.slowest);
            for (sum, one) in total.values().into_iter().zip(figures.values()) {
                *sum += *one;
            }
            total.slowest = slowest;
        }
        total
    }

    /// One line, which [`parse`](Self::parse) reads.
    pub(crate) fn line(mut self) -> String {
        let values = self.values().map(|value| value.to_string());
        values.join(" ")
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut figures = Figures::default();
        let mut words = line.split(' ');
        for value in figures.values() {
            *value = words.next()?.parse().ok()?;
        }
        Some(figures)
    }

    pub(crate) fn json(mut self, name: &str) -> String {
        let mut text = format!("{{\"operation\":\"{name}\"");
        for (name, value) in NAMES.iter().zip(self.values()) {
            let _ = write!(text, ",\"{name}\":{value}");
        }
        text + "}"
    }
}

/// All of it, with a line of sums.
pub(crate) fn table(all: &[(&str, Figures)]) -> String {
    let mut text = format!(
        "{:<26}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>7}{:>7}{:>6}{:>12}{:>9}\n",
        "operation",
        "instr.",
        "points",
        "kills",
        "rolled",
        "commit-",
        "name",
        "poi-",
        "taken",
        "viola-",
        "stray",
        "slowest",
        "took"
    );
    let _ = writeln!(
        text,
        "{:<26}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>7}{:>7}{:>6}{:>12}{:>9}",
        "", "", "", "", "back", "ted", "free", "soned", "over", "tions", "", "recovery", ""
    );
    let mut row = |name: &str, f: &Figures| {
        let slowest = format!("{:.1?}", f.slowest());
        let took = format!("{:.1?}", Duration::from_millis(f.milliseconds));
        let _ = writeln!(
            text,
            "{name:<26}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>7}{:>7}{:>6}{slowest:>12}{took:>9}",
            f.instructions,
            f.points,
            f.kills,
            f.rolled_back,
            f.committed,
            f.free,
            f.poisoned,
            f.taken_over,
            f.violations,
            f.strayed,
        );
    };
    for (name, figures) in all {
        row(name, figures);
    }
    if all.len() > 1 {
        row("all", &Figures::total(all));
    }
    text
}
