//! A table of words: as Markdown for the report, aligned for a terminal.

use std::io::{IsTerminal as _, stdout};

/// A head and rows; the first `left` columns are words, the others numbers.
pub(crate) struct Grid {
    left: usize,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn new(left: usize, head: &[&str]) -> Self {
        Grid {
            left,
            head: head.iter().map(|&title| title.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |");
        let rule = (0..self.head.len()).map(|at| if at < self.left { "---|" } else { "---:|" });
        let mut text = line(&self.head);
        text.push_str(&format!("|{}\n", rule.collect::<String>()));
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        text
    }

    /// The same without marks, aligned; what is bold in Markdown is so on a terminal.
    pub(crate) fn print(&self) {
        let lines = [&self.head].into_iter().chain(&self.rows);
        let width = |at: usize| {
            let cells = lines.clone().filter_map(|line| line.get(at));
            cells.map(|cell| plain(cell).chars().count()).max()
        };
        let widths = (0..self.head.len()).map(|at| width(at).unwrap_or(0));
        let widths = widths.collect::<Vec<_>>();
        for line in lines {
            let mut text = String::new();
            for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let words = plain(cell);
                let space = " ".repeat(width - words.chars().count());
                let words = if cell.contains("**") {
                    strong(&words)
                } else {
                    words
                };
                text.push_str(&match at < self.left {
                    true => format!("{words}{space}  "),
                    false => format!("{space}{words}  "),
                });
            }
            println!("  {}", text.trim_end());
        }
    }
}

fn plain(cell: &str) -> String {
    cell.replace(['*', '`'], "")
}

/// Bold, on a terminal.
pub(crate) fn strong(words: &str) -> String {
    if stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[1m{words}\x1b[0m")
    } else {
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_aligns_words_left_and_numbers_right() {
        let mut grid = Grid::new(1, &["", "64 B"]);
        grid.row(vec!["**shmem**".to_owned(), "3.50".to_owned()]);
        let expected = "| | 64 B |\n|---|---:|\n| **shmem** | 3.50 |\n";
        assert_eq!(grid.markdown(), expected);
    }
}
