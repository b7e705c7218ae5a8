//! What this library is meant to cost, as ratios to what the machine takes at least.

use std::fmt::Write as _;

use crate::number::ratio;
use crate::table::Findings;

/// In an experiment's table and column: the row of ours, the rows of the limit (added up), and how many times that it
/// may take.
struct Target {
    what: &'static str,
    experiment: &'static str,
    table: usize,
    column: usize,
    ours: &'static str,
    limit: &'static [&'static str],
    at_most: f64,
}

const TARGETS: &[Target] = &[
    Target {
        what: "`load`, 64 B, against the copy of a seqlock",
        experiment: "copy",
        table: 0,
        column: 0,
        ours: "shmem",
        limit: &["seqlock words"],
        at_most: 1.3,
    },
    Target {
        what: "`read`, 64 B, against two locked additions",
        experiment: "read-field",
        table: 0,
        column: 0,
        ours: "shmem",
        limit: &["two locked adds"],
        at_most: 1.2,
    },
    Target {
        what: "`read`, 1 MiB, against two locked additions",
        experiment: "read-field",
        table: 0,
        column: 2,
        ours: "shmem",
        limit: &["two locked adds"],
        at_most: 1.2,
    },
    Target {
        what: "`write`, 64 B, against a CAS lock and a copy",
        experiment: "write-field",
        table: 0,
        column: 0,
        ours: "shmem",
        limit: &["CAS lock and copy"],
        at_most: 1.3,
    },
    Target {
        what: "`write`, 4 KiB, against a CAS lock and a copy",
        experiment: "write-field",
        table: 0,
        column: 1,
        ours: "shmem",
        limit: &["CAS lock and copy"],
        at_most: 1.3,
    },
    Target {
        what: "`write`, 1 MiB, against a CAS lock and a copy",
        experiment: "write-field",
        table: 0,
        column: 2,
        ours: "shmem",
        limit: &["CAS lock and copy"],
        at_most: 1.3,
    },
    Target {
        what: "`write` in place, 64 B, against a CAS lock",
        experiment: "write-field",
        table: 0,
        column: 0,
        ours: "shmem in place",
        limit: &["CAS lock"],
        at_most: 1.5,
    },
    Target {
        what: "`write` in place, 1 MiB, against a CAS lock",
        experiment: "write-field",
        table: 0,
        column: 2,
        ours: "shmem in place",
        limit: &["CAS lock"],
        at_most: 1.5,
    },
    Target {
        what: "seen by a reader that spins, 64 B, against a bare seqlock",
        experiment: "seen",
        table: 0,
        column: 0,
        ours: "shmem",
        limit: &["seqlock words"],
        at_most: 1.1,
    },
    Target {
        what: "seen by a reader that sleeps, against a futex",
        experiment: "seen",
        table: 1,
        column: 0,
        ours: "shmem",
        limit: &["futex"],
        at_most: 1.1,
    },
    // `load` above a few hundred bytes pins and copies.
    Target {
        what: "`load_into`, 4 KiB, against two locked additions and `memcpy`",
        experiment: "copy",
        table: 0,
        column: 1,
        ours: "shmem",
        limit: &["memcpy", "two locked adds"],
        at_most: 1.3,
    },
    Target {
        what: "`load_into`, 1 MiB, against two locked additions and `memcpy`",
        experiment: "copy",
        table: 0,
        column: 2,
        ours: "shmem",
        limit: &["memcpy", "two locked adds"],
        at_most: 1.3,
    },
];

/// The row's figure; a limit that takes part elsewhere is looked up there.
fn figure(all: &[Findings], target: &Target, row: &str) -> Option<f64> {
    let find = |experiment: &str, table: usize, column: usize| {
        let findings = all.iter().find(|findings| findings.id == experiment)?;
        findings.tables.get(table)?.find(row, column)
    };
    find(target.experiment, target.table, target.column)
        // `two locked adds` takes part in reading a field.
        .or_else(|| (target.experiment == "copy").then(|| find("read-field", 0, target.column))?)
}

/// Writes which are met.
pub(crate) fn write(text: &mut String, all: &[Findings]) {
    let mut lines = String::new();
    for target in TARGETS {
        let limits = target.limit.iter().map(|row| figure(all, target, row));
        let (Some(ours), Some(limit)) = (
            figure(all, target, target.ours),
            limits.sum::<Option<f64>>(),
        ) else {
            continue;
        };
        let found = ours / limit;
        let verdict = if found <= target.at_most {
            "met"
        } else {
            "**not met**"
        };
        let _ = writeln!(
            lines,
            "| {} | {} | {} | {verdict} |",
            target.what,
            target.at_most,
            ratio(found)
        );
    }
    if !lines.is_empty() {
        let head = "## Targets\n\n| | at most | found | |\n|---|---:|---:|---|\n";
        let _ = writeln!(text, "{head}{lines}");
    }
}
