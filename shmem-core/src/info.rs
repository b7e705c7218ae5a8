//! What can be said of an object without knowing its type.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cell::Current;
use crate::lock::Token;
use crate::os;
use crate::participant::{Locks, Seat};
use crate::sync::Ordering;
use crate::view::View;
use crate::{Lifetime, Location, Lock, Payload, Version};

/// What can be said of an object without knowing its type.
///
/// Made by [`SharedObject::info`](crate::SharedObject::info) and [`list`](crate::list).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// Where it is found.
    pub location: Location,
    /// The stored name of the type of its value.
    pub type_name: String,
    /// The fingerprint of that type's layout.
    pub fingerprint: u64,
    /// Of the value, in bytes; of a type that grows, what it reserves.
    pub size: u64,
    /// How many items it has, if it is an array whose length was chosen at run time.
    pub items: Option<u64>,
    /// How far its type may [grow](derive@crate::Shared#types-that-grow), in bytes; 0 if it may not.
    pub reserve: u64,
    /// Of the whole object with all its buffers, in bytes.
    pub file_size: u64,
    /// The version that is current.
    pub version: Version,
    /// Whether it was removed or replaced.
    pub removed: bool,
    /// How long it exists.
    pub lifetime: Lifetime,
    /// How many copies of the value it has.
    pub buffers: u32,
    /// By what a change excludes others.
    pub lock: Lock,
    /// How many handles may be open at once.
    pub max_handles: u32,
    /// How many are open, by the kernel's word; `None` if this program may not ask.
    pub handles: Option<u32>,
    /// Whether the handle that published the current version is still open; `None` if this program may not
    /// ask.
    pub publisher_alive: Option<bool>,
    /// The time since the last publication; [`Duration::MAX`] if that was before the machine last booted.
    pub age: Duration,
    /// When it was created.
    pub created: SystemTime,
    /// The user it belongs to.
    pub owner: u32,
    /// Its permission bits.
    pub mode: u32,
}

/// What a handle says of the type of its value.
pub(crate) fn type_name<P: ?Sized + Payload>(view: &View) -> String {
    let name = P::SCHEMA.name();
    if P::IS_ARRAY {
        return format!("[{name}; {}]", view.mapping.items());
    }
    name.to_owned()
}

impl Info {
    /// `locks` are those of a handle with its own row, if there is one.
    pub(crate) fn of(view: &View, type_name: String, locks: Option<(&Locks, Seat)>) -> Self {
        let current = view.current().unwrap_or(Current::NONE);
        let live = locks.and_then(|(locks, seat)| {
            let mut rows = locks.live_rows().ok()?;
            // A lock does not see itself.
            rows.push(seat.row);
            Some(rows)
        });
        let shape = &view.header.layout.shape;
        let file = os::path_info(&view.path)
            .ok()
            .filter(|info| info.id == view.file);
        let mut info = Info {
            location: view.location.clone(),
            type_name,
            fingerprint: view.header.fingerprint,
            size: shape.size,
            items: (shape.item != 0).then(|| shape.len()),
            reserve: shape.reserve(),
            file_size: view.header.layout.total,
            version: Version(current.version()),
            removed: current.is_removed(),
            lifetime: view.header.lifetime,
            buffers: shape.buffers,
            lock: match view.header.layout.gate {
                0 => Lock::Native,
                _ => Lock::RawSync,
            },
            max_handles: shape.handles,
            handles: None,
            publisher_alive: None,
            age: view.age(),
            created: UNIX_EPOCH + Duration::from_nanos(view.header.created),
            owner: file.map_or(os::user(), |info| info.owner),
            mode: file.map_or(0, |info| info.mode),
        };
        if let Some(live) = live {
            info.set_live(view, &live);
        }
        info
    }

    /// Fills in what depends on who is alive.
    pub(crate) fn set_live(&mut self, view: &View, live: &[u32]) {
        let publisher = view.mapping.control().publisher.load(Ordering::Relaxed);
        let publisher = Token::from_bits(publisher);
        let generation = |row| {
            let row = view.mapping.row(row)?;
            Some(row.generation.load(Ordering::Relaxed))
        };
        self.handles = u32::try_from(live.len()).ok();
        let same = generation(publisher.row()) == Some(publisher.generation());
        self.publisher_alive = Some(same && live.contains(&publisher.row()));
    }
}
