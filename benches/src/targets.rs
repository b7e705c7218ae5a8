//! This library against the limits of the machine and the best of its peers, with what it is meant to cost.

use crate::grid::Grid;
use crate::number::{ratio, short};
use crate::peers::SYSTEM_CALLS;
use crate::plan::SIZES;
use crate::table::{Cell, Findings, Row, Table};
use harness::Kind;

pub(crate) const TITLE: &str = "Ours against the limit and the best peer";

pub(crate) const NOTE: &str = "\
*Limit*: what the machine takes for that by hand, in the same run; *÷ limit*: how many times that ours takes; *target*: \
how many times it may. *Best peer*: the fastest of the \
others that work between processes and returned no wrong value, also if it hangs once somebody is killed; *÷ ours*: \
how many times ours that takes, so from 1 on no peer is ahead. Nanoseconds, or what stands beside the number. *In place* is `shmem in place`, \
*one thread's reader* is `shmem local`, everything else `shmem`. With many readers the limit is the cost of one read by a single reader, and ours the cost with the most \
readers: processor time, summed over the readers and divided by their reads, so that it tells what a read costs \
and not how long its process had to wait for one of too few processors. After SIGKILL the number is that of the worse \
of the two columns of its table.";

/// One line: what was measured, and what it may cost.
struct Line<'a> {
    operation: &'a str,
    payload: &'a str,
    /// What stands behind each number.
    unit: &'a str,
    ours: f64,
    limit: Option<(String, f64)>,
    target: Target,
    best: Option<(&'a str, f64)>,
}

enum Target {
    /// So many times the limit.
    Times(f64),
    /// So much.
    Micros(f64),
}

/// What was found, to be looked up.
struct Found<'a>(&'a [Findings]);

impl<'a> Found<'a> {
    fn table(&self, id: &str, table: usize) -> Option<&'a Table> {
        let findings = self.0.iter().find(|findings| findings.id == id)?;
        findings.tables.get(table)
    }

    fn figure(&self, (id, table, column): (&str, usize, usize), row: &str) -> Option<f64> {
        self.table(id, table)?.find(row, column)
    }

    /// A line for `ours`, whose limits are added up; none if something of it was not measured.
    fn line(
        &self,
        operation: &'a str,
        payload: &'a str,
        at: (&str, usize, usize),
        ours: &str,
        limits: &[((&str, usize, usize), &str)],
        target: Target,
    ) -> Option<Line<'a>> {
        let table = self.table(at.0, at.1)?;
        let figures = limits.iter().map(|(at, row)| self.figure(*at, row));
        let names = limits.iter().map(|(_, row)| *row).collect::<Vec<_>>();
        let limit = figures.sum::<Option<f64>>()?;
        let best = best(table, at.2, |row| row.kind == Kind::Peer);
        Some(Line {
            operation,
            payload,
            unit: if table.unit == "µs" { " µs" } else { "" },
            ours: table.find(ours, at.2)?,
            limit: (!names.is_empty()).then(|| (names.join(" + "), limit)),
            target,
            best,
        })
    }
}

/// The best of some rows in a column.
pub(crate) fn best(
    table: &Table,
    column: usize,
    is_one: impl Fn(&Row) -> bool,
) -> Option<(&str, f64)> {
    let rows = table.rows.iter().filter(|row| is_one(row));
    let found = rows.filter_map(|row| match row.cells.get(column)? {
        // Who returns wrong values has not done what was asked for.
        Cell::Measured { median, wrong, .. } if *wrong == 0.0 => Some((row.name.as_str(), *median)),
        _ => None,
    });
    if table.more_is_better {
        found.max_by(|a, b| a.1.total_cmp(&b.1))
    } else {
        found.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

fn lines<'a>(found: &Found<'a>) -> Vec<Option<Line<'a>>> {
    use Target::{Micros, Times};
    let mut lines = Vec::new();
    let sizes = || {
        SIZES
            .iter()
            .enumerate()
            .map(|(at, (_, label))| (at, *label))
    };
    for (at, label) in sizes() {
        let copy = ("copy", 0, at);
        let limits = [(("read-field", 0, at), "two locked adds"), (copy, "memcpy")];
        let words = [(copy, "seqlock words")];
        // Above a few hundred bytes a load pins and copies.
        let limits = if at == 0 { &words[..] } else { &limits };
        lines.push(found.line("load", label, copy, "shmem", limits, Times(1.3)));
    }
    for (operation, id, ours, limit, times) in [
        (
            "read a field",
            "read-field",
            "shmem",
            "two locked adds",
            1.2,
        ),
        (
            "read a field, one thread's reader",
            "read-field",
            "shmem local",
            "one locked add",
            1.3,
        ),
        (
            "write a field",
            "write-field",
            "shmem",
            "CAS lock and copy",
            1.3,
        ),
        (
            "write a field in place",
            "write-field",
            "shmem in place",
            "CAS lock",
            1.5,
        ),
    ] {
        for (at, label) in sizes() {
            let at = (id, 0, at);
            lines.push(found.line(operation, label, at, ours, &[(at, limit)], Times(times)));
        }
    }
    for (operation, table, limit) in [
        ("update → seen, spinning", 0, "seqlock words"),
        ("update → seen, sleeping", 1, "futex"),
    ] {
        let at = ("seen", table, 0);
        lines.push(found.line(
            operation,
            SIZES[0].1,
            at,
            "shmem",
            &[(at, limit)],
            Times(1.1),
        ));
    }
    for (operation, table, micros) in [("create", 0, 100.0), ("open", 1, 30.0)] {
        let at = ("life", table, 0);
        lines.push(found.line(operation, SIZES[0].1, at, "shmem", &[], Micros(micros)));
        let calls = [(at, SYSTEM_CALLS)];
        lines.push(found.line(operation, SIZES[0].1, at, "shmem", &calls, Times(2.0)));
    }
    for (operation, table) in [("read a field, many readers", 0), ("load, many readers", 1)] {
        lines.push(found.table("crowd", table).and_then(|crowd| {
            let (one, last) = (("crowd", table, 0), crowd.columns.len().checked_sub(1)?);
            let at = ("crowd", table, last);
            let mut line = found.line(
                operation,
                SIZES[0].1,
                at,
                "shmem",
                &[(one, "shmem")],
                Times(1.3),
            )?;
            let (most, single) = (&crowd.columns[last], &crowd.columns[0]);
            line.payload = most;
            line.limit = line.limit.map(|(_, figure)| (single.clone(), figure));
            Some(line)
        }));
    }
    lines
}

fn cells(line: &Line<'_>) -> Vec<String> {
    let with_unit = |figure: f64| format!("{}{}", short(figure), line.unit);
    let limit = line.limit.as_ref();
    let share = limit.map(|(_, limit)| line.ours / limit);
    let (target, excess) = match line.target {
        Target::Times(most) => (
            format!("≤ {most} ×"),
            share.map_or(f64::NAN, |share| share / most),
        ),
        Target::Micros(most) => (format!("≤ {most:.0} µs"), line.ours / most),
    };
    vec![
        line.operation.to_owned(),
        line.payload.to_owned(),
        limit.map_or_else(|| "–".to_owned(), |(name, _)| name.clone()),
        line.best.map_or("–", |(name, _)| name).to_owned(),
        with_unit(line.ours),
        limit.map_or("–".to_owned(), |(_, figure)| with_unit(*figure)),
        share.map_or("–".to_owned(), |share| format!("{} ×", ratio(share))),
        target,
        verdict(excess),
        line.best
            .map_or("–".to_owned(), |(_, figure)| with_unit(figure)),
        line.best
            .map_or("–".to_owned(), |(_, figure)| ahead(figure / line.ours)),
    ]
}

/// By how much more than was meant.
fn verdict(excess: f64) -> String {
    if excess <= 1.0 {
        "met".to_owned()
    } else {
        format!("**not met**, {:.0} % over", ((excess - 1.0) * 100.0).ceil())
    }
}

/// How many times a peer takes what ours takes; bold if the peer is ahead.
pub(crate) fn ahead(share: f64) -> String {
    let words = format!("{} ×", ratio(share));
    if share < 1.0 {
        format!("**{words}**")
    } else {
        words
    }
}

/// How often it went well in the worse of two columns.
fn fine(row: &Row, columns: [usize; 2]) -> Option<u32> {
    let fine = |column: usize| match row.cells.get(column)? {
        Cell::Counts(counts) => Some(counts.get("fine").copied().unwrap_or(0)),
        _ => None,
    };
    Some(fine(columns[0])?.min(fine(columns[1])?))
}

fn kills(grid: &mut Grid, table: &Table) {
    for (operation, columns) in [
        ("after SIGKILL of a writer", [0, 1]),
        ("after SIGKILL of a reader", [2, 3]),
    ] {
        let tries = |row: &Row| match row.cells.get(columns[0])? {
            Cell::Counts(counts) => Some(counts.values().sum::<u32>()),
            _ => None,
        };
        let ours = table.rows.iter().find(|row| row.name == "shmem");
        let Some((ours, tries)) = ours.and_then(|row| Some((fine(row, columns)?, tries(row)?)))
        else {
            continue;
        };
        let peers = table.rows.iter().filter(|row| row.kind == Kind::Peer);
        let scores = peers.filter_map(|row| Some((fine(row, columns)?, row.name.as_str())));
        let best = scores.max_by_key(|(fine, _)| *fine);
        let verdict = match tries - ours {
            0 => "met".to_owned(),
            lost => format!("**not met**, {lost} not fine"),
        };
        grid.row(vec![
            operation.to_owned(),
            SIZES[2].1.to_owned(),
            "–".to_owned(),
            best.map_or("–", |(_, name)| name).to_owned(),
            format!("{ours} of {tries} fine"),
            "–".to_owned(),
            "–".to_owned(),
            format!("{tries} of {tries}"),
            verdict,
            best.map_or("–".to_owned(), |(fine, _)| {
                format!("{fine} of {tries} fine")
            }),
            "–".to_owned(),
        ]);
    }
}

/// The table; what was not measured in this run is left out.
pub(crate) fn grid(all: &[Findings]) -> Grid {
    let head = [
        "operation",
        "payload",
        "limit",
        "best peer",
        "ours",
        "limit's",
        "÷ limit",
        "target",
        "",
        "peer's",
        "peer ÷ ours",
    ];
    let mut grid = Grid::new(4, &head);
    let found = Found(all);
    for line in lines(&found).iter().flatten() {
        grid.row(cells(line));
    }
    if let Some(table) = found.table("kill", 0) {
        kills(&mut grid, table);
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_by_how_much() {
        assert_eq!(verdict(0.9), "met");
        assert_eq!(verdict(1.5), "**not met**, 50 % over");
        assert_eq!(verdict(f64::INFINITY), "**not met**, inf % over");
    }
}
