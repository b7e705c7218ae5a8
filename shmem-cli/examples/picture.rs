//! Draws what a terminal shows, with its colours, as a picture: text on standard input, SVG on standard output.
//!
//! The picture of `shmem top` in the README is made by these two commands, the second a while after the first, on
//! whatever is live then (`cargo run --release -p examples --bin live_state -- --seconds 60` changes its own rate):
//!
//! ```sh
//! tmux new-session -d -s picture -x 100 -y 24 target/release/shmem top live_state
//! tmux capture-pane -e -p -t picture | cargo run -p shmem-cli --example picture > docs/top.svg
//! ```
//!
//! `tmux send-keys -t picture Down` presses a key, and `q` ends it. Crates that do this exist (`anstyle-svg`), but need
//! another `unicode-width` than ratatui 0.29, and leave lines and bars to the font of whoever looks: they have gaps then.
//! Here a cell is a cell.

use std::fmt::Write as _;
use std::io;

/// A cell in pixels; the advance of a monospaced font is 0.6 of its size.
const WIDTH: f64 = 8.0;
const HEIGHT: f64 = 17.0;
const FONT: f64 = 13.3;
const MARGIN: f64 = 12.0;

const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d4d7dd";
/// Black to white, and the bright ones.
const COLOURS: [&str; 16] = [
    "#16181d", "#e06c75", "#6cc070", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d4d7dd", //
    "#5c6370", "#ff7b86", "#8fe388", "#ffd68a", "#7cc4ff", "#dd9bf0", "#70d7e4", "#ffffff",
];

#[derive(Clone, Copy, Default, PartialEq)]
struct Style {
    foreground: Option<&'static str>,
    background: Option<&'static str>,
    is_bold: bool,
    is_dim: bool,
    is_reversed: bool,
}

impl Style {
    /// Follows `ESC [ numbers m`; what no screen of ours uses is passed over.
    fn follow(&mut self, numbers: &str) {
        let mut numbers = numbers.split(';').map(|text| text.parse().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Style::default(),
                1 => self.is_bold = true,
                2 => self.is_dim = true,
                7 => self.is_reversed = true,
                22 => (self.is_bold, self.is_dim) = (false, false),
                27 => self.is_reversed = false,
                30..=37 => self.foreground = Some(COLOURS[number - 30]),
                40..=47 => self.background = Some(COLOURS[number - 40]),
                90..=97 => self.foreground = Some(COLOURS[number - 82]),
                39 => self.foreground = None,
                49 => self.background = None,
                38 | 48 => {
                    let colour = numbers.nth(1).and_then(|index| COLOURS.get(index).copied());
                    match number {
                        38 => self.foreground = colour,
                        _ => self.background = colour,
                    }
                }
                _ => {}
            }
        }
    }

    /// What is drawn, and what it is drawn on if that is not the background of all.
    fn colours(&self) -> (&'static str, Option<&'static str>) {
        let foreground = self.foreground.unwrap_or(FOREGROUND);
        if self.is_reversed {
            return (self.background.unwrap_or(BACKGROUND), Some(foreground));
        }
        (foreground, self.background)
    }
}

fn main() -> io::Result<()> {
    let rows: Vec<_> = cells(&io::read_to_string(io::stdin().lock())?);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = columns as f64 * WIDTH + 2.0 * MARGIN;
    let height = rows.len() as f64 * HEIGHT + 2.0 * MARGIN;
    println!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"{FONT}\" shape-rendering=\"crispEdges\">"
    );
    println!("<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>");
    for (row, cells) in rows.iter().enumerate() {
        let mut column = 0;
        while column < cells.len() {
            let len = run(&cells[column..]);
            print!("{}", drawn(row, column, &cells[column..column + len]));
            column += len;
        }
    }
    println!("</svg>");
    Ok(())
}

/// The characters of each line, with their styles.
fn cells(text: &str) -> Vec<Vec<(char, Style)>> {
    let mut style = Style::default();
    let line = |line: &str| {
        let mut cells = Vec::new();
        let mut rest = line.chars();
        while let Some(letter) = rest.next() {
            if letter != '\x1b' {
                cells.push((letter, style));
            } else if let Some((numbers, after)) = rest.as_str().split_once('m') {
                style.follow(numbers.trim_start_matches('['));
                rest = after.chars();
            }
        }
        cells
    };
    text.lines().map(line).collect()
}

/// How many cells from here are drawn as one: a word, so that spaces cannot shift what follows; or the same sign.
fn run(cells: &[(char, Style)]) -> usize {
    let (first, style) = cells[0];
    let alike = |(letter, of): &&(char, Style)| {
        let both_words = !is_drawn(first) && !is_drawn(*letter) && first != ' ' && *letter != ' ';
        *of == style && (*letter == first || both_words)
    };
    cells.iter().take_while(alike).count()
}

/// Lines and bars, which have to meet those of the next cell.
fn is_drawn(letter: char) -> bool {
    matches!(letter, '\u{2500}'..='\u{259f}')
}

fn drawn(row: usize, column: usize, run: &[(char, Style)]) -> String {
    let (letter, style) = run[0];
    let (x, y) = (MARGIN + column as f64 * WIDTH, MARGIN + row as f64 * HEIGHT);
    let width = run.len() as f64 * WIDTH;
    let (colour, behind) = style.colours();
    let dim = if style.is_dim { " opacity=\".55\"" } else { "" };
    let mut svg = String::new();
    let mut rect = |x: f64, y: f64, width: f64, height: f64, colour: &str| {
        let at = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"");
        writeln!(svg, "<rect {at} fill=\"{colour}\"{dim}/>").unwrap();
    };
    if let Some(behind) = behind {
        rect(x, y, width, HEIGHT, behind);
    }
    // A line is one pixel through the middle of its cell.
    let (middle, centre) = (x + WIDTH / 2.0, y + HEIGHT / 2.0);
    match letter {
        ' ' => {}
        '▁'..='█' => {
            let eighths = f64::from(u32::from(letter) - u32::from('▁') + 1);
            // The full height would run into the bars of the line above.
            let height = (HEIGHT - 2.0) * eighths / 8.0;
            rect(x, y + HEIGHT - height, width, height, colour);
        }
        '─' => rect(x, centre, width, 1.0, colour),
        '│' => rect(middle, y, 1.0, HEIGHT, colour),
        '┌' | '└' | '┐' | '┘' => {
            let left = if matches!(letter, '┌' | '└') {
                middle
            } else {
                x
            };
            let top = if matches!(letter, '┌' | '┐') {
                centre
            } else {
                y
            };
            rect(left, centre, WIDTH / 2.0, 1.0, colour);
            rect(middle, top, 1.0, HEIGHT / 2.0 + 1.0, colour);
        }
        _ => {
            let text: String = run.iter().map(|(letter, _)| *letter).collect();
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            let bold = if style.is_bold {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let at = format!(
                "x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\"",
                y + 12.5
            );
            writeln!(svg, "<text {at} fill=\"{colour}\"{bold}{dim}>{text}</text>").unwrap();
        }
    }
    svg
}
