//! What the tests with several processes share: the `peer` they start, its line protocol, names of their own.
//!
//! A test starts `peer <group> <args…>` with [`Peer::spawn`]; the peer's side is [`serve`] or [`Commands`].
//! A peer says `ready`, then obeys one line at a time and answers each with one line. So the order of events
//! is the test's to decide, without a sleep. Every wait has a deadline, and a peer that outlives its test
//! dies by its own alarm.

use std::fmt::Display;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shmem_core::Error;

mod alone;
mod engine;
pub mod hostile;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
pub mod power;
pub mod raw;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
pub mod recorder;
mod value;
pub use alone::{Alone, alone, corrupt_part, is_root, outcome};
pub use engine::{Engine, Gear};
pub use value::{Checked, Large, Medium, Small};

/// How long a test waits for anything before it gives up, with a message.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A name that no other test uses, now or in another run at the same time.
pub fn unique_name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test-{what}-{}-{count}", std::process::id())
}

/// A name of its own, removed when the test ends, however it ends.
#[derive(Debug)]
pub struct Cleanup(String);

impl Cleanup {
    /// A [`unique_name`] to be removed.
    pub fn new(what: &str) -> Self {
        Cleanup(unique_name(what))
    }

    /// This name, which is to be unique.
    pub fn named(name: &str) -> Self {
        Cleanup(name.to_owned())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Cleanup {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        drop(shmem_core::remove(self.0.as_str()));
    }
}

/// An empty directory of its own, on the filesystem of named objects unless it says otherwise, removed with all that
/// is in it.
///
/// For files, or as `SHMEM_DIR` of a peer (see [`Peer::command`]).
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes the directory.
    pub fn new(what: &str) -> Self {
        Self::below(Path::new("/dev/shm"), what)
    }

    /// As [`new`](Self::new), where temporary files are: on a disk, as a rule.
    pub fn on_disk(what: &str) -> Self {
        Self::below(&std::env::temp_dir(), what)
    }

    fn below(parent: &Path, what: &str) -> Self {
        let path = parent.join(format!(".{}", unique_name(what)));
        std::fs::create_dir(&path).unwrap();
        TempDir(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The name of an error's variant.
pub fn variant(error: &Error) -> String {
    let text = format!("{error:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// Waits until `done`, looking again every millisecond; panics with `what` after [`DEADLINE`].
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `wait` in a thread, `then` once that thread sleeps on a word of a shared object, and returns what
/// `wait` does.
pub fn once_asleep<R: Send>(wait: impl FnOnce() -> R + Send, then: impl FnOnce()) -> R {
    std::thread::scope(|scope| {
        let (sender, thread) = mpsc::channel();
        let waiter = scope.spawn(move || {
            sender.send(rustix::thread::gettid()).unwrap();
            wait()
        });
        let thread = thread.recv().unwrap().as_raw_nonzero();
        let syscall = format!("/proc/self/task/{thread}/syscall");
        eventually("the thread sleeps in futex(2)", || {
            waiter.is_finished() || is_shared_futex(Path::new(&syscall))
        });
        assert!(!waiter.is_finished(), "it did not wait");
        then();
        waiter.join().unwrap()
    })
}

/// Whether a thread sleeps in `futex(2)`, without the flag that says that nobody else can wake it.
fn is_shared_futex(syscall: &Path) -> bool {
    // The number of the call and its arguments, or `running`.
    let call = std::fs::read_to_string(syscall).unwrap_or_default();
    let mut words = call.split(' ');
    words.next() == Some(&*libc::SYS_futex.to_string()) && words.nth(1) == Some("0x0")
}

/// A second process, killed when the test ends.
#[derive(Debug)]
pub struct Peer {
    what: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Peer {
    /// Starts `peer <args…>` and waits until it is ready. `exe` is `env!("CARGO_BIN_EXE_peer")`.
    pub fn spawn(exe: &str, args: &[&str]) -> Peer {
        Peer::command(Command::new(exe).args(args))
    }

    /// As [`spawn`](Self::spawn), for a command with an environment, a user or a wrapper of its own.
    pub fn command(command: &mut Command) -> Peer {
        let peer = Peer::start(command);
        let first = peer.recv();
        assert_eq!(first, "ready", "the first line of {}", peer.what);
        peer
    }

    /// Starts it without waiting.
    pub fn start(command: &mut Command) -> Peer {
        let what = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{what} did not start: {error}"));
        let input = child.stdin.take();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Peer {
            what,
            child,
            input,
            lines,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line and does not wait for the answer. A peer that is dead does not hear it.
    pub fn send(&mut self, line: impl Display) {
        let input = self.input.as_mut().expect("its input is open");
        drop(writeln!(input, "{line}"));
    }

    /// Waits for its next line.
    pub fn recv(&self) -> String {
        self.recv_within(DEADLINE)
    }

    /// Waits for its next line, at most so long.
    pub fn recv_within(&self, timeout: Duration) -> String {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{} said nothing for {timeout:?}", self.what)
            }
            Err(RecvTimeoutError::Disconnected) => {
                panic!("{} ended without an answer", self.what)
            }
        }
    }

    /// All its further lines, until it and its children have closed the pipe.
    pub fn rest(&self) -> Vec<String> {
        self.rest_within(DEADLINE)
    }

    /// As [`rest`](Self::rest), for one that takes longer.
    pub fn rest_within(&self, timeout: Duration) -> Vec<String> {
        let start = Instant::now();
        let mut rest = Vec::new();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => panic!("{} did not end", self.what),
            }
        }
    }

    /// Its next line if it has said one.
    pub fn try_recv(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Sends a line and waits for the answer.
    pub fn ask(&mut self, line: impl Display) -> String {
        self.send(line);
        self.recv()
    }

    /// Sends a line and expects that answer.
    #[track_caller]
    pub fn expect(&mut self, line: impl Display, answer: impl Display) {
        let line = line.to_string();
        let got = self.ask(&line);
        assert_eq!(
            got,
            answer.to_string(),
            "answer of {} to `{line}`",
            self.what
        );
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// SIGSTOP, and waits until it has stopped.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        let stat = format!("/proc/{}/stat", self.id());
        eventually("the peer has stopped", || {
            let stat = std::fs::read_to_string(&stat).unwrap();
            let state = stat.rsplit_once(") ").unwrap().1;
            state.starts_with('T')
        });
    }

    /// Waits until one of its threads sleeps on a word of a shared object.
    pub fn sleeps_in_futex(&self) {
        let tasks = format!("/proc/{}/task", self.id());
        eventually("the peer sleeps in futex(2)", || {
            let mut threads = std::fs::read_dir(&tasks).unwrap().flatten();
            threads.any(|thread| is_shared_futex(&thread.path().join("syscall")))
        });
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(mut self) {
        self.kill_now();
    }

    /// As [`kill`](Self::kill), but keeps the pipes: what it had said can still be read, and a child that it
    /// forked can still be talked to.
    pub fn kill_now(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Lets it end by itself: closes its input, and waits.
    pub fn finish(mut self) -> ExitStatus {
        drop(self.input.take());
        self.wait()
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the peer ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill_now();
    }
}

/// Numbers to choose by, another sequence in every run; `SHMEM_SEED` repeats one.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// Starts a sequence.
    #[expect(clippy::new_without_default, reason = "two are not the same")]
    pub fn new() -> Self {
        let given = std::env::var("SHMEM_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok());
        Random::seeded(seed.unwrap_or_else(|| RandomState::new().hash_one(0)))
    }

    /// Starts the sequence of this seed, the same in every run.
    pub fn seeded(seed: u64) -> Self {
        Random { seed, state: seed }
    }

    /// What `SHMEM_SEED` must be to repeat it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The next number, below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        // SplitMix64 (Steele, Lea, Flood, 2014).
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((z ^ z >> 31) % u64::from(end)).unwrap_or(0)
    }
}

/// The peer's side of the protocol.
#[derive(Debug, Default)]
pub struct Commands(());

impl Commands {
    /// Says `ready`: what the peer does first is done.
    pub fn ready() -> Self {
        say("ready");
        Commands(())
    }

    /// The next line, in words; `None` when the test has closed the pipe.
    pub fn next(&self) -> Option<Vec<String>> {
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.split_whitespace().map(str::to_owned).collect()),
        }
    }
}

/// Says one line to the test.
pub fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    // Nobody listens any more.
    if written.is_err() {
        std::process::exit(3);
    }
}

/// Says `ready`, and answers every line with what `answer` makes of its words, until the pipe closes.
pub fn serve(mut answer: impl FnMut(&[&str]) -> String) {
    let commands = Commands::ready();
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        say(answer(&words));
    }
}

/// What a peer says of a result: what `ok` makes of it, or the error's variant.
pub fn tell<T, D: Display>(result: shmem_core::Result<T>, ok: impl FnOnce(T) -> D) -> String {
    match result {
        Ok(value) => ok(value).to_string(),
        Err(error) => variant(&error),
    }
}
