//! A short form of `stepkill --all`, and the proof that it notices what it looks for.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::process::{Command, Output};

use serde_json::Value;

/// Runs it for five minutes at most; it takes half a minute where nothing else runs.
fn stepkill(args: &[&str]) -> Output {
    Command::new("timeout")
        .args(["--kill-after=1", "300", env!("CARGO_BIN_EXE_stepkill")])
        .args(args)
        .output()
        .unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// The figures of each operation.
fn figures(output: &Output) -> Vec<Value> {
    let lines = text(&output.stdout);
    let objects = lines.lines().filter(|line| line.starts_with('{'));
    objects
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_operation_survives_a_sample_of_kills() {
    let output = stepkill(&["--all", "--sample", "24", "--quick", "--json"]);
    let stdout = text(&output.stdout);
    assert!(
        output.status.success(),
        "{stdout}\n{}",
        text(&output.stderr)
    );
    let all = figures(&output);
    let listed = stepkill(&["--list"]);
    assert_eq!(all.len(), text(&listed.stdout).lines().count());
    for one in &all {
        let kills = one["kills"].as_u64().unwrap();
        assert_eq!(one["violations"], 0, "{one}");
        assert!(kills >= 8, "{one}");
        let found = ["rolled_back", "committed", "free", "poisoned"];
        let found = found.map(|name| one[name].as_u64().unwrap());
        assert_eq!(found.iter().sum::<u64>(), kills, "{one}");
    }
    let of = |name: &str| {
        let found = all.iter().find(|one| one["operation"] == name);
        found.unwrap_or_else(|| panic!("{name} was not run"))
    };
    let write = of("write_commit");
    for outcome in ["rolled_back", "committed", "taken_over"] {
        assert!(write[outcome].as_u64() > Some(0), "{outcome}: {write}");
    }
    for (name, outcomes) in [
        ("create", ["free", "committed"]),
        ("remove", ["free", "rolled_back"]),
        ("close_last", ["free", "rolled_back"]),
        ("take_over", ["rolled_back", "taken_over"]),
        ("in_place_commit", ["poisoned", "taken_over"]),
        ("in_place_repair", ["poisoned", "committed"]),
        ("array_commit", ["poisoned", "committed"]),
        ("store_at", ["rolled_back", "committed"]),
        ("count", ["rolled_back", "committed"]),
        ("file_create", ["free", "committed"]),
        ("file_commit", ["rolled_back", "committed"]),
    ] {
        for outcome in outcomes {
            assert!(of(name)[outcome].as_u64() > Some(0), "{outcome} of {name}");
        }
    }
    // What changes one item never leaves the array half-changed.
    for name in [
        "store_at",
        "update_at",
        "item_again",
        "other_item_again",
        "read_after_item",
        "load_after_item",
        "file_item_again",
    ] {
        assert_eq!(of(name)["poisoned"], 0, "{name}");
    }
    println!("{stdout}");
}

/// What breaks the protocol is noticed: a value written in place is torn, an object that has its name before
/// its bytes is found half-made, an item is torn that is written without a record or before the record is complete,
/// and a value is torn that is said to be half-written too late.
#[test]
fn what_breaks_the_protocol_is_noticed() {
    for (operation, what) in [
        ("broken_write", "torn"),
        ("broken_create", "is not a shared object"),
        ("broken_item", "torn"),
        ("broken_record", "torn"),
        ("broken_in_place", "torn"),
    ] {
        let output = stepkill(&["--op", operation, "--sample", "24", "--quick", "--json"]);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{stdout}");
        assert!(stdout.contains(what), "{stdout}");
        assert!(
            figures(&output)[0]["violations"].as_u64() > Some(0),
            "{stdout}"
        );
    }
}
