//! `peer environment`: a program that is short of something, in surroundings that the test has made.
//!
//! It opens as many handles of one type as it is told, and says what came of it.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use shmem_core::{Location, Options, Shared, SharedObject, SharedReader, Version, WriteGuard};
use tests::{Large, Small, say, serve, tell, variant};

pub(crate) fn run() {
    let mut peer = Peer::default();
    serve(|words| peer.obey(words));
}

#[derive(Default)]
struct Peer {
    handles: Vec<SharedObject<Small>>,
    reader: Option<SharedReader<Small>>,
    large: Option<SharedObject<Large>>,
}

impl Peer {
    fn obey(&mut self, words: &[&str]) -> String {
        match *words {
            ["create", name, n] => {
                let made = Small::create(name, Small::new(number(n)));
                self.keep(made)
            }
            ["create-large", name] => {
                let made = Large::create_with(name, |_| {});
                tell(made, |object| {
                    self.large = Some(object);
                    "open"
                })
            }
            ["open", name] => self.keep(Small::open(name)),
            // For others' names, `owner:name`.
            ["open-of", owner, name] => {
                let owner = owner.parse().expect("a user id");
                let location = Location::owned_by(owner, name).expect("a location");
                self.keep(Small::open(location))
            }
            ["open-or-create", name, n] => {
                let made = Small::open_or_create(name, Small::new(number(n)));
                self.keep(made)
            }
            ["open-read-only", name] => tell(Small::open_read_only(name), |reader| {
                self.reader = Some(reader);
                "open"
            }),
            // As many as it can, up to `count`.
            ["open-many", name, count] => {
                for opened in 0..number(count) {
                    match Small::open(name) {
                        Ok(handle) => self.handles.push(handle),
                        Err(error) => return format!("{opened} {}", variant(&error)),
                    }
                }
                format!("{count} open")
            }
            ["close"] => {
                self.handles.pop();
                self.reader = None;
                self.large = None;
                "closed".into()
            }
            ["close-all"] => {
                self.handles.clear();
                "closed".into()
            }
            ["handles"] => self.handles.len().to_string(),
            ["remove", name] => tell(shmem_core::remove(name), |()| "removed"),
            ["list"] => tell(shmem_core::list(), |all| all.len()),
            ["prune"] => tell(shmem_core::prune(), |count| count),
            ["load"] => tell(self.last().load(), |value| value.counter),
            ["load-read-only"] => {
                let reader = self.reader.as_ref().expect("an open reader");
                tell(reader.load(), |value| value.counter)
            }
            ["store", n] => tell(self.last().store(Small::new(number(n))), |v| v),
            ["wait", after, ms] => {
                let timeout = Duration::from_millis(number(ms));
                tell(self.last().wait(Version(number(after)), timeout), |v| v)
            }
            ["age"] => self.last().age().as_millis().to_string(),
            ["descriptors"] => descriptors().to_string(),
            // So many more descriptors than are open now.
            ["descriptors-left", n] => {
                let free = (0..).filter(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).is_err());
                // Numbers below the limit can be had.
                let last = number(n);
                let limit = free.clone().nth(last.try_into().expect("a count"));
                set_limit(Resource::Nofile, limit)
            }
            ["descriptors-limit", n] => set_limit(Resource::Nofile, Some(number(n))),
            // So many more bytes of address space than are used now.
            ["memory-left", bytes] => {
                let status = fs::read_to_string("/proc/self/statm").expect("our size");
                let pages = number(status.split(' ').next().expect("a number"));
                set_limit(Resource::As, Some(pages * 4096 + number(bytes)))
            }
            // Without the right to lock more.
            ["may-lock", bytes] => {
                let mut sets = capabilities(None).expect("capabilities");
                sets.effective -= CapabilitySet::IPC_LOCK;
                set_capabilities(None, sets).expect("fewer capabilities");
                set_limit(Resource::Memlock, Some(number(bytes)))
            }
            ["create-locked", name] => self.keep(locked().create(name, Small::new(1))),
            ["open-locked", name] => self.keep(locked().open(name)),
            ["read-locked", name] => tell(locked().open_read_only(name), |reader| {
                self.reader = Some(reader);
                "open"
            }),
            ["memory-unlimited"] => set_limit(Resource::As, None),
            // Becomes another program while it holds a half-made change, and a version.
            ["exec-holding"] => {
                let object = self.last();
                let _read = object.read().expect("a guard");
                let mut guard = object.write().expect("a guard");
                guard.spoil(99);
                let error = Command::new("sh")
                    .args(["-c", "echo executed; exec cat"])
                    .exec();
                drop(guard);
                error.to_string()
            }
            // Holds the same while it starts another program, which lives on.
            ["spawn-holding"] => {
                let object = self.handles.last().expect("an open object");
                let mut guard = object.write().expect("a guard");
                guard.spoil(99);
                let mut child = Command::new("sleep")
                    .arg("60")
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()
                    .expect("sleep(1)");
                say(child.id());
                std::thread::park();
                drop(child.wait());
                WriteGuard::discard(guard);
                String::new()
            }
            ref other => panic!("no such command: {other:?}"),
        }
    }

    fn keep(&mut self, result: shmem_core::Result<SharedObject<Small>>) -> String {
        tell(result, |object| {
            self.handles.push(object);
            "open"
        })
    }

    fn last(&self) -> &SharedObject<Small> {
        self.handles.last().expect("an open object")
    }
}

fn locked() -> Options<Small> {
    Small::options().lock_in_memory(true)
}

/// How many descriptors are open, not counting the one that this takes.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("a list").count() - 1
}

/// Sets the soft limit, and the hard one if that is lower; none at all if `limit` is `None`.
fn set_limit(what: Resource, limit: Option<u64>) -> String {
    let before = getrlimit(what);
    let maximum = before.maximum.zip(limit).map(|(a, b)| a.max(b));
    let limits = Rlimit {
        current: limit,
        maximum,
    };
    match setrlimit(what, limits) {
        Ok(()) => "done".into(),
        Err(error) => error.to_string(),
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}
