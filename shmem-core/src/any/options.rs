//! How to open an object whose type is not known.

use std::time::Duration;

use super::object::AnyObject;
use super::reader::AnyReader;
use crate::options::Settings;
use crate::{Error, Location, Result, Trust};

/// How to open an object whose type is not known; made by [`AnyObject::options`].
///
/// They mean what those of the same names in [`Options`](crate::Options) do.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `open` or `open_read_only`"]
pub struct AnyOptions {
    settings: Settings,
    timeout: Option<Duration>,
}

impl AnyOptions {
    pub(crate) fn new() -> Self {
        AnyOptions {
            settings: Settings::DEFAULT,
            timeout: None,
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
