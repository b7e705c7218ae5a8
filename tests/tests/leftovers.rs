//! What killed programs leave behind, and who clears it away: never an object that somebody has open.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use shmem_core::{Error, Lifetime, Shared, list, prune};
use tests::raw::{Raw, control, scribble, word};
use tests::{Alone, Peer, Small, alone, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

fn peer() -> Peer {
    Peer::spawn(PEER, &["user", "-"])
}

/// How many objects stand in the directory, live or not.
fn count(alone: &Alone) -> usize {
    let files = alone.files();
    files.iter().filter(|name| !name.starts_with('.')).count()
}

/// Makes a file look as if it had been written so long ago.
fn age(path: &Path, by: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

/// Each `create` looks at four names, so without live objects at most one leftover stands at any time.
#[test]
fn killed_creators_under_names_never_used_again() {
    alone(|alone| {
        for round in 0..200 {
            let mut killed = peer();
            killed.expect(format!("create round-{round} {round}"), "open");
            killed.kill();
            assert_eq!(alone.files(), [format!("round-{round}")]);
        }
        assert!(list().unwrap().is_empty());
        assert_eq!(count(alone), 0);
    });
}

/// The four names are drawn among the live ones too: with `n` of these, about `n / 3` leftovers stand, since then
/// as many are found as are added. Never more than `n + 10` in all these rounds, which is far from likely.
#[test]
fn killed_creators_beside_live_objects() {
    const LIVE: usize = 30;
    alone(|alone| {
        let live: Vec<_> = (0..LIVE)
            .map(|n| u64::create(format!("live-{n}"), 7).unwrap())
            .collect();
        for round in 0..200 {
            let mut killed = peer();
            killed.expect(format!("create round-{round} {round}"), "open");
            killed.kill();
            let leftovers = count(alone) - LIVE;
            assert!(leftovers <= LIVE + 10, "{leftovers} after {round} rounds");
        }
        let leftovers = count(alone) - LIVE;
        assert_eq!(prune().unwrap(), leftovers);
        assert_eq!(count(alone), LIVE);
        assert!(live.iter().all(|object| object.is_current()));
    });
}

/// `list` shows none of many leftovers and removes some; `prune` removes all, and says how many.
#[test]
fn many_leftovers_at_once() {
    alone(|alone| {
        let mut killed = peer();
        killed.expect("create-many left 300", "open");
        let live = u64::create("live", 1).unwrap();
        assert_eq!(list().unwrap().len(), 301);
        assert_eq!(prune().unwrap(), 0);
        killed.kill();

        let listed = list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].location.name(), Some("live"));
        let left = count(alone);
        assert!((301 - 64..301).contains(&left), "{left}");
        // A leftover's name is free, and what nobody has open does not exist.
        for n in 0..300 {
            let name = format!("left-{n}");
            assert_eq!(outcome(Small::open_read_only(name.as_str())), "NotFound");
        }
        assert_eq!(outcome(Small::open("left-299")), "NotFound");
        drop(u64::create("left-298", 5).unwrap());
        let left = count(alone);
        assert_eq!(prune().unwrap(), left - 1);
        assert_eq!(alone.files(), ["live"]);
        assert_eq!(prune().unwrap(), 0);
        assert!(live.is_current());
    });
}

/// Killed anywhere between nothing and a name: what has a name is complete, and nothing else is left.
#[test]
fn creators_killed_in_the_middle() {
    alone(|alone| {
        for round in 0..40_u32 {
            let mut killed = peer();
            killed.expect(format!("create-and-close round-{round}"), "working");
            // Not a wait for anything: it spreads the kills over what the creator does.
            std::thread::sleep(Duration::from_micros(u64::from(round) * 97));
            killed.kill();
            let left = alone.files();
            // In one round the first look is that of `list`, in the next that of `open`.
            if round % 2 == 0 {
                assert!(list().unwrap().is_empty());
            }
            for name in left {
                assert!(name.starts_with(&format!("round-{round}-")), "{name}");
                assert_eq!(outcome(Small::open(name.as_str())), "NotFound");
            }
            prune().unwrap();
            assert_eq!(alone.files(), [""; 0]);
        }
    });
}

#[test]
fn what_somebody_has_open_is_no_leftover() {
    alone(|alone| {
        let mut creator = peer();
        creator.expect("create shared 1", "open");
        let mut stopped = peer();
        stopped.expect("create stopped 2", "open");
        let kept = u64::options().lifetime(Lifetime::Keep);
        drop(kept.create("kept", 3).unwrap());
        let opened = Small::open("shared").unwrap();
        let readable = Small::options().mode(0o644);
        let _readable = readable.create("readable", Small::new(4)).unwrap();

        creator.kill();
        stopped.stop();
        for _ in 0..10 {
            assert_eq!(prune().unwrap(), 0);
            assert_eq!(list().unwrap().len(), 4);
            drop(u64::create("passing", 0).unwrap());
        }
        assert!(opened.is_current());
        assert_eq!(opened.load().unwrap().counter, 1);
        assert_eq!(Small::open("stopped").unwrap().load().unwrap().counter, 2);
        assert_eq!(u64::open("kept").unwrap().load().unwrap(), 3);
        stopped.resume();
        stopped.expect("load", 2);
        stopped.kill();
        assert_eq!(prune().unwrap(), 1);
        assert_eq!(count(alone), 3);
    });
}

/// Marked as removed and still under its name: whoever removed it was killed in between. It is nobody's, kept or not.
#[test]
fn an_object_that_was_removed_halfway() {
    alone(|alone| {
        for sweep in [
            || prune().unwrap(),
            || usize::from(list().unwrap().is_empty()),
            || usize::from(u64::create("o", 1).is_ok()),
        ] {
            let kept = u64::options().lifetime(Lifetime::Keep);
            drop(kept.create("o", 3).unwrap());
            let path = alone.home().join("o");
            let raw = Raw::read(&path);
            let current = raw.offset(word::CONTROL) + control::CURRENT;
            scribble(&path, current, &(raw.at(current) | 8).to_ne_bytes());
            assert_eq!(sweep(), 1);
            assert_eq!(count(alone), 0);
        }
    });
}

/// If the locks lie in a file of their own, a leftover is told by that.
#[test]
fn leftovers_that_others_may_read() {
    alone(|alone| {
        let mut killed = peer();
        killed.expect("create-mode left 644 1", "open");
        assert_eq!(prune().unwrap(), 0);
        killed.kill();
        assert_eq!(outcome(Small::open_read_only("left")), "NotFound");
        assert_eq!(prune().unwrap(), 1);
        // The lock file stays: others may have it open.
        assert_eq!(alone.files(), [".lock-600"]);
    });
}

/// Whether a peer can play a filesystem that has no files without a name.
fn has_filters(test: &str) -> bool {
    let has = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    if !has {
        println!("not run: {test}: no filter of system calls for this processor");
    }
    has
}

/// Where files without a name cannot be had, an object that is being built has one that nobody takes for an
/// object's.
#[test]
fn objects_that_are_being_built() {
    alone(|alone| {
        if !has_filters("objects_that_are_being_built") {
            return;
        }
        let mut builder = peer();
        builder.expect("without-unnamed-files", "done");
        builder.expect("create-slowly o 5", "building");
        let files = alone.files();
        assert!(
            matches!(&files[..], [one] if one.starts_with(".new-")),
            "{files:?}"
        );
        let path = alone.home().join(&files[0]);
        for minutes in [0, 2, 100] {
            age(&path, Duration::from_secs(60 * minutes));
            assert!(list().unwrap().is_empty());
            assert_eq!(prune().unwrap(), 0);
            drop(u64::create("passing", 0).unwrap());
            assert_eq!(outcome(Small::open("o")), "NotFound");
        }
        assert_eq!(alone.files(), files);
        builder.expect("go on", "open");
        assert_eq!(alone.files(), ["o"]);
        assert_eq!(Small::open("o").unwrap().load().unwrap().counter, 5);
        builder.expect("create o 6", "AlreadyExists");
        assert_eq!(alone.files(), ["o"]);
        builder.expect("close", "closed");
        assert_eq!(alone.files(), [""; 0]);
    });
}

#[test]
fn builders_that_were_killed() {
    alone(|alone| {
        if !has_filters("builders_that_were_killed") {
            return;
        }
        let build = |name: &str| {
            let mut builder = peer();
            builder.expect("without-unnamed-files", "done");
            builder.expect(format!("create-slowly {name} 5"), "building");
            builder
        };
        let (first, second, mut third) = (build("a"), build("b"), build("c"));
        let files = alone.files();
        assert_eq!(files.len(), 3);
        first.kill();
        second.kill();
        // Young: its creator may only not have got so far as to hold a lock in it.
        assert_eq!(prune().unwrap(), 0);
        assert_eq!(alone.files(), files);
        for file in &files {
            age(&alone.home().join(file), Duration::from_secs(120));
        }
        assert_eq!(prune().unwrap(), 2);
        third.expect("go on", "open");
        assert_eq!(alone.files(), ["c"]);

        // Who builds in the same way clears them away, too.
        build("d").kill();
        for file in alone.files().iter().filter(|file| file.starts_with('.')) {
            age(&alone.home().join(file), Duration::from_secs(120));
        }
        third.expect("create e 6", "open");
        third.expect("without-unnamed-files", "done");
        third.expect("create e 7", "AlreadyExists");
        third.expect("create f 7", "open");
        assert_eq!(alone.files(), ["f"]);
    });
}

/// What begins like a file being built, and is not one.
#[test]
fn strangers_among_files_being_built() {
    alone(|alone| {
        let home = alone.make_home();
        std::fs::create_dir(home.join(".new-directory")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", home.join(".new-link")).unwrap();
        std::fs::write(home.join(".new-young"), "").unwrap();
        std::fs::write(home.join(".new-old"), "text").unwrap();
        std::fs::write(home.join(".other"), "text").unwrap();
        age(&home.join(".new-old"), Duration::from_secs(120));
        age(&home.join(".other"), Duration::from_secs(120));
        assert!(list().unwrap().is_empty());
        assert_eq!(prune().unwrap(), 1);
        let left = [".new-directory", ".new-link", ".new-young", ".other"];
        assert_eq!(alone.files(), left);
        assert!(Path::new("/etc/passwd").exists());
    });
}

/// If a sweeper compared the name and then took it away without `MEMBER`, an object created in between would
/// lose it while it is open.
#[test]
fn sweeping_races_against_creating_and_closing() {
    const ROUNDS: u64 = 400;
    alone(|alone| {
        let mut sweepers = [peer(), peer()];
        for sweeper in &mut sweepers {
            sweeper.send("sweep-many 1000");
        }
        let work = |name: &str| {
            for round in 0..ROUNDS {
                let first = u64::create(name, round).unwrap();
                assert!(first.is_current(), "{name} lost its name, round {round}");
                let second = u64::open(name).unwrap();
                drop(first);
                assert!(second.is_current(), "{name} lost its name, round {round}");
                assert_eq!(u64::open_read_only(name).unwrap().load().unwrap(), round);
                assert_eq!(second.load().unwrap(), round);
                // Found again, or made anew by another round's rule: never two at once.
                let third = u64::open_or_create(name, u64::MAX).unwrap();
                assert_eq!(third.load().unwrap(), round);
                drop((second, third));
                match u64::open(name) {
                    Err(Error::NotFound { .. }) => {}
                    other => panic!("{name}, round {round}: {}", outcome(other)),
                }
            }
        };
        let stays = u64::create("stays", 1).unwrap();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                scope.spawn(move || work(name));
            }
            // Something to sweep.
            scope.spawn(|| {
                for round in 0..20 {
                    let mut killed = peer();
                    killed.expect(format!("create-many left-{round} 5"), "open");
                    killed.kill();
                }
            });
        });
        for sweeper in &sweepers {
            assert_eq!(sweeper.recv(), "swept");
        }
        assert!(stays.is_current());
        drop(stays);
        prune().unwrap();
        assert_eq!(alone.files(), [""; 0]);
    });
}
