//! What one uncontended operation on 64 bytes costs, beside the least it could cost, in one run.
//!
//! `cargo bench -p shmem-core --bench uncontended`. Contestants take turns round by round, so that a machine
//! that changes its speed changes it for all. Quote the ratios: each compares with the line it names.
#![expect(unsafe_code, reason = "the limits are written by hand")]

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Instant;

use shmem_core::Shared;

const ROUNDS: usize = 31;
const CALLS: u32 = 100_000;

#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
struct Value {
    words: [u64; 8],
}

/// The words of a seqlock, and of a lock that is one exchange.
#[repr(align(128))]
#[derive(Default)]
struct Line {
    sequence: AtomicU64,
    words: [AtomicU64; 8],
}

fn seqlock_copy(line: &Line) -> [u64; 8] {
    loop {
        let before = line.sequence.load(Ordering::Acquire);
        let copy = std::array::from_fn(|i| line.words[i].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        if before % 2 == 0 && line.sequence.load(Ordering::Relaxed) == before {
            return copy;
        }
    }
}

/// Two copies of a value behind a lock that is one exchange to take and one to give back.
#[derive(Default)]
struct Locked {
    lock: AtomicU64,
    copies: UnsafeCell<[Value; 2]>,
}

/// Takes the lock, copies the value, changes a field, and gives the lock back.
fn locked_copy(locked: &Locked) {
    let (free, taken, fail) = (0, 1, Ordering::Relaxed);
    while locked
        .lock
        .compare_exchange(free, taken, Ordering::SeqCst, fail)
        .is_err()
    {}
    // SAFETY: one thread has the value, and the lock besides.
    let copies = unsafe { &mut *black_box(locked.copies.get()) };
    copies[1] = copies[0];
    copies[1].words[0] += 1;
    black_box(&copies);
    let _ = locked
        .lock
        .compare_exchange(taken, free, Ordering::SeqCst, fail);
}

struct Contestant<'a> {
    name: &'static str,
    /// The limit it is measured by; empty for a limit.
    against: &'static str,
    round: Box<dyn Fn() + 'a>,
    nanos: Vec<f64>,
}

fn contestant<'a>(
    name: &'static str,
    against: &'static str,
    call: impl Fn() + 'a,
) -> Contestant<'a> {
    // The loop is inside, so that the indirect call is made once a round.
    let round = move || (0..CALLS).for_each(|_| call());
    Contestant {
        name,
        against,
        round: Box::new(round),
        nanos: Vec::new(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let object = Value::create(format!("bench-{}", std::process::id()), Value::default())?;
    let reader = Value::open_read_only(format!("bench-{}", std::process::id()))?;
    let (counter, line, locked) = (AtomicU64::new(0), Line::default(), Locked::default());
    let std_lock = RwLock::new(Value::default());

    let mut all = [
        contestant("one locked add", "", || {
            black_box(counter.fetch_add(1, Ordering::SeqCst));
        }),
        contestant("two locked adds", "", || {
            black_box(counter.fetch_add(1, Ordering::SeqCst));
            black_box(counter.fetch_sub(1, Ordering::SeqCst));
        }),
        contestant("seqlock copy", "", || {
            black_box(&seqlock_copy(black_box(&line)));
        }),
        contestant("exchange lock and copy", "", || locked_copy(&locked)),
        contestant("std RwLock, read a field", "two locked adds", || {
            black_box(std_lock.read().map(|value| value.words[0]).unwrap_or(0));
        }),
        contestant(
            "std RwLock, write a field",
            "exchange lock and copy",
            || {
                if let Ok(mut value) = std_lock.write() {
                    value.words[0] += 1;
                }
            },
        ),
        contestant("load", "seqlock copy", || {
            if let Ok(value) = &object.load() {
                black_box(value);
            }
        }),
        contestant("load, read-only handle", "seqlock copy", || {
            if let Ok(value) = &reader.load() {
                black_box(value);
            }
        }),
        contestant("read a field", "two locked adds", || {
            black_box(object.read().map(|value| value.words[0]).unwrap_or(0));
        }),
        contestant("write a field", "exchange lock and copy", || {
            if let Ok(mut value) = object.write() {
                value.words[0] += 1;
            }
        }),
        contestant("store", "exchange lock and copy", || {
            black_box(object.store(black_box(Value::default())).is_ok());
        }),
    ];

    for round in 0..=ROUNDS {
        for contestant in &mut all {
            let start = Instant::now();
            (contestant.round)();
            let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
            if round > 0 {
                contestant.nanos.push(nanos);
            }
        }
    }
    for contestant in &mut all {
        contestant.nanos.sort_by(f64::total_cmp);
    }
    println!("64 bytes, nothing else running; {ROUNDS} rounds of {CALLS} calls\n");
    println!(
        "{:<28} {:>8} {:>8} {:>8}   ratio of medians",
        "", "min ns", "median", "max"
    );
    let median = |c: &Contestant<'_>| c.nanos[c.nanos.len() / 2];
    for c in &all {
        let ratio = all.iter().find(|other| other.name == c.against);
        let ratio = ratio.map_or(String::new(), |other| {
            format!("{:.2} × {}", median(c) / median(other), other.name)
        });
        let max = c.nanos.last().copied().unwrap_or(f64::NAN);
        println!(
            "{:<28} {:>8.1} {:>8.1} {:>8.1}   {ratio}",
            c.name,
            c.nanos[0],
            median(c),
            max
        );
    }
    Ok(())
}
