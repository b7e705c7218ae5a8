//! This library: copies of the value, the value in place, a reader of one thread, and a read-only handle.

use harness::{Failure, Outcome, Peer, Place, Value};
use shmem_core::{LocalReader, Options, Shared, SharedObject, SharedReader, Version};

fn options<const W: usize>(buffers: u32) -> Options<Value<W>> {
    Value::<W>::options().buffers(buffers)
}

pub(super) struct Object<const W: usize, const BUFFERS: u32> {
    object: SharedObject<Value<W>>,
    seen: Version,
    last: u64,
}

/// As it is used without any option.
pub(super) type Copies<const W: usize> = Object<W, 4>;

/// `#[shared(in_place)]`.
pub(super) type InPlace<const W: usize> = Object<W, 1>;

impl<const W: usize, const BUFFERS: u32> Object<W, BUFFERS> {
    fn new(object: SharedObject<Value<W>>) -> Self {
        Object {
            object,
            seen: Version(0),
            last: 0,
        }
    }
}

impl<const W: usize, const BUFFERS: u32> Peer<W> for Object<W, BUFFERS> {
    fn create(place: &Place) -> Outcome<Self> {
        let object = options(BUFFERS).create_with(place.0.as_str(), |_| ())?;
        Ok(Object::new(object))
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(Object::new(Value::<W>::open(place.0.as_str())?))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Ok(f(&*self.object.read()?))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        Ok(f(&mut *self.object.write()?))
    }

    #[inline]
    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        if W <= 64 {
            *out = self.object.load()?;
        } else {
            self.object.load_into(out)?;
        }
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.object.store(*new)?;
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Outcome<u64> {
        let version = self.object.version();
        if version != self.seen {
            self.seen = version;
            self.last = if W <= 64 {
                self.object.load()?[0]
            } else {
                self.object.read()?[0]
            };
        }
        Ok(self.last)
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        loop {
            self.seen = self.object.wait_forever(self.seen)?;
            let word = self.object.read()?[0];
            if word != seen {
                return Ok(word);
            }
        }
    }
}

/// A reader of one thread, beside the handle that it was made from.
pub(super) struct Local<const W: usize> {
    object: SharedObject<Value<W>>,
    reader: LocalReader<Value<W>>,
}

impl<const W: usize> Local<W> {
    fn new(object: SharedObject<Value<W>>) -> Outcome<Self> {
        let reader = object.local()?;
        Ok(Local { object, reader })
    }
}

impl<const W: usize> Peer<W> for Local<W> {
    const OPERATIONS: &[&str] = &["read-field", "copy"];

    fn create(place: &Place) -> Outcome<Self> {
        // Each takes two handles, and there may be 64 of them beside the creator.
        let options = options(4).max_handles(256);
        Local::new(options.create_with(place.0.as_str(), |_| ())?)
    }

    fn open(place: &Place) -> Outcome<Self> {
        Local::new(Value::<W>::open(place.0.as_str())?)
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Ok(f(&*self.reader.read()?))
    }

    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.object.write()?[0] = word;
        Ok(())
    }

    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.object.store(*new)?;
        Ok(())
    }
}

/// A handle with a mapping that nobody can write through, beside a writer's.
pub(super) struct ReadOnly<const W: usize> {
    owner: Option<SharedObject<Value<W>>>,
    reader: SharedReader<Value<W>>,
    seen: Version,
    last: u64,
    out: Box<Value<W>>,
}

impl<const W: usize> ReadOnly<W> {
    fn new(owner: Option<SharedObject<Value<W>>>, place: &Place) -> Outcome<Self> {
        let reader = Value::<W>::open_read_only(place.0.as_str())?;
        Ok(ReadOnly {
            owner,
            out: vec![0; W].into_boxed_slice().try_into().expect("W words"),
            reader,
            seen: Version(0),
            last: 0,
        })
    }

    fn owner(&self) -> Outcome<&SharedObject<Value<W>>> {
        self.owner.as_ref().ok_or(Failure::NotOffered)
    }
}

impl<const W: usize> Peer<W> for ReadOnly<W> {
    const OPERATIONS: &[&str] = &["read-field", "copy", "poll"];

    fn create(place: &Place) -> Outcome<Self> {
        let owner = options(4).create_with(place.0.as_str(), |_| ())?;
        ReadOnly::new(Some(owner), place)
    }

    fn open(place: &Place) -> Outcome<Self> {
        ReadOnly::new(None, place)
    }

    #[inline]
    fn read_field(&mut self) -> Outcome<u64> {
        if W <= 64 {
            return Ok(self.reader.load()?[0]);
        }
        self.reader.load_into(&mut self.out)?;
        Ok(self.out[0])
    }

    #[inline]
    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        if W <= 64 {
            *out = self.reader.load()?;
        } else {
            self.reader.load_into(out)?;
        }
        Ok(())
    }

    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.owner()?.write()?[0] = word;
        Ok(())
    }

    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.owner()?.store(*new)?;
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Outcome<u64> {
        let version = self.reader.version();
        if version != self.seen {
            self.seen = version;
            self.last = self.read_field()?;
        }
        Ok(self.last)
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        loop {
            self.seen = self.reader.wait_forever(self.seen)?;
            let word = self.read_field()?;
            if word != seen {
                return Ok(word);
            }
        }
    }
}
