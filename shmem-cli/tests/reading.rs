//! `ls`, `show`, `get` and `schema`, on live objects of this process.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use shmem_core::{FixedStr, Lifetime, Shared};
use tests::raw::{Forged, Raw, scribble};
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

/// A message and a code other than 0, never a crash, and nothing changed.
#[test]
fn hostile_objects() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/open");
    let directory = TempDir::new("cli-hostile");
    let path = directory.path().join("object");
    let mut seen = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        // As it is, and without the byte that says what to do with it.
        for bytes in [&bytes[..], bytes.get(1..).unwrap_or_default()] {
            std::fs::write(&path, bytes).unwrap();
            for command in ["show", "get", "schema", "who", "dump", "ls"] {
                let ran = shmem(&[command, path.to_str().unwrap()]);
                assert!(
                    (1..=6).contains(&ran.code),
                    "{command}: {}{}",
                    ran.out,
                    ran.err
                );
                assert!(ran.err.starts_with("error: "), "{command}: {}", ran.err);
            }
            assert!(std::fs::read(&path).unwrap() == bytes, "changed");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} files");
}

/// Objects that are half right: whatever word of the header is wrong, or where the file ends.
#[test]
fn damaged_objects() {
    let directory = TempDir::new("cli-damaged");
    let path = directory.path().join("object");
    let text = path.to_str().unwrap();
    drop(Engine::create(&path, Engine::sample()).unwrap());
    let raw = Raw::read(&path);
    for word in 0..32 {
        for value in [0, 1, u64::MAX, raw.word(word) ^ 1] {
            if value == raw.word(word) {
                continue;
            }
            let mut damaged = raw.clone();
            damaged.set_word(word, value);
            damaged.write(&path);
            let message = refused(1, &["show", text]);
            assert!(message.starts_with("error: "), "{message}");
        }
    }
    for end in [0, 1, 255, 256, 300, 5000, raw.0.len() - 1] {
        Raw(raw.0[..end].to_vec()).write(&path);
        assert!(refused(1, &["show", text]).contains("object"));
    }
    // One field that is no value hides no other.
    raw.write(&path);
    scribble(&path, raw.value().start + 13, &[7]);
    let ran = shmem(&["show", text]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.contains("armed   invalid: 7, expected 0 or 1"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\"ada\""), "{}", ran.out);
    assert!(refused(1, &["show", text, "--json"]).contains("`armed` at byte 13 is 7"));
    assert_eq!(out(&["get", text, "driver"]), "ada\n");
    assert_eq!(shmem(&["get", text, "armed"]).code, 1);
}

/// A schema that contradicts nothing and asks for more lines than anybody can read.
#[test]
fn parts_without_bytes() {
    let directory = TempDir::new("cli-nothing");
    let path = directory.path().join("object");
    let text = path.to_str().unwrap();
    drop(u64::create(&path, 5).unwrap());
    let raw = Raw::read(&path);
    let mut schema = "0\tstruct\t0\t8\t\tS\t\t\n1\tuint\t0\t8\ta\tu64\t\t\n".to_owned();
    for depth in 1..30 {
        let name = if depth == 1 { "b" } else { "" };
        schema += &format!("{depth}\tarray\t0\t0\t{name}\t\t\t1000000\n");
    }
    schema += "30\tstruct\t0\t0\t\tT\t\t\n31\tarray\t0\t0\tc\t\t\t0\n32\tuint\t0\t1\t\tu8\t\t\n";
    Raw::forge(&Forged {
        schema: schema.as_bytes(),
        flags: 1,
        ..raw.parts()
    })
    .write(&path);
    let said = refused(2, &["show", text]);
    assert!(said.contains("more than 65536 lines"), "{said}");
    assert!(refused(4, &["show", text, "--json"]).contains("parts"));
    assert_eq!(out(&["get", text, "a"]), "0\n");
    assert!(out(&["schema", text, "--as", "c"]).contains("no bytes"));
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

#[derive(Shared, Clone, Copy)]
#[repr(i16)]
enum Mood {
    Bad = -300,
    Good = 1,
}

/// Names that are words of other languages, and all kinds of types.
#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Odd {
    wide: u128,
    r#type: Mood,
    int: i16,
    letter: char,
    #[shared(name = "two words")]
    renamed: u64,
    pairs: [[Pair; 2]; 3],
    list: shmem_core::FixedVec<FixedStr<4>, 2>,
    maybe: shmem_core::FixedOption<Pair>,
    port: Option<core::num::NonZeroU32>,
    _pad: [u8; 20],
}

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Pair(u32, f32);

fn odd() -> Odd {
    // All zero is a value, but for the enum.
    Odd {
        wide: 1 << 100,
        r#type: Mood::Bad,
        int: 1,
        letter: 'x',
        renamed: 7,
        pairs: [[Pair(1, 2.0); 2]; 3],
        list: shmem_core::FixedVec::from([FixedStr::literal("ab")]),
        maybe: shmem_core::FixedOption::some(Pair(3, 4.0)),
        port: None,
        _pad: [0; 20],
    }
}

mod growing {
    use shmem_core::Shared;

    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub(crate) struct Health {
        pub(crate) beats: u64,
        pub(crate) failed: u32,
        pub(crate) _pad: [u8; 4],
    }

    pub(crate) mod newer {
        use super::Shared;

        #[derive(Shared, Clone, Copy)]
        #[repr(C)]
        #[shared(reserve = 64)]
        pub(crate) struct Health {
            pub(crate) beats: u64,
            pub(crate) failed: u32,
            pub(crate) limit: u8,
            pub(crate) _pad: [u8; 3],
            pub(crate) load: f64,
        }
    }
}

/// What the generated program reads is what this one wrote: each kind of object, opened by its own definition.
#[test]
fn definitions_for_other_languages_compile_and_fit() {
    use std::sync::atomic::AtomicU32;

    #[derive(Shared, Default)]
    #[repr(C)]
    #[shared(in_place)]
    struct Stats {
        requests: AtomicU32,
        limit: u32,
    }

    let directory = TempDir::new("cli-definitions");
    let names: Vec<_> = (0..6).map(|_| Cleanup::new("cli-definition")).collect();
    let _engine = Engine::create(&*names[0], Engine::sample()).unwrap();
    let _odd = Odd::create(&*names[1], odd()).unwrap();
    let _array = Pair::create_array(&*names[2], 3, Pair(5, 6.0)).unwrap();
    let old = growing::Health {
        beats: 1,
        failed: 2,
        _pad: [0; 4],
    };
    let _old = growing::Health::create(&*names[3], old).unwrap();
    let new = growing::newer::Health::open(&*names[3]).unwrap();
    new.update(|health| (health.limit, health.load) = (3, 0.5))
        .unwrap();
    let _stats = Stats::create(&*names[4], Stats::default()).unwrap();
    let _number = <[u16; 2]>::create(&*names[5], [1, 2]).unwrap();

    let mut modules = String::new();
    let mut calls = String::new();
    let mut headers = String::new();
    for (i, name) in names.iter().enumerate() {
        let rust = out(&["schema", name, "--as", "rust"]);
        modules += &format!(
            "mod m{i} {{\n{}\n}}\n",
            rust.lines()
                .filter(|line| !line.starts_with("//!"))
                .collect::<Vec<_>>()
                .join("\n")
        );
        calls += &format!("    m{i}::open().unwrap();\n");
        // Two headers may define types of one name, so each is compiled alone.
        let header = directory.path().join(format!("m{i}.h"));
        std::fs::write(&header, out(&["schema", name, "--as", "c"])).unwrap();
        headers = format!("#include \"m{i}.h\"\nint main(void) {{ return 0; }}\n");
        std::fs::write(directory.path().join(format!("m{i}.c")), &headers).unwrap();
        std::fs::write(
            directory.path().join(format!("m{i}.py")),
            out(&["schema", name, "--as", "python"]),
        )
        .unwrap();
        let json = json(&["schema", name]);
        assert!(json["schema"]["size"].as_u64().unwrap() > 0);
    }
    assert!(!headers.is_empty());
    let main = format!(
        "#![deny(warnings)]\n#![allow(dead_code)]\n{modules}\nfn main() {{\n{calls}\
         let engine = m0::open().unwrap().load().unwrap();\n\
         println!(\"{{}} {{:?}} {{:?}} {{}}\", engine.tick, engine.gear, engine.laps, engine.driver);\n\
         println!(\"{{:?}}\", m1::open().unwrap().load().unwrap().pairs[2][1].1);\n\
         println!(\"{{:?}}\", m2::open().unwrap().load_at(2).unwrap().0);\n\
         println!(\"{{:?}}\", m3::open().unwrap().load().unwrap().load);\n}}\n"
    );
    let package = directory.path().join("package");
    std::fs::create_dir_all(package.join("src")).unwrap();
    std::fs::write(package.join("src/main.rs"), &main).unwrap();
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shmem-core");
    std::fs::write(
        package.join("Cargo.toml"),
        format!("[package]\nname = \"generated\"\nedition = \"2024\"\n[dependencies]\nshmem-core = {{ path = {core:?} }}\n[workspace]\n"),
    )
    .unwrap();
    std::fs::copy(core.join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated"))
        .current_dir(&package)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{main}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "7 First [61, 59] ada\n2.0\n5\n0.5\n"
    );

    run_if_there(&directory, "gcc", |i| {
        let flags = [
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-fsyntax-only",
        ];
        flags
            .map(str::to_owned)
            .into_iter()
            .chain([format!("m{i}.c")])
            .collect()
    });
    run_if_there(&directory, "python3", |i| {
        vec![
            "-c".to_owned(),
            format!("import m{i}; m{i}.parse(bytes(4096))"),
        ]
    });
}

/// Runs it for each definition.
fn run_if_there(directory: &TempDir, program: &str, args: impl Fn(usize) -> Vec<String>) {
    for i in 0..6 {
        let output = Command::new(program)
            .args(args(i))
            .current_dir(directory.path())
            .output();
        match output {
            Err(error) => println!("not run: {program}: {error}"),
            Ok(output) => {
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{program} {i}: {errors}");
            }
        }
    }
}
