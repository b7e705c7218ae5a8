//! A writer that waits for the lock while its owner is killed.

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::object::Object;

/// How long it waits at most.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Rival(JoinHandle<Result<bool, String>>);

impl Rival {
    /// Starts it; returns when it sleeps, or when it is done since nobody has the lock.
    pub(crate) fn start(peer: Arc<Object>, in_place: bool) -> Self {
        let (sender, id) = mpsc::channel();
        let rival = thread::spawn(move || {
            let _ = sender.send(rustix::thread::gettid());
            // It changes nothing that those would have to know of who look next.
            let begun = peer.begin(PATIENCE);
            let begun = begun.map_err(|error| format!("a writer that waited: {error}"))?;
            match begun.counters {
                Err(torn) if !(begun.recovered && in_place) => {
                    Err(format!("a writer that waited found {torn}"))
                }
                _ => Ok(begun.recovered),
            }
        });
        if let Ok(id) = id.recv() {
            let stat = format!("/proc/self/task/{}/stat", id.as_raw_nonzero());
            until_asleep(Path::new(&stat), || rival.is_finished());
        }
        Rival(rival)
    }

    /// Waits for it, and says whether it was told that the one before it died with a change.
    pub(crate) fn finish(self) -> Result<bool, String> {
        let result = self.0.join();
        result.unwrap_or_else(|_| Err("a writer that waited panicked".into()))
    }
}

/// Waits until the thread or process with this `stat` sleeps in the kernel; a second at the most, since it may
/// have ended its sleep by itself.
pub(crate) fn until_asleep(stat: &Path, done: impl Fn() -> bool) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) && !done() {
        let text = fs::read_to_string(stat).unwrap_or_default();
        let state = text.rsplit_once(") ");
        if state.is_some_and(|(_, rest)| rest.starts_with('S')) {
            return;
        }
        thread::sleep(Duration::from_micros(50));
    }
}
