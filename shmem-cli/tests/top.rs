//! `top` in a real terminal, by tmux: what is on the screen, and what keys do.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shmem_core::Shared;
use tests::{Cleanup, Engine, TempDir, eventually};

mod common;
use common::{json, refused};

/// A terminal of its own, gone at the end with its socket, which tmux would leave in `/tmp`.
struct Terminal(TempDir);

impl Terminal {
    /// `None` without tmux.
    fn start(width: u32, height: u32, args: &[&str]) -> Option<Self> {
        let terminal = Terminal(TempDir::new("top"));
        let (width, height) = (width.to_string(), height.to_string());
        let shmem = env!("CARGO_BIN_EXE_shmem");
        let mut words = vec![
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            shmem,
        ];
        words.extend(args);
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("not run: no tmux");
            return None;
        }
        terminal.tmux(&words);
        Some(terminal)
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("socket")
    }

    fn tmux(&self, args: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.socket()).args(args);
        command.env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let mut screen = String::new();
        eventually(&format!("`{text}` on the screen"), || {
            screen = self.screen();
            screen.contains(text)
        });
    }

    fn has_ended(&self) -> bool {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.socket()).arg("list-sessions");
        !command.output().unwrap().status.success()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(
            Command::new("tmux")
                .arg("-S")
                .arg(self.socket())
                .arg("kill-server")
                .output(),
        );
    }
}

#[test]
fn the_screen_shows_and_edits_live_objects() {
    let (name, other) = (Cleanup::new("cli-top-a"), Cleanup::new("cli-top-b"));
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    let hits = u64::create(&*other, 1).unwrap();
    let Some(terminal) = Terminal::start(80, 24, &["top", "cli-top", "--every", "100ms", "--name"])
    else {
        return;
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Whatever fails below ends the publisher.
        let _stop = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                hits.update(|hits| *hits += 1).unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        terminal.shows(&name);
        terminal.shows("2 objects");
        terminal.shows("rpm     880.5");
        terminal.shows("gear    First");
        // The rate of the other, with its picture.
        eventually("a picture of the rate", || {
            let screen = terminal.screen();
            let row = screen
                .lines()
                .find(|line| line.contains(&*other))
                .unwrap_or_default()
                .to_owned();
            row.contains("/s") && row.contains(['▅', '▆', '▇', '█'])
        });
        let screen = terminal.screen();
        assert!(
            screen.lines().all(|line| line.chars().count() <= 80),
            "{screen}"
        );
        assert!(screen.lines().any(|line| line.starts_with('└')), "{screen}");

        // What others publish shows.
        engine.update(|engine| engine.rpm = 1234.5).unwrap();
        terminal.shows("rpm     1234.5");

        // A field is edited in place.
        terminal.keys(&["Tab", "Down", "Down"]);
        terminal.keys(&["Enter"]);
        terminal.shows("gear = First");
        terminal.keys(&["C-u", "Rev", "Enter"]);
        terminal.shows("no variant `Rev`; the nearest");
        assert_eq!(
            engine.load().unwrap(),
            Engine {
                rpm: 1234.5,
                ..Engine::sample()
            }
        );
        terminal.keys(&["Enter"]);
        terminal.shows("gear = First");
        terminal.keys(&["C-u", "Reverse", "Enter"]);
        terminal.shows("gear = Reverse, version 3");
        assert_eq!(engine.load().unwrap().gear, tests::Gear::Reverse);
        // It was open for that only.
        assert_eq!(engine.info().handles, Some(1));

        // The other object, by the arrow, and filtered away.
        terminal.keys(&["Tab", "Down"]);
        terminal.shows(&format!("{}: u64", &*other));
        terminal.keys(&["/", "-a-"]);
        terminal.shows("1 objects");
        terminal.keys(&["Enter"]);
        terminal.tmux(&["resize-window", "-x", "160", "-y", "40"]);
        terminal.shows("VERSION");
        terminal.keys(&["q"]);
        eventually("it ends", || terminal.has_ended());
    });
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn without_a_terminal() {
    assert!(refused(2, &["top"]).contains("needs a terminal"));
    let name = Cleanup::new("cli-top-json");
    let _hits = u64::create(&*name, 1).unwrap();
    assert_eq!(json(&["top", &name])[0]["name"], *name);
}
