//! What cannot leave its process: how little it costs there.

use std::sync::Arc;

use arc_swap::ArcSwap;
use harness::{Failure, Outcome, Peer, Place, Value, failed};
use left_right::Absorb;

fn zeros<const W: usize>() -> Box<Value<W>> {
    let words = vec![0; W].into_boxed_slice();
    words.try_into().expect("W words")
}

pub(super) struct Std<const W: usize>(std::sync::RwLock<Box<Value<W>>>);

impl<const W: usize> Peer<W> for Std<W> {
    fn create(_: &Place) -> Outcome<Self> {
        Ok(Std(std::sync::RwLock::new(zeros())))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Ok(f(&*self.0.read().map_err(|_| failed("poisoned"))?))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        Ok(f(&mut *self.0.write().map_err(|_| failed("poisoned"))?))
    }
}

pub(super) struct ParkingLot<const W: usize>(parking_lot::RwLock<Box<Value<W>>>);

impl<const W: usize> Peer<W> for ParkingLot<W> {
    fn create(_: &Place) -> Outcome<Self> {
        Ok(ParkingLot(parking_lot::RwLock::new(zeros())))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Ok(f(&self.0.read()))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        Ok(f(&mut self.0.write()))
    }
}

/// A pointer that is exchanged; each write allocates.
pub(super) struct Swap<const W: usize>(ArcSwap<Value<W>>);

impl<const W: usize> Peer<W> for Swap<W> {
    fn create(_: &Place) -> Outcome<Self> {
        Ok(Swap(ArcSwap::new(zeros().into())))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Ok(f(&self.0.load()))
    }

    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.0.rcu(|old| {
            let mut new = Value::clone(old);
            new[0] = word;
            new
        });
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.0.store(Arc::new(*new));
        Ok(())
    }
}

/// Small values only: it reads by one volatile load of the whole type, which the compiler takes apart word by word
/// (for 1 MiB it does not come to an end).
pub(super) struct Seqlock(seqlock::SeqLock<Value<8>>);

impl Peer<8> for Seqlock {
    fn create(_: &Place) -> Outcome<Self> {
        Ok(Seqlock(seqlock::SeqLock::new([0; 8])))
    }

    #[inline]
    fn read_field(&mut self) -> Outcome<u64> {
        Ok(self.0.read()[0])
    }

    #[inline]
    fn copy(&mut self, out: &mut Value<8>) -> Outcome<()> {
        *out = self.0.read();
        Ok(())
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<8>) -> R) -> Outcome<R> {
        Ok(f(&mut self.0.lock_write()))
    }
}

/// Nothing, where a contestant has not all sizes.
pub(super) struct Absent;

impl<const W: usize> Peer<W> for Absent {
    fn create(_: &Place) -> Outcome<Self> {
        Err(Failure::NotOffered)
    }
}

/// A change, which `left-right` makes once to each of its copies.
pub(super) enum Change<const W: usize> {
    Field(u64),
    All(Box<Value<W>>),
}

#[derive(Clone)]
pub(super) struct Side<const W: usize>(Box<Value<W>>);

impl<const W: usize> Absorb<Change<W>> for Side<W> {
    fn absorb_first(&mut self, change: &mut Change<W>, _: &Self) {
        match change {
            Change::Field(word) => self.0[0] = *word,
            Change::All(new) => self.0.copy_from_slice(&new[..]),
        }
    }

    fn sync_with(&mut self, first: &Self) {
        self.0.copy_from_slice(&first.0[..]);
    }
}

pub(super) struct LeftRight<const W: usize> {
    writer: left_right::WriteHandle<Side<W>, Change<W>>,
    reader: left_right::ReadHandle<Side<W>>,
}

impl<const W: usize> LeftRight<W> {
    #[inline]
    fn publish(&mut self, change: Change<W>) {
        self.writer.append(change);
        self.writer.publish();
    }
}

impl<const W: usize> Peer<W> for LeftRight<W> {
    fn create(_: &Place) -> Outcome<Self> {
        let (mut writer, reader) = left_right::new_from_empty(Side(zeros()));
        writer.publish();
        Ok(LeftRight { writer, reader })
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        let guard = self.reader.enter().ok_or_else(|| failed("no writer"))?;
        Ok(f(&guard.0))
    }

    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.publish(Change::Field(word));
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.publish(Change::All(Box::new(*new)));
        Ok(())
    }
}
