//! `AnyObject`: an object for reading and writing, whatever it holds.
#![expect(unsafe_code, reason = "copies the bytes that a guard keeps")]

use core::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::copy::AnyValue;
use super::mistake::FieldError;
use super::options::AnyOptions;
use super::path::{first_item, window};
use super::reader::AnyReader;
use super::value::Value;
use crate::deadline::Deadline;
use crate::lifecycle::Attachment;
use crate::opened::{self, Wanted};
use crate::options::Settings;
use crate::view::View;
use crate::{Error, Info, Location, ReadGuard, Result, SharedObject, StoredSchema, Version};

/// One process's opening of an object whose type it does not know, for reading and writing by the stored schema.
///
/// It is an ordinary handle: it takes a row in the object's table, keeps the object alive, reads under a guard and
/// writes under the writer lock, so nobody sees half of a change, whoever is killed. What is written is a value of
/// the field's type, or is refused before anything is locked for good. What its schema does not name (padding, fields that
/// other programs may add) it leaves as it is.
///
/// To look only, use [`open_read_only`](Self::open_read_only), which stores nothing at all.
///
/// The bytes of other fields than those that are asked for are not checked. So a field that another program filled
/// with nonsense does not hide the rest, and can be set right.
///
/// # Examples
///
/// ```
/// use shmem_core::{AnyObject, Shared, Value};
///
/// #[derive(Shared, Clone, Copy)]
/// #[repr(C)]
/// struct Config {
///     rate: u32,
///     mode: Mode,
/// }
///
/// #[derive(Shared, Clone, Copy, Debug, PartialEq)]
/// #[repr(u32)]
/// enum Mode {
///     Idle = 0,
///     Run = 1,
/// }
///
/// let config = Config::create("any-object-example", Config { rate: 10, mode: Mode::Idle })?;
///
/// // A program that knows nothing of `Config`:
/// let any = AnyObject::open("any-object-example")?;
/// assert_eq!(any.snapshot()?.to_string(), "{ rate: 10, mode: Idle }");
/// any.set_all(&[("rate", 20.into()), ("mode", "Run".into())])?;
/// assert!(any.set("mode", "Rnu").unwrap_err().to_string().contains("the nearest variant is `Run`"));
///
/// let config = config.load()?;
/// assert_eq!((config.rate, config.mode), (20, Mode::Run));
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub struct AnyObject {
    /// Its items are the bytes of the value, with what is reserved.
    pub(super) object: SharedObject<[u8]>,
    pub(super) schema: Arc<StoredSchema>,
    settings: Settings,
    timeout: Option<Duration>,
}

impl AnyObject {
    /// Creates an object at `at` whose type is `schema` and whose value is `value`; fails if there is one.
    ///
    /// A program that has the type opens it as if it had been created there: its layout, its fingerprint and the way in
    /// which it comes to be are the same. Where the bytes of a schema come from does not matter, since those that
    /// contradict themselves are no [`StoredSchema`]. What the schema does not say, [`options`](Self::options) do:
    /// whether it may grow, and whether it is an array whose length was chosen at run time.
    ///
    /// # Errors
    ///
    /// As [`Shared::create`](crate::Shared::create), and
    ///
    /// - [`Error::Field`]: the value is none of this type.
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::{AnyObject, Shared, StoredSchema, Value};
    ///
    /// #[derive(Shared, Clone, Copy)]
    /// #[repr(C)]
    /// struct Limits {
    ///     rate: u32,
    ///     burst: u32,
    /// }
    ///
    /// // From a file, say.
    /// let text = StoredSchema::from(Limits::SCHEMA).stored_form();
    ///
    /// let schema = StoredSchema::parse(&text).unwrap();
    /// let value = Value::Struct(vec![("rate".into(), 10.into()), ("burst".into(), 20.into())]);
    /// let _any = AnyObject::create("any-create-example", &schema, value)?;
    /// assert_eq!(Limits::open("any-create-example")?.load()?.burst, 20);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn create(
        at: impl TryInto<Location, Error: Into<Error>>,
        schema: &StoredSchema,
        value: impl Into<Value>,
    ) -> Result<Self> {
        AnyObject::options().create(at, schema, value)
    }

    /// Opens the object at `at` for reading and writing.
    ///
    /// # Errors
    ///
    /// As [`Shared::open`](crate::Shared::open), but for `LayoutMismatch` and `TooLarge`.
    pub fn open(at: impl TryInto<Location, Error: Into<Error>>) -> Result<Self> {
        AnyObject::options().open(at)
    }

    /// Opens the object at `at` for reading only, which takes read permission only, and no trust.
    ///
    /// # Errors
    ///
    /// As [`Shared::open_read_only`](crate::Shared::open_read_only), but for `LayoutMismatch`.
    pub fn open_read_only(at: impl TryInto<Location, Error: Into<Error>>) -> Result<AnyReader> {
        AnyObject::options().open_read_only(at)
    }

    /// How to open an object, beyond the defaults.
    pub fn options() -> AnyOptions {
        AnyOptions::new()
    }

    pub(crate) fn with(
        settings: Settings,
        timeout: Option<Duration>,
        at: &Location,
    ) -> Result<Self> {
        loop {
            let attachment = settings.join(at, Wanted::ANYTHING)?;
            // Its name may lead elsewhere by now.
            if let Some(schema) = opened::layout_of(&attachment.view)? {
                return Ok(AnyObject::of(attachment, schema, settings, timeout));
            }
        }
    }

    pub(super) fn of(
        mut attachment: Attachment,
        schema: StoredSchema,
        settings: Settings,
        timeout: Option<Duration>,
    ) -> Self {
        attachment.view.items = 0..value_size(&attachment.view);
        AnyObject {
            object: SharedObject::new(attachment, settings),
            schema: Arc::new(schema),
            settings,
            timeout,
        }
    }

    pub(super) fn view(&self) -> &View {
        self.object.view()
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.timeout.map_or(Deadline::Never, Deadline::after)
    }

    pub(super) fn field(&self, error: FieldError) -> Error {
        explain(self.view(), error)
    }

    /// The layout of the value when the object was opened.
    ///
    /// Of a type that [grows](derive@crate::Shared#types-that-grow), with the fields of all programs that had opened
    /// it by then; [`reopen`](Self::reopen) finds those that came later.
    pub fn schema(&self) -> &StoredSchema {
        &self.schema
    }

    /// Copies the current version out.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::read`], but for `InvalidValue`.
    pub fn load(&self) -> Result<AnyValue> {
        self.copy(self.view().items.clone())
    }

    /// Takes the current version to pieces, all of it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::InvalidValue`]; [`Error::Field`] if it has millions of parts.
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
    /// - [`Error::Field`]: there is no such part.
    /// - [`Error::InvalidValue`]: the bytes are no value of its type.
    pub fn get(&self, path: &str) -> Result<Value> {
        let copy = self.load_part(path)?;
        copy.get(path).map_err(|error| self.field(error))
    }

    /// Copies what `path` leads to out of the current version, with the list or option that it is in.
    ///
    /// All other parts of the copy are beyond its end.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`Error::Field`]: the type has no such part.
    pub fn load_part(&self, path: &str) -> Result<AnyValue> {
        let window = window(&self.schema, path).map_err(|error| self.field(error))?;
        self.copy(window)
    }

    /// Copies these bytes of the current version.
    fn copy(&self, range: Range<usize>) -> Result<AnyValue> {
        // SAFETY: it is not dereferenced, and any bytes are bytes.
        let guard = unsafe { self.object.pin(self.deadline()) };
        let guard = guard.map_err(|refusal| self.view().explain(refusal))?;
        let mut bytes = zeros(self.view(), range.len())?;
        let (buffer, out) = (ReadGuard::seen(&guard).buffer(), bytes.as_mut_ptr());
        // As atomics: where they are fields, they change under the guard.
        // SAFETY: `bytes` has room for the range, which callers have seen to lie in the value.
        unsafe {
            self.view()
                .mapping
                .copy_out(buffer, range.start, out, range.len());
        };
        let version = ReadGuard::version(&guard);
        Ok(AnyValue::new(&self.schema, bytes, range.start, version))
    }

    /// The current version. Reads one word, and takes no lock.
    pub fn version(&self) -> Version {
        self.object.version()
    }

    /// Waits until there is a version newer than `after`; see [`SharedObject::wait`].
    ///
    /// # Errors
    ///
    /// As [`SharedObject::wait`].
    pub fn wait(&self, after: Version, timeout: Duration) -> Result<Version> {
        self.object.wait(after, timeout)
    }

    /// As [`wait`](Self::wait), without a limit.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::wait_forever`].
    pub fn wait_forever(&self, after: Version) -> Result<Version> {
        self.object.wait_forever(after)
    }

    /// Ends every wait of this handle; see [`SharedObject::interrupt`].
    pub fn interrupt(&self) {
        self.object.interrupt();
    }

    /// The time since the last publication; see [`SharedObject::age`].
    pub fn age(&self) -> Duration {
        self.object.age()
    }

    /// Whether the name still leads to this object.
    pub fn is_current(&self) -> bool {
        self.object.is_current()
    }

    /// Makes what was published survive a power cut; see [`SharedObject::flush`].
    ///
    /// # Errors
    ///
    /// As [`SharedObject::flush`].
    pub fn flush(&self) -> Result<()> {
        self.object.flush()
    }

    /// Describes the object; see [`SharedObject::info`].
    pub fn info(&self) -> Info {
        Info {
            type_name: type_name(&self.schema),
            ..self.object.info()
        }
    }

    /// Opens what the name leads to now, with the options this handle was opened with.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn reopen(&self) -> Result<Self> {
        let settings = Settings {
            wait_for: None,
            ..self.settings
        };
        AnyObject::with(settings, self.timeout, &self.view().location)
    }
}

impl fmt::Debug for AnyObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug(f, "AnyObject")
    }
}

/// The item that `path` leads to, or into, of an array whose length was chosen at run time; and its bytes.
pub(super) fn item(
    view: &View,
    schema: &StoredSchema,
    path: &str,
) -> Result<Option<(usize, Range<usize>)>> {
    let size = usize::try_from(view.header.layout.shape.item).unwrap_or(0);
    let Some(index) = first_item(path).filter(|_| size != 0) else {
        return Ok(None);
    };
    // Whatever is wrong with the path is said at once.
    schema.at(path).map_err(|error| explain(view, error))?;
    Ok(Some((index, index * size..(index + 1) * size)))
}

/// Room for a copy: the size comes from the object.
pub(super) fn zeros(view: &View, len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(len).is_err() {
        return Err(Error::TooLarge {
            location: view.location.clone(),
            what: "number of bytes to be copied",
            found: len as u64,
            limit: isize::MAX as u64,
        });
    }
    bytes.resize(len, 0);
    Ok(bytes)
}

/// How many bytes the value has, the reserved ones included.
pub(super) fn value_size(view: &View) -> usize {
    // It fits: the whole object is mapped.
    usize::try_from(view.header.layout.shape.size).unwrap_or(0)
}

pub(super) fn type_name(schema: &StoredSchema) -> String {
    match schema.name() {
        "" => schema.type_text(),
        name => name.to_owned(),
    }
}

pub(super) fn explain(view: &View, error: FieldError) -> Error {
    let location = view.location.clone();
    match error {
        FieldError::InvalidBytes {
            path,
            offset,
            found,
            expected,
        } => Error::InvalidValue {
            location,
            field: path,
            offset,
            found,
            expected,
        },
        error => Error::Field {
            location,
            error: Box::new(error),
        },
    }
}
