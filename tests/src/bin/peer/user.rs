//! `peer user <uid>`: a program of another user, which does what it is told and says what came of it.
//!
//! It is started by root and becomes that user before it says that it is ready. With `peer user -` it stays who
//! it is.
#![expect(unsafe_code, reason = "changes the user, and asks for locks")]

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_keep_capabilities};
use shmem_core::{Lifetime, Location, Shared, SharedObject, SharedReader, Trust, Version};
use tests::raw::maps_of;
use tests::{Commands, Small, say, tell};

pub(crate) fn run(args: &[&str]) {
    match args {
        ["-"] => {}
        [uid] => become_user(uid.parse().expect("a user id")),
        // Whatever a file's mode says.
        [uid, "may-write-all"] => {
            set_keep_capabilities(true).expect("to keep them");
            become_user(uid.parse().expect("a user id"));
            let mut sets = capabilities(None).expect("capabilities");
            sets.effective |= CapabilitySet::DAC_OVERRIDE;
            set_capabilities(None, sets).expect("a capability");
        }
        other => panic!("no such user: {other:?}"),
    }
    let commands = Commands::ready();
    let mut peer = Peer::default();
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        say(peer.obey(&words));
    }
}

/// For good, with its groups.
fn become_user(uid: u32) {
    // SAFETY: no group is listed, so nothing is read through the pointer.
    let groups = unsafe { libc::setgroups(0, std::ptr::null()) };
    // SAFETY: these two take numbers only.
    let group = unsafe { libc::setresgid(uid, uid, uid) };
    // SAFETY: as above.
    let user = unsafe { libc::setresuid(uid, uid, uid) };
    assert_eq!((groups, group, user), (0, 0, 0), "becoming user {uid}");
}

#[derive(Default)]
struct Peer {
    object: Option<SharedObject<Small>>,
    reader: Option<SharedReader<Small>>,
    many: Vec<SharedObject<Small>>,
    locked: Vec<File>,
}

impl Peer {
    fn obey(&mut self, words: &[&str]) -> String {
        let counter = |value: Small| {
            assert!(value.is_whole(), "torn");
            value.counter
        };
        match *words {
            // A place: `name`, `uid:name`, or a path that begins with `/` or `./`.
            ["create", at, n] => {
                let result = Small::create(place(at), Small::new(number(n)));
                self.keep(result)
            }
            ["create-mode", at, mode, n] => {
                let mode = u32::from_str_radix(mode, 8).expect("a mode");
                let options = Small::options().mode(mode);
                let result = options.create(place(at), Small::new(number(n)));
                self.keep(result)
            }
            ["create-kept", at, n] => {
                let options = Small::options().lifetime(Lifetime::Keep);
                let result = options.create(place(at), Small::new(number(n)));
                self.keep(result)
            }
            // Names that begin with `at`, all held open.
            ["create-many", at, count] => {
                for n in 0..number(count) {
                    let object = Small::create(format!("{at}-{n}"), Small::new(n));
                    self.many.push(object.expect("an object"));
                }
                "open".into()
            }
            // Under ever new names, until it is killed.
            ["create-and-close", at] => {
                say("working");
                for n in 0.. {
                    drop(Small::create(format!("{at}-{n}"), Small::new(n)).expect("an object"));
                }
                unreachable!()
            }
            // Says `building` and waits for a line before the value is done.
            ["create-slowly", at, n] => {
                let result = Small::create_with(place(at), |value| {
                    say("building");
                    std::io::stdin()
                        .read_line(&mut String::new())
                        .expect("a line");
                    value.set(number(n));
                });
                self.keep(result)
            }
            // As on a filesystem that has no files without a name.
            ["without-unnamed-files"] => {
                super::confined::refuse_unnamed_files();
                "done".into()
            }
            ["open", at] => {
                let result = Small::open(place(at));
                self.keep(result)
            }
            ["open-trusting", at] => {
                let result = Small::options().trust(Trust::Anyone).open(place(at));
                self.keep(result)
            }
            ["open-or-create", at, n] => {
                let result = Small::open_or_create(place(at), Small::new(number(n)));
                self.keep(result)
            }
            ["open-read-only", at] => tell(Small::open_read_only(place(at)), |reader| {
                self.reader = Some(reader);
                "open"
            }),
            ["open-unmapped", at] => {
                let options = Small::options().mapped(false);
                tell(options.open_read_only(place(at)), |reader| {
                    self.reader = Some(reader);
                    "open"
                })
            }
            ["private", at] => tell(Small::open_private(place(at)), |copy| counter(*copy)),
            ["close"] => {
                self.object = None;
                self.reader = None;
                "closed".into()
            }
            ["remove", at] => tell(shmem_core::remove(place(at)), |()| "removed"),
            ["list"] => tell(shmem_core::list(), |all| all.len()),
            ["prune"] => tell(shmem_core::prune(), |count| count),
            ["sweep-many", count] => {
                for _ in 0..number(count) {
                    shmem_core::prune().expect("a look");
                    shmem_core::list().expect("a look");
                }
                "swept".into()
            }
            ["store", n] => tell(self.object().store(Small::new(number(n))), |v| v),
            ["load"] => match (&self.object, &self.reader) {
                (Some(object), _) => tell(object.load(), counter),
                (None, Some(reader)) => tell(reader.load(), counter),
                (None, None) => panic!("nothing is open"),
            },
            ["version"] => self.reader().version().to_string(),
            ["is-current"] => self.reader().is_current().to_string(),
            ["handles"] => format!("{:?}", self.reader().info().handles),
            // Says `waiting`, then what came.
            ["wait", after] => {
                say("waiting");
                let after = Version(number(after));
                tell(self.reader().wait(after, tests::DEADLINE), |v| v)
            }
            ["wait-at-most", after, ms] => {
                let timeout = Duration::from_millis(number(ms));
                tell(self.reader().wait(Version(number(after)), timeout), |v| v)
            }
            // How this process maps a file.
            ["maps", path] => maps_of(Path::new(path)).join(" "),
            // All that the kernel gives, until it ends; says which it got.
            ["hold-locks", path] => match File::open(path) {
                Err(error) => format!("{:?}", error.kind()),
                Ok(file) => {
                    let got = hold_locks(&file);
                    // To close any descriptor of a file lets go of this process's locks on it.
                    self.locked.push(file);
                    got.join(" ")
                }
            },
            ["chdir", path] => {
                std::env::set_current_dir(path).expect("a directory");
                "done".into()
            }
            ref other => panic!("no such command: {other:?}"),
        }
    }

    fn keep(&mut self, result: shmem_core::Result<SharedObject<Small>>) -> String {
        tell(result, |object| {
            self.object = Some(object);
            "open"
        })
    }

    fn object(&self) -> &SharedObject<Small> {
        self.object.as_ref().expect("an open object")
    }

    fn reader(&self) -> &SharedReader<Small> {
        self.reader.as_ref().expect("an open reader")
    }
}

/// Takes every lock on `file` that the kernel gives who may only read it: on the whole, and on the byte `MEMBER` of
/// an object with locks of its own.
fn hold_locks(file: &File) -> Vec<&'static str> {
    let range = |command, kind: i32, start, len| {
        // SAFETY: all-zero is a value of this plain struct of integers.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_start = start;
        lock.l_len = len;
        lock.l_type = kind.try_into().expect("a kind of lock");
        // SAFETY: both commands read one `flock`, which `lock` is.
        unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const lock) }
    };
    let by_bytes = |command, kind| range(command, kind, 0, 0);
    // SAFETY: these two take numbers only.
    let lease = |kind: i32| unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) };
    // SAFETY: as above.
    let flock = |kind: i32| unsafe { libc::flock(file.as_raw_fd(), kind | libc::LOCK_NB) };
    // 2⁶², where offsets have 64 bits.
    let member = libc::off_t::MAX / 2 + 1;
    let asked = [
        ("ofd-write", by_bytes(libc::F_OFD_SETLK, libc::F_WRLCK)),
        ("posix-write", by_bytes(libc::F_SETLK, libc::F_WRLCK)),
        ("lease", lease(libc::F_RDLCK)),
        ("lease-write", lease(libc::F_WRLCK)),
        ("ofd", by_bytes(libc::F_OFD_SETLK, libc::F_RDLCK)),
        ("posix", by_bytes(libc::F_SETLK, libc::F_RDLCK)),
        ("member", range(libc::F_OFD_SETLK, libc::F_RDLCK, member, 1)),
        ("flock", flock(libc::LOCK_EX)),
    ];
    let got = asked.into_iter().filter(|(_, result)| *result == 0);
    got.map(|(name, _)| name).collect()
}

fn place(text: &str) -> Location {
    let place = if text.starts_with('/') || text.starts_with("./") {
        Location::try_from(Path::new(text))
    } else if let Some((uid, name)) = text.split_once(':') {
        Location::owned_by(uid.parse().expect("a user id"), name)
    } else {
        Location::try_from(text)
    };
    place.expect("a location")
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}
