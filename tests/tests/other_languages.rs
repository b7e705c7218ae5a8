//! Readers in other languages, made from `docs/format.md` alone: `c/`, `python/`, `examples/dotnet/`.
//!
//! Each is asked the same, through a program that answers line by line: `tests/readers/`, `examples/dotnet/`. Where a
//! language is missing, its tests say `not run: …`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shmem_core::Shared;
use tests::raw::{Raw, control, word};
use tests::{Checked, Cleanup, Medium, Peer, Small, TempDir, unique_name};

#[path = "other_languages/hostile.rs"]
mod hostile;
#[path = "other_languages/reader.rs"]
mod reader;
#[path = "other_languages/values.rs"]
mod values;

use reader::{Reader, c, c_with_sanitizers, dotnet, python};

/// How many versions must be seen in so many copies, or there are more of these: a writer that is not given the
/// processor tears nothing.
const CHANGES: u64 = 100;

/// Stores one value after the other, for ever, while `reader` is asked to copy them out.
fn whole<const WORDS: usize>(reader: &Reader, buffers: u32, reads: u64) {
    let name = Cleanup::new("other-whole");
    let options = Checked::<WORDS>::options().buffers(buffers);
    let object = options.create(&*name, Checked::new(0)).unwrap();
    let lines = under_load(
        |count| object.update(|value| value.set(count)).unwrap(),
        || reader.ask(&["read", &name, &reads.to_string(), &CHANGES.to_string()]),
    );
    assert_whole(&lines, reads);
}

/// The same for the items of an array, each changed by itself.
fn items(reader: &Reader) {
    let name = Cleanup::new("other-items");
    let object = Medium::create_array(&*name, 2, Medium::new(0)).unwrap();
    let reads = reader.reads / 50;
    let lines = under_load(
        |count| {
            let index = usize::from(count % 2 == 0);
            object.update_at(index, |item| item.set(count)).unwrap();
        },
        || reader.ask(&["items", &name, &reads.to_string(), &CHANGES.to_string()]),
    );
    assert_whole(&lines, reads);
}

/// Processes that write without end, each killed after some milliseconds, wherever it is then.
fn whole_while_writers_are_killed(reader: &Reader) {
    let name = Cleanup::new("other-kills");
    let _object = Medium::create(&*name, Medium::new(0)).unwrap();
    let reads = (reader.reads / 10).to_string();
    let lines = under_load(
        |count| write_and_die(&["sharing", "write", &name, "medium"], count),
        || reader.ask(&["read", &name, &reads, &CHANGES.to_string()]),
    );
    assert_whole(&lines, reader.reads / 10);
}

/// The same for items of an array, one of which may be left half-changed until the next writer comes.
fn items_while_writers_are_killed(reader: &Reader) {
    let name = Cleanup::new("other-kills");
    let _object = Medium::create_array(&*name, 2, Medium::new(0)).unwrap();
    let reads = (reader.reads / 10).to_string();
    let lines = under_load(
        |count| write_and_die(&["sharing", "store-items", &name], count),
        || reader.ask(&["items", &name, &reads, &CHANGES.to_string()]),
    );
    assert_whole(&lines, reader.reads / 10);
}

fn write_and_die(role: &[&str], count: u64) {
    let mut peer = Peer::spawn(env!("CARGO_BIN_EXE_peer"), role);
    peer.send("go 60000");
    thread::sleep(Duration::from_micros(count * 617 % 5000));
    peer.kill();
}

fn under_load(write: impl Fn(u64) + Sync, read: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for count in 1.. {
                if over.load(Relaxed) {
                    return;
                }
                write(count);
            }
        });
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
        over.store(true, Relaxed);
        told.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn assert_whole(lines: &[String], reads: u64) {
    println!("{}", lines.join("\n"));
    let words: Vec<&str> = lines[0].split(' ').collect();
    let [copies, "reads,", "0", "torn,", changes, "changes"] = words[..] else {
        panic!("{lines:#?}");
    };
    assert!(copies.parse::<u64>().unwrap() >= reads, "{lines:?}");
    assert!(changes.parse::<u64>().unwrap() >= CHANGES, "{lines:?}");
}

/// Whoever sleeps is woken, and by the publisher.
fn waits(reader: &Reader) {
    const VERSIONS: u64 = 20;
    let name = Cleanup::new("other-waits");
    let object = Small::create(&*name, Small::new(0)).unwrap();
    let mut peer = Peer::start(&mut reader.command(&["wait", &name, &VERSIONS.to_string()]));
    assert_eq!(peer.recv(), "waiting");
    for count in 1..=VERSIONS {
        peer.sleeps_in_futex();
        object
            .update(|value| {
                value.set(count);
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                value.writer = u64::try_from(now.as_nanos()).unwrap();
            })
            .unwrap();
        assert_eq!(peer.recv(), format!("saw {count}"));
    }
    let line = peer.recv();
    let late = line
        .strip_prefix(&format!("{VERSIONS} versions, "))
        .unwrap();
    let late = late.strip_suffix(" late").unwrap();
    // Who is not woken looks after 50 ms, and so is late nearly each time.
    assert!(late.parse::<u64>().unwrap() <= VERSIONS / 4, "{line}");
    assert_eq!(peer.recv(), "TimedOut");
    peer.sleeps_in_futex();
    shmem_core::remove(&*name).unwrap();
    assert_eq!(peer.recv(), "Removed");
    assert!(peer.wait().success());
}

/// Every name leads to the file that the library makes for it.
fn names(reader: &Reader) {
    let long = "ä/".repeat(320);
    for what in ["a/b c", "..", ".hidden", "x.y-z_9", "100%", "grün", &long] {
        let name = Cleanup::new(what);
        let _object = Small::create(&*name, Small::new(7)).unwrap();
        let told = reader.ask(&["read", &name, "1", "0"]);
        assert_eq!(told, ["1 reads, 0 torn, 1 changes"], "{what}");
    }
    let hidden = Cleanup::named(&format!(".{}", unique_name("hidden")));
    let _object = Small::create(&*hidden, Small::new(7)).unwrap();
    assert_eq!(reader.ask(&["read", &hidden, "1", "0"]).len(), 1);
    let missing = reader.fail(&["read", "no-object-has-this-name", "1", "0"]);
    assert_eq!(missing, ["open: NotFound"]);
}

/// What the library refuses is refused for the same reason, and nothing crashes.
fn hostile_files(reader: &Reader) {
    let dir = TempDir::new("other-hostile");
    let files = hostile::files(dir.path());
    let lines = reader.ask(&["probe", dir.path().to_str().unwrap()]);
    assert_eq!(lines.len(), files.len());
    let (mut refused, mut wrong) = (0, Vec::new());
    for line in &lines {
        let mut words = line.split(' ');
        let (name, opened) = (words.next().unwrap(), words.next().unwrap());
        match &files[name] {
            Some(expected) if *expected != opened => wrong.push(format!("{line}: {expected}")),
            // Bytes that are there may be no value of that type.
            Some(expected) if expected == "Ok" => {
                assert!(
                    matches!(words.next(), Some("Ok" | "InvalidValue")),
                    "{line}"
                );
            }
            _ => {}
        }
        refused += usize::from(opened != "Ok");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{refused} of {} files refused", files.len());
    assert!(refused > 1000);
}

/// After a power cut a whole value is read, and no other.
fn another_boot(reader: &Reader) {
    let dir = TempDir::new("other-boot");
    // Each of these lengths has a sum of another kind.
    let each = [
        another_boot_of::<1>(dir.path()),
        another_boot_of::<6>(dir.path()),
        another_boot_of::<14>(dir.path()),
        another_boot_of::<20>(dir.path()),
        another_boot_of::<510>(dir.path()),
    ];
    let mut expected: Vec<String> = each.concat();
    expected.sort();
    let path = dir.path().join("in-place-settled");
    drop(
        Small::options()
            .buffers(1)
            .create(&path, Small::new(3))
            .unwrap(),
    );
    let mut raw = from_another_boot(&path);
    raw.write(&path);
    raw.set(raw.offset(word::CONTROL) + control::FLUSHED, 0);
    raw.write(&dir.path().join("in-place-unsettled"));
    expected.insert(0, "in-place-settled Ok Ok".into());
    expected.insert(1, "in-place-unsettled Poisoned".into());
    expected.sort();
    assert_eq!(
        reader.ask(&["probe", dir.path().to_str().unwrap()]),
        expected
    );
}

fn another_boot_of<const WORDS: usize>(dir: &Path) -> Vec<String> {
    let path = dir.join(format!("{WORDS}-whole"));
    let object = Checked::<WORDS>::create(&path, Checked::new(3)).unwrap();
    object.store(Checked::new(4)).unwrap();
    drop(object);
    let mut raw = from_another_boot(&path);
    raw.write(&path);
    let last = raw.value().end - 1;
    raw.0[last] ^= 1;
    raw.write(&dir.join(format!("{WORDS}-torn")));
    vec![
        format!("{WORDS}-torn Unrecovered"),
        format!("{WORDS}-whole Ok Ok"),
    ]
}

fn from_another_boot(path: &Path) -> Raw {
    let mut raw = Raw::read(path);
    fs::remove_file(path).unwrap();
    raw.set(raw.offset(word::CONTROL) + control::BOOT, 4711);
    raw
}

/// The compiler's own list of warnings, and none of them.
#[test]
fn c_compiles_without_a_warning() {
    if let Some(reader) = c() {
        for compiler in ["gcc", "clang"] {
            let mut command = Command::new(compiler);
            command.args([
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pedantic",
                "-O1",
            ]);
            command.args(["-fsyntax-only", "-x", "c", "readers/reader.c", "-I../c"]);
            match command.output() {
                Ok(output) => assert!(output.status.success(), "{output:?}"),
                Err(error) => println!("not run: {compiler}: {error}"),
            }
        }
        drop(reader);
    }
}

/// The same tests for each language.
macro_rules! languages {
    ($($language:ident: $($test:ident)*;)*) => {
        $(mod $language {
            $(#[test]
            fn $test() {
                if let Some(reader) = super::$language() {
                    super::$test(&reader);
                }
            })*
        })*
    };
}

fn a_struct_is_always_whole(reader: &Reader) {
    whole::<6>(reader, 4, reader.reads);
}

fn a_page_is_always_whole(reader: &Reader) {
    whole::<510>(reader, 4, reader.reads / 50);
    assert_eq!(size_of::<Medium>(), size_of::<Checked<510>>());
}

fn in_place_it_is_always_whole(reader: &Reader) {
    whole::<6>(reader, 1, reader.reads / 50);
}

languages! {
    c: a_struct_is_always_whole a_page_is_always_whole in_place_it_is_always_whole whole_while_writers_are_killed items
        items_while_writers_are_killed waits names hostile_files another_boot;
    c_with_sanitizers: a_struct_is_always_whole items waits names hostile_files another_boot;
    python: a_struct_is_always_whole a_page_is_always_whole in_place_it_is_always_whole whole_while_writers_are_killed
        items items_while_writers_are_killed waits names hostile_files another_boot;
    dotnet: a_struct_is_always_whole a_page_is_always_whole in_place_it_is_always_whole whole_while_writers_are_killed
        names hostile_files;
}
