//! `AnyReader`: an object for reading only, whatever it holds.

use core::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::copy::AnyValue;
use super::object::{explain, item, type_name, value_size, zeros};
use super::path::window;
use super::value::Value;
use crate::items;
use crate::lifecycle;
use crate::opened::{self, Wanted};
use crate::options::Settings;
use crate::{Info, Location, Result, SharedReader, StoredSchema, Version};

/// One process's opening of an object whose type it does not know, for reading only.
///
/// Made by [`AnyObject::open_read_only`](crate::AnyObject::open_read_only). As a [`SharedReader`], it registers
/// nowhere, takes no lock and stores nothing: nobody notices it, and it needs no trust.
///
/// # Examples
///
/// ```
/// use shmem_core::{AnyObject, Shared};
///
/// let hits = u64::create("any-reader-example", 7)?;
/// let reader = AnyObject::open_read_only("any-reader-example")?;
/// assert_eq!(reader.schema().name(), "u64");
/// assert_eq!(reader.snapshot()?.as_int(), Some(7));
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub struct AnyReader {
    /// Its items are the bytes of the value, with what is reserved.
    reader: SharedReader<[u8]>,
    schema: Arc<StoredSchema>,
    settings: Settings,
}

impl AnyReader {
    pub(crate) fn with(settings: Settings, at: &Location) -> Result<Self> {
        loop {
            let open = || lifecycle::view(at, Wanted::ANYTHING, &settings);
            let mut view = settings.patiently(open)?;
            // Its name may lead elsewhere by now.
            if let Some(schema) = opened::layout_of(&view)? {
                view.items = 0..value_size(&view);
                return Ok(AnyReader {
                    reader: SharedReader::of(view, settings),
                    schema: Arc::new(schema),
                    settings,
                });
            }
        }
    }

    /// The layout of the value when the object was opened; see [`AnyObject::schema`](crate::AnyObject::schema).
    pub fn schema(&self) -> &StoredSchema {
        &self.schema
    }

    /// Copies the current version out.
    ///
    /// # Errors
    ///
    /// - [`Error::Busy`](crate::Error::Busy): for a second the value was changed in place, or writers published
    ///   faster than it could be copied; or a writer that died left it half-changed.
    /// - [`Error::Corrupt`](crate::Error::Corrupt): another program wrote nonsense into the control words.
    pub fn load(&self) -> Result<AnyValue> {
        self.copy(self.reader.view().items.clone())
    }

    /// Takes the current version to pieces, all of it.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn snapshot(&self) -> Result<Value> {
        self.get("")
    }

    /// What `path` leads to in the current version; see [`AnyValue::get`].
    ///
    /// Only that is copied, with the list or option that it is in.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and
    ///
    /// - [`Error::Field`](crate::Error::Field): there is no such part.
    /// - [`Error::InvalidValue`](crate::Error::InvalidValue): the bytes are no value of its type.
    pub fn get(&self, path: &str) -> Result<Value> {
        let copy = self.load_part(path)?;
        copy.get(path)
            .map_err(|error| explain(self.reader.view(), error))
    }

    /// Copies what `path` leads to out of the current version; see
    /// [`AnyObject::load_part`](crate::AnyObject::load_part).
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::Field`](crate::Error::Field): the type has no such part.
    pub fn load_part(&self, path: &str) -> Result<AnyValue> {
        let view = self.reader.view();
        if let Some((index, range)) = item(view, &self.schema, path)? {
            let mut bytes = zeros(view, range.len())?;
            items::load_item(view, index, &mut bytes)?;
            let version = self.version();
            return Ok(AnyValue::new(&self.schema, bytes, range.start, version));
        }
        let window = window(&self.schema, path);
        self.copy(window.map_err(|error| explain(view, error))?)
    }

    /// Copies these bytes of the current version.
    fn copy(&self, range: Range<usize>) -> Result<AnyValue> {
        let view = self.reader.view();
        let mut bytes = zeros(view, range.len())?;
        let version = items::load_part(view, range.start, &mut bytes)?;
        Ok(AnyValue::new(&self.schema, bytes, range.start, version))
    }

    /// The current version, from one word.
    pub fn version(&self) -> Version {
        self.reader.version()
    }

    /// Waits until there is a version newer than `after`; see [`SharedReader::wait`].
    ///
    /// # Errors
    ///
    /// As [`SharedReader::wait`].
    pub fn wait(&self, after: Version, timeout: Duration) -> Result<Version> {
        self.reader.wait(after, timeout)
    }

    /// As [`wait`](Self::wait), without a limit.
    ///
    /// # Errors
    ///
    /// As [`SharedReader::wait_forever`].
    pub fn wait_forever(&self, after: Version) -> Result<Version> {
        self.reader.wait_forever(after)
    }

    /// Ends every wait of this handle; see [`SharedReader::interrupt`].
    pub fn interrupt(&self) {
        self.reader.interrupt();
    }

    /// The time since the last publication; see [`SharedObject::age`](crate::SharedObject::age).
    pub fn age(&self) -> Duration {
        self.reader.age()
    }

    /// Whether the name still leads to this object.
    pub fn is_current(&self) -> bool {
        self.reader.is_current()
    }

    /// Describes the object; see [`SharedObject::info`](crate::SharedObject::info). Who has it open, a reader does not
    /// ask: [`participants`](crate::participants) does.
    pub fn info(&self) -> Info {
        Info {
            type_name: type_name(&self.schema),
            ..self.reader.info()
        }
    }

    /// Opens what the name leads to now, with the options this handle was opened with.
    ///
    /// # Errors
    ///
    /// As [`AnyObject::open_read_only`](crate::AnyObject::open_read_only).
    pub fn reopen(&self) -> Result<Self> {
        let settings = Settings {
            wait_for: None,
            ..self.settings
        };
        AnyReader::with(settings, &self.reader.view().location)
    }
}

impl fmt::Debug for AnyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.view().debug(f, "AnyReader")
    }
}
