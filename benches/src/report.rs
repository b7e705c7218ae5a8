//! The report, in Markdown. What a program writes stands between two marks; the rest is written by people.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use harness::Kind;

use crate::contestants::Field;
use crate::grid::{Grid, strong};
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
    let targets = targets::grid(all);
    if !targets.is_empty() {
        let (title, note) = (targets::TITLE, targets::NOTE);
        let _ = writeln!(text, "## {title}\n\n{}\n{note}\n", targets.markdown());
    }
    standing(&mut text, all);
    for findings in all {
        let _ = writeln!(text, "## {}\n\n{}\n", findings.title, findings.method);
        if let Some(picture) = plot::svg(findings) {
            let file = format!("{}.svg", findings.id);
            fs::write(folder.join(&file), picture)?;
            let _ = writeln!(text, "![{}]({file})\n", findings.title);
        }
        for table in &findings.tables {
            let _ = writeln!(text, "{}\n\n{}", title(table), grid(table).markdown());
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

/// The title of a table, and its unit.
fn title(table: &Table) -> String {
    let comma = if table.unit.is_empty() { "" } else { ", " };
    format!("**{}**{comma}{}", table.title, table.unit)
}

fn name(row: &Row) -> String {
    match row.kind {
        Kind::Ours => format!("**{}**", row.name),
        Kind::Peer => row.name.clone(),
        Kind::InProcess => format!("{} (one process)", row.name),
        Kind::Limit => format!("*{}*", row.name),
    }
}

fn grid(table: &Table) -> Grid {
    let columns = table.columns.iter().map(String::as_str);
    let head = [""].into_iter().chain(columns).collect::<Vec<_>>();
    let mut grid = Grid::new(1, &head);
    for row in &table.rows {
        let mut cells = vec![name(row)];
        for (column, cell) in row.cells.iter().enumerate() {
            let ours = table.find("shmem", column).filter(|_| row.name != "shmem");
            cells.push(words(cell, ours));
        }
        grid.row(cells);
    }
    grid
}

/// Prints an experiment's tables, without the least and the most.
pub(crate) fn print(findings: &Findings) {
    println!("\n{}", strong(findings.title));
    for table in &findings.tables {
        println!("\n{}", title(table).replace(['*', '`'], ""));
        let columns = table.columns.iter().map(String::as_str);
        let head = [""]
            .into_iter()
            .chain(columns.flat_map(|column| [column, ""]));
        let mut grid = Grid::new(1, &head.collect::<Vec<_>>());
        for row in &table.rows {
            let mut cells = vec![name(row)];
            for (column, cell) in row.cells.iter().enumerate() {
                let ours = table.find("shmem", column).filter(|_| row.name != "shmem");
                let share = cell.median().zip(ours.filter(|ours| *ours > 0.0));
                let share = share.map(|(median, ours)| format!("{} ×", ratio(median / ours)));
                cells.push(match cell {
                    Cell::Measured { median, wrong, .. } if *wrong > 0.0 => {
                        format!("{} wrong! {}", short(*wrong), short(*median))
                    }
                    Cell::Measured { median, .. } => short(*median),
                    other => words(other, None),
                });
                cells.push(share.unwrap_or_default());
            }
            grid.row(cells);
        }
        grid.print();
    }
}

/// Prints how this library stands.
pub(crate) fn print_targets(all: &[Findings]) {
    let targets = targets::grid(all);
    if !targets.is_empty() {
        println!("\n{}\n", strong(targets::TITLE));
        targets.print();
    }
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
        Cell::Counts(counts) => {
            let parts = counts.iter().map(|(what, count)| format!("{count} {what}"));
            parts.collect::<Vec<_>>().join(", ")
        }
        Cell::NotOffered => "–".to_owned(),
        Cell::Failed(why) => format!("failed: {why}"),
    }
}

/// Where this library stands beside the best of the others that leave their process.
fn standing(text: &mut String, all: &[Findings]) {
    let head = ["", "", "ours", "", "best of the others", "", "ahead"];
    let mut grid = Grid::new(2, &head);
    for findings in all {
        if ["arrays", "kill"].contains(&findings.id) {
            continue;
        }
        for table in &findings.tables {
            for (column, label) in table.columns.iter().enumerate() {
                let ours = targets::best(table, column, |row| row.kind == Kind::Ours);
                let theirs = targets::best(table, column, |row| row.kind == Kind::Peer);
                let (Some((way, ours)), Some((name, theirs))) = (ours, theirs) else {
                    continue;
                };
                // How much more they take, whichever way is better.
                let share = match table.more_is_better {
                    true => ours / theirs,
                    false => theirs / ours,
                };
                if share.is_finite() {
                    grid.row(vec![
                        table.title.replace('`', ""),
                        label.clone(),
                        way.to_owned(),
                        short(ours),
                        name.to_owned(),
                        short(theirs),
                        targets::ahead(share),
                    ]);
                }
            }
        }
    }
    if !grid.is_empty() {
        let _ = writeln!(
            text,
            "## Everything beside the best of the others\n\nIn each column of each table the best of this library's \
             ways, and the best of the others that work between processes and returned no wrong value. *ahead*: how \
             many times better ours is; below 1, in bold, the other is.\n\n{}",
            grid.markdown()
        );
    }
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
