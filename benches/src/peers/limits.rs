//! What the machine takes at least, written by hand. None of them survives a kill.
#![expect(unsafe_code, reason = "the limits are written by hand")]

use std::hint::{black_box, spin_loop};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use harness::{Failure, Outcome, Peer, Place, Region, Value, failed};

/// Where the value lies, behind lines of their own for the words.
const VALUE: usize = 4096;

/// The loop that measures, and its checks. It keeps a value of its own.
pub(super) struct Empty<const W: usize>(Box<Value<W>>);

impl<const W: usize> Peer<W> for Empty<W> {
    const OPERATIONS: &[&str] = &["read-field", "write-field"];

    fn create(_: &Place) -> Outcome<Self> {
        Ok(Empty(
            vec![0; W].into_boxed_slice().try_into().expect("W words"),
        ))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Ok(f(black_box(&self.0)))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        Ok(f(black_box(&mut self.0)))
    }
}

/// `memcpy`, without any protection.
pub(super) struct Memcpy<const W: usize>(Region);

impl<const W: usize> Peer<W> for Memcpy<W> {
    const OPERATIONS: &[&str] = &["copy", "write-all"];

    fn create(place: &Place) -> Outcome<Self> {
        Ok(Memcpy(Region::create(
            place,
            VALUE + size_of::<Value<W>>(),
        )?))
    }

    #[inline]
    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        // SAFETY: within the region, which no other process has open; `out` is apart from it.
        unsafe { ptr::copy_nonoverlapping(self.0.at::<Value<W>>(VALUE), out, 1) };
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(new, self.0.at::<Value<W>>(VALUE), 1) };
        Ok(())
    }
}

/// A seqlock: a sequence number, which is odd while the words are written, and relaxed words.
pub(super) struct Seqlock<const W: usize> {
    region: Region,
}

impl<const W: usize> Seqlock<W> {
    #[inline]
    fn sequence(&self) -> &AtomicU64 {
        // SAFETY: within the region, zeros at first, and used as an atomic by all.
        unsafe { &*self.region.at::<AtomicU64>(0) }
    }

    #[inline]
    fn words(&self) -> &[AtomicU64; W] {
        // SAFETY: as above.
        unsafe { &*self.region.at::<[AtomicU64; W]>(VALUE) }
    }

    #[inline]
    fn write(&self, change: impl FnOnce(&[AtomicU64; W])) {
        // One writer, so no lock.
        let before = self.sequence().load(Ordering::Relaxed);
        self.sequence().store(before + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        change(self.words());
        self.sequence().store(before + 2, Ordering::Release);
    }

    #[inline]
    fn read<R>(&self, mut read: impl FnMut(&[AtomicU64; W]) -> R) -> R {
        loop {
            let before = self.sequence().load(Ordering::Acquire);
            if before % 2 == 0 {
                let result = read(self.words());
                fence(Ordering::Acquire);
                if self.sequence().load(Ordering::Relaxed) == before {
                    return result;
                }
            }
            spin_loop();
        }
    }
}

impl<const W: usize> Peer<W> for Seqlock<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let region = Region::create(place, VALUE + size_of::<Value<W>>())?;
        Ok(Seqlock { region })
    }

    fn open(place: &Place) -> Outcome<Self> {
        let region = Region::open(place, VALUE + size_of::<Value<W>>())?;
        Ok(Seqlock { region })
    }

    #[inline]
    fn read_field(&mut self) -> Outcome<u64> {
        Ok(self.read(|words| words[0].load(Ordering::Relaxed)))
    }

    #[inline]
    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        self.read(|words| {
            for (out, word) in out.iter_mut().zip(words) {
                *out = word.load(Ordering::Relaxed);
            }
        });
        Ok(())
    }

    #[inline]
    fn write_field(&mut self, new: u64) -> Outcome<()> {
        self.write(|words| words[0].store(new, Ordering::Relaxed));
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.write(|words| {
            for (word, new) in words.iter().zip(new) {
                word.store(*new, Ordering::Relaxed);
            }
        });
        Ok(())
    }
}

/// One or two additions under a `lock` prefix, on a line of their own, around a plain read.
pub(super) struct Adds<const W: usize, const TWO: bool>(Region);

impl<const W: usize, const TWO: bool> Peer<W> for Adds<W, TWO> {
    const OPERATIONS: &[&str] = &["read-field"];

    fn create(place: &Place) -> Outcome<Self> {
        Ok(Adds(Region::create(place, VALUE + size_of::<Value<W>>())?))
    }

    #[inline]
    fn read_field(&mut self) -> Outcome<u64> {
        // SAFETY: within the region, zeros at first.
        let counter = unsafe { &*self.0.at::<AtomicU64>(0) };
        // SAFETY: as above.
        let word = unsafe { &*self.0.at::<AtomicU64>(VALUE) };
        counter.fetch_add(1, Ordering::SeqCst);
        let word = black_box(word.load(Ordering::Relaxed));
        if TWO {
            counter.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(word)
    }
}

/// A lock that is one exchange to take and one to give back, around `BUFFERS` copies of the value: the next one is
/// filled from the current one, changed, and becomes current.
pub(super) struct CasLock<const W: usize, const BUFFERS: usize>(Region);

impl<const W: usize, const BUFFERS: usize> CasLock<W, BUFFERS> {
    /// Copies at the same place within a page are slow to copy from one to the other.
    const STRIDE: usize = (size_of::<Value<W>>() + 256).next_multiple_of(64);
    const LEN: usize = VALUE + BUFFERS * Self::STRIDE;

    #[inline]
    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: within the region, zeros at first, and used as an atomic by all.
        unsafe { &*self.0.at::<AtomicU64>(at) }
    }

    #[inline]
    fn locked<R>(&self, fill: bool, change: impl FnOnce(&mut Value<W>) -> R) -> R {
        let (lock, current) = (self.word(0), self.word(128));
        let (free, taken, fail) = (0, 1, Ordering::Relaxed);
        while lock
            .compare_exchange(free, taken, Ordering::SeqCst, fail)
            .is_err()
        {
            spin_loop();
        }
        let from = current.load(Ordering::Relaxed) as usize % BUFFERS;
        let to = (from + 1) % BUFFERS;
        let [from, to] = [from, to].map(|at| self.0.at::<Value<W>>(VALUE + at * Self::STRIDE));
        if fill && BUFFERS > 1 {
            // SAFETY: two different buffers within the region, which the lock protects.
            unsafe { ptr::copy_nonoverlapping(from, to, 1) };
        }
        // SAFETY: as above.
        let result = change(unsafe { &mut *to });
        if BUFFERS > 1 {
            current.fetch_add(1, Ordering::Release);
        }
        let _ = lock.compare_exchange(taken, free, Ordering::SeqCst, fail);
        result
    }
}

impl<const W: usize, const BUFFERS: usize> Peer<W> for CasLock<W, BUFFERS> {
    const OPERATIONS: &[&str] = &["write-field", "write-all"];

    fn create(place: &Place) -> Outcome<Self> {
        Ok(CasLock(Region::create(place, Self::LEN)?))
    }

    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        // Under the lock, a version further on: for the check only.
        self.locked(true, |value| *out = *value);
        Ok(())
    }

    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.locked(true, |value| value[0] = word);
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.locked(false, |value| *value = *new);
        Ok(())
    }
}

/// One word, of which the line goes from one processor to the other.
pub(super) struct Line<const W: usize>(Region);

impl<const W: usize> Line<W> {
    #[inline]
    fn word(&self) -> &AtomicU64 {
        // SAFETY: within the region, zeros at first, and used as an atomic by all.
        unsafe { &*self.0.at::<AtomicU64>(0) }
    }
}

impl<const W: usize> Peer<W> for Line<W> {
    const OPERATIONS: &[&str] = &["poll"];

    fn create(place: &Place) -> Outcome<Self> {
        Ok(Line(Region::create(place, VALUE)?))
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(Line(Region::open(place, VALUE)?))
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.word().store(new[0], Ordering::Release);
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Outcome<u64> {
        Ok(self.word().load(Ordering::Acquire))
    }
}

/// One word that is slept on, with a wake-up for each change.
pub(super) struct Futex<const W: usize>(Region);

impl<const W: usize> Futex<W> {
    fn word(&self) -> &AtomicU32 {
        // SAFETY: within the region, zeros at first, and used as an atomic by all.
        unsafe { &*self.0.at::<AtomicU32>(0) }
    }

    /// The bits that both sides compare; the words count up, but for the last one.
    fn low(word: u64) -> u32 {
        word as u32
    }
}

impl<const W: usize> Peer<W> for Futex<W> {
    const OPERATIONS: &[&str] = &[];

    fn create(place: &Place) -> Outcome<Self> {
        Ok(Futex(Region::create(place, VALUE)?))
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(Futex(Region::open(place, VALUE)?))
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        loop {
            let word = self.word().load(Ordering::Acquire);
            if word != Self::low(seen) {
                // The end of a game.
                let end = word == u32::MAX;
                return Ok(if end { u64::MAX } else { word.into() });
            }
            let none = ptr::null::<libc::timespec>();
            // SAFETY: the word lives as long as the region, and the call only reads it.
            unsafe { libc::syscall(libc::SYS_futex, self.word(), libc::FUTEX_WAIT, word, none) };
        }
    }

    fn announce(&mut self, word: u64) -> Outcome<()> {
        self.word().store(Self::low(word), Ordering::Release);
        // SAFETY: the word lives as long as the region.
        let woken = unsafe { libc::syscall(libc::SYS_futex, self.word(), libc::FUTEX_WAKE, 1) };
        if woken < 0 {
            return Err(failed(std::io::Error::last_os_error()));
        }
        Ok(())
    }

    fn read_field(&mut self) -> Outcome<u64> {
        Err(Failure::NotOffered)
    }
}
