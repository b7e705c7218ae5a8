//! Models of the protocol: every interleaving of a few processes, each of which may be killed before every
//! step, explored to the end.
//!
//! A model is the code's order of steps and nothing else; the table at the top of each file says which step is
//! which function. Each is searched as the code is now, which has to be clean, and with one thing changed, a
//! *mutation*, which has to be caught: a search that finds nothing shows something only if it would have
//! found it.
//!
//! ```sh
//! cargo run --release -p models -- --list
//! ```

#![forbid(unsafe_code)]

use std::time::Instant;

pub mod search;
pub mod snapshot;
pub mod weak;
pub mod wait;
pub mod life;
pub mod fork;
pub mod in_place;

mod cases;

use search::{Model, Outcome};

/// One model in one variant, and what its search has to find.
pub struct Case {
    pub model: &'static str,
    pub variant: &'static str,
    /// Too large for every day.
    pub full: bool,
    /// The property that does not hold; `None` if all do.
    pub expected: Option<&'static str>,
    /// What must happen on the way for the search to count.
    pub reaches: &'static [&'static str],
    search: Box<dyn Fn() -> Outcome + Send + Sync>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Report {
    pub outcome: Outcome,
    pub seconds: f64,
    /// Why it is not what was expected.
    pub unexpected: Option<String>,
}

/// More states than any case has: a search that gets there was not meant to.
const LIMIT: usize = 1_000_000_000;

impl Case {
    fn new<M: Model + Send + Sync + 'static>(
        model: &'static str,
        variant: &'static str,
        expected: Option<&'static str>,
        search: M,
    ) -> Self {
        Case {
            model,
            variant,
            full: false,
            expected,
            reaches: &[],
            search: Box::new(move || search::search(&search, LIMIT)),
        }
    }

    fn full(self) -> Self {
        Case { full: true, ..self }
    }

    fn reaching(self, reaches: &'static [&'static str]) -> Self {
        Case { reaches, ..self }
    }

    pub fn run(&self) -> Report {
        let start = Instant::now();
        let outcome = (self.search)();
        let seconds = start.elapsed().as_secs_f64();
        let found = outcome.violation.as_ref().map(|found| found.property);
        let missing = self
            .reaches
            .iter()
            .find(|what| !outcome.reached.contains(what));
        let unexpected = match (found, self.expected) {
            _ if !outcome.complete => Some("not all states were seen".into()),
            (found, expected) if found != expected => Some(format!(
                "found {}, expected {}",
                found.unwrap_or("nothing"),
                expected.unwrap_or("nothing")
            )),
            _ => missing.map(|what| format!("it never happened that {what}")),
        };
        Report {
            outcome,
            seconds,
            unexpected,
        }
    }
}

/// All cases, the small ones first.
pub fn cases() -> Vec<Case> {
    cases::all()
}
