//! `peer lifetime <name> <id>`: after `go <rounds>`, opens or creates, changes and closes so often.

use std::time::{Duration, Instant};

use shmem_core::Shared;
use tests::{Commands, Small, say};

pub(crate) fn run(args: &[&str]) {
    let &[name, id] = args else {
        panic!("name and id")
    };
    let words = Commands::ready().next().expect("a line");
    let [_, rounds] = words.as_slice() else {
        panic!("`go <rounds>`")
    };
    let id: u64 = id.parse().expect("a number");
    let (mut created, mut joined) = (0_u64, 0_u64);
    // From now on both race; each round at another distance from the other's.
    for round in 0..rounds.parse::<u64>().expect("a number") {
        let mine = id << 32 | round;
        spin(mine, 31);
        match one(name, mine) {
            Ok(creator) if creator == mine => created += 1,
            // The other's; or an earlier one of this process, which the other had open all the time.
            Ok(_) => joined += 1,
            Err(what) => return say(format!("round {round}: {what}")),
        }
    }
    say(format!("fine {created} {joined}"));
}

/// Who created what was opened; an error if it is not whole, not alive, or not the only one.
fn one(name: &str, mine: u64) -> Result<u64, String> {
    let text = |error: shmem_core::Error| error.to_string();
    let object = Small::open_or_create(name, Small::new(mine)).map_err(text)?;
    let opened = object.load().map_err(text)?;
    if !opened.is_whole() {
        return Err(format!("half-made: {opened:?}"));
    }
    // A dead one would be removed under us, or lose its name to another.
    let current = object.is_current();
    spin(mine, 7);
    object.update(|value| value.writer += 1).map_err(text)?;
    let now = object.load().map_err(text)?;
    if now.counter != opened.counter {
        return Err(format!("{:#x} became {:#x}", opened.counter, now.counter));
    }
    if !current || !object.is_current() {
        return Err(format!("{:#x} is open and lost its name", opened.counter));
    }
    Ok(opened.counter)
}

/// Up to 127 µs, another time for each number.
fn spin(number: u64, salt: u64) {
    let random = number
        .wrapping_add(salt)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        >> 57;
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(random) {
        std::hint::spin_loop();
    }
}
