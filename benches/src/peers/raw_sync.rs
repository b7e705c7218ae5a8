//! `shared_memory` with the locks of `raw_sync`: an untyped mapping, a lock in front, an event to wait for.
#![expect(unsafe_code, reason = "its interface is raw memory")]

use std::marker::PhantomData;

use harness::{Outcome, Peer, Place, Value, failed};
use raw_sync::Timeout;
use raw_sync::events::{Event, EventImpl, EventInit, EventState};
use raw_sync::locks::{LockImpl, LockInit};
use shared_memory::{Shmem, ShmemConf};

const EVENT: usize = 256;
const VALUE: usize = 4096;

pub(super) struct Locked<L, const W: usize> {
    lock: Box<dyn LockImpl>,
    event: Box<dyn EventImpl>,
    // Dropped last: the others point into it.
    _memory: Shmem,
    kind: PhantomData<L>,
}

pub(super) type Mutex<const W: usize> = Locked<raw_sync::locks::Mutex, W>;
pub(super) type RwLock<const W: usize> = Locked<raw_sync::locks::RwLock, W>;

impl<L: LockInit, const W: usize> Locked<L, W> {
    fn new(memory: Shmem, create: bool) -> Outcome<Self> {
        let start = memory.as_ptr();
        let [event, value] = [EVENT, VALUE].map(|at| start.wrapping_add(at));
        let (lock, event) = if create {
            // SAFETY: within the mapping, which is page aligned and has room for all three.
            let lock = unsafe { L::new(start, value) }.map_err(failed)?;
            // SAFETY: as above. The event is one that wakes one waiter and resets itself.
            (lock, unsafe { Event::new(event, true) }.map_err(failed)?)
        } else {
            // SAFETY: as above, and made by the creator.
            let lock = unsafe { L::from_existing(start, value) }.map_err(failed)?;
            // SAFETY: as above.
            (
                lock,
                unsafe { Event::from_existing(event) }.map_err(failed)?,
            )
        };
        Ok(Locked {
            lock: lock.0,
            event: event.0,
            _memory: memory,
            kind: PhantomData,
        })
    }
}

impl<L: LockInit, const W: usize> Peer<W> for Locked<L, W> {
    fn create(place: &Place) -> Outcome<Self> {
        let memory = ShmemConf::new()
            .os_id(&place.0)
            .size(VALUE + size_of::<Value<W>>())
            .create()?;
        Locked::new(memory, true)
    }

    fn open(place: &Place) -> Outcome<Self> {
        Locked::new(ShmemConf::new().os_id(&place.0).open()?, false)
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        let guard = self.lock.rlock().map_err(failed)?;
        // SAFETY: the value's place in the mapping, and nobody writes while the lock is held.
        Ok(f(unsafe { &*guard.cast::<Value<W>>() }))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        let guard = self.lock.lock().map_err(failed)?;
        // SAFETY: the value's place in the mapping, and the lock is held.
        Ok(f(unsafe { &mut *guard.cast::<Value<W>>() }))
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        loop {
            let word = self.read_field()?;
            if word != seen {
                return Ok(word);
            }
            self.event.wait(Timeout::Infinite).map_err(failed)?;
        }
    }

    fn announce(&mut self, word: u64) -> Outcome<()> {
        self.write_field(word)?;
        self.event.set(EventState::Signaled).map_err(failed)
    }
}
