//! Two versions of one program at the same time, under load, killed at random: no value is seen in pieces, and
//! what the newer has counted the older does not lose.
//!
//! The versions are programs of their own, `growth-old` and `growth-new`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tests::{Cleanup, DEADLINE, Peer, Random};

const OLD: &str = env!("CARGO_BIN_EXE_growth-old");
const NEW: &str = env!("CARGO_BIN_EXE_growth-new");

/// How many programs are killed in each run, at least.
const KILLS: u64 = 50;

/// The first of the two creates the object; then writers and readers of both come and go.
fn run(first: &str, second: &str) {
    // One at a time: six programs that never rest are as many as two processors start quickly.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = Cleanup::new("growing");
    let holder = Peer::spawn(first, &["hold", &name, "4"]);
    let roles: Vec<_> = [first, second]
        .into_iter()
        .flat_map(|program| ["write", "read", "watch"].map(|role| (program, role)))
        .collect();
    let spawn = |(program, role)| Peer::spawn(program, &[role, &*name]);
    let mut peers: Vec<_> = roles.iter().copied().map(spawn).collect();
    let mut random = Random::new();
    println!("seed {}", random.seed());
    let (mut kills, mut new_writers_killed, mut written) = (0_u64, 0_u64, 0_u64);
    // The numbers of the newer program's counter, each said after it was published.
    let mut said = Vec::new();
    let mut gather = |(program, role): (&str, &str), lines: Vec<String>| {
        for line in lines {
            let number = line.parse::<u64>().ok().filter(|_| role == "write");
            let number = number.unwrap_or_else(|| panic!("{program} {role}: {line}"));
            written += 1;
            if program == NEW {
                said.push(number);
            }
        }
    };
    let mut kill = |who: (&str, &str), mut peer: Peer| {
        peer.kill_now();
        gather(who, peer.rest());
        new_writers_killed += u64::from(who == (NEW, "write"));
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) || kills < KILLS {
        assert!(start.elapsed() < DEADLINE, "only {kills} kills");
        std::thread::sleep(Duration::from_micros(random.below(6_000).into()));
        let victim = random.below(6) as usize;
        let next = spawn(roles[victim]);
        kill(roles[victim], std::mem::replace(&mut peers[victim], next));
        kills += 1;
    }
    for (who, peer) in roles.iter().zip(peers) {
        kill(*who, peer);
    }

    // A newer program that comes last sees what all newer ones have counted, or zero if there were none.
    let mut last = Peer::spawn(NEW, &["hold", &name, "4"]);
    let look = last.ask("look");
    let (total, whole) = look.split_once(' ').unwrap();
    let total: u64 = total.parse().unwrap();
    assert_eq!(whole, "true");
    let count = said.len() as u64;
    said.sort_unstable();
    let twice = said.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "counted twice: one was lost");
    assert!(said.last().is_none_or(|last| *last <= total));
    let unsaid = total - count;
    assert!(
        unsaid <= new_writers_killed,
        "{unsaid} of {new_writers_killed}"
    );
    assert_eq!(total > 0, first == NEW || second == NEW);
    let version: u64 = last.ask("version").parse().unwrap();
    println!(
        "{kills} kills, {written} values written, {count} of them by the newer program, {unsaid} unsaid, \
         version {version}"
    );
    assert!(version > written, "each was a version");
    assert!(written > 100, "{written} values");
    last.expect("handles", 2);
    drop(holder);
}

#[test]
fn old_and_old() {
    run(OLD, OLD);
}

#[test]
fn a_new_one_comes_to_an_old_one() {
    run(OLD, NEW);
}

#[test]
fn an_old_one_comes_to_a_new_one() {
    run(NEW, OLD);
}

#[test]
fn new_and_new() {
    run(NEW, NEW);
}

/// Services are upgraded and rolled back one at a time, and the value outlives each of them.
#[test]
fn upgraded_and_rolled_back() {
    let name = Cleanup::new("upgrade");
    let mut holder = Peer::spawn(OLD, &["hold", &name, "4"]);
    let mut said = 0;
    for program in [OLD, NEW, OLD, NEW, NEW, OLD, NEW] {
        let mut writer = Peer::spawn(program, &["write", &*name]);
        let next = Peer::spawn(
            if program == OLD { NEW } else { OLD },
            &["hold", &name, "4"],
        );
        // While both are there, and then without the first.
        let mut last = 0;
        for _ in 0..50 {
            last = writer.recv().parse().unwrap();
        }
        writer.kill_now();
        if let Some(line) = writer.rest().last() {
            last = line.parse().unwrap();
        }
        if program == NEW {
            // Published and killed before it was said, at most one.
            assert!(last > said, "{last} after {said}");
        }
        let mut newer = Peer::spawn(NEW, &["hold", &name, "4"]);
        let look = newer.ask("look");
        let (number, whole) = look.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        assert_eq!(whole, "true");
        let expected = if program == NEW { last } else { said };
        assert!(
            (expected..=expected + 1).contains(&number),
            "{number} after {expected}"
        );
        assert!(
            program == NEW || number == said,
            "an old program lost {said}"
        );
        said = number;
        drop(std::mem::replace(&mut holder, next));
    }
    assert!(said > 0);
}
