//! Whether bytes are a value of a type; and if not, where.
//!
//! Two passes: a quick one says yes or no, and only after a no the slow one finds the place. The quick one
//! goes through the bytes kind by kind, not item by item: in an array of structs it checks one field of
//! all items, then the next field, so that the schema is walked once and the loops are tight.

use crate::Schema;
use crate::schema::{Kind, Variant};

/// The first part of a value that its type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidField {
    /// The path of the field, such as `levels[2].live`; empty for the value as a whole.
    pub(crate) field: String,
    /// Where it is, in bytes from the start of the value.
    pub(crate) offset: usize,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Schema {
    /// Checks that `bytes`, which nobody changes meanwhile, are a value of the type described.
    pub(crate) fn validate(&self, bytes: &[u8]) -> Result<(), InvalidField> {
        let place = Place {
            path: String::new(),
            offset: 0,
        };
        if bytes.len() != self.size {
            return place.invalid(
                format!("{} bytes", bytes.len()),
                format!("{} bytes", self.size),
            );
        }
        if is_valid(self, bytes, Run::one(0)) {
            return Ok(());
        }
        locate(self, bytes, place)
    }
}

/// Values of one type, `stride` bytes apart.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    stride: usize,
    count: usize,
}

impl Run {
    fn one(start: usize) -> Self {
        Run {
            start,
            stride: usize::MAX,
            count: 1,
        }
    }

    fn items<'a>(&self, bytes: &'a [u8], size: usize) -> impl Iterator<Item = &'a [u8]> {
        let bytes = &bytes[self.start..];
        let items = bytes.chunks(self.stride).take(self.count);
        items.map(move |item| &item[..size])
    }

    fn starts(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| self.start + i * self.stride)
    }

    /// The run in pieces of at most about 16 KiB, so that each is read from the cache for all but one field.
    fn blocks(self) -> impl Iterator<Item = Run> {
        let block = (16 * 1024 / self.stride).max(1);
        (0..self.count).step_by(block).map(move |first| Run {
            start: self.start + first * self.stride,
            count: block.min(self.count - first),
            ..self
        })
    }
}

/// The quick pass. `bytes` reaches to the end of every value of the run.
fn is_valid(schema: &Schema, bytes: &[u8], run: Run) -> bool {
    if schema.any_bits {
        return true;
    }
    let size = schema.size;
    match schema.kind {
        Kind::Uint
        | Kind::Int
        | Kind::Float
        | Kind::MaybeUint
        | Kind::MaybeInt
        | Kind::AtomicUint
        | Kind::AtomicInt => true,
        Kind::Bool if run.stride == 1 => {
            let bytes = &bytes[run.start..][..run.count];
            bytes.iter().fold(0, |all, byte| all | byte) <= 1
        }
        Kind::Bool => run.items(bytes, 1).all(|item| item[0] <= 1),
        Kind::Char => run.items(bytes, size).all(|item| char_in(item).is_some()),
        Kind::NonZeroUint | Kind::NonZeroInt => run
            .items(bytes, size)
            .all(|item| item.iter().any(|&byte| byte != 0)),
        Kind::Enum { variants, .. } => are_variants(variants, bytes, run, size),
        Kind::Array { item, len } => is_valid_array(item, len, bytes, run),
        Kind::Struct(fields) => run.blocks().all(|block| {
            fields.iter().all(|field| {
                let start = block.start + field.offset;
                is_valid(field.schema, bytes, Run { start, ..block })
            })
        }),
        Kind::Str { capacity } => run
            .starts()
            .all(|start| text_error(&bytes[start..][..size], capacity).is_none()),
        Kind::Vec { item, capacity } => run.starts().all(|start| {
            let items = Run {
                start: start + 8,
                stride: item.size.max(1),
                count: 0,
            };
            length(bytes, start, capacity)
                .is_some_and(|count| is_valid(item, bytes, Run { count, ..items }))
        }),
        Kind::Option { item } => run.starts().all(|start| match word(bytes, start) {
            0 => true,
            1 => is_valid(item, bytes, Run::one(start + 8)),
            _ => false,
        }),
    }
}

fn is_valid_array(item: &Schema, len: usize, bytes: &[u8], run: Run) -> bool {
    let stride = item.size;
    if run.count == 1 || run.stride == stride * len {
        let count = run.count * len;
        let start = run.start;
        return is_valid(
            item,
            bytes,
            Run {
                start,
                stride,
                count,
            },
        );
    }
    if len < run.count {
        // The first item of each array, then the second of each.
        return (0..len).all(|i| {
            let start = run.start + i * stride;
            is_valid(item, bytes, Run { start, ..run })
        });
    }
    run.starts().all(|start| {
        let count = len;
        is_valid(
            item,
            bytes,
            Run {
                start,
                stride,
                count,
            },
        )
    })
}

/// Numbers are compared as bit patterns, so signed ones need no care.
fn are_variants(variants: &[Variant], bytes: &[u8], run: Run, size: usize) -> bool {
    let mask = u64::MAX >> (64 - 8 * size);
    let least = variants.iter().min_by_key(|variant| variant.value);
    let most = variants.iter().max_by_key(|variant| variant.value);
    let (Some(least), Some(most)) = (least, most) else {
        return run.count == 0;
    };
    let span = pattern(most).wrapping_sub(pattern(least)) & mask;
    let has_gaps = span as u128 + 1 != variants.len() as u128;
    run.items(bytes, size).all(|item| {
        let found = pattern_in(item);
        let in_span = found.wrapping_sub(pattern(least)) & mask <= span;
        in_span
            && (!has_gaps
                || variants
                    .iter()
                    .any(|variant| pattern(variant) & mask == found))
    })
}

/// The low 64 bits.
fn pattern(variant: &Variant) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = variant.value.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// An integer of 1, 2, 4 or 8 bytes.
fn pattern_in(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_ne_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]).into(),
        _ => word(bytes, 0),
    }
}

pub(crate) fn word(bytes: &[u8], start: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[start..][..8]);
    u64::from_ne_bytes(word)
}

pub(crate) fn char_in(bytes: &[u8]) -> Option<char> {
    u32::try_from(pattern_in(bytes))
        .ok()
        .and_then(char::from_u32)
}

/// The length of the list that begins at `start`, if it is one.
fn length(bytes: &[u8], start: usize, capacity: usize) -> Option<usize> {
    let length = usize::try_from(word(bytes, start)).ok()?;
    (length <= capacity).then_some(length)
}

/// What is wrong with a text, and where in it.
pub(crate) fn text_error(bytes: &[u8], capacity: usize) -> Option<(usize, String, String)> {
    let (length, room) = bytes.split_at(4);
    let length = pattern_in(length);
    let text = usize::try_from(length)
        .ok()
        .filter(|&length| length <= capacity)
        .and_then(|length| room.get(..length));
    let Some(text) = text else {
        let expected = format!("at most {capacity} bytes");
        return Some((0, format!("a text of {length} bytes"), expected));
    };
    let error = core::str::from_utf8(text).err()?;
    let at = error.valid_up_to();
    Some((
        4 + at,
        format!("the byte {:#04x}", text[at]),
        "UTF-8".to_owned(),
    ))
}

/// Where the slow pass is.
#[derive(Clone)]
struct Place {
    path: String,
    offset: usize,
}

impl Place {
    fn field(&self, name: &str, offset: usize) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Place {
            path: format!("{}{dot}{name}", self.path),
            offset: self.offset + offset,
        }
    }

    fn item(&self, i: usize, offset: usize) -> Self {
        Place {
            path: format!("{}[{i}]", self.path),
            offset: self.offset + offset,
        }
    }

    fn invalid(self, found: String, expected: impl Into<String>) -> Result<(), InvalidField> {
        Err(InvalidField {
            field: self.path,
            offset: self.offset,
            found,
            expected: expected.into(),
        })
    }
}

/// The slow pass. `bytes` is one value.
fn locate(schema: &Schema, bytes: &[u8], mut place: Place) -> Result<(), InvalidField> {
    let one_is_valid = |schema: &Schema, start| is_valid(schema, bytes, Run::one(start));
    match schema.kind {
        _ if one_is_valid(schema, 0) => Ok(()),
        Kind::Struct(fields) => fields
            .iter()
            .find(|field| !one_is_valid(field.schema, field.offset))
            .map_or(Ok(()), |field| {
                let bytes = &bytes[field.offset..][..field.schema.size];
                locate(field.schema, bytes, place.field(field.name, field.offset))
            }),
        Kind::Array { item, len } => locate_item(item, len, 0, bytes, &place),
        Kind::Vec { item, capacity } => match length(bytes, 0, capacity) {
            Some(length) => locate_item(item, length, 8, bytes, &place),
            None => place.invalid(
                format!("a list of {} items", word(bytes, 0)),
                format!("at most {capacity} items"),
            ),
        },
        Kind::Option { item } => match word(bytes, 0) {
            1 => locate(item, &bytes[8..], place.field("value", 8)),
            tag => place.invalid(format!("the tag {tag}"), "0 or 1"),
        },
        Kind::Str { capacity } => text_error(bytes, capacity).map_or(Ok(()), |error| {
            let (offset, found, expected) = error;
            place.offset += offset;
            place.invalid(found, expected)
        }),
        Kind::Bool => place.invalid(bytes[0].to_string(), "0 or 1"),
        Kind::Char => place.invalid(
            format!("{:#x}", pattern_in(bytes)),
            "a Unicode scalar value",
        ),
        Kind::Enum { repr, variants } => {
            let found = if repr.starts_with('i') {
                signed(bytes).to_string()
            } else {
                pattern_in(bytes).to_string()
            };
            place.invalid(found, choices(variants.iter().map(|v| (v.name, v.value))))
        }
        _ => place.invalid("0".to_owned(), "another number than 0"),
    }
}

fn locate_item(
    item: &Schema,
    count: usize,
    offset: usize,
    bytes: &[u8],
    place: &Place,
) -> Result<(), InvalidField> {
    let start = |i| offset + i * item.size;
    (0..count)
        .find(|&i| !is_valid(item, bytes, Run::one(start(i))))
        .map_or(Ok(()), |i| {
            let bytes = &bytes[start(i)..][..item.size];
            locate(item, bytes, place.item(i, start(i)))
        })
}

fn signed(bytes: &[u8]) -> i64 {
    let unused = 64 - 8 * bytes.len();
    i64::from_ne_bytes((pattern_in(bytes) << unused).to_ne_bytes()) >> unused
}

/// `one of Neutral = 0, First = 1`, and not more of them than can be read.
pub(crate) fn choices<'a>(variants: impl ExactSizeIterator<Item = (&'a str, i128)>) -> String {
    const SHOWN: usize = 8;
    let more = variants.len().saturating_sub(SHOWN);
    let shown: Vec<_> = variants
        .take(SHOWN)
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("one of {}{more}", shown.join(", "))
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
