//! Why an operation was refused: one variant for each cause.

use std::io;
use std::time::Duration;

use crate::{Difference, FieldError, Location};

/// The result of an operation on a shared object.
pub type Result<T> = core::result::Result<T, Error>;

/// Why an operation was refused.
///
/// Every message names the object, what was found, what was expected and what to do. The operating system's
/// own cause, where there is one, is the `source()`. A refused operation has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name, path or option cannot be used by any program.
    #[error("`{name}` cannot name an object: {reason}")]
    #[non_exhaustive]
    InvalidName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// No object has this name; a leftover that nobody has open counts as none.
    #[error("{location} does not exist: create it, or wait for it with `Options::wait_for`")]
    #[non_exhaustive]
    NotFound {
        /// What was asked for.
        location: Location,
    },

    /// `create` found something under this name.
    #[error("{location} exists already: open it, or remove it first")]
    #[non_exhaustive]
    AlreadyExists {
        /// What was asked for.
        location: Location,
    },

    /// What stands under the name was not made by this library.
    #[error("{location} is not a shared object: found {found}, expected {expected}")]
    #[non_exhaustive]
    NotAnObject {
        /// What was asked for.
        location: Location,
        /// What stands there.
        found: String,
        /// What a shared object has in that place.
        expected: &'static str,
    },

    /// A program with another format version or byte order made the object, or one with a [lock](crate::Lock) that
    /// this program or handle cannot take.
    #[error("{location} has {found}, this program reads {expected}")]
    #[non_exhaustive]
    UnsupportedFormat {
        /// What was asked for.
        location: Location,
        /// The format version, byte order or lock of the object.
        found: String,
        /// The one that this program reads.
        expected: String,
    },

    /// The object holds another layout of the type, or another type.
    #[error(
        "{location} holds another layout of `{ours}`:\n  {diff}\n{advice}",
        ours = diff.type_name(),
        advice = diff.advice()
    )]
    #[non_exhaustive]
    LayoutMismatch {
        /// What was asked for.
        location: Location,
        /// The first place where the two layouts differ.
        diff: Box<Difference>,
    },

    /// The object's own description of itself does not hold together.
    #[error(
        "{location} is damaged: its {what} is {found}, expected {expected}; remove the file and create it anew"
    )]
    #[non_exhaustive]
    Corrupt {
        /// What was asked for.
        location: Location,
        /// The part that is damaged.
        what: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },

    /// The bytes of a field are not a value of its type.
    #[error(
        "{location} holds an invalid value: field `{field}` at byte {offset} is {found}, expected {expected}"
    )]
    #[non_exhaustive]
    InvalidValue {
        /// Where the value was found.
        location: Location,
        /// The path of the field, such as `levels[2].live`; empty for a value without fields.
        field: String,
        /// Where the field lies, in bytes from the start of the value.
        offset: usize,
        /// The bytes that were found, as a number.
        found: String,
        /// The values that are allowed.
        expected: String,
    },

    /// A path leads to no part of the value, or what was to be set there is none of its type.
    ///
    /// Only [`AnyObject`](crate::AnyObject) and [`AnyReader`](crate::AnyReader) look at fields by their path.
    #[error("{location}: {error}")]
    #[non_exhaustive]
    Field {
        /// The object.
        location: Location,
        /// What is wrong.
        error: Box<FieldError>,
    },

    /// Someone other than this user or root may write the object, so its bytes cannot back a reference.
    #[error(
        "{location} is owned by user {owner} with mode {mode:04o}, so {who} may write it: \
         use `load` through a read-only handle, or say whom you trust with `Options::trust`"
    )]
    #[non_exhaustive]
    Untrusted {
        /// What was asked for.
        location: Location,
        /// The user who owns it.
        owner: u32,
        /// Its permission bits.
        mode: u32,
        /// Who could write it, in words.
        who: &'static str,
    },

    /// The permissions of the object or of its directory forbid it.
    #[error("permission denied for {location}: {doing}")]
    #[non_exhaustive]
    PermissionDenied {
        /// What was asked for.
        location: Location,
        /// What was tried.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },

    /// The filesystem has no coherent memory maps or no working locks.
    #[error(
        "{location} lies on a filesystem of kind {found}, which does not keep maps and locks of several \
         programs coherent: use a local filesystem (ext4, xfs, btrfs, tmpfs)"
    )]
    #[non_exhaustive]
    UnsupportedFilesystem {
        /// What was asked for.
        location: Location,
        /// The filesystem, by name or magic number.
        found: String,
    },

    /// Every row of the object's table belongs to a live handle.
    #[error(
        "{location} has {limit} handles open, its limit: close some, or create it with a larger `Options::max_handles`"
    )]
    #[non_exhaustive]
    TooManyHandles {
        /// What was asked for.
        location: Location,
        /// How many handles it may have at once.
        limit: u32,
    },

    /// The object was removed or replaced; [`reopen`](crate::SharedObject::reopen) follows the name.
    #[error("{location} was removed or replaced: `reopen` follows the name to its new object")]
    #[non_exhaustive]
    Removed {
        /// The object that was removed.
        location: Location,
    },

    /// [`interrupt`](crate::SharedObject::interrupt) was called on this handle.
    #[error("waiting for {location} was interrupted")]
    #[non_exhaustive]
    Interrupted {
        /// The object that was waited for.
        location: Location,
    },

    /// This thread holds a write guard of the object already.
    #[error("this thread holds a write guard of {location} already: drop that one first")]
    #[non_exhaustive]
    WouldDeadlock {
        /// The object that is locked.
        location: Location,
    },

    /// Somebody else is in the way just now.
    #[error("{location} is busy: {holder}")]
    #[non_exhaustive]
    Busy {
        /// What was asked for.
        location: Location,
        /// Who is in the way, as far as known.
        holder: String,
    },

    /// It did not happen within the time given, by the monotonic clock.
    #[error("gave up on {location} after {waited:?}: {holder}")]
    #[non_exhaustive]
    TimedOut {
        /// What was waited for.
        location: Location,
        /// The time that was allowed.
        waited: Duration,
        /// Who is in the way, as far as known.
        holder: String,
    },

    /// A writer of an object that is changed in place died or gave up in the middle of a change.
    ///
    /// `write` goes on: its guard says [`recovered`](crate::WriteGuard::recovered) and holds the value as it was
    /// left. What it publishes is the object's value again.
    #[error(
        "{location} was left half-changed by a writer that died or gave up: repair it through `write`, or `store` a value"
    )]
    #[non_exhaustive]
    Poisoned {
        /// The object that is half-written.
        location: Location,
    },

    /// A power cut tore the value of a file, and nobody has opened it for writing since.
    ///
    /// Opening it for writing once goes back to the newest value that is whole, which a reader may not do.
    #[error(
        "{location} was torn by a power cut: open it for writing once, which goes back to its newest whole value"
    )]
    #[non_exhaustive]
    Unrecovered {
        /// The object that is torn.
        location: Location,
    },

    /// This handle was opened before `fork` and belongs to the parent process.
    #[error("the handle of {location} belongs to the parent process: call `reopen` in the child")]
    #[non_exhaustive]
    Forked {
        /// The object that the handle is of.
        location: Location,
    },

    /// This operating system or processor is not supported yet.
    #[error("{what} is not supported on this system yet")]
    #[non_exhaustive]
    UnsupportedPlatform {
        /// What is missing.
        what: &'static str,
    },

    /// The filesystem has no room for the object.
    #[error("no space for {location}, which needs {needed} bytes")]
    #[non_exhaustive]
    NoSpace {
        /// What was to be created.
        location: Location,
        /// How many bytes it needs.
        needed: u64,
        /// What the operating system said.
        source: io::Error,
    },

    /// A size or number is beyond what an object can have.
    #[error("{location}: {what} is {found}, the limit is {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// What was asked for.
        location: Location,
        /// Which size or number.
        what: &'static str,
        /// What was asked for.
        found: u64,
        /// The largest that is possible.
        limit: u64,
    },

    /// The operating system refused in a way that has no variant of its own.
    #[error("{doing} failed for {location}")]
    #[non_exhaustive]
    Io {
        /// What was asked for.
        location: Location,
        /// What was tried.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// The typed form of what the operating system said while `doing` something with `location`.
    pub(crate) fn from_io(location: &Location, doing: &'static str, source: io::Error) -> Self {
        let location = location.clone();
        match source.kind() {
            io::ErrorKind::NotFound => Error::NotFound { location },
            io::ErrorKind::AlreadyExists => Error::AlreadyExists { location },
            io::ErrorKind::PermissionDenied => Error::PermissionDenied {
                location,
                doing,
                source,
            },
            io::ErrorKind::Unsupported => Error::UnsupportedPlatform { what: doing },
            _ => Error::Io {
                location,
                doing,
                source,
            },
        }
    }
}

/// So that a [`Location`] itself can be given where a location is expected.
impl From<core::convert::Infallible> for Error {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}
