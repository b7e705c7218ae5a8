//! A path such as `engine.load[3]`, followed through a schema.
//!
//! Names are found in the schema, the longest first, so a stored name that holds a dot needs no quotes. What is in an
//! option is its `value`. The last step may be a range: `[10..20]`.

use core::ops::Range;

use super::mistake::{FieldError, nearest};
use crate::validate::word;
use crate::{StoredField, StoredKind, StoredSchema};

/// The part of a value that a path leads to.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) schema: &'a StoredSchema,
    /// In bytes from the start of the value.
    pub(crate) offset: usize,
    /// Some items of `schema`, which is an array or a list, and not all of it.
    pub(crate) range: Option<Range<usize>>,
    /// The bytes that have to be known, if that is less: those of the first list or option on the way.
    within: Option<Range<usize>>,
}

impl Part<'_> {
    fn window(&self) -> Range<usize> {
        match (&self.within, &self.range, self.schema.item()) {
            (Some(window), ..) => window.clone(),
            (None, Some(range), Some(item)) if self.schema.kind() == StoredKind::Array => {
                let size = item.size();
                self.offset + range.start * size..self.offset + range.end * size
            }
            _ => self.offset..self.offset + self.schema.size(),
        }
    }
}

/// The bytes of the value that have to be known to follow `path`.
pub(crate) fn window(schema: &StoredSchema, path: &str) -> Result<Range<usize>, FieldError> {
    Ok(resolve(schema, path, None)?.window())
}

/// The bytes of a value, or of a part of it, which begins at `start`.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) start: usize,
}

impl<'a> Bytes<'a> {
    /// `len` bytes from `offset` of the whole value on; `None` if they are not there.
    pub(crate) fn get(&self, offset: usize, len: usize) -> Option<&'a [u8]> {
        let from = offset.checked_sub(self.start)?;
        self.bytes.get(from..from.checked_add(len)?)
    }

    pub(crate) fn word(&self, offset: usize) -> Option<u64> {
        self.get(offset, 8).map(|bytes| word(bytes, 0))
    }
}

/// Follows `path`. With the bytes of a value, only as far as that goes: items that a list has now, what is in
/// options. Without, as far as the type goes.
pub(crate) fn resolve<'a>(
    schema: &'a StoredSchema,
    path: &str,
    bytes: Option<Bytes<'_>>,
) -> Result<Part<'a>, FieldError> {
    let mut part = Part {
        schema,
        offset: 0,
        range: None,
        within: None,
    };
    let mut rest = path;
    while !rest.is_empty() {
        let done = &path[..path.len() - rest.len()];
        if part.within.is_none()
            && matches!(part.schema.kind(), StoredKind::Vec | StoredKind::Option)
        {
            part.within = Some(part.offset..part.offset + part.schema.size());
        }
        if part.range.is_some() {
            return invalid(path, "nothing follows a range");
        }
        rest = match rest.strip_prefix('[') {
            Some(inside) => {
                let Some((inside, rest)) = inside.split_once(']') else {
                    return invalid(path, "a `]` is missing");
                };
                let Some((start, end)) = index(inside) else {
                    return invalid(
                        path,
                        "between `[` and `]` stands a number, or two as in `0..8`",
                    );
                };
                item(&mut part, done, start, end, bytes)?;
                rest
            }
            None if done.is_empty() => field(&mut part, done, rest, bytes)?,
            None => match rest.strip_prefix('.') {
                Some(rest) => field(&mut part, done, rest, bytes)?,
                None => return invalid(path, "a `.` or a `[` is missing"),
            },
        };
    }
    Ok(part)
}

fn invalid<T>(path: &str, reason: &'static str) -> Result<T, FieldError> {
    Err(FieldError::InvalidPath {
        path: path.to_owned(),
        reason,
    })
}

/// The number of an item, or the ends of a range of them.
fn index(text: &str) -> Option<(usize, Option<usize>)> {
    match text.split_once("..") {
        None => Some((text.parse().ok()?, None)),
        Some((start, end)) => Some((start.parse().ok()?, Some(end.parse().ok()?))),
    }
}

/// The item that `path` begins with, if it does, of an array.
pub(crate) fn first_item(path: &str) -> Option<usize> {
    let (inside, _) = path.strip_prefix('[')?.split_once(']')?;
    match index(inside)? {
        (index, None) => Some(index),
        _ => None,
    }
}

/// One step into an array or a list.
fn item(
    part: &mut Part<'_>,
    done: &str,
    start: usize,
    end: Option<usize>,
    bytes: Option<Bytes<'_>>,
) -> Result<(), FieldError> {
    let schema = part.schema;
    let (Some(item), Some(capacity)) = (schema.item(), schema.len()) else {
        return Err(no_parts(done, schema, "item"));
    };
    let len = match (schema.kind(), bytes) {
        (StoredKind::Vec, Some(bytes)) => length(schema, part.offset, bytes, done)?,
        _ => capacity,
    };
    let (is_there, last) = match end {
        Some(end) => (start.max(end) <= len, end.saturating_sub(1).max(start)),
        None => (start < len, start),
    };
    if !is_there {
        return Err(FieldError::NoSuchItem {
            path: done.to_owned(),
            index: last,
            len,
        });
    }
    if let Some(end) = end {
        part.range = Some(start..end.max(start));
        return Ok(());
    }
    part.offset += schema.item_offset().unwrap_or(0) + start * item.size();
    part.schema = item;
    Ok(())
}

/// The length of the list at `offset`.
pub(crate) fn length(
    schema: &StoredSchema,
    offset: usize,
    bytes: Bytes<'_>,
    path: &str,
) -> Result<usize, FieldError> {
    let capacity = schema.len().unwrap_or(0);
    let found = bytes.word(offset).unwrap_or(u64::MAX);
    match usize::try_from(found) {
        Ok(length) if length <= capacity => Ok(length),
        _ => Err(FieldError::InvalidBytes {
            path: path.to_owned(),
            offset,
            found: format!("a list of {found} items"),
            expected: format!("at most {capacity} items"),
        }),
    }
}

/// Whether the option at `offset` holds something.
pub(crate) fn is_some(offset: usize, bytes: Bytes<'_>, path: &str) -> Result<bool, FieldError> {
    match bytes.word(offset).unwrap_or(u64::MAX) {
        0 => Ok(false),
        1 => Ok(true),
        tag => Err(FieldError::InvalidBytes {
            path: path.to_owned(),
            offset,
            found: format!("the tag {tag}"),
            expected: "0 or 1".to_owned(),
        }),
    }
}

fn no_parts(path: &str, schema: &StoredSchema, part: &'static str) -> FieldError {
    FieldError::NoParts {
        path: path.to_owned(),
        found: schema.type_text(),
        part,
    }
}

/// One step into a struct or an option; what is left of the path comes back.
fn field<'p>(
    part: &mut Part<'_>,
    done: &str,
    rest: &'p str,
    bytes: Option<Bytes<'_>>,
) -> Result<&'p str, FieldError> {
    let schema = part.schema;
    let plain = rest.find(['.', '[']).unwrap_or(rest.len());
    if let (StoredKind::Option, Some(item)) = (schema.kind(), schema.item()) {
        if &rest[..plain] != "value" {
            return Err(FieldError::UnknownField {
                name: rest[..plain].to_owned(),
                of: schema.type_text(),
                nearest: vec!["value".to_owned()],
            });
        }
        if let Some(bytes) = bytes {
            if !is_some(part.offset, bytes, done)? {
                return Err(FieldError::Nothing {
                    path: done.to_owned(),
                });
            }
        }
        part.offset += 8;
        part.schema = item;
        return Ok(&rest[plain..]);
    }
    if schema.kind() != StoredKind::Struct {
        return Err(no_parts(done, schema, "field"));
    }
    let named = |field: &&StoredField| {
        let behind = rest.strip_prefix(field.name());
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(['.', '[']))
    };
    let found = parts(schema)
        .filter(named)
        .max_by_key(|field| field.name().len());
    let Some(field) = found else {
        return Err(FieldError::UnknownField {
            name: rest[..plain].to_owned(),
            of: schema.type_text(),
            nearest: nearest(&rest[..plain], parts(schema).map(StoredField::name)),
        });
    };
    part.offset += field.offset();
    part.schema = field.schema();
    Ok(&rest[field.name().len()..])
}

/// The fields of a struct. Padding is none: in a type that grows, its bytes may be somebody else's.
pub(crate) fn parts(schema: &StoredSchema) -> impl Iterator<Item = &StoredField> + Clone {
    schema.fields().iter().filter(|field| !field.is_padding())
}
