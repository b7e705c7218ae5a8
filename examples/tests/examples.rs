//! Runs each program as a stranger would, and reads what it prints.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LIVE_STATE: &str = env!("CARGO_BIN_EXE_live_state");
const TWO_APPS: &str = env!("CARGO_BIN_EXE_two_apps");
const SETTINGS: &str = env!("CARGO_BIN_EXE_settings");
const RECOVER: &str = env!("CARGO_BIN_EXE_recover");

/// Much longer than any of the programs takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A parent for named objects of this test alone, so that what is left in it was left by its programs.
struct Isolated(PathBuf);

impl Isolated {
    fn new(test: &str) -> Isolated {
        let dir = PathBuf::from(format!("/dev/shm/examples-{test}-{}", process::id()));
        fs::create_dir(&dir).unwrap();
        Isolated(dir)
    }

    fn start(&self, program: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new(program);
        command.args(arguments).env("SHMEM_DIR", &self.0);
        Running(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    fn run(&self, program: &str) -> String {
        self.start(program, &[]).output()
    }

    /// Every file but hidden ones, which are the directory's own: more than `list` shows, as it leaves out
    /// what nobody has open.
    fn assert_nothing_left(&self) {
        let users = entries(&self.0);
        assert_eq!(users.len(), 1, "the programs did not use {:?}", self.0);
        let mut left = entries(&users[0]);
        left.retain(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
        assert_eq!(left, [] as [PathBuf; 0]);
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A program, and not for longer than the test.
struct Running(Child);

impl Running {
    fn output(mut self) -> String {
        let mut stdout = self.0.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "still running after {DEADLINE:?}"
            );
            thread::sleep(Duration::from_millis(10));
        };
        // Ends only when all processes that the program started have ended, too.
        while !reader.is_finished() {
            assert!(Instant::now() < deadline, "it left a process behind");
            thread::sleep(Duration::from_millis(10));
        }
        let text = reader.join().unwrap();
        assert!(status.success(), "{status}: {text}");
        println!("{text}");
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The number that follows `label`.
fn number(text: &str, label: &str) -> f64 {
    let (_, rest) = text
        .split_once(label)
        .unwrap_or_else(|| panic!("no `{label}` in {text}"));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let digits = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number after `{label}` in {text}"))
}

/// The line that contains `label`.
fn line<'a>(text: &'a str, label: &str) -> &'a str {
    let found = text.lines().find(|line| line.contains(label));
    found.unwrap_or_else(|| panic!("no `{label}` in {text}"))
}

fn check_live_state(text: &str) {
    let (_, summary) = text.split_once("\nsummary\n").unwrap();
    let published = number(summary, "published: ");
    // Undisturbed it is 67 in six seconds.
    assert!((15.0..200.0).contains(&published), "{published}");
    assert!(summary.contains("versions by 3 publishers"));
    let mut total = 0.0;
    for reader in ["reader 1: ", "reader 2: ", "reader 3: "] {
        let line = line(summary, reader);
        let reads = number(line, "read ");
        total += reads;
        // The one that was killed half-way saw half of it. What is published is by the word of reader 1, and
        // reader 2 may have stopped one version later.
        let most = if reader == "reader 3: " {
            published * 0.9
        } else {
            published + 1.0
        };
        assert!((published * 0.2..=most).contains(&reads), "{line}");
        let median = number(line, "woken after ");
        let longest = number(line, "(median), ");
        assert!(
            median > 0.0 && median <= longest && median < 50_000.0,
            "{line}"
        );
    }
    assert_eq!(number(summary, "\n  read: "), total);
    assert!(summary.contains("versions, 0 half-written"));
    assert_eq!(number(summary, "config: "), 3.0);
    let followed = number(summary, "followed after ");
    assert!(followed > 0.0 && followed < 2e6, "{followed}");
    assert!(summary.contains("SIGKILL: 2 publishers, 1 reader\n"));
    for recovery in ["continued: ", "replaced: "] {
        let millis = number(summary, recovery);
        assert!(millis > 0.0 && millis < 2_000.0, "{recovery}{millis}");
    }
    assert_eq!(number(summary, "(reopened: "), 1.0);
    // The dead reader is told from the living by the age of its report.
    assert!(line(text, "silent for").trim_start().starts_with('3'));
}

#[test]
fn live_state_twice_at_once() {
    let isolated = Isolated::new("live_state");
    let both = [(); 2].map(|()| isolated.start(LIVE_STATE, &[]));
    for running in both {
        check_live_state(&running.output());
    }
    isolated.assert_nothing_left();
}

#[test]
fn two_apps_exchange_all_messages() {
    let isolated = Isolated::new("two_apps");
    check_two_apps(&isolated.run(TWO_APPS));
    isolated.assert_nothing_left();
}

#[test]
fn two_apps_by_hand() {
    let isolated = Isolated::new("by_hand");
    let b = isolated.start(TWO_APPS, &["--b"]);
    let a = isolated.start(TWO_APPS, &["--a"]);
    check_two_apps(&(a.output() + &b.output()));
    isolated.assert_nothing_left();
}

fn check_two_apps(text: &str) {
    for (receiver, sender) in [("a", "b"), ("b", "a")] {
        let prefix = format!("{receiver} received: message ");
        let received: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix))
            .collect();
        let process = number(received[0], "process ");
        let sent = [1, 2, 3, 4, 5].map(|n| format!("{n} of {sender}, process {process}"));
        assert_eq!(received, sent);
    }
    assert_eq!(text.lines().count(), 10);
    assert_ne!(
        number(text, "of a, process "),
        number(text, "of b, process ")
    );
}

#[test]
fn settings_reach_every_reader() {
    let isolated = Isolated::new("settings");
    let text = isolated.run(SETTINGS);
    for reader in 1..=4 {
        let line = line(&text, &format!("reader {reader}: "));
        assert!(number(line, ": ") > 0.01, "{line}");
        assert!((1.0..=20.0).contains(&number(line, "loads/s, ")), "{line}");
        let median = number(line, "seen after ");
        let longest = number(line, "(median), ");
        assert!(median > 0.0 && median <= longest && longest < 1e6, "{line}");
    }
    isolated.assert_nothing_left();
}

#[test]
fn recover_rolls_back_and_frees() {
    let isolated = Isolated::new("recover");
    let text = isolated.run(RECOVER);
    let published = "Accounts { alice: 600, bob: 400 }";
    for who in [
        "before",
        "a reader sees",
        "the next writer",
        "the one after it",
    ] {
        assert!(line(&text, who).ends_with(published), "{text}");
    }
    let recovered: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("recovered:"))
        .collect();
    assert_eq!(recovered.len(), 2);
    assert!(recovered[0].contains("recovered: true,"), "{text}");
    assert!(recovered[1].contains("recovered: false,"), "{text}");
    // The refused writer is told who is in the way.
    let reader = number(line(&text, "holds a guard"), "reader ");
    assert_eq!(number(line(&text, "a writer is told"), "(process "), reader);
    assert!(line(&text, "after   ").ends_with("Accounts { alice: 499, bob: 501 }"));
    isolated.assert_nothing_left();
}
