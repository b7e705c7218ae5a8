//! Boost.Interprocess, in C++: a mutex with a condition, and a sharable mutex.
#![expect(unsafe_code, reason = "calls C++")]

use std::ffi::{CString, c_char};
use std::marker::PhantomData;
use std::ptr::NonNull;

use harness::{Outcome, Peer, Place, Value, failed};

#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

// SAFETY: the declarations are those of `boost/peer.cpp`.
unsafe extern "C" {
    fn boost_open(name: *const c_char, bytes: usize, create: bool) -> *mut Opaque;
    fn boost_close(object: *mut Opaque);
    fn boost_lock(object: *mut Opaque) -> *mut u64;
    fn boost_unlock(object: *mut Opaque);
    fn boost_lock_exclusive(object: *mut Opaque) -> *mut u64;
    fn boost_unlock_exclusive(object: *mut Opaque);
    fn boost_lock_sharable(object: *mut Opaque) -> *mut u64;
    fn boost_unlock_sharable(object: *mut Opaque);
    fn boost_wait(object: *mut Opaque, seen: u64) -> u64;
    fn boost_notify(object: *mut Opaque);
}

/// # Invariants
///
/// 1. An object that `boost_open` gave, until drop.
struct Object<const W: usize>(NonNull<Opaque>, PhantomData<Value<W>>);

impl<const W: usize> Object<W> {
    fn open(place: &Place, create: bool) -> Outcome<Self> {
        let name = CString::new(place.0.as_str())?;
        // SAFETY: the name is valid for reads.
        let object = unsafe { boost_open(name.as_ptr(), size_of::<Value<W>>(), create) };
        let object = NonNull::new(object).ok_or_else(|| failed("boost: cannot open"))?;
        Ok(Object(object, PhantomData))
    }

    fn at(&self) -> *mut Opaque {
        self.0.as_ptr()
    }
}

impl<const W: usize> Drop for Object<W> {
    fn drop(&mut self) {
        // SAFETY: invariant 1.
        unsafe { boost_close(self.at()) };
    }
}

fn value<const W: usize>(words: *mut u64) -> Outcome<NonNull<Value<W>>> {
    NonNull::new(words.cast()).ok_or_else(|| failed("boost: cannot lock"))
}

pub(super) struct Mutex<const W: usize>(Object<W>);

impl<const W: usize> Peer<W> for Mutex<W> {
    fn create(place: &Place) -> Outcome<Self> {
        Ok(Mutex(Object::open(place, true)?))
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(Mutex(Object::open(place, false)?))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        self.change(|value| f(value))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        // SAFETY: invariant 1 of `Object`.
        let mut value = value(unsafe { boost_lock(self.0.at()) })?;
        // SAFETY: a value of `W` words, and the lock is held.
        let result = f(unsafe { value.as_mut() });
        // SAFETY: held.
        unsafe { boost_unlock(self.0.at()) };
        Ok(result)
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        // SAFETY: invariant 1 of `Object`.
        match unsafe { boost_wait(self.0.at(), seen) } {
            same if same == seen => Err(failed("boost: cannot wait")),
            other => Ok(other),
        }
    }

    fn announce(&mut self, word: u64) -> Outcome<()> {
        self.write_field(word)?;
        // SAFETY: invariant 1 of `Object`.
        unsafe { boost_notify(self.0.at()) };
        Ok(())
    }
}

pub(super) struct Sharable<const W: usize>(Object<W>);

impl<const W: usize> Peer<W> for Sharable<W> {
    fn create(place: &Place) -> Outcome<Self> {
        Ok(Sharable(Object::open(place, true)?))
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(Sharable(Object::open(place, false)?))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        // SAFETY: invariant 1 of `Object`.
        let value = value(unsafe { boost_lock_sharable(self.0.at()) })?;
        // SAFETY: a value of `W` words, and nobody writes while the lock is held.
        let result = f(unsafe { value.as_ref() });
        // SAFETY: held.
        unsafe { boost_unlock_sharable(self.0.at()) };
        Ok(result)
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        // SAFETY: invariant 1 of `Object`.
        let mut value = value(unsafe { boost_lock_exclusive(self.0.at()) })?;
        // SAFETY: a value of `W` words, and the lock is held.
        let result = f(unsafe { value.as_mut() });
        // SAFETY: held.
        unsafe { boost_unlock_exclusive(self.0.at()) };
        Ok(result)
    }
}
