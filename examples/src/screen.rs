//! A picture that is redrawn in place on a terminal, and printed again elsewhere.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

/// How many lines stand where the next picture is drawn; `None` if it is not a terminal.
pub struct Screen(Option<usize>);

impl Screen {
    pub fn of_stdout() -> Screen {
        Screen(io::stdout().is_terminal().then_some(0))
    }

    /// How long to wait between two pictures: a file only gets longer by each.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(if self.0.is_some() { 100 } else { 1000 })
    }

    pub fn draw(&mut self, picture: &str) {
        if let Some(lines) = &mut self.0 {
            if *lines > 0 {
                // Up to where the last picture began, and clear from there on.
                print!("\x1b[{lines}F\x1b[J");
            }
            *lines = picture.lines().count();
        }
        print!("{picture}");
    }

    /// Text that stays. The next picture is drawn below it.
    pub fn keep(&mut self, text: &str) {
        println!("\n{text}");
        self.0 = self.0.map(|_| 0);
    }
}
