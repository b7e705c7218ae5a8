//! `shmem top`: a live screen of all objects.

mod draw;
mod fields;
mod objects;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::args::{Global, Ls, Top};
use crate::commands;
use crate::failure::{Failure, Result};
use fields::Fields;
use objects::Objects;

/// Which half of the screen the keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Objects,
    Fields,
}

/// What is being typed.
#[derive(Clone, Debug)]
enum Input {
    Filter(String),
    /// A new value for the field of this path.
    Edit {
        path: String,
        text: String,
    },
}

struct Screen {
    objects: Objects,
    fields: Fields,
    focus: Focus,
    input: Option<Input>,
    /// What came of the last edit, and whether it is bad news.
    message: Option<(String, bool)>,
}

pub(crate) fn top(global: &Global, args: &Top) -> Result<()> {
    if global.json {
        // One look is a document.
        let args = Ls {
            words: Vec::from_iter((!args.word.is_empty()).then(|| args.word.clone())),
            all: false,
            sample: args.every,
        };
        return commands::ls(global, &args);
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        let text = "`top` needs a terminal; `ls` and `watch` do not, nor does `top --json`";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut screen = Screen {
        objects: Objects::new(args.word.clone()),
        fields: Fields::default(),
        focus: Focus::Objects,
        input: None,
        message: None,
    };
    let every = args.every.max(Duration::from_millis(20));
    let mut terminal = ratatui::init();
    let ended = run(&mut terminal, &mut screen, every);
    ratatui::restore();
    ended
}

fn run(
    terminal: &mut ratatui::DefaultTerminal,
    screen: &mut Screen,
    every: Duration,
) -> Result<()> {
    loop {
        let next = Instant::now() + every;
        screen.objects.look()?;
        screen.fields.look(screen.objects.selected());
        loop {
            terminal.draw(|frame| draw::draw(frame, screen))?;
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() || !event::poll(left)? {
                break;
            }
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release && !screen.key(key) => {
                    return Ok(());
                }
                _ => {}
            }
        }
    }
}

impl Screen {
    /// False to end.
    fn key(&mut self, key: KeyEvent) -> bool {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return false;
        }
        if let Some(input) = self.input.take() {
            self.input = self.typed(input, key);
            return true;
        }
        self.message = None;
        match key.code {
            KeyCode::Char('q') => return false,
            KeyCode::Esc => match self.focus {
                Focus::Fields => self.focus = Focus::Objects,
                Focus::Objects => self.objects.filter(String::new()),
            },
            KeyCode::Tab | KeyCode::BackTab => {
                self.focus = match self.focus {
                    Focus::Objects => Focus::Fields,
                    Focus::Fields => Focus::Objects,
                }
            }
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-10),
            KeyCode::PageDown => self.go(10),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Char('s') => self.objects.sort_otherwise(),
            KeyCode::Char('/') => self.input = Some(Input::Filter(self.objects.word().to_owned())),
            KeyCode::Enter if self.focus == Focus::Objects => self.focus = Focus::Fields,
            KeyCode::Enter | KeyCode::Char('e') if self.focus == Focus::Fields => {
                self.input = self
                    .fields
                    .editable()
                    .map(|(path, text)| Input::Edit { path, text });
                if self.input.is_none() {
                    self.message = Some(("it has parts: edit one of them".to_owned(), true));
                }
            }
            _ => {}
        }
        true
    }

    fn go(&mut self, by: isize) {
        match self.focus {
            Focus::Objects => {
                self.objects.go(by);
                self.fields.look(self.objects.selected());
            }
            Focus::Fields => self.fields.go(by),
        }
    }

    /// A key goes to what is being typed; `None` when that has ended.
    fn typed(&mut self, mut input: Input, key: KeyEvent) -> Option<Input> {
        let text = match &mut input {
            Input::Filter(text) | Input::Edit { text, .. } => text,
        };
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return None,
            KeyCode::Char('u') if with_control => text.clear(),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char(letter) if !with_control => text.push(letter),
            KeyCode::Enter => {
                if let Input::Edit { path, text } = &input {
                    self.message = Some(match self.fields.set(path, text) {
                        Ok(told) => (told, false),
                        Err(failure) => (failure.message().unwrap_or_default(), true),
                    });
                    self.fields.look(self.objects.selected());
                }
                return None;
            }
            _ => {}
        }
        if let Input::Filter(text) = &input {
            self.objects.filter(text.clone());
            self.fields.look(self.objects.selected());
        }
        Some(input)
    }
}
