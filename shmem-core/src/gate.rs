//! The gate: a lock that lies before the value for programs outside; what an object says of it, and who may open it.
//!
//! Word 27 of the header says what lock it is, down to the C library: its bytes mean nothing to another one.
//!
//! | Bits | Field | |
//! |-----:|-------|-|
//! | 0–7 | kind | 1: the `pthread_rwlock_t` of `raw_sync` |
//! | 8–15 | pointers | bytes of a pointer |
//! | 16–31 | size | bytes of the lock |
//! | 32–39 | C library | 1: GNU; 2: musl |
//! | 48–63 | machine | the number of the processor's kind in ELF files |

use crate::header::Header;
use crate::raw_sync::Gate;
use crate::{Error, Location, Result};

const GNU: u64 = 1;
const MUSL: u64 = 2;

/// The word for a lock of `size` bytes and of this `kind`; `None` if its bytes have no meaning that is known here.
#[cfg_attr(
    any(not(feature = "raw_sync"), not(target_os = "linux"), loom),
    expect(dead_code, reason = "asked for by programs that can take the lock")
)]
pub(crate) fn word(kind: u8, size: usize) -> Option<u64> {
    let library = match () {
        () if cfg!(target_env = "gnu") => GNU,
        () if cfg!(target_env = "musl") => MUSL,
        () => return None,
    };
    let machine = match () {
        () if cfg!(target_arch = "x86_64") => 62,
        () if cfg!(target_arch = "x86") => 3,
        () if cfg!(target_arch = "aarch64") => 183,
        () if cfg!(target_arch = "arm") => 40,
        () if cfg!(target_arch = "riscv64") => 243,
        () => return None,
    };
    let size = u64::from(u16::try_from(size).ok()?);
    let pointer = size_of::<usize>() as u64;
    Some(u64::from(kind) | pointer << 8 | size << 16 | library << 32 | machine << 48)
}

/// The word of an object that is created with [`Lock::RawSync`](crate::Lock::RawSync).
pub(crate) fn ours() -> Result<u64> {
    Gate::word().ok_or(Error::UnsupportedPlatform {
        what: if cfg!(feature = "raw_sync") {
            "`Lock::RawSync`, with this C library or processor,"
        } else {
            "`Lock::RawSync`, in a program built without the feature `raw_sync` of `shmem-core`,"
        },
    })
}

/// An error if the object has a lock that this program cannot take.
pub(crate) fn check(header: &Header, location: &Location) -> Result<()> {
    let found = header.layout.shape.gate;
    if found == 0 {
        return Ok(());
    }
    let ours = Gate::word();
    if ours == Some(found) {
        return Ok(());
    }
    let expected = match ours {
        Some(ours) => format!("{} only", describe(ours)),
        None if cfg!(feature = "raw_sync") => "none with this C library or processor".into(),
        None => "none: build it with the feature `raw_sync` of `shmem-core`".into(),
    };
    Err(unsupported(location, describe(found), expected))
}

/// An error if the object has a lock: a mapping that is read-only allows none to be taken.
pub(crate) fn refuse_reader(header: &Header, location: &Location) -> Result<()> {
    match header.layout.shape.gate {
        0 => Ok(()),
        found => {
            let expected = "none without write permission: use `open`, which takes it".into();
            Err(unsupported(location, describe(found), expected))
        }
    }
}

fn unsupported(location: &Location, found: String, expected: String) -> Error {
    Error::UnsupportedFormat {
        location: location.clone(),
        found,
        expected,
    }
}

fn describe(word: u64) -> String {
    let [kind, pointer, low, high, library, zero, ..] = word.to_le_bytes();
    let library = match (library, zero) {
        (1, 0) => "the GNU C library".to_owned(),
        (2, 0) => "musl".to_owned(),
        _ => format!("C library {:#x}", word >> 32 & 0xffff),
    };
    let kind = match kind {
        1 => "a lock of raw_sync".to_owned(),
        other => format!("a lock of kind {other}"),
    };
    let (size, machine) = (u16::from_le_bytes([low, high]), word >> 48);
    format!("{kind} ({size} bytes, of {library}, {pointer}-byte pointers, machine {machine})")
}
