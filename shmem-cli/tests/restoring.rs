//! `dump` and `restore`: into objects that are there, and into ones that are created for it.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value as Json, json as document};
use shmem_core::{Lifetime, Shared, StoredSchema};
use tests::{Cleanup, Engine, Gear, TempDir, alone};

mod common;
use common::{command, json, out, ran, refused, shmem};

#[test]
fn a_dump_comes_back() {
    let (name, other) = (Cleanup::new("cli-dump"), Cleanup::new("cli-restored"));
    let directory = TempDir::new("cli-dump");
    let engine = Engine::create(&*name, Engine::sample()).unwrap();
    engine.update(|engine| engine.rpm = f32::INFINITY).unwrap();
    let dump = out(&["dump", &name]);
    let path = directory.path().join("dump.json");
    std::fs::write(&path, &dump).unwrap();
    let zero = Engine {
        tick: 0,
        gear: Gear::Neutral,
        laps: shmem_core::FixedVec::new(),
        ..Engine::sample()
    };
    let restored = Engine::create(&*other, zero).unwrap();
    out(&["restore", &other, path.to_str().unwrap()]);
    assert_eq!(restored.load().unwrap(), engine.load().unwrap());
    // Through a pipe.
    restored.store(zero).unwrap();
    let mut child = command(&["restore", &other])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(dump.as_bytes())
        .unwrap();
    assert_eq!(ran(&child.wait_with_output().unwrap()).code, 0);
    assert_eq!(restored.load().unwrap(), engine.load().unwrap());

    let number = Cleanup::new("cli-number");
    let kept = u64::create(&*number, 1).unwrap();
    assert!(refused(1, &["restore", &number, path.to_str().unwrap()]).contains("another layout"));
    assert_eq!(
        shmem(&["restore", "--force", &number, path.to_str().unwrap()]).code,
        4
    );
    std::fs::write(&path, "{").unwrap();
    assert_eq!(shmem(&["restore", &number, path.to_str().unwrap()]).code, 1);
    assert_eq!(kept.load().unwrap(), 1);
}

/// A type that is aligned to more than its numbers are.
#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(256))]
struct Page {
    bytes: [[u64; 16]; 2],
}

mod old {
    #[derive(shmem_core::Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub(crate) struct Health {
        pub(crate) beats: u64,
        pub(crate) failed: u32,
        pub(crate) _pad: [u8; 4],
    }
}

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[shared(reserve = 64)]
struct Health {
    beats: u64,
    failed: u32,
    limit: u32,
    load: f64,
}

/// `dump`, `rm`, `restore`; the program that had it then opens what it had.
fn come_and_go(object: &str, directory: &Path) -> Json {
    let dump = out(&["dump", object]);
    let path = directory.join("dump.json");
    std::fs::write(&path, &dump).unwrap();
    out(&["rm", object]);
    assert_eq!(shmem(&["show", object]).code, 3);
    let restored = json(&["restore", object, path.to_str().unwrap()]);
    assert_eq!(
        restored,
        document!({ "object": object, "version": 1, "created": true })
    );
    // Once more, into what is there now.
    let restored = json(&["restore", object, path.to_str().unwrap()]);
    assert_eq!(restored["created"], false);
    serde_json::from_str(&dump).unwrap()
}

#[test]
fn what_is_kept_comes_back_after_it_was_removed() {
    alone(|alone| {
        let directory = TempDir::new("cli-removed");
        let directory = directory.path();
        let file = directory.join("engine.shm");
        let engine = Engine::sample();
        let made = Engine::options().mode(0o644).buffers(5).max_handles(7);
        drop(made.create(file.as_path(), engine).unwrap());
        come_and_go(file.to_str().unwrap(), directory);
        let opened = Engine::open(file.as_path()).unwrap();
        assert_eq!(opened.load().unwrap(), engine);
        let info = opened.info();
        assert_eq!((info.mode & 0o777, info.buffers), (0o644, 5));
        assert_eq!((info.max_handles, info.lifetime), (7, Lifetime::Keep));
        assert_eq!(info.fingerprint, Engine::FINGERPRINT);
        // Not as a name.
        assert!(std::fs::read_dir(alone.home()).map_or(true, |mut names| names.next().is_none()));

        let keep = Lifetime::Keep;
        drop(u32::options().lifetime(keep).create("hits", 7).unwrap());
        come_and_go("hits", directory);
        assert_eq!(u32::open("hits").unwrap().load().unwrap(), 7);

        let page = Page {
            bytes: [[1; 16], [2; 16]],
        };
        drop(Page::options().lifetime(keep).create("page", page).unwrap());
        come_and_go("page", directory);
        assert_eq!(Page::open("page").unwrap().load().unwrap(), page);

        let levels = u16::options().lifetime(keep);
        drop(levels.create_array("levels", 5, 3).unwrap());
        come_and_go("levels", directory);
        let levels = u16::open_array("levels").unwrap();
        assert_eq!(*levels.read().unwrap(), [3; 5]);

        // With the fields of all programs; old and new ones go on.
        let first = old::Health {
            beats: 1,
            failed: 2,
            _pad: [0; 4],
        };
        let made = old::Health::options().lifetime(keep);
        drop(made.create("health", first).unwrap());
        let health = Health {
            beats: 1,
            failed: 2,
            limit: 3,
            load: 0.5,
        };
        let new = Health::open("health").unwrap();
        new.store(health).unwrap();
        drop(new);
        let dump = come_and_go("health", directory);
        assert_eq!(dump["create"]["reserve"], 64);
        assert_eq!(Health::open("health").unwrap().load().unwrap(), health);
        let old = old::Health::open("health").unwrap();
        old.update(|health| health.beats += 1).unwrap();
        let new = Health::open("health").unwrap().load().unwrap();
        assert_eq!((new.beats, new.load), (2, 0.5));
    });
}

#[test]
fn what_is_not_kept_is_not_created_for_nothing() {
    alone(|_| {
        let directory = TempDir::new("cli-vanishing");
        let dump = directory.path().join("dump.json");
        let dump = dump.to_str().unwrap();
        let hits = u64::create("hits", 7).unwrap();
        std::fs::write(dump, out(&["dump", "hits"])).unwrap();
        drop(hits);
        let said = refused(3, &["restore", "hits", dump]);
        assert!(
            said.contains("it would be gone with this command"),
            "{said}"
        );
        assert!(said.contains("`--keep`"), "{said}");
        out(&["restore", "--keep", "hits", dump]);
        let info = u64::open("hits").unwrap().info();
        assert_eq!(info.lifetime, Lifetime::Keep);

        // Under another name, and at a path; what looks like one is not taken for a name.
        let file = directory.path().join("hits.shm");
        let file = file.to_str().unwrap();
        let said = refused(2, &["restore", "--keep", file, dump]);
        assert!(said.contains("`--file` or `--name`"), "{said}");
        out(&["restore", "--keep", "--file", file, dump]);
        assert_eq!(u64::open(Path::new(file)).unwrap().load().unwrap(), 7);
        out(&["restore", "--keep", "other/hits", dump]);
        assert_eq!(u64::open("other/hits").unwrap().load().unwrap(), 7);
    });
}

/// A dump is a text that anybody may have written.
#[test]
fn a_hostile_dump_is_refused() {
    alone(|alone| {
        let directory = TempDir::new("cli-hostile");
        let path = directory.path().join("dump.json");
        let path = path.to_str().unwrap();
        let kept = Engine::options().lifetime(Lifetime::Keep);
        drop(kept.create("engine", Engine::sample()).unwrap());
        let good: Json = serde_json::from_str(&out(&["dump", "engine"])).unwrap();
        out(&["rm", "engine"]);
        let lines = |text: &str| document!(text.lines().collect::<Vec<_>>());
        let of = |schema: &shmem_core::Schema| {
            let text = StoredSchema::from(schema).stored_form();
            lines(core::str::from_utf8(&text).unwrap())
        };
        let huge = "0\tvec\t0\t4611686018427387912\t\tFixedVec\t\t4611686018427387904\n\
                    1\tuint\t8\t1\t\tu8\t\t\n";
        let large = "0\tvec\t0\t1125899906842632\t\tFixedVec\t\t1125899906842624\n\
                     1\tuint\t8\t1\t\tu8\t\t\n";
        let number = of(u64::SCHEMA);
        let cases = [
            // Where, what, the exit code, and what is said.
            ("/create", Json::Null, 3, "it has no `create`"),
            (
                "/create",
                document!("keep"),
                3,
                "exists while a program has it open",
            ),
            (
                "/create/lifetime",
                document!(["keep"]),
                3,
                "exists while a program",
            ),
            ("/create/lock", document!("raw_sync"), 3, "pthread lock"),
            ("/create/mode", document!("rwx"), 1, "no octal number"),
            ("/create/mode", document!("0666"), 1, "write"),
            (
                "/create/buffers",
                document!(-1),
                1,
                "`buffers` is no number",
            ),
            ("/create/buffers", document!(9), 1, "buffers"),
            ("/create/max_handles", document!(5000), 1, "handles"),
            ("/create/reserve", document!(8), 1, "reserves"),
            (
                "/create/reserve",
                document!(u64::MAX),
                1,
                "size of the value",
            ),
            ("/create/array", document!(true), 4, "has no item"),
            ("/create/schema", Json::Null, 1, "no schema: line"),
            ("/create/schema", document!([1, {}]), 1, "no schema: line"),
            (
                "/create/schema",
                document!(["0\tuint\t0\t3\t\tu24\t\t"]),
                1,
                "line 1",
            ),
            ("/create/schema", lines(huge), 1, ""),
            ("/create/schema", lines(large), 1, ""),
            ("/create/schema", number, 4, "u64"),
            ("/value", Json::Null, 4, "Engine"),
            ("/value", document!({}), 4, "tick"),
            ("/value/gear", document!("Rev"), 4, "no variant `Rev`"),
            ("/value/tick", document!(-1), 4, "-1"),
            ("/value/laps", document!(vec![1; 100]), 4, "100"),
        ];
        for (place, what, code, said) in cases {
            let mut dump = good.clone();
            *dump.pointer_mut(place).unwrap() = what.clone();
            if place == "/create" && what.is_null() {
                dump.as_object_mut().unwrap().remove("create");
            }
            // A list of nothing fits a list.
            if said.is_empty() {
                dump["value"] = document!([]);
            }
            std::fs::write(path, dump.to_string()).unwrap();
            let message = refused(code, &["restore", "engine", path]);
            assert!(message.contains(said), "{place} {what}: {message}");
            // Neither an object nor a half of one.
            let left = std::fs::read_dir(alone.home()).unwrap().count();
            assert_eq!(left, 0, "{place} {what}");
        }
        std::fs::write(path, good.to_string()).unwrap();
        out(&["restore", "engine", path]);
        assert_eq!(
            Engine::open("engine").unwrap().load().unwrap(),
            Engine::sample()
        );
    });
}
