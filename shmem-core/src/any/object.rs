//! `AnyObject`: an object for reading and writing, whatever it holds.
#![expect(unsafe_code, reason = "copies the bytes that a guard keeps")]

use core::fmt;
use std::collections::BTreeMap;
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
use crate::view::{Refusal, View};
use crate::{
    Error, Info, Location, ReadGuard, Result, SharedObject, StoredSchema, Version, WriteGuard,
};

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
    object: SharedObject<[u8]>,
    schema: Arc<StoredSchema>,
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

    fn view(&self) -> &View {
        self.object.view()
    }

    fn deadline(&self) -> Deadline {
        self.timeout.map_or(Deadline::Never, Deadline::after)
    }

    fn field(&self, error: FieldError) -> Error {
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

    /// Makes `value` what `path` leads to, and publishes that; see [`AnyValue::set`].
    ///
    /// An item of an array whose length was chosen at run time is changed as by
    /// [`SharedObject::store_at`](crate::SharedObject::store_at): nothing else is copied.
    ///
    /// # Errors
    ///
    /// As [`set_all`](Self::set_all).
    pub fn set(&self, path: &str, value: impl Into<Value>) -> Result<Version> {
        self.set_all(&[(path, value.into())])
    }

    /// Sets several parts at once: others see all of the change, or nothing of it.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::write`], but for `InvalidValue` of other fields, and
    ///
    /// - [`Error::Field`]: there is no such part, or the value is none of its type. Nothing has changed.
    /// - [`Error::TimedOut`]: others were in the way for as long as [`AnyOptions::timeout`] says.
    /// - [`Error::Poisoned`]: the value was left half-changed, and is not set as a whole.
    pub fn set_all(&self, changes: &[(&str, Value)]) -> Result<Version> {
        let mut items = BTreeMap::new();
        for (path, _) in changes {
            match self.item(path)? {
                Some((index, range)) => items.insert(index, range),
                None => {
                    // Whatever stands there, all of it is new.
                    let whole = changes.iter().any(|(path, _)| path.is_empty());
                    return Ok(self.change(whole, |value| set_all(value, changes))?.1);
                }
            };
        }
        match items.pop_first() {
            Some((index, range)) if items.is_empty() => self.change_item(index, range, changes),
            Some(first) => {
                items.extend([first]);
                self.change_items(items, changes)
            }
            None => Ok(self.change(false, |_| Ok(()))?.1),
        }
    }

    /// Changes a copy of the value through `f` and publishes it if `f` returns `Ok`; nobody else writes meanwhile.
    ///
    /// The whole value is copied, of arrays too.
    ///
    /// # Errors
    ///
    /// As [`set_all`](Self::set_all); what `f` returns is [`Error::Field`].
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::{AnyObject, Shared, Value};
    ///
    /// let pair = <[u32; 2]>::create("any-update-example", [1, 2])?;
    /// let any = AnyObject::open("any-update-example")?;
    /// any.update(|value| {
    ///     let first = value.get("[0]")?;
    ///     value.set("[1]", first)
    /// })?;
    /// assert_eq!(pair.load()?, [1, 1]);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn update<R>(
        &self,
        f: impl FnOnce(&mut AnyValue) -> core::result::Result<R, FieldError>,
    ) -> Result<R> {
        Ok(self.change(false, f)?.0)
    }

    /// `whole`: whatever was there before, it does not matter.
    fn change<R>(
        &self,
        whole: bool,
        f: impl FnOnce(&mut AnyValue) -> core::result::Result<R, FieldError>,
    ) -> Result<(R, Version)> {
        let mut guard = self.object.begin(self.deadline(), true)?;
        self.refuse_poisoned(&guard, whole)?;
        let version = WriteGuard::version(&guard);
        let mut bytes = zeros(self.view(), guard.len())?;
        bytes.copy_from_slice(&guard);
        let mut value = AnyValue::new(&self.schema, bytes, 0, version);
        // An error or a panic drops the guard as it is: nothing was changed, not even in place.
        let result = f(&mut value).map_err(|error| self.field(error))?;
        let new = value.bytes();
        if let Some(changed) = differing(&guard, new) {
            guard[changed.clone()].copy_from_slice(&new[changed]);
        } else {
            let _: &mut [u8] = &mut guard;
        }
        Ok((result, WriteGuard::commit(guard)))
    }

    /// Changes one item, as [`SharedObject::store_at`] does.
    fn change_item(
        &self,
        index: usize,
        range: Range<usize>,
        changes: &[(&str, Value)],
    ) -> Result<Version> {
        let guard = self.object.begin(self.deadline(), false)?;
        self.refuse_poisoned(&guard, false)?;
        let bytes = guard[range.clone()].to_vec();
        let mut item = AnyValue::new(
            &self.schema,
            bytes,
            range.start,
            WriteGuard::version(&guard),
        );
        set_all(&mut item, changes).map_err(|error| self.field(error))?;
        Ok(guard.put(index, item.bytes()))
    }

    /// Changes several items at once, and copies no others.
    fn change_items(
        &self,
        items: BTreeMap<usize, Range<usize>>,
        changes: &[(&str, Value)],
    ) -> Result<Version> {
        let mut guard = self.object.begin(self.deadline(), false)?;
        self.refuse_poisoned(&guard, false)?;
        let version = WriteGuard::version(&guard);
        let mut copies = BTreeMap::new();
        for (index, range) in items {
            let bytes = guard[range.clone()].to_vec();
            copies.insert(
                index,
                AnyValue::new(&self.schema, bytes, range.start, version),
            );
        }
        for (path, value) in changes {
            let copy = first_item(path).and_then(|index| copies.get_mut(&index));
            let set = copy.map(|copy| copy.set(path, value.clone()));
            set.unwrap_or(Ok(())).map_err(|error| self.field(error))?;
        }
        let size = self.item_size();
        for (index, item) in copies {
            guard[index * size..][..size].copy_from_slice(item.bytes());
        }
        Ok(WriteGuard::commit(guard))
    }

    /// What is left half-changed is not taken for a value of which only a part is to be changed.
    fn refuse_poisoned(&self, guard: &WriteGuard<'_, [u8]>, whole: bool) -> Result<()> {
        let in_place = self.view().header.layout.shape.buffers == 1;
        if in_place && !whole && WriteGuard::recovered(guard) {
            return Err(self.view().explain(Refusal::Poisoned));
        }
        Ok(())
    }

    fn item_size(&self) -> usize {
        usize::try_from(self.view().header.layout.shape.item).unwrap_or(0)
    }

    fn item(&self, path: &str) -> Result<Option<(usize, Range<usize>)>> {
        item(self.view(), &self.schema, path)
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

fn set_all(
    value: &mut AnyValue,
    changes: &[(&str, Value)],
) -> core::result::Result<(), FieldError> {
    let mut changes = changes.iter();
    changes.try_for_each(|(path, new)| value.set(path, new.clone()))
}

/// From the first byte that differs to the last.
fn differing(old: &[u8], new: &[u8]) -> Option<Range<usize>> {
    let differs = |(a, b): (&u8, &u8)| a != b;
    let first = old.iter().zip(new).position(differs)?;
    let last = old.iter().zip(new).rposition(differs)?;
    Some(first..last + 1)
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
