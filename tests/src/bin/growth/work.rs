//! What both versions of the program do: `growth-old write <name>` and the like, made to be killed at any time.
#![expect(unsafe_code, reason = "sets the alarm")]

use std::convert::Infallible;

use shmem_core::{ReadGuard, Shared, SharedObject, WriteGuard};
use tests::{Commands, say, serve, tell};

pub(crate) const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Longer than any test.
const ALARM: u32 = 240;

/// A value whose fields follow from one number or two.
pub(crate) trait Checked: Shared + Copy {
    /// Whether it may be stored whatever is there.
    const WRITES_WHOLE_VALUES: bool;

    fn of(ticks: u64) -> Self;
    fn is_whole(&self) -> bool;
    fn next(&self) -> Self;
    /// Makes it anything but whole.
    fn spoil(&mut self, wrong: u64);
    /// What a writer says that it has published.
    fn number(&self) -> u64;
}

pub(crate) fn main<T: Checked>() {
    // SAFETY: `alarm(2)` has no preconditions; SIGALRM ends the process, which is meant.
    unsafe { libc::alarm(ALARM) };
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args.as_slice() {
        ["hold", name, buffers] => hold::<T>(name, buffers.parse().unwrap()),
        ["write", name] => write::<T>(name),
        ["read", name] => read::<T>(name),
        ["watch", name] => watch::<T>(name),
        ref other => panic!("no such role: {other:?}"),
    }
}

/// Creates or opens the object, and tells on request what it holds.
fn hold<T: Checked>(name: &str, buffers: u32) {
    let options = T::options().buffers(buffers);
    let object = options.open_or_create(name, T::of(0)).unwrap();
    serve(|words| match *words {
        ["look"] => tell(object.load(), |value| {
            format!("{} {}", value.number(), value.is_whole())
        }),
        ["version"] => object.version().to_string(),
        ["handles"] => object.info().handles.unwrap().to_string(),
        ref other => panic!("no such command: {other:?}"),
    });
}

/// Writes for ever, in every way there is, and says each number once it is published.
fn write<T: Checked>(name: &str) {
    let object = T::open(name).unwrap();
    say("ready");
    for round in 0_u64.. {
        let number = match round % 5 {
            0 => {
                let mut guard = object.write().unwrap();
                check("a writer", &*guard);
                let next = guard.next();
                spoil::<T>(&mut guard);
                *guard = next;
                WriteGuard::commit(guard);
                next.number()
            }
            1 => change(|f| object.update(f)),
            2 => change(|f| {
                let done = object.try_update(|value| Ok::<_, Infallible>(f(value)))?;
                let Ok(number) = done;
                Ok(number)
            }),
            3 => {
                // Given up: nothing of it is seen.
                let mut guard = object.write().unwrap();
                spoil::<T>(&mut guard);
                WriteGuard::discard(guard);
                continue;
            }
            _ if T::WRITES_WHOLE_VALUES => {
                let value = T::of(round.wrapping_mul(FACTOR));
                object.store(value).unwrap();
                value.number()
            }
            _ => continue,
        };
        say(number);
    }
}

fn change<T: Checked>(
    with: impl FnOnce(&mut dyn FnMut(&mut T) -> u64) -> shmem_core::Result<u64>,
) -> u64 {
    with(&mut |value| {
        check("an update", value);
        let next = value.next();
        spoil(value);
        *value = next;
        next.number()
    })
    .unwrap()
}

/// Takes its time with values that are not whole, so that a kill finds it in the middle.
fn spoil<T: Checked>(value: &mut T) {
    for wrong in 0..20 {
        value.spoil(wrong);
        std::hint::black_box(&mut *value);
    }
}

/// Reads for ever, and says only what must not be.
fn read<T: Checked>(name: &str) {
    let object: SharedObject<T> = T::open(name).unwrap();
    say("ready");
    let mut held = Vec::new();
    for round in 0_u64.. {
        let guard = object.read().unwrap();
        check("a guard", &*guard);
        check("a load", &object.load().unwrap());
        // Some are held for long, so that the kill finds one.
        if round % 8 == 0 {
            held.push(guard);
        }
        if held.len() == 2 {
            for guard in held.drain(..) {
                check("an old guard", &*guard);
                drop::<ReadGuard<'_, T>>(guard);
            }
        }
    }
}

/// Reads for ever through a mapping that cannot be written.
fn watch<T: Checked>(name: &str) {
    let reader = T::open_read_only(name).unwrap();
    let _commands = Commands::ready();
    loop {
        check("a reader", &reader.load().unwrap());
    }
}

fn check<T: Checked>(who: &str, value: &T) {
    if !value.is_whole() {
        say(format!("{who} saw half a value at {}", value.number()));
    }
}
