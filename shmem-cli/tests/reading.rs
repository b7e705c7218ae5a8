//! `ls`, `show`, `get` and `schema`, on live objects of this process.

use std::io::Read as _;
use std::process::Stdio;

use shmem_core::{FixedStr, Lifetime, Shared};
use tests::{Cleanup, Engine, TempDir, alone};

mod common;
use common::{command, json, out, refused, shmem};

#[test]
fn ls_shows_what_there_is() {
    alone(|_| {
        assert_eq!(shmem(&["ls"]).err, "no objects\n");
        let engine = Engine::create("engine/1", Engine::sample()).unwrap();
        let _hits = u64::create("hits", 5).unwrap();
        drop(
            u32::options()
                .lifetime(Lifetime::Keep)
                .create("kept", 5)
                .unwrap(),
        );
        engine.store(Engine::sample()).unwrap();
        let text = out(&["ls", "--sample", "0"]);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            rows[0],
            [
                "NAME",
                "TYPE",
                "SIZE",
                "VERSION",
                "RATE",
                "HANDLES",
                "AGE",
                "PUBLISHER",
                "LIFETIME",
                "OWNER"
            ]
        );
        assert_eq!(
            rows[1][..7],
            ["engine/1", "Engine", "64", "B", "2", "-", "1"]
        );
        assert_eq!(rows[2][..7], ["hits", "u64", "8", "B", "1", "-", "1"]);
        assert_eq!(rows[3][..7], ["kept", "u32", "4", "B", "1", "-", "0"]);
        assert!(!text.contains('\u{1b}'), "colours in a pipe: {text}");
        assert!(out(&["ls", "--color", "always"]).contains('\u{1b}'));
        assert_eq!(out(&["ls", "ngin"]).lines().count(), 2);

        let all = json(&["ls", "engine"]);
        assert_eq!(all[0]["name"], "engine/1");
        assert_eq!(all[0]["publisher_alive"], true);
        assert_eq!(all[0]["updates_per_second"], 0.0);
        // Something is published while it looks.
        let publisher = std::thread::spawn(move || {
            for _ in 0..200 {
                engine.update(|engine| engine.tick += 1).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let rate = json(&["ls", "engine"])[0]["updates_per_second"]
            .as_f64()
            .unwrap();
        assert!(rate > 1.0 && rate < 210.0, "{rate}");
        publisher.join().unwrap();
        // Its publisher is gone; so is the object.
        assert_eq!(json(&["ls", "engine"]), serde_json::json!([]));
    });
}

#[test]
fn show_prints_fields_with_their_names() {
    let name = Cleanup::new("cli-show");
    let _engine = Engine::create(&*name, Engine::sample()).unwrap();
    let text = out(&["show", &name]);
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    assert!(
        head.starts_with(&format!("{}  Engine  64 B  version 1  1 handle  ", &*name)),
        "{head}"
    );
    let body: Vec<_> = lines.collect();
    assert_eq!(
        body,
        [
            "tick    7         u64",
            "rpm     880.5     f32",
            "gear    First     Gear",
            "armed   true      bool",
            "port    8080      Option<NonZeroU16>",
            "driver  \"ada\"     FixedStr<8>",
            "load    [10, 20]  [u16; 2]",
            "pit     none      FixedOption<u32>",
            "laps    [61, 59]  FixedVec<u32, 3>",
        ]
    );
    let part = out(&["show", &name, "laps[1..2]"]);
    assert_eq!(part.lines().nth(1).unwrap(), "[1]  59  u32");
    assert_eq!(
        json(&["show", &name])["value"],
        serde_json::json!({
            "tick": 7, "rpm": 880.5, "gear": "First", "armed": true, "port": 8080, "driver": "ada",
            "load": [10, 20], "pit": null, "laps": [61, 59],
        })
    );
}

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Wheel {
    turns: u64,
    pressure: f64,
}

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Car {
    wheels: [Wheel; 20],
    spare: Wheel,
    note: FixedStr<20>,
    _pad: [u8; 8],
}

#[test]
fn long_arrays_and_structs_in_structs() {
    let name = Cleanup::new("cli-nested");
    let wheel = Wheel {
        turns: 1,
        pressure: 2.5,
    };
    let car = Car {
        wheels: [wheel; 20],
        spare: wheel,
        note: FixedStr::literal("\u{1b}[2J\nred"),
        _pad: [0; 8],
    };
    let _car = Car::create(&*name, car).unwrap();
    let text = out(&["show", &name]);
    assert!(text.contains("\n  [7]       "), "{text}");
    assert!(!text.contains("[8]") && text.contains("12 more"), "{text}");
    assert!(
        text.contains("\nspare ") && text.contains("\n  turns "),
        "{text}"
    );
    assert!(text.contains(r#""\u{1b}[2J\nred""#), "escaped: {text}");
    assert!(!text.contains("_pad"), "{text}");
    assert!(out(&["show", &name, "--all"]).contains("[19]"));
    assert_eq!(out(&["get", &name, "wheels[19].pressure"]), "2.5\n");
    // As it is for programs.
    assert_eq!(out(&["get", &name, "note"]), "\u{1b}[2J\nred\n");
    assert_eq!(
        out(&["get", &name, "spare.turns", "spare"]),
        "1\n{ turns: 1, pressure: 2.5 }\n"
    );
    let both = json(&["get", &name, "spare.turns", "wheels[0].pressure"]);
    assert_eq!(
        both,
        serde_json::json!({"spare.turns": 1, "wheels[0].pressure": 2.5})
    );

    let array = Cleanup::new("cli-array");
    let items = Wheel::create_array(&*array, 1000, wheel).unwrap();
    items.store_at(999, Wheel { turns: 9, ..wheel }).unwrap();
    assert!(out(&["show", &array]).contains("992 more"));
    assert_eq!(out(&["get", &array, "[999].turns"]), "9\n");
    assert!(out(&["show", &array, "[998..1000]"]).contains("\n[999] "));
    assert!(refused(4, &["get", &array, "[1000]"]).contains("1000 items"));
}

#[test]
fn what_is_not_there() {
    let name = Cleanup::new("cli-absent");
    for args in [
        ["show", &name],
        ["get", &name],
        ["schema", &name],
        ["who", &name],
        ["dump", &name],
    ] {
        let message = refused(3, &args);
        assert_eq!(
            message,
            format!(
                "error: `{}` does not exist; `shmem ls` lists what does\n",
                &*name
            )
        );
    }
    let _engine = Engine::create(&*name, Engine::sample()).unwrap();
    let expected = format!(
        "error: `{}`: `Engine` has no field `rpn`; the nearest field is `rpm`\n",
        &*name
    );
    for args in [
        &["get", &*name, "rpn"][..],
        &["get", &name, "rpm", "rpn"],
        &["show", &name, "rpn"],
        &["watch", &name, "rpn"],
        &["wait", &name, "rpn", "1"],
        &["set", &name, "rpn", "1"],
    ] {
        assert_eq!(refused(4, args), expected, "{args:?}");
    }
    assert_eq!(shmem(&["show"]).code, 2);
    assert_eq!(shmem(&["frobnicate"]).code, 2);
    assert!(out(&["--help"]).contains("Exit codes:"));
    assert!(out(&["help", "set"]).contains("Examples:"));
    assert!(out(&["completions", "bash"]).contains("_shmem"));
}

/// A path is a file, a name is a name, and what looks like both is what is there.
#[test]
fn names_and_files() {
    let directory = TempDir::new("cli-files");
    let path = directory.path().join("state.shm");
    let _object = u64::create(&path, 3).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(out(&["get", path]), "3\n");
    let inside = |args: &[&str]| {
        command(args)
            .current_dir(directory.path())
            .output()
            .unwrap()
    };
    assert_eq!(inside(&["get", "./state.shm"]).stdout, b"3\n");
    assert_eq!(inside(&["get", "--file", "state.shm"]).stdout, b"3\n");
    assert_eq!(inside(&["get", "state.shm"]).status.code(), Some(3));
    assert_eq!(shmem(&["get", "--name", path]).code, 3);
    assert!(out(&["ls", path]).contains("keep"));
    let me = rustix_user();
    let name = Cleanup::new("cli-mine");
    let _named = u64::create(&*name, 4).unwrap();
    assert_eq!(out(&["get", "--user", &me, &name]), "4\n");
    assert!(refused(2, &["get", "--user", "nobody of this name", &name]).contains("no user"));
}

fn rustix_user() -> String {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid().to_string()
}

#[test]
fn a_pipe_that_is_closed_is_no_failure() {
    let name = Cleanup::new("cli-pipe");
    let _array = <[u64; 4]>::create_array(&*name, 100_000, [0; 4]).unwrap();
    let mut child = command(&["show", "--json", &name])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}
