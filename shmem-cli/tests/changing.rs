//! `set`, `watch`, `wait`, `who`, `diff`, `rm` and `prune`, on live objects of this process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use shmem_core::{Lifetime, Shared, Version, WriteGuard};
use tests::{Cleanup, DEADLINE, Engine, Gear, alone, eventually};

mod common;
use common::{command, json, out, refused, shmem};

#[test]
fn set_changes_several_fields_at_once() {
    let name = Cleanup::new("cli-set");
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    let args = [
        "set",
        &*name,
        "rpm",
        "-1.5",
        "gear",
        "Reverse",
        "armed",
        "off",
        "port",
        "none",
        "driver",
        "grace h",
        "load[1]",
        "0xFF",
        "pit",
        "5",
        "laps",
        "[1, 2, 3]",
    ];
    let text = out(&args);
    assert!(
        text.starts_with("rpm = -1.5  version 2\ngear = Reverse  version 2\n"),
        "{text}"
    );
    assert_eq!(engine.version(), Version(2));
    let now = engine.load().unwrap();
    assert_eq!(
        (now.rpm, now.gear, now.armed, now.port),
        (-1.5, Gear::Reverse, false, None)
    );
    assert_eq!(
        (now.driver.as_str(), now.load, now.pit.as_ref().copied()),
        ("grace h", [10, 255], Some(5))
    );
    assert_eq!(now.laps.as_slice(), [1, 2, 3]);
    let told = json(&["set", &name, "tick", "12", "pit", "none"]);
    assert_eq!(told["version"], 3);
    assert_eq!(
        told["values"],
        serde_json::json!({ "tick": 12, "pit": null })
    );

    out(&["set", &name, "laps", "[]"]);
    assert!(out(&["show", &name]).contains("\nlaps    []"));
    let hits = Cleanup::new("cli-hits");
    let number = u64::create(&*hits, 1).unwrap();
    out(&["set", &hits, "7"]);
    assert_eq!(number.load().unwrap(), 7);
}

#[test]
fn what_does_not_fit_is_refused() {
    let name = Cleanup::new("cli-refused");
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    let cases = [
        (
            4,
            vec!["tik", "1"],
            "no field `tik`; the nearest field is `tick`",
        ),
        (
            4,
            vec!["tick", "-1"],
            "out of range for `tick`: u64 is 0 to 18446744073709551615",
        ),
        (
            4,
            vec!["tick", "many"],
            "`tick` is u64, not the text \"many\"",
        ),
        (
            4,
            vec!["gear", "Fist"],
            "no variant `Fist`; the nearest variant is `First`",
        ),
        (
            4,
            vec!["tick", "1", "gear", "Fourth"],
            "no variant `Fourth`",
        ),
        (
            4,
            vec!["driver", "nine bytes"],
            "room for 8 bytes, not for 10",
        ),
        (4, vec!["laps", "[1,2,3,4]"], "room for 3 items"),
        (4, vec!["laps", "[1,"], "`laps` is FixedVec<u32, 3>"),
        (2, vec!["tick", "1", "gear"], "`gear` has no value"),
    ];
    for (code, changes, message) in cases {
        let said = refused(code, &[&["set", &*name][..], &changes].concat());
        assert!(said.contains(message), "{changes:?}: {said}");
    }
    assert_eq!(engine.version(), Version(1));
    assert_eq!(
        refused(3, &["set", &Cleanup::new("cli-none"), "1"])
            .lines()
            .count(),
        1
    );

    // A program that is writing is waited for, and not for ever.
    let mut guard = engine.write().unwrap();
    guard.tick = 100;
    let said = refused(5, &["set", &name, "tick", "1", "--timeout", "100ms"]);
    assert!(said.contains("writer lock is held"), "{said}");
    assert_eq!(out(&["get", &name, "tick"]), "7\n");
    WriteGuard::discard(guard);
    out(&["set", &name, "tick", "1"]);
}

/// A publisher that follows its configuration, as `live_state` does.
#[test]
fn setting_the_configuration_of_a_publisher() {
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    struct Config {
        step: u32,
        stop: bool,
        _pad: [u8; 3],
    }
    let (config, output) = (Cleanup::new("cli-config"), Cleanup::new("cli-published"));
    let initial = Config {
        step: 1,
        stop: false,
        _pad: [0; 3],
    };
    let settings = Config::create(&*config, initial).unwrap();
    let published = u64::create(&*output, 0).unwrap();
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            loop {
                let Config { step, stop, .. } = settings.load().unwrap();
                if stop {
                    return;
                }
                published.update(|value| *value += u64::from(step)).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        out(&["wait", &output]);
        out(&["set", &config, "step", "1000000"]);
        // The next but one at the latest.
        eventually("steps of a million", || {
            published.load().unwrap() > 1_000_000
        });
        out(&["set", &config, "stop", "true"]);
        publisher.join().unwrap();
    });
    assert_eq!(out(&["get", &config, "stop", "step"]), "true\n1000000\n");
}

/// A command that goes on, and its lines.
struct Running(Child, Receiver<String>);

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Running(child, lines)
    }

    fn line(&self) -> String {
        self.1.recv_timeout(DEADLINE).unwrap()
    }

    fn end(mut self) -> common::Ran {
        let mut status = None;
        eventually("the command ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        let stderr = std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap();
        common::Ran {
            code: status.unwrap().code().unwrap(),
            out: String::new(),
            err: stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn watch_prints_what_changes() {
    let name = Cleanup::new("cli-watch");
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    let watch = Running::start(&["watch", &name]);
    let first = watch.line();
    assert!(
        first.contains("version 1  tick=7  rpm=880.5  gear=First"),
        "{first}"
    );
    engine
        .update(|engine| (engine.tick, engine.gear) = (8, Gear::Neutral))
        .unwrap();
    let second = watch.line();
    assert!(
        second.ends_with("version 2  tick=8  gear=Neutral"),
        "{second}"
    );

    let lines = Running::start(&["watch", &name, "rpm", "--json", "--count", "2"]);
    let document = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    assert_eq!(
        document(&lines.line())["value"],
        serde_json::json!({ "rpm": 880.5 })
    );
    engine.update(|engine| engine.tick = 9).unwrap();
    assert!(watch.line().ends_with("version 3  tick=9"));
    engine.update(|engine| engine.rpm = 1.0).unwrap();
    let last = document(&lines.line());
    assert_eq!(
        (&last["version"], &last["value"]["rpm"]),
        (&4.into(), &1.0.into())
    );
    assert_eq!(lines.end().code, 0);

    shmem_core::remove(&*name).unwrap();
    let ended = watch.end();
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains("removed"), "{}", ended.err);
    assert_eq!(shmem(&["watch", &name]).code, 3);
    let again = Engine::create(&*name, Engine::sample()).unwrap();
    assert_eq!(shmem(&["watch", &name, "--timeout", "50ms"]).code, 5);
    // Follows the name.
    let follow = Running::start(&["watch", &name, "tick", "--follow"]);
    assert!(follow.line().ends_with("tick=7"));
    drop(again);
    let _next = u64::create(&*name, 3).unwrap();
    assert_eq!(follow.end().code, 4, "it has no field `tick`");
}

#[test]
fn wait_waits() {
    let name = Cleanup::new("cli-wait");
    assert_eq!(
        shmem(&["wait", &name, "--exists", "--timeout", "50ms"]).code,
        5
    );
    let exists = Running::start(&["wait", &name, "--exists", "--timeout", "30s"]);
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    assert_eq!(exists.line(), "1");
    assert_eq!(exists.end().code, 0);
    let still = format!("error: `{}` is still at version 1, after 50 ms\n", &*name);
    assert_eq!(refused(5, &["wait", &name, "--timeout", "50ms"]), still);
    let gear = ["wait", &name, "gear", "Reverse", "--timeout", "50ms"];
    let other = format!(
        "error: `{}`: gear is First and not Reverse, after 50 ms\n",
        &*name
    );
    assert_eq!(refused(5, &gear), other);
    assert_eq!(out(&["wait", &name, "--after", "0"]), "1\n");
    assert_eq!(out(&["wait", &name, "gear", "First"]), "1\n");
    let gear = Running::start(&["wait", &name, "gear", "Reverse", "--timeout", "30s"]);
    engine.update(|engine| engine.tick = 1).unwrap();
    engine.update(|engine| engine.gear = Gear::Reverse).unwrap();
    assert_eq!(gear.line(), "3");
    assert_eq!(shmem(&["wait", &name, "gear", "Fifth"]).code, 4);
}

#[test]
fn who_holds_what() {
    let name = Cleanup::new("cli-who");
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    let old = engine.read().unwrap();
    engine.store(Engine::sample()).unwrap();
    let second = Engine::open(&*name).unwrap();
    let guard = second.write().unwrap();
    let text = out(&["who", &name]);
    let lines: Vec<_> = text.lines().collect();
    let me = std::process::id().to_string();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].contains(&me) && lines[1].contains("yes"), "{text}");
    assert!(
        lines[1].contains("buffer 0 for ")
            && lines[1].ends_with("at least: 1 guard of version 1, 1 behind"),
        "{text}"
    );
    assert!(
        lines[2].contains("the write lock for ") && !lines[2].contains("yes"),
        "{text}"
    );
    let all = json(&["who", &name, "--sample", "50ms"]);
    assert_eq!(all[0]["pins"][0]["guards"], 1);
    assert_eq!(all[1]["writes"], true);
    assert!(all[1]["writes_seconds_at_least"].as_f64().unwrap() >= 0.03);
    drop((old, guard));
    assert!(
        out(&["who", &name, "--sample", "0"])
            .lines()
            .skip(1)
            .all(|line| line.ends_with("nothing"))
    );
}

#[test]
fn diff_finds_the_parts() {
    let (a, b) = (Cleanup::new("cli-a"), Cleanup::new("cli-b"));
    let first = Engine::create(&*a, Engine::sample()).unwrap();
    let _second = Engine::create(&*b, Engine::sample()).unwrap();
    assert_eq!(out(&["diff", &a, &b]), "the same types and values\n");
    first
        .update(|engine| (engine.load[1], engine.pit) = (9, shmem_core::FixedOption::some(3)))
        .unwrap();
    let ran = shmem(&["diff", &a, &b]);
    assert_eq!(ran.code, 6);
    let rows: Vec<Vec<_>> = ran
        .out
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows, [["load[1]", "9", "20"], ["pit", "3", "none"]]);
    assert_eq!(out(&["diff", "--schema", &a, &b]), "the same types\n");
    let other = Cleanup::new("cli-other");
    let _number = u64::create(&*other, 1).unwrap();
    let ran = shmem(&["diff", &a, &other]);
    assert_eq!(ran.code, 6);
    assert!(
        ran.out.contains("Engine") && ran.out.contains("u64"),
        "{}",
        ran.out
    );
}

#[test]
fn rm_and_prune() {
    alone(|alone| {
        let hits = u64::create("hits", 1).unwrap();
        assert!(refused(5, &["rm", "hits"]).contains("1 handle open"));
        assert_eq!(hits.load().unwrap(), 1);
        out(&["rm", "--force", "hits"]);
        assert!(!hits.is_current());
        drop(
            u64::options()
                .lifetime(Lifetime::Keep)
                .create("kept", 1)
                .unwrap(),
        );
        assert_eq!(
            json(&["rm", "kept"]),
            serde_json::json!({ "removed": ["kept"] })
        );
        assert_eq!(shmem(&["rm", "kept"]).code, 3);
        assert_eq!(out(&["prune"]), "nothing was left\n");
        // What a killed program leaves.
        let live = u64::create("left", 1).unwrap();
        let bytes = std::fs::read(alone.home().join("left")).unwrap();
        drop(live);
        std::fs::write(alone.home().join("left"), bytes).unwrap();
        assert_eq!(out(&["prune"]), "removed 1 leftover\n");
        assert!(!alone.home().join("left").exists());
    });
}
