//! What is left of a file after a power cut: a value that was published, whole, and no older than the last flush.
//!
//! Programs are recorded one instruction at a time (`tests/src/recorder.rs`). Then the disk is what it might be if
//! power failed at some moment: each page, or each sector, holds what it held at any moment since it was last
//! written. Every such file, where there are few, and a sample where there are many, is opened in another boot.
#![cfg(all(target_arch = "x86_64", target_env = "gnu"))]

use std::path::Path;

use shmem_core::{Shared, SharedObject, Version};
use tests::power::{Stage, another_boot, first_word};
use tests::raw::{Raw, control, word};
use tests::recorder::{Mark, Recording};
use tests::{Checked, Random, variant};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// What a disk writes as one, and what the kernel does.
const SECTOR: usize = 512;
const PAGE: usize = 4096;

const SCRIPT: [&str; 17] = [
    "set=2",
    "flush",
    "set=3",
    "begin=100",
    "discard",
    "flush",
    "set=4",
    "set=5",
    "flush",
    "set=6",
    "flush",
    "flush",
    "begin=7",
    "commit",
    "set=8",
    "begin=101",
    "die",
];

/// A sector each, which is less than a page: 1 KiB in three buffers, of which one is current and one flushed.
#[test]
fn sectors_in_any_order() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(3));
    let recording = stage.record(SECTOR, &SCRIPT);
    assert_eq!(recording.published(recording.end()).count(), 8);
    assert_eq!(recording.flushed(recording.end()), 6);
    stage.cut_everywhere(&recording);
}

#[test]
fn pages_in_any_order() {
    let stage = Stage::<510>::new(PEER, &Checked::options().buffers(3));
    let script = ["set=2", "set=3", "flush", "set=4", "begin=100", "die"];
    let recording = stage.record(PAGE, &script);
    assert_eq!(recording.flushed(recording.end()), 3);
    stage.cut_everywhere(&recording);
}

/// Buffers that share a sector, and one to spare.
#[test]
fn small_values_in_any_order() {
    let stage = Stage::<6>::new(PEER, &Checked::options());
    let recording = stage.record(SECTOR, &SCRIPT);
    assert_eq!(recording.flushed(recording.end()), 6);
    stage.kill_everywhere(&recording);
    let mut random = Random::new();
    for moment in recording.windows() {
        stage.cut_anyhow(&recording, moment, &mut random);
    }
}

/// A kill is no power cut: memory keeps what it had.
#[test]
fn a_kill_loses_nothing() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(3));
    let recording = stage.record(SECTOR, &["set=2", "flush", "set=3", "set=4"]);
    stage.kill_everywhere(&recording);
}

/// Two programs write and flush, in turns of random length; in the end both are killed.
#[test]
fn two_programs_in_any_order() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(4));
    let mut random = Random::new();
    println!("SHMEM_SEED={} repeats it", random.seed());
    let mut recording = Recording::new(&stage.path(), SECTOR);
    let mut actors = [
        ["set=2", "flush", "set=3", "set=4", "flush", "set=5"],
        ["flush", "set=12", "set=13", "flush", "set=14", "flush"],
    ]
    .map(|script| stage.start(&mut recording, &script));
    let mut left = [true, true];
    while left.contains(&true) {
        let who = random.below(2) as usize;
        for _ in 0..random.below(4_000) {
            recording.step(&mut actors[who]);
        }
        left[who] = actors[who].is_alive();
    }
    let published = recording.published(recording.end()).count();
    assert_eq!(published, 8, "one before, seven of theirs");
    stage.cut_everywhere(&recording);
}

/// A flusher that is killed leaves the flush before in force; a later one goes on from there.
#[test]
fn a_flusher_killed_at_any_step() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(3));
    let mut recording = Recording::new(&stage.path(), SECTOR);
    let mut counter = 1;
    let mut victims = 0;
    let mut random = Random::new();
    println!("SHMEM_SEED={} repeats it", random.seed());
    loop {
        let sets = [counter + 1, counter + 2].map(|counter| format!("set={counter}"));
        let script = [&*sets[0], "flush", &*sets[1]];
        let mut victim = stage.start(&mut recording, &script);
        while recording.pass(&mut victim) != Some(Mark::Flushing) {}
        counter += 1;
        let mut done = false;
        for _ in 0..victims * 60 {
            done |= recording.step(&mut victim) == Some(Mark::Flushed);
        }
        victim.kill();
        // Twice round the buffers.
        let after: Vec<_> = (1..=4).map(|n| format!("set={}", counter + n)).collect();
        let mut after: Vec<_> = after.iter().map(String::as_str).collect();
        counter += 4;
        after.push("die");
        let mut writer = stage.start(&mut recording, &after);
        while recording.pass(&mut writer).is_some() {}
        let moment = recording.end();
        for _ in 0..60 {
            let disk = recording.disk(moment).any(&mut random);
            stage.cut(&recording, moment, disk);
        }
        victims += 1;
        if done {
            break;
        }
    }
    println!("{victims} flushers, the last of which came to its end");
    assert!(victims > 5);
}

/// A writer is killed between the stamp and the word that publishes; its successor publishes the same version in
/// another buffer. What the dead one wrote was never published.
#[test]
fn a_stamp_of_the_dead() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(5));
    let mut recording = Recording::new(&stage.path(), SECTOR);
    // Version 2 in buffer 1 is pinned; then buffers 2, 3, 4 and, since 0 is flushed and 1 is pinned, 2 again.
    let mut reader = stage.start(&mut recording, &["set=2", "pin", "unpin"]);
    recording.pass(&mut reader);
    recording.pass(&mut reader);
    let mut writer = stage.start(&mut recording, &["set=3", "set=4", "set=5", "die"]);
    while recording.pass(&mut writer).is_some() {}
    let stamp =
        |raw: &Raw, buffer: usize| raw.at(raw.offset(word::CONTROL) + control::STAMPS + 8 * buffer);
    let mut victim = stage.start(&mut recording, &["set=100"]);
    recording.run_until(&mut victim, |raw| stamp(raw, 2) == 6);
    assert_eq!(recording.now().version(), 5);
    victim.kill();
    recording.pass(&mut reader);
    let before = recording.end();
    let mut successor = stage.start(&mut recording, &["set=6"]);
    while recording.pass(&mut successor).is_some() {}
    let now = recording.now();
    assert_eq!(
        (now.version(), stamp(now, 1)),
        (6, 6),
        "in the first that is free"
    );
    // The new control words, and the buffer as it was.
    let mut disk = now.clone();
    let value = disk.value();
    let old = recording.at(before).0[value.clone()].to_vec();
    disk.0[value].copy_from_slice(&old);
    assert_eq!(stage.cut(&recording, recording.end(), disk), 5);
}

/// After a power cut the object works as before, and the next one leaves what was flushed in between.
#[test]
fn another_cut_after_the_first() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(3));
    let first = stage.record(SECTOR, &SCRIPT);
    let mut random = Random::new();
    println!("SHMEM_SEED={} repeats it", random.seed());
    let mut back = 0;
    for round in 0..300 {
        let mut disk = first.disk(first.end()).any(&mut random);
        another_boot(&mut disk);
        let path = stage.beside(&disk);
        let object = Checked::<126>::open(&path).unwrap();
        let found = object.load_boxed().unwrap().counter;
        back += usize::from(object.version() > Version(disk.version()));
        let mut states = vec![disk, Raw::read(&path)];
        let flushes = round % 2 == 1;
        for counter in 1..=3 {
            object.store(Checked::new(200 + counter)).unwrap();
            states.push(Raw::read(&path));
            if flushes && counter == 2 {
                object.flush().unwrap();
                states = vec![Raw::read(&path)];
            }
        }
        let expected = if flushes {
            [202, 203, 203, 203]
        } else {
            [found, 201, 202, 203]
        };
        drop(object);
        let mut disk = states[0].clone();
        for at in (0..disk.0.len()).step_by(SECTOR) {
            let from = &states[random.below(u32::try_from(states.len()).unwrap()) as usize];
            let end = disk.0.len().min(at + SECTOR);
            disk.0[at..end].copy_from_slice(&from.0[at..end]);
        }
        another_boot(&mut disk);
        let again = Checked::<126>::open(stage.beside(&disk)).unwrap();
        let value = again.load_boxed().unwrap();
        assert!(
            value.is_whole() && expected.contains(&value.counter),
            "{round}: {}",
            value.counter
        );
        assert!(again.version() >= Version(disk.version()));
    }
    assert!(back > 10, "no cut tore the current version");
}

/// A reader repairs nothing: it is told what to do.
#[test]
fn a_reader_after_a_power_cut() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(3));
    let object = Checked::<126>::open(stage.path()).unwrap();
    object.store(Checked::new(2)).unwrap();
    drop(object);
    let mut whole = Raw::read(&stage.path());
    let mut torn = whole.clone();
    torn.0[whole.value().end - 1] ^= 1;
    for mapped in [true, false] {
        let options = Checked::<126>::options().mapped(mapped);
        // In the boot in which it was last open no power can have failed.
        let path = stage.beside(&whole);
        assert_eq!(
            options.open_read_only(&path).unwrap().load().unwrap(),
            Checked::new(2)
        );

        another_boot(&mut whole);
        let path = stage.beside(&whole);
        assert_eq!(
            options.open_read_only(&path).unwrap().load().unwrap(),
            Checked::new(2)
        );

        another_boot(&mut torn);
        let path = stage.beside(&torn);
        let before = tests::raw::look(&path);
        let error = options.open_read_only(&path).unwrap_err();
        assert_eq!(variant(&error), "Unrecovered", "{error}");
        assert!(tests::raw::look(&path) == before, "it changed the file");
        let writer = Checked::<126>::open(&path).unwrap();
        assert_eq!(writer.version(), Version(3));
        let reader = options.open_read_only(&path).unwrap();
        assert_eq!(
            (reader.load().unwrap(), reader.version()),
            (Checked::new(1), Version(3))
        );
        another_boot(&mut whole);
        another_boot(&mut torn);
    }
}

#[test]
fn nothing_is_whole() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(3));
    let mut disk = Raw::read(&stage.path());
    let value = disk.value();
    disk.0[value].fill(7);
    for other in [false, true] {
        if other {
            another_boot(&mut disk);
        }
        let path = stage.beside(&disk);
        let before = tests::raw::look(&path);
        let error = Checked::<126>::open(&path).unwrap_err();
        let text = format!(
            "`{}` is damaged: its value is torn in every buffer",
            path.display()
        );
        assert!(error.to_string().starts_with(&text), "{error}");
        assert!(tests::raw::look(&path) == before, "it changed the file");
    }
}

/// One buffer, changed in place: flushed and untouched since, or poisoned.
#[test]
fn in_place_it_is_settled_or_poisoned() {
    let in_place = Checked::<126>::options().buffers(1);
    let stage = Stage::new(PEER, &in_place);
    let mut script = SCRIPT.to_vec();
    // Here a discarded change is one that poisons.
    script.retain(|step| *step != "begin=100" && *step != "discard");
    let recording = stage.record(SECTOR, &script);
    let mut random = Random::new();
    println!("SHMEM_SEED={} repeats it", random.seed());
    let (mut settled, mut poisoned) = (0, 0);
    for _ in 0..4_000 {
        let last = u32::try_from(recording.end()).unwrap();
        let moment = random.below(last + 1) as usize;
        let mut disk = recording.disk(moment).any(&mut random);
        another_boot(&mut disk);
        let path = stage.beside(&disk);
        let reading = Checked::<126>::open_read_only(&path);
        let object = Checked::<126>::open(&path).unwrap();
        match object.load_boxed() {
            Ok(value) => {
                settled += 1;
                assert!(value.is_whole(), "torn at {moment}");
                let mut published = recording.published(moment);
                assert!(published.any(|(_, bytes)| first_word(bytes) == value.counter));
                assert_eq!(*reading.unwrap().load_boxed().unwrap(), *value);
            }
            Err(error) => {
                poisoned += 1;
                assert_eq!(variant(&error), "Poisoned");
                assert_eq!(variant(&reading.unwrap_err()), "Poisoned");
                object.store(Checked::new(9)).unwrap();
                assert_eq!(object.load_boxed().unwrap().counter, 9);
            }
        }
    }
    println!("{settled} settled, {poisoned} poisoned");
    assert!(settled > 20 && poisoned > 20);
}

fn boots<const WORDS: usize>(path: &Path) -> SharedObject<Checked<WORDS>> {
    let mut raw = Raw::read(path);
    another_boot(&mut raw);
    raw.write(path);
    Checked::open(path).unwrap()
}

/// What an orderly end leaves of a value in place, and what a kill does.
#[test]
fn in_place_the_last_close_settles() {
    let stage = Stage::<126>::new(PEER, &Checked::options().buffers(1));
    let path = stage.path();
    assert_eq!(boots::<126>(&path).load_boxed().unwrap().counter, 1);
    let object = Checked::<126>::open(&path).unwrap();
    object.store(Checked::new(2)).unwrap();
    let unsettled = Raw::read(&path);
    object.flush().unwrap();
    let flushed = Raw::read(&path);
    object.store(Checked::new(3)).unwrap();
    drop(object);
    let object = boots::<126>(&path);
    assert_eq!(object.load_boxed().unwrap().counter, 3);
    drop(object);

    flushed.write(&path);
    assert_eq!(boots::<126>(&path).load_boxed().unwrap().counter, 2);
    unsettled.write(&path);
    assert_eq!(
        Checked::<126>::open(&path)
            .unwrap()
            .load_boxed()
            .unwrap()
            .counter,
        2
    );
    unsettled.write(&path);
    let object = boots::<126>(&path);
    assert_eq!(variant(&object.load_boxed().unwrap_err()), "Poisoned");
    assert_eq!(variant(&object.flush().unwrap_err()), "Poisoned");
    drop(object.write().unwrap());
    object.update(|value| value.set(4)).unwrap();
    drop(object);
    assert_eq!(boots::<126>(&path).load_boxed().unwrap().counter, 4);
}
