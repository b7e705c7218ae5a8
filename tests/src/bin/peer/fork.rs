//! `peer fork <name>`: opens a [`Small`], and obeys together with the children that it forks.
//!
//! `fork` and `clone` (the bare system call, past `fork(3)`) make a child that obeys from then on, while the
//! parent waits for its end. `fork-aside` makes one that does nothing, while the parent goes on obeying.
#![expect(unsafe_code, reason = "forks, and closes what it does not own")]

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use shmem_core::{LocalReader, ReadGuard, Shared, SharedObject, SharedReader, Version, WriteGuard};
use tests::{Commands, Medium, Small, say, tell};

/// All that a child inherits.
struct Inherited<'a> {
    object: &'a SharedObject<Small>,
    reader: SharedReader<Small>,
    local: Option<LocalReader<Small>>,
    large: Option<SharedObject<Medium>>,
    read: Option<ReadGuard<'a, Small>>,
    write: Option<WriteGuard<'a, Small>>,
    /// Opened by the child.
    own: Option<SharedObject<Small>>,
    others: Vec<File>,
    aside: Option<Pid>,
}

pub(crate) fn run(args: &[&str]) {
    let name = match *args {
        [name] => name,
        ["two", name] => return two(name),
        ["drops", path] => return drops(Path::new(path)),
        ref other => panic!("a name, not {other:?}"),
    };
    let object = Small::open(name).unwrap();
    let mut inherited = Inherited {
        object: &object,
        reader: Small::open_read_only(name).unwrap(),
        local: None,
        large: None,
        read: None,
        write: None,
        own: None,
        others: Vec::new(),
        aside: None,
    };
    let commands = Commands::ready();
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        if words == ["close"] {
            break;
        }
        say(inherited.obey(&words));
    }
    let aside = inherited.aside;
    drop(inherited);
    drop(object);
    say("closed");
    while commands.next().is_some() {}
    if let Some(child) = aside {
        kill_process(child, Signal::KILL).unwrap();
        waitpid(Some(child), WaitOptions::empty()).unwrap();
    }
}

impl Inherited<'_> {
    fn obey(&mut self, words: &[&str]) -> String {
        let object = self.object;
        match *words {
            // Making a child.
            ["fork"] => self.child(fork()),
            ["clone"] => self.child(bare_clone()),
            ["fork-aside"] => match fork() {
                Some(child) => {
                    self.aside = Some(child);
                    "done".into()
                }
                None => loop {
                    std::thread::sleep(Duration::from_secs(1));
                },
            },
            // At once, without dropping anything.
            // SAFETY: nothing has to be run at exit.
            ["exit"] => unsafe { libc::_exit(7) },
            // Through what is inherited.
            ["read"] => tell(object.read(), |guard| guard.counter),
            ["hold-read"] => tell(object.read(), |guard| self.read.insert(guard).counter),
            ["hold-write"] => tell(object.write(), |guard| {
                let recovered = WriteGuard::recovered(&guard);
                self.write = Some(guard);
                recovered
            }),
            ["write"] => tell(object.write(), |guard| guard.counter),
            ["try-write"] => tell(object.try_write(), |guard| guard.counter),
            ["store", n] => tell(object.store(Small::new(number(n))), |version| version),
            ["add"] => tell(object.update(|v| v.set(v.counter + 1)), |()| "done"),
            ["load"] => tell(object.load(), |value| value.counter),
            ["version"] => object.version().to_string(),
            ["wait", after] => {
                let timeout = Duration::from_millis(1);
                tell(object.wait(Version(number(after)), timeout), |v| v)
            }
            ["open-local"] => tell(object.local(), |local| {
                self.local = Some(local);
                "open"
            }),
            ["local"] => tell(self.local.as_ref().expect("a reader").read(), |guard| {
                guard.counter
            }),
            ["reader"] => tell(self.reader.load(), |value| value.counter),
            ["look"] => {
                let guard = self.read.as_ref().expect("a guard");
                assert!(guard.is_whole());
                guard.counter.to_string()
            }
            ["spoil", n] => {
                self.write.as_mut().expect("a guard").spoil(number(n));
                "done".into()
            }
            ["set", n] => {
                self.write.as_mut().expect("a guard").set(number(n));
                "done".into()
            }
            ["commit"] => WriteGuard::commit(self.write.take().expect("a guard")).to_string(),
            ["drop-guards"] => {
                self.read = None;
                self.write = None;
                "done".into()
            }
            // A value that is not copied out in one go.
            ["open-large", name] => tell(Medium::open(name), |large| {
                self.large = Some(large);
                "open"
            }),
            ["load-large"] => tell(self.large.as_ref().expect("a handle").load_boxed(), |v| {
                v.counter
            }),
            // Through what the child opens.
            ["reopen"] => tell(object.reopen(), |own| {
                self.own = Some(own);
                "open"
            }),
            ["own-read"] => tell(self.own().read(), |guard| guard.counter),
            ["own-add"] => tell(self.own().update(|v| v.set(v.counter + 1)), |()| "done"),
            ["own-close"] => {
                self.own = None;
                "done".into()
            }
            // What a daemon does that wants to begin with a clean slate.
            ["closefrom"] => {
                closefrom();
                "done".into()
            }
            // Takes the numbers that are free.
            ["open-others"] => {
                let others = (0..16).map(|_| File::open("/dev/null").unwrap());
                self.others = others.collect();
                "done".into()
            }
            ref other => panic!("no such command: {other:?}"),
        }
    }

    fn own(&self) -> &SharedObject<Small> {
        self.own.as_ref().expect("a handle")
    }

    /// Goes on in the child; in the parent once that has ended.
    fn child(&self, child: Option<Pid>) -> String {
        let Some(child) = child else {
            return "child".into();
        };
        let (_, status) = waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
        format!("the child ended with {:?}", status.exit_status())
    }
}

/// `peer fork two <name>`: a second handle, whose descriptor gets the number that the first one's had.
fn two(name: &str) {
    let old = Small::open(name).unwrap();
    closefrom();
    let new = Small::open(name).unwrap();
    let commands = Commands::ready();
    let mut held = new.write().unwrap();
    held.set(2);
    // Through the new descriptor the kernel does not see the new handle's lock.
    let answer = std::thread::scope(|scope| {
        let other = scope.spawn(|| tell(old.try_write(), |guard| guard.counter));
        other.join().unwrap()
    });
    say(answer);
    drop(old);
    say("closed");
    commands.next();
    say(WriteGuard::commit(held));
    while commands.next().is_some() {
        say(tell(new.try_write(), |guard| guard.counter));
    }
}

/// `peer fork drops <path>`: a child that drops the guards and the handle that it inherits, and ends.
fn drops(path: &Path) {
    let object = Small::open(path).unwrap();
    let commands = Commands::ready();
    let read = object.read().unwrap();
    if let Some(child) = fork() {
        waitpid(Some(child), WaitOptions::empty()).unwrap();
        say(read.counter);
        commands.next();
        return;
    }
    drop(read);
    drop(object);
    std::process::exit(0);
}

fn closefrom() {
    let (first, last) = (3, libc::c_uint::MAX);
    // SAFETY: the descriptors are the library's, which must bear it; nothing else here has one.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    assert_eq!(result, 0);
}

/// The child's id; `None` in the child.
fn fork() -> Option<Pid> {
    // SAFETY: this program has one thread.
    started(unsafe { libc::fork() }.into())
}

fn bare_clone() -> Option<Pid> {
    // SAFETY: a copy of this process, which has one thread, with a copy of its stack; only a signal at its end.
    started(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) })
}

fn started(result: libc::c_long) -> Option<Pid> {
    assert!(result >= 0, "{}", std::io::Error::last_os_error());
    if result == 0 {
        // Alarms are not inherited.
        // SAFETY: no preconditions.
        unsafe { libc::alarm(crate::ALARM) };
    }
    Pid::from_raw(i32::try_from(result).unwrap())
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}
