//! `peer kills write|read|join …`: made to be killed at any time.

use shmem_core::{LocalGuard, ReadGuard, Shared, WriteGuard};
use tests::{Commands, Medium, Small, say};

pub(crate) fn run(args: &[&str]) {
    match *args {
        ["write", name] => write(name),
        ["read", name] => read(name),
        ["watch", name] => watch(name),
        ["join", name, with] => join(name, with),
        ref other => panic!("no such role: {other:?}"),
    }
}

/// Counts up for ever, and says each number once it is published.
fn write(name: &str) {
    let object = Medium::open(name).unwrap();
    say("ready");
    loop {
        let mut guard = object.write().unwrap();
        let recovered = WriteGuard::recovered(&guard);
        if !guard.is_whole() {
            say(format!(
                "torn in the hands of a writer at {}",
                guard.counter
            ));
        }
        let next = guard.counter + 1;
        // Takes its time, so that a kill finds it in the middle.
        for wrong in 0..20 {
            guard.spoil(wrong);
        }
        guard.set(next);
        let version = WriteGuard::commit(guard);
        if version.0 != next + 1 {
            say(format!("{next} was published as version {version}"));
        }
        say(format!("{next} {recovered}"));
    }
}

/// Reads for ever, and says only what must not be.
fn read(name: &str) {
    let object = Medium::open(name).unwrap();
    let local = object.local().unwrap();
    say("ready");
    let mut last = 0;
    let mut held = Vec::new();
    let mut held_here = None;
    for round in 0_u64.. {
        let guard = object.read().unwrap();
        check(&guard, Some(ReadGuard::version(&guard).0), &mut last);
        let loaded = object.load().unwrap();
        check(&loaded, None, &mut last);
        let here = local.read().unwrap();
        check(&here, Some(LocalGuard::version(&here).0), &mut last);
        if round % 5 == 0 {
            held_here = Some(here);
        } else if let Some(guard) = &held_here {
            check(guard, Some(LocalGuard::version(guard).0), &mut 0);
        }
        // Some are held for long, so that the kill finds one.
        if round % 8 == 0 {
            held.push(guard);
        }
        if held.len() == 3 {
            for guard in held.drain(..) {
                check(&guard, Some(ReadGuard::version(&guard).0), &mut 0);
            }
        }
    }
}

/// As [`read`], on a read-only mapping.
fn watch(name: &str) {
    let reader = Medium::open_read_only(name).unwrap();
    say("ready");
    let mut last = 0;
    let mut place = Medium::new(0);
    loop {
        let version = reader.load_into(&mut place).unwrap();
        check(&place, Some(version.0), &mut last);
    }
}

fn check(value: &Medium, version: Option<u64>, last: &mut u64) {
    if !value.is_whole() {
        say(format!("torn at {}", value.counter));
    }
    if version.is_some_and(|version| version != value.counter + 1) {
        say(format!("{} as version {version:?}", value.counter));
    }
    if value.counter < *last {
        say(format!("{} after {last}", value.counter));
    }
    *last = value.counter;
}

/// Opens it, holds what it is told to, and waits for its end.
fn join(name: &str, with: &str) {
    let object = Small::open(name).unwrap();
    let reader = object.read().unwrap();
    let local;
    let mut here = None;
    let mut writer = None;
    match with {
        "reader" => {}
        "local" => {
            local = object.local().unwrap();
            here = Some(local.read().unwrap());
        }
        "writer" => writer = Some(object.write().unwrap()),
        "change" => writer.insert(object.write().unwrap()).spoil(77),
        other => panic!("no such guard: {other}"),
    }
    while Commands::ready().next().is_some() {}
    drop(writer);
    drop(here);
    drop(reader);
}
