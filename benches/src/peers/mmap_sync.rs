//! `mmap-sync`: two mapped files, and a state that counts the readers of each. It writes whole values, and one
//! handle is one reader or one writer.
#![expect(unsafe_code, reason = "its read is unsafe")]

use std::ffi::OsStr;
use std::time::Duration;

use harness::{Outcome, Peer, Place, Value};
use mmap_sync::synchronizer::Synchronizer;

/// How long its writer waits for readers before it takes them for dead: what its own documents use.
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct MmapSync<const W: usize> {
    handle: Synchronizer,
    created: Option<Place>,
    /// What is there, for changes of one field; not since a whole value was written, if `stale`.
    value: Box<Value<W>>,
    stale: bool,
}

impl<const W: usize> MmapSync<W> {
    fn new(place: &Place, created: Option<Place>) -> Self {
        let words = vec![0; W].into_boxed_slice();
        MmapSync {
            handle: Synchronizer::new(OsStr::new(&place.path())),
            created,
            value: words.try_into().expect("W words"),
            stale: false,
        }
    }
}

impl<const W: usize> Peer<W> for MmapSync<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let mut new = MmapSync::new(place, Some(place.clone()));
        new.handle.write(&*new.value, GRACE)?;
        Ok(new)
    }

    fn open(place: &Place) -> Outcome<Self> {
        let mut new = MmapSync::<W>::new(place, None);
        // It opens its files when it first reads.
        new.read_field()?;
        Ok(new)
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        // SAFETY: what was written is such a value; it is given back before the grace is over, or else what is
        // read is counted as torn.
        let guard = unsafe { self.handle.read::<Value<W>>(false) }?;
        Ok(f(&guard))
    }

    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        if self.stale {
            self.stale = false;
            // SAFETY: as above.
            *self.value = *unsafe { self.handle.read::<Value<W>>(false) }?;
        }
        self.value[0] = word;
        self.handle.write(&*self.value, GRACE)?;
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.handle.write(new, GRACE)?;
        self.stale = true;
        Ok(())
    }
}

impl<const W: usize> Drop for MmapSync<W> {
    fn drop(&mut self) {
        let Some(place) = &self.created else { return };
        for suffix in ["state", "data_0", "data_1"] {
            drop(std::fs::remove_file(format!("{}_{suffix}", place.path())));
        }
    }
}
