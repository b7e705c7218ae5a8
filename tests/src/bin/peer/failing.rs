//! `peer failing`: has a child perform one operation on the object `o`, and one system call of it fail.
//!
//! The child says what came of it, and obeys until `end`; then this process says how it ended. It uses the
//! library in children only, so that each looks up everything for the first time.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use shmem_core::{Lifetime, Shared, SharedObject, SharedReader, Version};
use tests::{Commands, Small, say, variant};

use super::environment::descriptors;
use super::traced::{Call, Found, Traced, mark};

pub(crate) fn run() {
    let commands = Commands::ready();
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words[..] {
            // The numbers of the calls that can be made to fail, in order.
            ["calls", op] => {
                let mut traced = Traced::fork(|| perform(op, None));
                let mut calls = Vec::new();
                let how = each(&mut traced, |_, call| {
                    calls.push(call.number.to_string());
                    false
                });
                how.expect("nothing fails");
                say(calls.join(" "));
                traced.let_go(false);
                traced.end();
            }
            // The call of that index fails.
            ["fail", op, index, errno] => {
                let index: usize = index.parse().expect("an index");
                let errno = errno.parse().expect("an errno");
                let mut traced = Traced::fork(|| perform(op, Some(&commands)));
                let mut seen = 0;
                let how = each(&mut traced, |traced, call| {
                    seen += 1;
                    if seen - 1 != index {
                        return false;
                    }
                    // The kernel closes a descriptor whatever it says.
                    let made = call.number == libc::SYS_close.unsigned_abs();
                    traced.fail_call(errno, made);
                    true
                });
                match how {
                    Ok(()) => {
                        traced.let_go(false);
                        say(traced.end());
                    }
                    Err(ended) => say(ended),
                }
            }
            // Stopped as soon as it holds so many lock bytes, of which `MEMBER` is the first: says its process id.
            ["stop", op, locks] => {
                let mut traced = Traced::fork(|| perform(op, Some(&commands)));
                for _ in 0..locks.parse().expect("a number") {
                    run_to(&mut traced, is_locking);
                    assert_eq!(traced.finish_call(), 0, "the lock was free");
                }
                let id = traced.id();
                traced.let_go(true);
                say(id);
                say(traced.end());
            }
            // Held right before it takes `MEMBER`, or the name away, until it is told to go on.
            ["hold", op, before] => {
                let mut traced = Traced::fork(|| perform(op, Some(&commands)));
                let is_there = match before {
                    "MEMBER" => is_locking,
                    _ => is_unlinking,
                };
                run_to(&mut traced, is_there);
                say("there");
                commands.next();
                traced.let_go(false);
                say(traced.end());
            }
            ref other => panic!("no such command: {other:?}"),
        }
    }
}

/// Runs it to the next call of that kind, which it does not make yet.
fn run_to(traced: &mut Traced, is_there: fn(&Traced, Call) -> bool) {
    loop {
        match traced.next() {
            Found::Before(call) if is_there(traced, call) => return,
            Found::Before(_) => {}
            other => panic!("it makes no such call: {other:?}"),
        }
    }
}

/// Calls `fails` before each system call up to the next mark that can be made to fail, until it says that it has
/// done so.
fn each(
    traced: &mut Traced,
    mut fails: impl FnMut(&mut Traced, Call) -> bool,
) -> Result<(), String> {
    let mut done = false;
    loop {
        match traced.next() {
            Found::Marked => return Ok(()),
            Found::Ended(how) => return Err(how),
            Found::Before(call) if !done && can_fail(call) => done = fails(traced, call),
            Found::Before(_) => {}
        }
    }
}

/// Memory for the heap is left out, since without it every Rust program ends, and so is what cannot fail.
fn can_fail(call: Call) -> bool {
    let anonymous = u64::from(libc::MAP_ANONYMOUS.unsigned_abs());
    let [_, len, _, flags] = call.args;
    match i64::try_from(call.number).expect("a number") {
        libc::SYS_brk | libc::SYS_mremap | libc::SYS_exit_group => false,
        libc::SYS_geteuid | libc::SYS_getpid | libc::SYS_gettid => false,
        // The word by which a child is known is the library's own.
        libc::SYS_mmap => flags & anonymous == 0 || len == 8,
        _ => true,
    }
}

fn is_locking(traced: &Traced, call: Call) -> bool {
    let [_, command, lock, _] = call.args;
    call.number == libc::SYS_fcntl.unsigned_abs()
        && command == libc::F_OFD_SETLK.unsigned_abs().into()
        && traced.peek(lock) & 0xFFFF == libc::F_WRLCK.unsigned_abs().into()
}

fn is_unlinking(_: &Traced, call: Call) -> bool {
    let unlink = [libc::SYS_unlink, libc::SYS_unlinkat].map(i64::unsigned_abs);
    unlink.contains(&call.number)
}

/// What an operation leaves in the hands of its caller.
enum Kept {
    Nothing,
    Object { _object: SharedObject<Small> },
    Reader { _reader: SharedReader<Small> },
}

fn object(result: shmem_core::Result<SharedObject<Small>>) -> shmem_core::Result<Kept> {
    result.map(|object| Kept::Object { _object: object })
}

/// What is prepared before the operation.
fn prepare(op: &str) -> Option<SharedObject<Small>> {
    match op {
        "create-temporary" => super::confined::refuse_unnamed_files(),
        "close" | "update" | "wait" | "reopen" => {
            return Some(Small::open("o").expect("the object"));
        }
        "close-last" => return Some(Small::create("o", Small::new(5)).expect("an object")),
        _ => {}
    }
    None
}

fn operate(op: &str, prepared: &mut Option<SharedObject<Small>>) -> shmem_core::Result<Kept> {
    let options = Small::options();
    match op {
        "create" | "create-temporary" => object(options.create("o", Small::new(5))),
        "create-readable" => object(options.mode(0o644).create("o", Small::new(5))),
        "create-kept" => object(options.lifetime(Lifetime::Keep).create("o", Small::new(5))),
        "create-file" => object(options.create(file(), Small::new(5))),
        "open" => object(options.open("o")),
        "open-or-create" => object(options.open_or_create("o", Small::new(5))),
        "open-read-only" => options
            .open_read_only("o")
            .map(|reader| Kept::Reader { _reader: reader }),
        "reopen" => object(prepared.as_ref().expect("an object").reopen()),
        "close" | "close-last" => {
            *prepared = None;
            Ok(Kept::Nothing)
        }
        "remove" => shmem_core::remove("o").map(|()| Kept::Nothing),
        "list" => shmem_core::list().map(|_| Kept::Nothing),
        "prune" => shmem_core::prune().map(|_| Kept::Nothing),
        "update" => {
            let object = prepared.as_ref().expect("an object");
            let update = object.update(|value| value.set(value.counter));
            update.map(|()| Kept::Nothing)
        }
        "wait" => {
            let object = prepared.as_ref().expect("an object");
            let waited = object.wait(object.version(), Duration::from_millis(60));
            waited.map(|_: Version| Kept::Nothing)
        }
        other => panic!("no such operation: {other}"),
    }
}

/// The object that is made at a path, on the filesystem of the others.
fn file() -> PathBuf {
    let parent = std::env::var_os("SHMEM_DIR").map(PathBuf::from);
    parent.expect("a directory of our own").join("file")
}

fn attempt(op: &str, prepared: &mut Option<SharedObject<Small>>) -> (String, Option<Kept>) {
    match catch_unwind(AssertUnwindSafe(|| operate(op, prepared))) {
        Ok(Ok(kept)) => ("Ok".to_owned(), Some(kept)),
        Ok(Err(error)) => (variant(&error), None),
        Err(_) => ("panic".to_owned(), None),
    }
}

/// What this process has open: descriptors, and maps of files below the directory of named objects.
fn open_now() -> (usize, usize) {
    let parent = std::env::var_os("SHMEM_DIR").map(PathBuf::from);
    let parent = parent.expect("a directory of our own");
    let parent = parent.to_str().expect("a path in UTF-8");
    let maps = fs::read_to_string("/proc/self/maps").expect("our maps");
    let maps = maps.lines().filter(|line| line.contains(parent)).count();
    (descriptors(), maps)
}

/// The child's side. Says what came of the operation between the marks, then obeys.
fn perform(op: &str, commands: Option<&Commands>) {
    let before = open_now();
    let mut prepared = prepare(op);
    mark();
    let (outcome, mut kept) = attempt(op, &mut prepared);
    mark();
    let Some(commands) = commands else { return };
    say(outcome);
    while let Some(words) = commands.next() {
        match words.join(" ").as_str() {
            // What is still open when all is closed.
            "close" => {
                kept = None;
                drop(prepared.take());
                let after = open_now();
                say(format!(
                    "{} {}",
                    after.0.abs_diff(before.0),
                    after.1.abs_diff(before.1)
                ));
            }
            "again" => {
                prepared = prepare(op);
                let (outcome, now) = attempt(op, &mut prepared);
                kept = now;
                say(outcome);
            }
            "end" => break,
            other => panic!("no such command: {other}"),
        }
    }
    drop(kept);
}
