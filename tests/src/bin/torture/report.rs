//! What is told of a run: a line while it goes on, a table at its end.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use crate::board::{Board, Place};
use crate::plan::{Asked, Plan};

/// What must not be.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// `torn`, `lost`, `hung`, `left` or `other`.
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Violation {
    pub(crate) fn new(kind: &str, text: String) -> Self {
        Violation {
            kind: kind.to_owned(),
            text,
        }
    }
}

/// What happened in one round.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) lasted: Duration,
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) forks: u64,
    pub(crate) unsaid: u64,
    pub(crate) counts: Vec<u64>,
    /// The longest time without a commit while somebody who was not stopped wanted to write, and nobody else was.
    pub(crate) gap: Duration,
    /// The longest that the conductor itself, who sleeps a millisecond, was not given the processor.
    pub(crate) late: Duration,
    pub(crate) violations: Vec<Violation>,
}

/// What the slots count, and what it is called.
const COUNTS: [(&str, &str, Place); 13] = [
    ("commits", "commits", Place::Commits),
    ("reads", "reads", Place::Reads),
    (
        "take_overs",
        "take-overs with a change rolled back or half-made",
        Place::Recovered,
    ),
    ("opened", "handles opened", Place::Opened),
    ("created", "objects created by publishers", Place::Created),
    ("removed", "objects removed", Place::Removed),
    ("pruned", "leftovers pruned", Place::Pruned),
    ("waits", "waits", Place::Waits),
    ("busy", "refused as busy", Place::Busy),
    ("full", "refused for want of a row", Place::Full),
    ("items", "commits of one item", Place::Items),
    ("flushes", "flushes", Place::Flushes),
    ("poisoned", "refused as poisoned", Place::Poisoned),
];

/// A run, round by round.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) asked: Asked,
    started: Instant,
    rounds: u64,
    total: Outcome,
    gap_round: u64,
    failed: Option<(u64, String)>,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Report {
    pub(crate) fn new(asked: Asked) -> Self {
        let total = Outcome {
            counts: vec![0; COUNTS.len()],
            ..Outcome::default()
        };
        Report {
            asked,
            started: Instant::now(),
            rounds: 0,
            total,
            gap_round: 0,
            failed: None,
            shown: None,
            is_terminal: stderr().is_terminal(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn counts(board: Board) -> Vec<u64> {
        COUNTS
            .iter()
            .map(|(_, _, place)| board.sum(*place))
            .collect()
    }

    /// Shows how far it is, a few times a second, if anybody sees it.
    pub(crate) fn progress(&mut self, round: u64, board: Board, now: &Outcome) {
        let often = Duration::from_millis(250);
        if !self.is_terminal || self.shown.is_some_and(|shown| shown.elapsed() < often) {
            return;
        }
        self.shown = Some(Instant::now());
        let counts: Vec<_> = Self::counts(board)
            .iter()
            .zip(&self.total.counts)
            .map(|(now, before)| now + before)
            .collect();
        let kills = self.total.kills + now.kills;
        let gap = self.total.gap.max(now.gap);
        let line = format!(
            "{:>4} s  round {round}: {kills} kills, {} commits, {} reads, {} take-overs, longest gap {gap:.0?}",
            self.elapsed().as_secs(),
            counts[0],
            counts[1],
            counts[2],
        );
        let mut out = stderr();
        drop(write!(out, "\r\x1b[K{line}").and_then(|()| out.flush()));
    }

    pub(crate) fn add(&mut self, round: u64, plan: &Plan, outcome: Outcome) {
        self.rounds += 1;
        let total = &mut self.total;
        total.lasted += outcome.lasted;
        total.kills += outcome.kills;
        total.stops += outcome.stops;
        total.forks += outcome.forks;
        total.unsaid += outcome.unsaid;
        total.late = total.late.max(outcome.late);
        if outcome.gap > total.gap {
            total.gap = outcome.gap;
            self.gap_round = round;
        }
        for (sum, count) in total.counts.iter_mut().zip(&outcome.counts) {
            *sum += count;
        }
        if !outcome.violations.is_empty() {
            self.failed.get_or_insert((round, plan.to_string()));
        }
        total.violations.extend(outcome.violations);
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.total.violations.is_empty()
    }

    fn count(&self, kind: &str) -> usize {
        let all = self.total.violations.iter();
        all.filter(|violation| violation.kind == kind).count()
    }

    /// Tells the end: violations on stderr, the table on stdout.
    pub(crate) fn finish(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
        for Violation { kind, text } in &self.total.violations {
            eprintln!("{kind}: {text}");
        }
        let seed = self.asked.seed;
        if let Some((round, plan)) = &self.failed {
            eprintln!("in round {round} of seed {seed}: {plan}");
            eprintln!(
                "again: cargo run --release -p tests --bin torture -- --seed {seed} --round {round}{}",
                self.asked.given()
            );
        }
        let total = &self.total;
        let rows = [
            ("seed", "seed", seed),
            ("rounds", "rounds", self.rounds),
            ("seconds", "seconds", self.elapsed().as_secs()),
            ("kills", "SIGKILLs", total.kills),
            ("stops", "SIGSTOPs", total.stops),
            ("forks", "forks", total.forks),
            (
                "unsaid",
                "versions whose writer was killed before it said so",
                total.unsaid,
            ),
        ];
        let counts = COUNTS.iter().zip(&total.counts);
        let counts = counts.map(|((key, label, _), count)| (*key, *label, *count));
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let more = [
            (
                "longest_gap_ms",
                "longest gap without a commit, ms",
                millis(total.gap),
            ),
            ("gap_round", "in round", self.gap_round),
            (
                "late_ms",
                "longest time between two looks of the conductor's, ms",
                millis(total.late),
            ),
        ];
        let kinds = ["torn", "lost", "hung", "left", "other"];
        let found = kinds.map(|kind| (kind, kind, self.count(kind) as u64));
        let rows = rows.into_iter().chain(counts).chain(more).chain(found);
        if self.asked.json {
            let fields: Vec<_> = rows
                .map(|(key, _, value)| format!("\"{key}\": {value}"))
                .collect();
            println!("{{{}}}", fields.join(", "));
        } else {
            for (_, label, value) in rows {
                println!("{label:<52} {value:>20}");
            }
        }
    }
}
