//! `peer sharing write|read|watch <name> <size>`: after `go <ms>`, writes or reads for so long.

use std::ops::Range;
use std::time::{Duration, Instant};

use shmem_core::{ReadGuard, Shared, SharedObject, SharedReader, Version};
use tests::{Checked, Commands, Large, Medium, Small, say};

pub(crate) fn run(args: &[&str]) {
    if let ["store-items", name] = args {
        Commands::ready();
        store_items(name);
    }
    if let &["spoil-window", name, from, to] = args {
        return spoil_window(name, number(from)..number(to));
    }
    let &[role, name, size] = args else {
        panic!("role, name and size")
    };
    match size {
        "small" => with_size(role, name, Box::new(Small::new(0))),
        "medium" => with_size(role, name, Box::new(Medium::new(0))),
        "large" => {
            let large = Large::open(name).and_then(|object| object.load_boxed());
            with_size(role, name, large.unwrap());
        }
        other => panic!("no such size: {other}"),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

/// Holds a guard of a window, and has changed the first item in it.
fn spoil_window(name: &str, items: Range<usize>) {
    let window = Small::options().open_array_window(name, items).unwrap();
    let mut guard = window.write().unwrap();
    guard[0].spoil(7);
    while Commands::ready().next().is_some() {}
}

/// Counts on where the array is, item after item, until it is killed.
fn store_items(name: &str) -> ! {
    let array = Medium::open_array(name).unwrap();
    let all = 0..array.len();
    let last = all.map(|i| array.load_at(i).unwrap().counter).max();
    let mut next = last.expect("items") + 1;
    loop {
        let index = usize::try_from(next).expect("small") % array.len();
        array.store_at(index, Medium::new(next)).unwrap();
        next += 1;
    }
}

fn with_size<const WORDS: usize>(role: &str, name: &str, place: Box<Checked<WORDS>>) {
    match role {
        "write" => {
            let object = Checked::<WORDS>::open(name).unwrap();
            let until = go();
            say(write(&object, until));
        }
        "read" => {
            let object = Checked::<WORDS>::open(name).unwrap();
            let until = go();
            say(read(&object, place, until));
        }
        "watch" => {
            let reader = Checked::<WORDS>::open_read_only(name).unwrap();
            let until = go();
            say(watch(&reader, place, until));
        }
        other => panic!("no such role: {other}"),
    }
}

fn go() -> Instant {
    let words = Commands::ready().next().expect("a line");
    let [_, ms] = words.as_slice() else {
        panic!("`go <ms>`")
    };
    Instant::now() + Duration::from_millis(ms.parse().expect("a number"))
}

/// Counts up; says how often.
fn write<const WORDS: usize>(object: &SharedObject<Checked<WORDS>>, until: Instant) -> String {
    let mut count = 0_u64;
    while Instant::now() < until {
        object.update(|value| value.set(value.counter + 1)).unwrap();
        count += 1;
    }
    count.to_string()
}

/// What one reader has seen so far.
#[derive(Default)]
struct Seen {
    version: Version,
    counter: u64,
    reads: u64,
    changes: u64,
}

impl Seen {
    /// Each publication counts up by one: a value's counter says its version.
    fn check<const WORDS: usize>(
        &mut self,
        value: &Checked<WORDS>,
        version: Option<Version>,
    ) -> Result<(), String> {
        if !value.is_whole() {
            return Err(format!("torn at {}", value.counter));
        }
        if version.is_some_and(|version| version.0 != value.counter + 1) {
            return Err(format!("{} as version {version:?}", value.counter));
        }
        if value.counter < self.counter {
            return Err(format!("{} after {}", value.counter, self.counter));
        }
        if let Some(version) = version {
            if version < self.version {
                return Err(format!("version {version} after {}", self.version));
            }
            self.version = version;
        }
        self.reads += 1;
        self.changes += u64::from(value.counter != self.counter);
        self.counter = value.counter;
        Ok(())
    }

    fn report(self, result: Result<(), String>) -> String {
        match result {
            Ok(()) => format!("fine {} {}", self.reads, self.changes),
            Err(violation) => violation,
        }
    }
}

fn read<const WORDS: usize>(
    object: &SharedObject<Checked<WORDS>>,
    mut place: Box<Checked<WORDS>>,
    until: Instant,
) -> String {
    let mut seen = Seen::default();
    let mut round = || {
        let guard = object.read().unwrap();
        let version = ReadGuard::version(&guard);
        seen.check(&guard, Some(version))?;
        let now = object.version();
        if now < version {
            return Err(format!("now {now}, before {version}"));
        }
        seen.check(&*object.load_boxed().unwrap(), None)?;
        // The guard is still of the version it was.
        let before = guard.counter;
        if !guard.is_whole() || guard.counter != before {
            return Err(format!("torn under a guard at {}", guard.counter));
        }
        drop(guard);
        let version = object.load_into(&mut place).unwrap();
        seen.check(&*place, Some(version))?;
        if WORDS < 1000 {
            seen.check(&object.load().unwrap(), None)?;
        }
        Ok(())
    };
    let mut result = Ok(());
    while result.is_ok() && Instant::now() < until {
        result = round();
    }
    seen.report(result)
}

fn watch<const WORDS: usize>(
    reader: &SharedReader<Checked<WORDS>>,
    mut place: Box<Checked<WORDS>>,
    until: Instant,
) -> String {
    let mut seen = Seen::default();
    let mut round = || {
        let version = reader.load_into(&mut place).unwrap();
        seen.check(&*place, Some(version))?;
        seen.check(&*reader.load_boxed().unwrap(), None)
    };
    let mut result = Ok(());
    while result.is_ok() && Instant::now() < until {
        result = round();
    }
    seen.report(result)
}
