//! What the bytes of an object say that a kill left, by the rules of `docs/format.md` alone.
//!
//! Shares no code with the library: what the two disagree about is a violation.

use std::path::Path;

use shmem_core::Version;
use tests::Small;
use tests::raw::{ROW, Raw, control, word};

use crate::object::Kind;
use crate::operations::Content;

const REMOVED: u64 = 1 << 3;
const DIRTY: u64 = 1 << 5;
const VERSION: u32 = 8;
const STRIPES: usize = 64;
const STATE: usize = 512;
const INDEX: usize = 520;
const RECORD: usize = 640;

/// What is to be found, by whom.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    /// What a handle finds.
    pub(crate) content: Content,
    /// What lies in the current buffer, if its stamp says that this is whole: what a reader copies out that may
    /// not write. `None`: it is told that it cannot.
    pub(crate) copy: Option<Vec<u64>>,
    /// Of an array, whether its items can be copied out one by one without asking who lives.
    pub(crate) items: Vec<bool>,
    /// What contradicts itself.
    pub(crate) wrong: Option<String>,
}

impl Oracle {
    fn free() -> Self {
        Oracle {
            content: Content::Free,
            copy: None,
            items: Vec::new(),
            wrong: None,
        }
    }

    /// Looks at the file. `open`: somebody who lives has it open.
    pub(crate) fn look(path: &Path, kind: Kind, open: bool) -> Self {
        if !path.exists() {
            return Oracle::free();
        }
        let raw = Raw::read(path);
        let base = raw.offset(word::CONTROL);
        let current = raw.at(base + control::CURRENT);
        let kept = raw.word(word::FLAGS) & 1 != 0;
        if current & REMOVED != 0 || !(kept || open) {
            return Oracle::free();
        }
        let version = current >> VERSION;
        let buffer = usize::try_from(current & 7).unwrap_or(0);
        let stamp = |buffer: usize| raw.at(base + control::STAMPS + 8 * buffer);
        let mut bytes = raw.0[raw.value()].to_vec();
        let whole = stamp(buffer) == version;
        let lie = kind.of_bytes(&bytes);
        let mut oracle = Oracle {
            content: Content::Poisoned(Version(version)),
            copy: None,
            items: Vec::new(),
            wrong: None,
        };
        match &lie {
            Ok(counters) if whole => oracle.copy = Some(counters.clone()),
            Err(torn) if whole => oracle.wrong = Some(format!("version {version} is {torn}")),
            _ => {}
        }
        let dirty = kind.is_in_place() && current & DIRTY != 0;
        let mut next = version;
        let mut poisoned = dirty;
        if kind == Kind::Array {
            let item = raw.offset(word::ITEM);
            let rows = raw.offset(word::ROWS) + ROW * raw.offset(word::HANDLES);
            let elements = rows.next_multiple_of(128);
            let count = bytes.len() / item;
            oracle.items = (0..count)
                .map(|index| {
                    let stripe = raw.at(elements + 8 * (index % STRIPES));
                    (1..=version).contains(&stamp(1)) && stripe != u64::MAX
                })
                .collect();
            if dirty && raw.at(elements + STATE) == version + 1 {
                let index = usize::try_from(raw.at(elements + INDEX)).unwrap_or(usize::MAX);
                let record = &raw.0[elements + RECORD..][..item];
                bytes[index * item..][..item].copy_from_slice(record);
                (next, poisoned) = (version + 1, false);
            }
        }
        if !poisoned {
            match kind.of_bytes(&bytes) {
                Ok(counters) => oracle.content = Content::Whole(counters, Version(next)),
                Err(torn) => oracle.wrong = Some(torn),
            }
        }
        let settled = raw.at(base + control::FLUSHED) >> VERSION;
        let durable = raw.word(word::FLAGS) & 4 != 0;
        if durable && (settled > version || dirty && settled != 0) {
            let text = format!("dirty: {dirty}, version {version}, and {settled} on the disk");
            oracle.wrong = Some(text);
        }
        oracle
    }
}

const _: () = assert!(size_of::<Small>() == 64);
