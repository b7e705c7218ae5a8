//! `peer pthread <path>`: a program that shares an object's bytes and its pthread lock, and nothing else: as one in C
//! would, by what `docs/format.md` says. The value is a [`Small`].

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;

use rustix::mm::{MapFlags, ProtFlags, mmap};
use tests::{Small, serve};

pub(crate) fn run(path: &str) {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let object = Object::open(&file.expect("the object"));
    serve(|words| object.obey(words));
}

struct Object {
    lock: *mut libc::pthread_rwlock_t,
    value: *mut Small,
}

impl Object {
    fn open(file: &File) -> Self {
        let mut header = [0; 256];
        file.read_exact_at(&mut header, 0).expect("a header");
        let word = |index: usize| {
            let bytes = header[8 * index..][..8].try_into().expect("a word");
            usize::try_from(u64::from_ne_bytes(bytes)).expect("an offset")
        };
        assert_eq!(word(27) & 0xff, 1, "a pthread_rwlock_t");
        assert_eq!(
            word(27) >> 16 & 0xffff,
            size_of::<libc::pthread_rwlock_t>(),
            "of this C library"
        );
        assert_eq!(word(10), size_of::<Small>(), "the value");
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let map = unsafe {
            mmap(
                core::ptr::null_mut(),
                word(3),
                access,
                MapFlags::SHARED,
                file,
                0,
            )
        };
        let map = map.expect("a mapping").cast::<u8>();
        Object {
            lock: map.wrapping_add(word(28)).cast(),
            value: map.wrapping_add(word(19)).cast(),
        }
    }

    fn obey(&self, words: &[&str]) -> String {
        match *words {
            ["wrlock"] => self.call(libc::pthread_rwlock_wrlock),
            ["rdlock"] => self.call(libc::pthread_rwlock_rdlock),
            ["trywrlock"] => self.call(libc::pthread_rwlock_trywrlock),
            ["tryrdlock"] => self.call(libc::pthread_rwlock_tryrdlock),
            ["unlock"] => self.call(libc::pthread_rwlock_unlock),
            ["get"] => {
                let value = self.get();
                let torn = if value.is_whole() { "" } else { "torn at " };
                format!("{torn}{}", value.counter)
            }
            ["set", n] => {
                self.set(Small::new(number(n)));
                "done".into()
            }
            // As `add` of a session, so many times.
            ["add", times] => {
                for _ in 0..number(times) {
                    assert_eq!(self.call(libc::pthread_rwlock_wrlock), "0");
                    let value = self.get();
                    assert!(value.is_whole(), "torn at {}", value.counter);
                    self.set(Small::new(value.counter + 1));
                    assert_eq!(self.call(libc::pthread_rwlock_unlock), "0");
                }
                "done".into()
            }
            ref other => panic!("no such command: {other:?}"),
        }
    }

    /// What a function of the lock returns: 0 or an error number.
    fn call(&self, function: unsafe extern "C" fn(*mut libc::pthread_rwlock_t) -> c_int) -> String {
        // SAFETY: the lock was made before the object had a name, and the mapping stays.
        unsafe { function(self.lock) }.to_string()
    }

    fn get(&self) -> Small {
        // SAFETY: in the mapping, aligned to 128; the test asks for it under the lock; any bytes are a value.
        unsafe { self.value.read_volatile() }
    }

    fn set(&self, value: Small) {
        // SAFETY: as above.
        unsafe { self.value.write_volatile(value) };
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}
