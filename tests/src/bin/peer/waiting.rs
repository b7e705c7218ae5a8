//! `peer waiting pong|idle|foreign|signals|shutdown …`: waits, and says what came of it.
#![expect(unsafe_code, reason = "installs signal handlers")]

use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use shmem_core::{Error, Location, Shared, SharedObject, Version};
use tests::{Commands, DEADLINE, say, tell};

pub(crate) fn run(args: &[&str]) {
    match *args {
        ["pong", ping, pong, rounds] => {
            let ping = u64::open(ping).unwrap();
            answer(|after| ping.wait(after, DEADLINE), pong, number(rounds));
        }
        ["pong-read-only", ping, pong, rounds] => {
            let ping = u64::open_read_only(ping).unwrap();
            answer(|after| ping.wait(after, DEADLINE), pong, number(rounds));
        }
        ["foreign", owner, name] => {
            let owner = u32::try_from(number(owner)).unwrap();
            foreign(Location::owned_by(owner, name).unwrap());
        }
        ["idle", name] => idle(name),
        ["signals", name] => signals(name),
        ["shutdown", name] => shutdown(name),
        ref other => panic!("no such role: {other:?}"),
    }
}

/// Hands each version of one object back as a version of another.
fn answer(wait: impl Fn(Version) -> shmem_core::Result<Version>, pong: &str, rounds: u64) {
    let pong = u64::open(pong).unwrap();
    say("ready");
    for round in 1..=rounds {
        let version = wait(Version(round)).unwrap();
        assert_eq!(version, Version(round + 1));
        pong.store(round).unwrap();
    }
    say("done");
}

/// Says each version as it comes.
fn foreign(location: Location) {
    let reader = u64::open_read_only(location).unwrap();
    let mut last = reader.version();
    let commands = Commands::ready();
    while commands.next().is_some() {
        match reader.wait(last, DEADLINE) {
            Ok(version) => last = version,
            Err(error) => return say(error),
        }
        say(format!("{last} {}", reader.load().unwrap()));
    }
}

/// Waits in vain for so many milliseconds; says how many microseconds of the processor that took.
fn idle(name: &str) {
    let object = u64::open(name).unwrap();
    let reader = u64::open_read_only(name).unwrap();
    let clock = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::try_from(time).unwrap()
    };
    tests::serve(|words| {
        let [kind, ms] = *words else {
            panic!("kind and time")
        };
        let timeout = Duration::from_millis(number(ms));
        let before = clock();
        let result = match kind {
            "object" => object.wait(Version(1), timeout),
            _ => reader.wait(Version(1), timeout),
        };
        let spent = clock() - before;
        format!("{} {}", tell(result, |version| version), spent.as_micros())
    });
}

extern "C" fn ignore(_: libc::c_int) {}

/// Waits while signals come whose handler does nothing.
fn signals(name: &str) {
    on_signal(libc::SIGUSR1, ignore);
    let object = u64::open(name).unwrap();
    let commands = Commands::ready();
    while let Some(words) = commands.next() {
        let timeout = Duration::from_millis(number(&words[0]));
        let start = Instant::now();
        let result = tell(object.wait(Version(1), timeout), |version| version);
        say(format!("{result} {}", start.elapsed().as_millis()));
    }
}

/// The object whose waits SIGTERM ends.
static WAITING: AtomicPtr<SharedObject<u64>> = AtomicPtr::new(std::ptr::null_mut());

extern "C" fn interrupt(_: libc::c_int) {
    // SAFETY: null, or an object that lives until `main` ends: it is leaked as far as the handler can see.
    if let Some(object) = unsafe { WAITING.load(Ordering::SeqCst).as_ref() } {
        object.interrupt();
    }
}

/// A program that follows a value until it is told to end, and then ends like any other.
fn shutdown(name: &str) {
    let object = u64::open(name).unwrap();
    WAITING.store((&raw const object).cast_mut(), Ordering::SeqCst);
    on_signal(libc::SIGTERM, interrupt);
    say("ready");
    let mut last = object.version();
    let error = loop {
        match object.wait_forever(last) {
            Ok(version) => {
                last = version;
                say(last);
            }
            Err(error) => break error,
        }
    };
    // From here on a signal finds nothing to interrupt.
    WAITING.store(std::ptr::null_mut(), Ordering::SeqCst);
    drop(object);
    say(match error {
        Error::Interrupted { .. } => "shut down".into(),
        other => other.to_string(),
    });
}

/// Has `handler` called, and system calls end with EINTR.
fn on_signal(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: all-zero bytes are a `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    // SAFETY: a whole `sigaction`, and the handlers here do only what a signal handler may.
    let result = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    assert_eq!(result, 0);
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}
