//! Runs each program as a stranger would, and reads what it prints.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LIVE_STATE: &str = env!("CARGO_BIN_EXE_live_state");
const TWO_APPS: &str = env!("CARGO_BIN_EXE_two_apps");
const SETTINGS_FILE: &str = env!("CARGO_BIN_EXE_settings_file");
const RECOVER: &str = env!("CARGO_BIN_EXE_recover");
const ROLLING_UPGRADE: &str = env!("CARGO_BIN_EXE_rolling_upgrade");
const TABLE: &str = env!("CARGO_BIN_EXE_table");

/// Much longer than any of the programs takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A place for named objects and temporary files of this test alone, so that what is left in it was left by its
/// programs.
struct Isolated(PathBuf);

impl Isolated {
    fn new(test: &str) -> Isolated {
        let dir = PathBuf::from(format!("/dev/shm/examples-{test}-{}", process::id()));
        fs::create_dir(&dir).unwrap();
        Isolated(dir)
    }

    fn start(&self, program: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new(program);
        command.args(arguments);
        command.env("SHMEM_DIR", &self.0).env("TMPDIR", &self.0);
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

/// The number that follows `label`, and spaces.
fn number(text: &str, label: &str) -> f64 {
    let (_, rest) = text
        .split_once(label)
        .unwrap_or_else(|| panic!("no `{label}` in {text}"));
    let rest = rest.trim_start();
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
fn settings_survive_their_editor_and_their_machine() {
    let isolated = Isolated::new("settings_file");
    let text = isolated.run(SETTINGS_FILE);
    let lines = |label: &str| -> Vec<&str> {
        let lines = text.lines().map(str::trim_start);
        lines.filter_map(|line| line.strip_prefix(label)).collect()
    };
    let mut seen = lines("follower  ");
    seen.sort_unstable();
    let expected = [
        "v2 (rate 100, burst 200), ",
        "v3 (rate 200, burst 400), ",
        "v4 (rate 400, burst 800), ",
    ];
    let expected = expected.iter().flat_map(|version| [version; 2]);
    assert_eq!(seen.len(), 6, "{text}");
    for (line, version) in seen.into_iter().zip(expected) {
        let micros = number(line, version);
        assert!(micros > 0.0 && micros < 2e6, "{line}");
    }
    // The last two go on from the same version, in two files: what the third edit had begun is in neither.
    let edits = [
        "v1 (rate 0, burst 0) -> v2 (rate 100, burst 200), flushed; recovered: false",
        "v2 (rate 100, burst 200) -> v3 (rate 200, burst 400), flushed; recovered: false",
        "v3 (rate 200, burst 400) -> v4 (rate 400, burst 800), flushed; recovered: true",
        "v3 (rate 200, burst 400) -> v4 (rate 300, burst 600), flushed; recovered: true",
    ];
    assert_eq!(lines("editor    "), edits);
    isolated.assert_nothing_left();
}

#[test]
fn settings_edited_by_hand() {
    let isolated = Isolated::new("edited_by_hand");
    let path = isolated.0.join("settings");
    let path = path.to_str().unwrap();
    let first = isolated.start(SETTINGS_FILE, &["edit", path, "7"]).output();
    assert!(first.contains("-> v2 (rate 7, burst 14)"), "{first}");
    // Nobody had it open in between.
    let second = isolated.start(SETTINGS_FILE, &["edit", path, "8"]).output();
    let expected = "v2 (rate 7, burst 14) -> v3 (rate 8, burst 16), flushed; recovered: false";
    assert!(second.contains(expected), "{second}");
}

#[test]
fn services_are_upgraded_in_both_orders() {
    let isolated = Isolated::new("rolling_upgrade");
    let text = isolated.run(ROLLING_UPGRADE);
    let (front_first, back_first) = text.split_once("back-first\n").unwrap();
    for (act, between) in [
        (front_first, "front v2, back v1:"),
        (back_first, "front v1, back v2:"),
    ] {
        let mut before = [0.0; 2];
        let stages = ["front v1, back v1:", between, "front v2, back v2:"];
        for (stage, name) in stages.into_iter().enumerate() {
            let line = line(act, name);
            // Neither program ever loses what the other has counted.
            let served = [number(line, "served "), number(line, " and ")];
            for (now, before) in served.iter().zip(before) {
                assert!(*now >= before + 100.0, "{act}");
            }
            before = served;
            // What the new one has written stays while the old one writes whole values.
            let new = [number(line, "limit "), number(line, "slowest ")];
            assert_eq!(new[0], [0.0, 500.0, 500.0][stage], "{act}");
            assert_eq!(new[1] >= 1000.0, stage > 0, "{act}");
        }
    }
    isolated.assert_nothing_left();
}

#[test]
fn halves_of_a_table_add_up() {
    let isolated = Isolated::new("table");
    let text = isolated.run(TABLE);
    assert!(text.starts_with("1000000 rows made in "), "{text}");
    let writer = line(&text, "writer: ");
    let changed = number(writer, "writer: ");
    let moves = number(writer, "changed, ");
    assert!(
        moves >= 10.0 && moves == (changed / 100.0).floor(),
        "{writer}"
    );
    let mut seen = 0.0;
    for half in ["rows 0..500000 ", "rows 500000..1000000 "] {
        let line = line(&text, half);
        assert!(number(line, "seen ") >= 5.0, "{line}");
        assert_eq!(number(line, "times, "), 0.0, "{line}");
        // The first version, and one for each change and each move.
        assert_eq!(number(line, " in v"), 1.0 + changed + moves, "{line}");
        seen += number(line, "they have ");
    }
    assert_eq!(seen, changed);
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
