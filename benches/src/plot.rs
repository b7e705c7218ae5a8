//! Plots, as SVG written by hand: contestants down, a panel for each column, a logarithmic axis, a dot for the
//! median and a line from the least to the most. The points lie on one axis, so they are compared by their place.

use std::fmt::Write as _;

use harness::Kind;

use crate::number::short;
use crate::table::{Cell, Findings, Row, Table};

const ROW: f64 = 19.0;
const LABELS: f64 = 205.0;
const GAP: f64 = 26.0;
const TOP: f64 = 58.0;

/// How wide a column is: narrower if there are many.
fn panel_width(table: &Table) -> f64 {
    if table.columns.len() > 4 {
        160.0
    } else {
        250.0
    }
}

fn width_of(table: &Table) -> f64 {
    LABELS + table.columns.len() as f64 * (panel_width(table) + GAP)
}

fn color(kind: Kind) -> &'static str {
    match kind {
        Kind::Ours => "#c2410c",
        Kind::Peer => "#1d4ed8",
        Kind::InProcess => "#64748b",
        Kind::Limit => "#15803d",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('`', "")
}

/// What is to be drawn of a table: nothing, if it has no numbers.
fn is_drawn(table: &Table) -> bool {
    let mut cells = table.rows.iter().flat_map(|row| &row.cells);
    cells.any(|cell| cell.median().is_some_and(|median| median > 0.0)) || is_counted(table)
}

/// Whether it counts what happened, and is drawn as bars.
fn is_counted(table: &Table) -> bool {
    let mut cells = table.rows.iter().flat_map(|row| &row.cells);
    cells.any(|cell| matches!(cell, Cell::Counts(_)))
}

/// What can happen when somebody is killed, from good to bad.
const OUTCOMES: [(&str, &str); 7] = [
    ("fine", "#86c79a"),
    ("stall", "#e9d27a"),
    ("refused", "#e6ae6c"),
    ("lost", "#d98c8c"),
    ("torn", "#c65f5f"),
    ("hang", "#8f3434"),
    ("not offered", "#d4d4d8"),
];

/// One picture for an experiment, with a block for each of its tables; none if there is nothing to draw.
pub(crate) fn svg(findings: &Findings) -> Option<String> {
    let tables = findings.tables.iter().filter(|table| is_drawn(table));
    let tables = tables.collect::<Vec<_>>();
    let widest = tables.iter().map(|table| width_of(table));
    // The legend wants its room too.
    let width = widest.max_by(f64::total_cmp)?.max(1000.0) + 20.0;
    let height_of = |table: &&Table| TOP + table.rows.len() as f64 * ROW + 44.0;
    let height = tables.iter().map(height_of).sum::<f64>() + 56.0;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"17\" font-weight=\"600\">{}</text>",
        escape(findings.title)
    );
    legend(&mut out, tables.iter().any(|table| is_counted(table)));
    let mut top = 56.0;
    for table in &tables {
        draw(&mut out, table, top);
        top += height_of(table);
    }
    out.push_str("</svg>\n");
    Some(out)
}

fn legend(out: &mut String, is_counted: bool) {
    let kinds = [
        (Kind::Ours, "this library"),
        (Kind::Peer, "others, between processes"),
        (Kind::InProcess, "within one process"),
        (Kind::Limit, "limits, by hand"),
    ];
    let mut left = 16.0;
    for (kind, text) in kinds {
        let _ = writeln!(
            out,
            "<circle cx=\"{left}\" cy=\"42\" r=\"4\" fill=\"{}\"/><text x=\"{}\" y=\"46\">{text}</text>",
            color(kind),
            left + 8.0
        );
        left += 36.0 + 6.4 * text.len() as f64;
    }
    if !is_counted {
        let _ = writeln!(
            out,
            "<text x=\"{left}\" y=\"46\">○ wrong values seen</text>"
        );
        return;
    }
    for (outcome, color) in OUTCOMES {
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"37\" width=\"10\" height=\"10\" fill=\"{color}\"/>\
             <text x=\"{}\" y=\"46\">{outcome}</text>",
            left + 14.0
        );
        left += 32.0 + 6.8 * outcome.len() as f64;
    }
}

fn draw(out: &mut String, table: &Table, top: f64) {
    let better = match table.more_is_better {
        _ if is_counted(table) => "",
        true => "; more is better",
        false => "; less is better",
    };
    let _ = writeln!(
        out,
        "<text x=\"12\" y=\"{:.0}\" font-weight=\"600\">{}{}{}{better}</text>",
        top + 20.0,
        escape(&table.title),
        if table.unit.is_empty() { "" } else { ", " },
        table.unit
    );
    // The best of the first column that says anything comes first.
    let mut rows = table.rows.iter().collect::<Vec<_>>();
    let first = |row: &&Row| row.cells.iter().find_map(Cell::median);
    rows.sort_by(|a, b| {
        let (a, b) = (first(a).unwrap_or(f64::MAX), first(b).unwrap_or(f64::MAX));
        if table.more_is_better && a < f64::MAX && b < f64::MAX {
            b.total_cmp(&a)
        } else {
            a.total_cmp(&b)
        }
    });
    let body = top + TOP;
    for (at, row) in rows.iter().enumerate() {
        let y = body + at as f64 * ROW;
        if at % 2 == 0 {
            let width = width_of(table);
            let _ = writeln!(
                out,
                "<rect x=\"8\" y=\"{y:.1}\" width=\"{width:.0}\" height=\"{ROW}\" fill=\"#f4f4f5\"/>"
            );
        }
        let weight = if row.kind == Kind::Ours { "600" } else { "400" };
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{}\" font-weight=\"{weight}\">{}</text>",
            LABELS - 8.0,
            y + 13.5,
            color(row.kind),
            escape(&row.name)
        );
    }
    for column in 0..table.columns.len() {
        let left = LABELS + column as f64 * (panel_width(table) + GAP);
        panel(out, table, &rows, column, left, body);
    }
}

/// Bars of how often each thing happened.
fn bars(out: &mut String, rows: &[&Row], column: usize, left: f64, body: f64) {
    for (at, row) in rows.iter().enumerate() {
        let Some(Cell::Counts(counts)) = row.cells.get(column) else {
            continue;
        };
        let y = body + at as f64 * ROW;
        let all = counts.values().sum::<u32>();
        let mut x = left;
        for (outcome, color) in OUTCOMES {
            let count = counts.get(outcome).copied().unwrap_or(0);
            if count == 0 {
                continue;
            }
            let width = 230.0 * f64::from(count) / f64::from(all);
            let ink = if ["torn", "hang"].contains(&outcome) {
                "white"
            } else {
                "#18181b"
            };
            let _ = writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{color}\" \
                 stroke=\"white\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\" \
                 fill=\"{ink}\">{count}</text>",
                y + 2.5,
                ROW - 5.0,
                x + width / 2.0,
                y + 13.0
            );
            x += width;
        }
    }
}

fn panel(out: &mut String, table: &Table, rows: &[&Row], column: usize, left: f64, body: f64) {
    let bottom = body + rows.len() as f64 * ROW;
    let _ = writeln!(
        out,
        "<text x=\"{left:.0}\" y=\"{:.0}\" font-weight=\"600\">{}</text>",
        body - 18.0,
        escape(&table.columns[column])
    );
    if is_counted(table) {
        return bars(out, rows, column, left, body);
    }
    let ends = rows.iter().filter_map(|row| match row.cells.get(column) {
        Some(Cell::Measured { min, max, .. }) if *max > 0.0 => Some([min.max(max / 1e4), *max]),
        _ => None,
    });
    let (mut low, mut high) = (f64::MAX, 0.0f64);
    for [min, max] in ends {
        low = low.min(min);
        high = high.max(max);
    }
    if high == 0.0 {
        return;
    }
    // At least a decade, so that a small difference looks small.
    let (low, high) = (low.log10() - 0.05, high.log10() + 0.05);
    let spread = (high - low).max(1.0);
    let x = |value: f64| {
        let share = (value.max(1e-12).log10() - low) / spread;
        left + share.clamp(0.0, 1.0) * (panel_width(table) - 52.0)
    };
    for power in (low.floor() as i32)..=((low + spread).ceil() as i32) {
        let value = 10f64.powi(power);
        if value.log10() < low || value.log10() > low + spread {
            continue;
        }
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{body:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#d4d4d8\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10\" fill=\"#71717a\">{}</text>",
            bottom + 13.0,
            tick(value),
            x = x(value)
        );
    }
    for (at, row) in rows.iter().enumerate() {
        let y = body + at as f64 * ROW + ROW / 2.0;
        let Some(Cell::Measured {
            median,
            min,
            max,
            wrong,
        }) = row.cells.get(column)
        else {
            continue;
        };
        let color = color(row.kind);
        let fill = if *wrong > 0.0 { "white" } else { color };
        let _ = writeln!(
            out,
            "<line x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{color}\" stroke-width=\"2\" \
             stroke-opacity=\"0.45\"/>\
             <circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"#3f3f46\">{}</text>",
            x(*min),
            x(*max),
            x(*median),
            x(*max) + 7.0,
            y + 3.5,
            short(*median)
        );
    }
}

fn tick(value: f64) -> String {
    if value < 0.1 {
        return format!("{value}");
    }
    if value < 1000.0 {
        return format!("{}", (value * 10.0).round() / 10.0);
    }
    short(value).replace(".00", "").replace(".0", "")
}
