//! A short run of `torture`; and that it notices what it is there for.

use std::process::{Command, Output};

use serde_json::Value;

/// Runs it, and says whether it was content, what it counted, and what it said.
fn torture(args: &[&str]) -> (bool, Value, String) {
    let mut command = Command::new("timeout");
    let command = command.args([
        "--kill-after=1",
        "120",
        env!("CARGO_BIN_EXE_torture"),
        "--json",
    ]);
    let Output {
        status,
        stdout,
        stderr,
    } = command.args(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    let counts = serde_json::from_slice(&stdout);
    let counts = counts.unwrap_or_else(|error| panic!("{status}, {error}: {stderr}"));
    assert!(matches!(status.code(), Some(0 | 1)), "{status}: {stderr}");
    (status.success(), counts, stderr)
}

#[test]
fn nothing_is_torn_lost_hung_or_left() {
    let (content, counts, said) = torture(&["--seconds", "10", "--seed", "20260"]);
    println!("{counts}");
    assert!(content, "{said}");
    for what in ["torn", "lost", "hung", "left", "other"] {
        assert_eq!(counts[what], 0, "{what}");
    }
    for what in ["rounds", "kills", "commits", "reads", "forks", "take_overs"] {
        assert!(counts[what].as_u64().unwrap() > 0, "{what}");
    }
}

/// Values that are changed in place, arrays, and files, for some seconds each.
#[test]
fn nothing_is_torn_lost_hung_or_left_in_place() {
    for (kind, file) in [
        ("in-place", "no"),
        ("array", "no"),
        ("array", "yes"),
        ("copies", "yes"),
    ] {
        let args = [
            "--seconds",
            "5",
            "--seed",
            "20261",
            "--kind",
            kind,
            "--file",
            file,
        ];
        let (content, counts, said) = torture(&args);
        println!("{kind}, {file}: {counts}");
        assert!(content, "{kind}: {said}");
        for what in ["kills", "commits", "reads"] {
            assert!(counts[what].as_u64().unwrap() > 0, "{what} of {kind}");
        }
        let some = |what: &str| counts[what].as_u64().unwrap() > 0;
        assert_eq!(some("items"), kind == "array", "{counts}");
        assert_eq!(some("flushes"), file == "yes", "{counts}");
        assert_eq!(some("poisoned"), kind != "copies", "{counts}");
    }
}

/// With one fault made on purpose it says which kind of thing went wrong, and how to repeat it.
#[test]
fn each_fault_is_noticed() {
    let few = "--seconds 2 --seed 5 --writers 3 --readers 4 --buffers 8";
    let few: Vec<_> = few.split(' ').collect();
    for (fault, found) in [
        ("in-place", "torn"),
        ("lose", "lost"),
        ("unsaid", "lost"),
        ("hold", "hung"),
        ("pin", "left"),
        ("descriptor", "left"),
        ("file", "left"),
        ("item", "torn"),
        ("lose-item", "lost"),
    ] {
        let mut args = vec!["--teeth", fault];
        if fault == "hold" {
            args.push("--strict");
        }
        let (content, counts, said) = torture(&[&few[..], &args].concat());
        println!("{fault}: {}", said.lines().next().unwrap_or(""));
        assert!(!content, "{fault} went unnoticed");
        assert!(counts[found].as_u64().unwrap() > 0, "{fault}: {said}");
        assert!(said.contains("--seed 5 --round 1"), "{fault}: {said}");
    }
}
