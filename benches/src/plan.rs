//! What is to be run, and how long.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::contestants::Contestant;
use crate::leftovers;

pub(crate) const SIZES: [(usize, &str); 3] = [(64, "64 B"), (4096, "4 KiB"), (1 << 20, "1 MiB")];

/// The experiments, in the order of the report.
pub(crate) const EXPERIMENTS: [&str; 9] = [
    "uncontended",
    "duel",
    "crowd",
    "seen",
    "life",
    "footprint",
    "kill",
    "arrays",
    "burden",
];

/// What was asked for on the command line.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) quick: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) only: Vec<String>,
    /// Whether to measure again how long builds take, or use what was measured last.
    pub(crate) builds: bool,
    pub(crate) contestants: Vec<Contestant>,
    next_place: AtomicU32,
}

pub(crate) const USAGE: &str = "\
usage: cargo run --release --manifest-path benches/Cargo.toml -- [options]

Prints the tables of each experiment as it ends, and then how this library stands.

  --quick          a smoke run: few and short rounds, and nothing is written to docs/
  --only A,B       only these experiments: uncontended, duel, crowd, seen, life, footprint, kill, arrays, burden
  --json FILE      write all figures to FILE as well
  --out FOLDER     write the report there, also of a quick run (default: docs/performance)
  --builds         measure again how long builds take, instead of using benches/builds.tsv";

impl Plan {
    pub(crate) fn parse(args: &[String]) -> Result<Self, String> {
        let mut plan = Plan::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            match arg.as_str() {
                "--quick" => plan.quick = true,
                "--builds" => plan.builds = true,
                "--json" => plan.json = Some(value()?.into()),
                "--out" => plan.out = Some(value()?.into()),
                "--only" => plan.only = value()?.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("no such option: {arg}")),
            }
        }
        for name in &plan.only {
            if !EXPERIMENTS.contains(&name.as_str()) {
                return Err(format!("no such experiment: {name}"));
            }
        }
        Ok(plan)
    }

    pub(crate) fn runs(&self, experiment: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == experiment)
    }

    /// How many rounds count; one more warms up.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 15 }
    }

    /// So many milliseconds, fewer in a quick run.
    pub(crate) fn millis(&self, full: u64) -> u64 {
        if self.quick { (full / 4).max(1) } else { full }
    }

    /// A name for an object that nobody had before.
    pub(crate) fn place(&self) -> String {
        let number = self.next_place.fetch_add(1, Ordering::Relaxed);
        format!("{}{number}", leftovers::prefix())
    }
}

/// Says on a terminal what is going on.
pub(crate) fn progress(what: &str) {
    if stderr().is_terminal() {
        let mut err = stderr().lock();
        drop(write!(err, "\r\x1b[K{what}").and_then(|()| err.flush()));
    }
}

/// Ends the line that `progress` wrote.
pub(crate) fn done(what: &str) {
    progress("");
    eprintln!("{what}");
}
