//! Operations that break the protocol: the proof that a violation is noticed.
#![expect(unsafe_code, reason = "writes an object's bytes without asking")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::ptr;

use rustix::mm::{MapFlags, ProtFlags, mmap};
use tests::Small;
use tests::raw::{Raw, control, word};

use crate::operations::{NAME, NEW};
use crate::stage::home;

/// The current buffer of the object, mapped for writing.
pub(crate) struct InPlace(*mut Small);

impl InPlace {
    pub(crate) fn new() -> Self {
        let path = home().join(NAME);
        let raw = Raw::read(&path);
        let number = |index| usize::try_from(raw.word(index)).unwrap();
        let current = raw.at(number(word::CONTROL) + control::CURRENT);
        let buffer = usize::try_from(current & 7).unwrap();
        let offset = number(word::BUFFER_0) + buffer * number(word::STRIDE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe {
            mmap(
                ptr::null_mut(),
                raw.0.len(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        let at = at.unwrap().cast::<u8>().wrapping_add(offset);
        InPlace(at.cast())
    }

    /// Without a lock, a stamp, or a buffer of its own.
    pub(crate) fn write(&self) {
        // SAFETY: the buffer holds a `Small` and stays mapped. Others may read it meanwhile, which is just
        // what must be noticed; they check whatever they find.
        unsafe { self.0.write_volatile(Small::new(NEW)) };
    }
}

/// Makes the file under its name first, and fills it then.
pub(crate) fn create() -> File {
    let bytes = Raw::forge(&tests::raw::Forged {
        schema: b"",
        name: NAME.as_bytes(),
        size: 64,
        align: 8,
        handles: 6,
        buffers: 4,
        flags: 1,
    });
    let path: PathBuf = home().join(NAME);
    let mut file = File::create_new(path).unwrap();
    file.write_all(&bytes.0).unwrap();
    file
}
