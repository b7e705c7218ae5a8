//! Who has an object open, and what they hold: for people who want to know who is in the way.

use crate::cell::{self, Current};
use crate::directory::Spot;
use crate::discovery::Visit;
use crate::lock::Token;
use crate::sync::Ordering;
use crate::view::View;
use crate::{Error, Location, Result, Version};

/// One handle that is open, as [`participants`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// Its row in the object's table, which messages call the number of the handle.
    pub handle: u32,
    /// The id of its process, as that sees itself: in a container of its own it is another one here.
    pub process: u32,
    /// The guards that it holds for reading, by buffer; none of buffers in which it holds none.
    pub pins: Vec<Pin>,
    /// Whether it holds the writer lock.
    pub writes: bool,
    /// Whether it published the current version.
    pub published: bool,
}

/// The guards of one handle in one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pin {
    /// The buffer that they keep from writers.
    pub buffer: u32,
    /// How many there are.
    pub guards: u32,
    /// The version in it.
    pub version: Version,
}

/// Lists the handles that are open, in the order of their rows, and what each of them holds at this moment.
///
/// It asks the kernel who lives, and changes nothing. Handles that only read register nowhere, so they are not
/// listed.
///
/// # Errors
///
/// - [`Error::NotFound`]: there is no object, or only a leftover.
/// - [`Error::PermissionDenied`]: this program may not open the object, or not the locks by which liveness is told.
/// - As [`open_read_only`](crate::AnyObject::open_read_only).
///
/// # Examples
///
/// ```
/// use shmem_core::Shared;
///
/// let hits = u64::create("participants-example", 1)?;
/// let guard = hits.read()?;
/// let all = shmem_core::participants("participants-example")?;
/// assert_eq!((all.len(), all[0].process), (1, std::process::id()));
/// assert_eq!((all[0].pins[0].guards, all[0].writes), (1, false));
/// # drop(guard);
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub fn participants(at: impl TryInto<Location, Error: Into<Error>>) -> Result<Vec<Participant>> {
    let at = at.try_into().map_err(Into::into)?;
    let spot = Spot::open(&at, false)?;
    let Visit { view, locks, .. } = Visit::of(&spot, &at)?;
    let io = |source| Error::from_io(&at, "looking for live handles", source);
    let live = locks?.live_rows().map_err(io)?;
    let control = view.mapping.control();
    let seen = cell::current(control);
    let is = |word: u64, row: u32, generation: u64| {
        Token::from_bits(word) == Token::new(row, generation)
    };
    let lock = control.writer.lock.load(Ordering::Relaxed);
    let publisher = control.publisher.load(Ordering::Relaxed);
    let all = live.into_iter().filter_map(|handle| {
        let row = view.mapping.row(handle)?;
        let generation = row.generation.load(Ordering::Relaxed);
        Some(Participant {
            handle,
            process: row.process.load(Ordering::Relaxed),
            pins: pins(&view, handle, seen),
            writes: is(lock, handle, generation),
            published: is(publisher, handle, generation),
        })
    });
    Ok(all.collect())
}

fn pins(view: &View, handle: u32, seen: Current) -> Vec<Pin> {
    let Some(row) = view.mapping.row(handle) else {
        return Vec::new();
    };
    let control = view.mapping.control();
    let buffers = view.header.layout.shape.buffers;
    let pins = (0..buffers).zip(&row.pins).zip(&control.stamps);
    let pins = pins.filter_map(|((buffer, pins), stamp)| {
        let guards = pins.load(Ordering::Relaxed);
        // In place the stamp is 0 while a writer waits for these guards or has failed to.
        let version = match stamp.load(Ordering::Relaxed) {
            _ if buffer == seen.buffer() => seen.version(),
            stamp => stamp,
        };
        (guards != 0).then_some(Pin {
            buffer,
            guards,
            version: Version(version),
        })
    });
    pins.collect()
}
