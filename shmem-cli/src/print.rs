//! Text for people: tables, colours, sizes and times.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::failure::Result;

pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Writes to standard output; colours are dropped unless it is a terminal, or as `--color` says.
pub(crate) fn line(text: impl AsRef<str>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    Ok(writeln!(out, "{}", text.as_ref())?)
}

/// As it is: what looks like a colour is a part of somebody's text.
pub(crate) fn raw_line(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// As [`line()`], and seen at once by whoever reads the pipe.
pub(crate) fn line_now(text: impl AsRef<str>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    Ok(out.flush()?)
}

pub(crate) fn json(value: &serde_json::Value) -> Result<()> {
    line(format!("{value:#}"))
}

/// In colour.
pub(crate) fn styled(style: Style, text: impl AsRef<str>) -> String {
    format!("{style}{}{style:#}", text.as_ref())
}

/// Without what would move the cursor or ring the bell: names and texts are anybody's.
pub(crate) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || is_invisible(letter) {
            let _ = write!(clean, "{}", letter.escape_default());
        } else {
            clean.push(letter);
        }
    }
    clean
}

/// Marks that change the direction of writing, or take no place.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// As it is for programs, harmless for people.
pub(crate) fn bare(text: &str) -> String {
    if std::io::stdout().is_terminal() {
        harmless(text)
    } else {
        text.to_owned()
    }
}

/// One cell of a table: its text, and in which colour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            ..Cell::default()
        }
    }

    pub(crate) fn number(text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            right: true,
            ..Cell::default()
        }
    }

    pub(crate) fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// Prints rows with their columns aligned.
pub(crate) fn table(rows: &[Vec<Cell>]) -> Result<()> {
    let width = |text: &str| text.chars().count();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(&cell.text)).max().unwrap_or(0)
        })
        .collect();
    for row in rows {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let fill = " ".repeat(widths[column] - width(&cell.text));
            let styled = styled(cell.style, &cell.text);
            if column > 0 {
                text.push_str("  ");
            }
            match (cell.right, column + 1 == row.len()) {
                (true, _) => text.extend([fill, styled]),
                (false, true) => text.push_str(&styled),
                (false, false) => text.extend([styled, fill]),
            }
        }
        line(text.trim_end())?;
    }
    Ok(())
}

/// `1.5 KiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if value < 10.0 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// `30 ms`, `2.5 s`, `3 min`, `2 d`; `?` if nobody knows.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_secs() {
        _ if time == Duration::MAX => "before boot".to_owned(),
        0 => format!("{} ms", time.as_millis()),
        1..10 => format!("{seconds:.1} s"),
        10..120 => format!("{seconds:.0} s"),
        120..7200 => format!("{:.0} min", seconds / 60.0),
        7200..172_800 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

/// Updates a second.
pub(crate) fn rate(rate: f64) -> String {
    match rate {
        0.0 => "0/s".to_owned(),
        rate if rate < 10.0 => format!("{rate:.1}/s"),
        rate if rate < 10_000.0 => format!("{rate:.0}/s"),
        rate if rate < 10_000_000.0 => format!("{:.0}k/s", rate / 1e3),
        rate => format!("{:.0}M/s", rate / 1e6),
    }
}
