//! The report, in Markdown. What a program writes stands between two marks; the rest is written by people.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use harness::Kind;

use crate::contestants::Field;
use crate::machine;
use crate::number::{ratio, short};
use crate::plan::Plan;
use crate::plot;
use crate::table::{Cell, Findings, Row, Table};
use crate::targets;

const BEGIN: &str = "<!-- generated: begin. `cargo run --release --manifest-path benches/Cargo.toml` writes what follows -->";
const END: &str = "<!-- generated: end -->";

/// Writes the tables and the plots into `folder`.
pub(crate) fn write(folder: &Path, plan: &Plan, field: &Field, all: &[Findings]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut text = String::new();
    let _ = writeln!(text, "{BEGIN}\n");
    head(&mut text, plan, field);
    targets::write(&mut text, all);
    standing(&mut text, all);
    for findings in all {
        let _ = writeln!(text, "## {}\n\n{}\n", findings.title, findings.method);
        if let Some(picture) = plot::svg(findings) {
            let file = format!("{}.svg", findings.id);
            fs::write(folder.join(&file), picture)?;
            let _ = writeln!(text, "![{}]({file})\n", findings.title);
        }
        for table in &findings.tables {
            markdown(&mut text, table);
        }
    }
    contestants(&mut text, field);
    let _ = writeln!(text, "{END}");
    let page = folder.join("README.md");
    let old = fs::read_to_string(&page).unwrap_or_default();
    let (before, after) = match (old.find(BEGIN), old.find(END)) {
        (Some(begin), Some(end)) => (&old[..begin], &old[end + END.len()..]),
        _ => (&old[..], ""),
    };
    fs::write(
        page,
        format!("{before}{}{after}", text.trim_end_matches('\n')),
    )
}

fn head(text: &mut String, plan: &Plan, field: &Field) {
    let rounds = plan.rounds();
    let _ = writeln!(text, "# Results\n\n| | |\n|---|---|");
    for (name, value) in machine::description() {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    let kind = if plan.quick {
        ", a quick run: an indication only"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "| rounds | {rounds}, after one that does not count{kind} |"
    );
    for (name, why) in &field.missing {
        let _ = writeln!(text, "| not measured | {name}: {why} |");
    }
    let _ = writeln!(
        text,
        "\nA cell is the median of the rounds, the least and the most in parentheses, and how many times `shmem`'s \
         figure that is. `–`: not offered. **wrong**: so many values were torn, older than one that was seen \
         before, or another than was written.\n"
    );
}

fn markdown(text: &mut String, table: &Table) {
    let unit = if table.unit.is_empty() {
        String::new()
    } else {
        format!(", {}", table.unit)
    };
    let _ = writeln!(text, "**{}**{unit}\n", table.title);
    let _ = writeln!(text, "| | {} |", table.columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(table.columns.len()));
    for row in &table.rows {
        let name = match row.kind {
            Kind::Ours => format!("**{}**", row.name),
            Kind::Peer => row.name.clone(),
            Kind::InProcess => format!("{} (one process)", row.name),
            Kind::Limit => format!("*{}*", row.name),
        };
        let _ = write!(text, "| {name} |");
        for (column, cell) in row.cells.iter().enumerate() {
            let ours = table.find("shmem", column).filter(|_| row.name != "shmem");
            let _ = write!(text, " {} |", words(cell, ours));
        }
        text.push('\n');
    }
    text.push('\n');
}

fn words(cell: &Cell, ours: Option<f64>) -> String {
    match cell {
        Cell::Measured {
            median,
            min,
            max,
            wrong,
        } => {
            let mut words = short(*median);
            if min < max {
                let _ = write!(words, " ({}–{})", short(*min), short(*max));
            }
            if let Some(ours) = ours.filter(|ours| *ours > 0.0) {
                let _ = write!(words, " · {} ×", ratio(median / ours));
            }
            if *wrong > 0.0 {
                let _ = write!(words, " · **{} wrong**", short(*wrong));
            }
            words
        }
        Cell::Text(text) => text.clone(),
        Cell::NotOffered => "–".to_owned(),
        Cell::Failed(why) => format!("failed: {why}"),
    }
}

/// The best of some rows in a column.
fn best(table: &Table, column: usize, is_one: impl Fn(&Row) -> bool) -> Option<(&str, f64)> {
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

/// Where this library stands beside the best of the others that leave their process.
fn standing(text: &mut String, all: &[Findings]) {
    let _ = writeln!(
        text,
        "## Beside the best of the others\n\nIn each column the best of this library's ways, and the best of the others \
         that work between processes and returned no wrong value; below 1 this library is ahead.\n\n\
         | | | ours | best of the others | ours ÷ theirs |\n|---|---|---:|---|---:|"
    );
    for findings in all {
        if ["arrays", "kill"].contains(&findings.id) {
            continue;
        }
        for table in &findings.tables {
            for (column, label) in table.columns.iter().enumerate() {
                let ours = best(table, column, |row| row.kind == Kind::Ours);
                let theirs = best(table, column, |row| row.kind == Kind::Peer);
                let (Some((way, ours)), Some((name, theirs))) = (ours, theirs) else {
                    continue;
                };
                // How much more it takes, whichever way is better.
                let share = match table.more_is_better {
                    true => theirs / ours,
                    false => ours / theirs,
                };
                if !share.is_finite() {
                    continue;
                }
                let share = if share > 1.0 {
                    format!("**{}**", ratio(share))
                } else {
                    ratio(share)
                };
                let _ = writeln!(
                    text,
                    "| {} | {label} | {way} {} | {name} {} | {share} |",
                    table.title.replace('`', ""),
                    short(ours),
                    short(theirs)
                );
            }
        }
    }
    text.push('\n');
}

fn contestants(text: &mut String, field: &Field) {
    let _ = writeln!(text, "## Contestants\n\n| | |\n|---|---|");
    for contestant in &field.all {
        let _ = writeln!(text, "| {} | {} |", contestant.name, contestant.note);
    }
    for (name, why) in &field.missing {
        let _ = writeln!(text, "| {name} | not measured: {why} |");
    }
}
