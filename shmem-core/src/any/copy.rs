//! `AnyValue`: one version of a value, copied out, with its schema.

use std::sync::Arc;

use super::decode::decode;
use super::encode::encode;
use super::mistake::FieldError;
use super::path::{Bytes, length, resolve};
use super::value::Value;
use crate::{StoredKind, StoredSchema, Version};

/// One version of the value of an object whose type this program does not know: its bytes and its schema.
///
/// Made by [`AnyObject::load`](crate::AnyObject::load) and [`AnyReader::load`](crate::AnyReader::load), and lent to the
/// function that changes it by [`AnyObject::update`](crate::AnyObject::update). It is this program's own: others
/// neither see nor change it. Only the parts that are asked for are taken to pieces, and checked.
///
/// Padding (`_name: [u8; N]`) is no part of a value: it has no path, and is left as it is.
///
/// # Examples
///
/// ```
/// use shmem_core::{AnyObject, Shared, Value};
///
/// let _loads = <[u16; 4]>::create("any-value-example", [1, 2, 3, 4])?;
/// let value = AnyObject::open_read_only("any-value-example")?.load()?;
/// assert_eq!(value.get("[1..3]")?, Value::from(vec![2_u16, 3]));
/// assert!(value.get("[4]").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnyValue {
    schema: Arc<StoredSchema>,
    bytes: Vec<u8>,
    /// Which part of the value the bytes are: where it begins.
    start: usize,
    version: Version,
}

impl AnyValue {
    pub(crate) fn new(
        schema: &Arc<StoredSchema>,
        bytes: Vec<u8>,
        start: usize,
        version: Version,
    ) -> Self {
        AnyValue {
            schema: Arc::clone(schema),
            bytes,
            start,
            version,
        }
    }

    /// The layout of the value.
    pub fn schema(&self) -> &StoredSchema {
        &self.schema
    }

    /// The version that was copied.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The bytes as they were copied, those of padding and of fields that the schema does not know included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole value.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn value(&self) -> Result<Value, FieldError> {
        self.get("")
    }

    /// What `path` leads to.
    ///
    /// A path is made of names and numbers: `engine.load[3]`. The fields of a tuple struct are `0`, `1`, …; what is in
    /// an option is its `value`; `[10..20]` at the end is a list of so many items; the empty path is the whole.
    ///
    /// # Errors
    ///
    /// - [`FieldError::InvalidPath`], [`FieldError::UnknownField`], [`FieldError::NoParts`]: the type has no such part.
    /// - [`FieldError::NoSuchItem`], [`FieldError::Nothing`]: the value has none.
    /// - [`FieldError::InvalidBytes`]: the bytes of a part that was asked for are no value of its type.
    /// - [`FieldError::TooManyParts`]: it has millions of parts.
    pub fn get(&self, path: &str) -> Result<Value, FieldError> {
        let bytes = self.as_bytes();
        let part = resolve(&self.schema, path, Some(bytes))?;
        decode(&part, path, bytes)
    }

    /// How many items what `path` leads to has now: an array, a list, or a text in bytes.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`FieldError::NoParts`] of everything else.
    pub fn len(&self, path: &str) -> Result<usize, FieldError> {
        let bytes = self.as_bytes();
        let part = resolve(&self.schema, path, Some(bytes))?;
        match (part.schema.kind(), part.schema.len(), &part.range) {
            (_, _, Some(range)) => Ok(range.len()),
            (StoredKind::Array, Some(len), _) => Ok(len),
            (StoredKind::Vec, ..) => length(part.schema, part.offset, bytes, path),
            (StoredKind::Str, ..) => {
                let text = decode(&part, path, bytes)?;
                Ok(text.as_str().map_or(0, str::len))
            }
            _ => Err(FieldError::NoParts {
                path: path.to_owned(),
                found: part.schema.type_text(),
                part: "item",
            }),
        }
    }

    /// Makes `value` what `path` leads to.
    ///
    /// Nothing is changed unless all of it fits. A struct is given with all its fields, an array with as many items as
    /// it has; a list with as many as there is room for. See [`Value`] for what is converted.
    ///
    /// # Errors
    ///
    /// - As [`get`](Self::get), but for `TooManyParts`.
    /// - [`FieldError::WrongKind`], [`FieldError::OutOfRange`], [`FieldError::NotAVariant`], [`FieldError::TooLong`],
    ///   [`FieldError::WrongLength`], [`FieldError::MissingField`]: it is no value of the part's type.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), FieldError> {
        let part = resolve(&self.schema, path, Some(self.as_bytes()))?;
        let size = part.schema.size();
        let from = part.offset.checked_sub(self.start);
        let place = from.and_then(|from| self.bytes.get_mut(from..from.checked_add(size)?));
        match place {
            Some(place) => encode(&part, path, &value.into(), place),
            None => Err(FieldError::InvalidPath {
                path: path.to_owned(),
                reason: "it leads beyond the bytes that were copied",
            }),
        }
    }

    fn as_bytes(&self) -> Bytes<'_> {
        Bytes {
            bytes: &self.bytes,
            start: self.start,
        }
    }
}

impl StoredSchema {
    /// The type of what `path` leads to, in the way of [`AnyValue::get`]: as far as types go, whatever a value holds.
    ///
    /// # Errors
    ///
    /// [`FieldError::InvalidPath`], [`FieldError::UnknownField`], [`FieldError::NoParts`],
    /// [`FieldError::NoSuchItem`].
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::{Shared, StoredSchema};
    ///
    /// let schema = StoredSchema::from(<[u16; 4]>::SCHEMA);
    /// assert_eq!(schema.at("[3]")?.name(), "u16");
    /// # Ok::<(), shmem_core::FieldError>(())
    /// ```
    pub fn at(&self, path: &str) -> Result<&StoredSchema, FieldError> {
        Ok(resolve(self, path, None)?.schema)
    }
}
