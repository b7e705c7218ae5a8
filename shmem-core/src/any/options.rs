//! How to open or create an object whose type is not known.

use std::time::Duration;

use super::create::create;
use super::object::AnyObject;
use super::reader::AnyReader;
use super::value::Value;
use crate::options::Settings;
use crate::{Error, Lifetime, Location, Result, StoredSchema, Trust};

/// How to open or create an object whose type is not known; made by [`AnyObject::options`].
///
/// They mean what those of the same names in [`Options`](crate::Options) do.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `open`, `open_read_only` or `create`"]
pub struct AnyOptions {
    settings: Settings,
    timeout: Option<Duration>,
    array: bool,
    reserve: u64,
}

impl AnyOptions {
    pub(crate) fn new() -> Self {
        AnyOptions {
            settings: Settings::DEFAULT,
            timeout: None,
            array: false,
            reserve: 0,
        }
    }

    /// Who may be able to write an object that is opened for writing; [`Trust::OwnerOnly`] by default.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.settings.trust = trust;
        self
    }

    /// Whether `open_read_only` reads through its mapping; see [`Options::mapped`](crate::Options::mapped).
    pub fn mapped(mut self, mapped: bool) -> Self {
        self.settings.mapped = mapped;
        self
    }

    /// Waits so long for an object that does not exist yet.
    pub fn wait_for(mut self, timeout: Duration) -> Self {
        self.settings.wait_for = Some(timeout);
        self
    }

    /// How long the handle's reads and writes wait for other programs; for as long as it takes by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long a created object exists; by default `WhileOpen` for a name and `Keep` for a file.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.settings.lifetime = Some(lifetime);
        self
    }

    /// The permission bits of a created object; see [`Options::mode`](crate::Options::mode).
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.mode = mode;
        self
    }

    /// How many handles may be open at once of a created object: 1 to 1,024, 128 by default.
    pub fn max_handles(mut self, handles: u32) -> Self {
        self.settings.max_handles = handles.max(1);
        self
    }

    /// How many copies of the value a created object has: 1 to 8, 4 by default; see
    /// [`Options::buffers`](crate::Options::buffers).
    pub fn buffers(mut self, buffers: u32) -> Self {
        self.settings.buffers = buffers.max(1);
        self
    }

    /// Whether a created object is an array whose length was chosen at run time, as `create_array` makes it, and its
    /// schema that of so many items.
    pub fn array(mut self, array: bool) -> Self {
        self.array = array;
        self
    }

    /// How far the type of a created object may [grow](derive@crate::Shared#types-that-grow), in bytes; 0, the default,
    /// if it may not. The same as in the programs that know the type.
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.reserve = bytes;
        self
    }

    /// Creates an object with these options; see [`AnyObject::create`].
    ///
    /// # Errors
    ///
    /// As [`AnyObject::create`]; [`Error::Field`] if `array` is asked for and the schema is none, or `reserve` and it is no
    /// struct.
    pub fn create(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        schema: &StoredSchema,
        value: impl Into<Value>,
    ) -> Result<AnyObject> {
        let at = at.try_into().map_err(Into::into)?;
        let what = (schema, self.array, self.reserve);
        let attachment = create(&at, &self.settings, what, &value.into())?;
        let (schema, settings) = (schema.clone(), self.settings);
        Ok(AnyObject::of(attachment, schema, settings, self.timeout))
    }

    /// Opens the object for reading and writing; see [`AnyObject::open`].
    ///
    /// # Errors
    ///
    /// As [`AnyObject::open`].
    pub fn open(&self, at: impl TryInto<Location, Error: Into<Error>>) -> Result<AnyObject> {
        let at = at.try_into().map_err(Into::into)?;
        AnyObject::with(self.settings, self.timeout, &at)
    }

    /// Opens the object for reading only; see [`AnyObject::open_read_only`].
    ///
    /// # Errors
    ///
    /// As [`AnyObject::open_read_only`].
    pub fn open_read_only(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<AnyReader> {
        let at = at.try_into().map_err(Into::into)?;
        AnyReader::with(self.settings, &at)
    }
}
