//! What the programs have in common and what none of them is about: further processes and how far they are, a
//! clock, a screen, this machine's numbers.

pub mod machine;
pub mod screen;

use std::env;
use std::io;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shmem_core::{Shared as _, SharedObject};

/// The words after the program's name. They are needed until the end, so nobody frees them.
pub fn arguments() -> Vec<&'static str> {
    env::args().skip(1).map(|word| &*word.leak()).collect()
}

/// A further process of the running program.
pub struct Peer(Child);

impl Peer {
    /// Starts this program again, with other arguments.
    pub fn start(arguments: &[&str]) -> io::Result<Peer> {
        let program = env::current_exe()?;
        Command::new(program).args(arguments).spawn().map(Peer)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Kills it with SIGKILL, which leaves it no time for anything. It is gone when this returns.
    pub fn kill(mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits for its end, which must be a good one.
    pub fn join(mut self) -> io::Result<()> {
        let status = self.0.wait()?;
        let bad = || io::Error::other(format!("process {} ended with {status}", self.id()));
        status.success().then_some(()).ok_or_else(bad)
    }
}

/// If the launcher fails half-way, its processes do not stay behind.
impl Drop for Peer {
    fn drop(&mut self) {
        // It fails for one that has ended already, and then there is nothing to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Counts what the processes have done, so that the next act begins when they are through with this one.
pub struct Steps(SharedObject<u32>);

impl Steps {
    pub fn create(name: &str) -> shmem_core::Result<Steps> {
        u32::create(format!("{name}/steps"), 0).map(Steps)
    }

    pub fn open(name: &str) -> shmem_core::Result<Steps> {
        u32::open(format!("{name}/steps")).map(Steps)
    }

    /// One more.
    pub fn done(&self) -> shmem_core::Result<()> {
        self.0.update(|done| *done += 1)
    }

    /// Waits until so many are done.
    pub fn wait_for(&self, steps: u32) -> shmem_core::Result<()> {
        loop {
            let seen = self.0.version();
            if self.0.load()? >= steps {
                return Ok(());
            }
            self.0.wait(seen, Duration::from_secs(10))?;
        }
    }
}

/// The time in nanoseconds, the same in all processes.
///
/// By the wall clock: an `Instant` of one process means nothing in another. A clock that is set during the
/// show makes one odd number.
pub fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos())
}

/// Adds `item` to a sorted list, so that the middle of the list is the median and its end the maximum.
pub fn insert_sorted(sorted: &mut Vec<u64>, item: u64) {
    let at = sorted.partition_point(|other| *other < item);
    sorted.insert(at, item);
}
