//! Bytes into a `Value`. Whatever they are: what is no value of its type is an error.

use super::mistake::FieldError;
use super::path::{Bytes, Part, is_some, length, parts};
use super::value::Value;
use crate::stored::Shape;
use crate::validate::{char_in, choices, text_error};
use crate::{StoredKind, StoredSchema};

/// How many parts a value is taken to pieces at once at most: some gigabyte of memory.
const MOST_PARTS: usize = 1 << 24;

/// What is at `part`.
pub(crate) fn decode(part: &Part<'_>, path: &str, bytes: Bytes<'_>) -> Result<Value, FieldError> {
    // As many as there can be reason for: each part has a byte, but for structs of structs and the like. A schema
    // that is not ours may have parts without bytes, as many as it likes.
    let reasonable = 65_536 + 4 * bytes.bytes.len();
    let limit = reasonable.min(MOST_PARTS);
    let mut decoder = Decoder {
        bytes,
        path: path.to_owned(),
        left: limit,
        limit,
    };
    match &part.range {
        None => decoder.value(part.schema, part.offset),
        Some(range) => {
            let first = part.schema.item_offset().unwrap_or(0);
            match part.schema.item() {
                Some(item) => decoder.items(item, part.offset + first, range.clone()),
                None => Ok(Value::List(Vec::new())),
            }
        }
    }
}

struct Decoder<'a> {
    bytes: Bytes<'a>,
    /// Where it is.
    path: String,
    /// How many parts may still come.
    left: usize,
    limit: usize,
}

impl Decoder<'_> {
    fn invalid<T>(&self, offset: usize, found: String, expected: &str) -> Result<T, FieldError> {
        Err(FieldError::InvalidBytes {
            path: self.path.clone(),
            offset,
            found,
            expected: expected.to_owned(),
        })
    }

    /// Goes one step deeper for as long as `inside` runs.
    fn within<R>(&mut self, step: &str, inside: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        let result = inside(self);
        self.path.truncate(length);
        result
    }

    fn value(&mut self, schema: &StoredSchema, offset: usize) -> Result<Value, FieldError> {
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => {
                return Err(FieldError::TooManyParts {
                    path: self.path.clone(),
                    limit: self.limit,
                });
            }
        };
        let size = match schema.shape {
            Shape::Plain(_) | Shape::Enum { .. } | Shape::Str { .. } => schema.size(),
            _ => 0,
        };
        let Some(bytes) = self.bytes.get(offset, size) else {
            let expected = format!("{size} bytes");
            return self.invalid(offset, "beyond the end".to_owned(), &expected);
        };
        match &schema.shape {
            Shape::Plain(kind) => self.plain(*kind, offset, bytes),
            Shape::Enum { repr, variants } => {
                let number = match repr.starts_with('i') {
                    true => signed(bytes),
                    false => i128::try_from(unsigned(bytes)).unwrap_or(-1),
                };
                match variants.iter().find(|variant| variant.value == number) {
                    Some(variant) => Ok(Value::Variant(variant.name.clone(), number)),
                    None => {
                        let names = variants.iter().map(|v| (v.name.as_str(), v.value));
                        self.invalid(offset, number.to_string(), &choices(names))
                    }
                }
            }
            Shape::Str { capacity } => match text_error(bytes, *capacity) {
                Some((at, found, expected)) => self.invalid(offset + at, found, &expected),
                None => {
                    let length = usize::try_from(unsigned(&bytes[..4])).unwrap_or(0);
                    let text = String::from_utf8_lossy(&bytes[4..][..length]);
                    Ok(Value::Text(text.into_owned()))
                }
            },
            Shape::Struct(_) => {
                let fields = parts(schema).map(|field| {
                    let at = offset + field.offset;
                    let value = self.within(&field.name, |this| this.value(&field.schema, at));
                    Ok((field.name.clone(), value?))
                });
                Ok(Value::Struct(fields.collect::<Result<_, _>>()?))
            }
            Shape::Array { item, len } => self.items(item, offset, 0..*len),
            Shape::Vec { item, .. } => {
                let length = length(schema, offset, self.bytes, &self.path)?;
                self.items(item, offset + 8, 0..length)
            }
            Shape::Option { item } => match is_some(offset, self.bytes, &self.path)? {
                false => Ok(Value::Option(None)),
                true => {
                    let value = self.within("value", |this| this.value(item, offset + 8))?;
                    Ok(Value::Option(Some(Box::new(value))))
                }
            },
        }
    }

    fn items(
        &mut self,
        item: &StoredSchema,
        offset: usize,
        range: core::ops::Range<usize>,
    ) -> Result<Value, FieldError> {
        let mut items = Vec::new();
        for index in range {
            let at = offset + index * item.size();
            let value = self.within(&format!("[{index}]"), |this| this.value(item, at))?;
            items.push(value);
        }
        Ok(Value::List(items))
    }

    fn plain(&self, kind: StoredKind, offset: usize, bytes: &[u8]) -> Result<Value, FieldError> {
        let is_zero = bytes.iter().all(|byte| *byte == 0);
        let some = |value| Value::Option(Some(Box::new(value)));
        Ok(match kind {
            StoredKind::Bool => match bytes {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return self.invalid(offset, unsigned(bytes).to_string(), "0 or 1"),
            },
            StoredKind::Char => match char_in(bytes) {
                Some(letter) => Value::Char(letter),
                None => {
                    let found = format!("{:#x}", unsigned(bytes));
                    return self.invalid(offset, found, "a Unicode scalar value");
                }
            },
            StoredKind::Float => match *bytes {
                [a, b, c, d] => Value::F32(f32::from_ne_bytes([a, b, c, d])),
                _ => Value::F64(f64::from_bits(word_of(bytes))),
            },
            StoredKind::NonZeroUint | StoredKind::NonZeroInt if is_zero => {
                return self.invalid(offset, "0".to_owned(), "another number than 0");
            }
            StoredKind::MaybeUint | StoredKind::MaybeInt if is_zero => Value::Option(None),
            StoredKind::MaybeUint => some(Value::Uint(unsigned(bytes))),
            StoredKind::MaybeInt => some(Value::Int(signed(bytes))),
            StoredKind::Int | StoredKind::NonZeroInt | StoredKind::AtomicInt => {
                Value::Int(signed(bytes))
            }
            _ => Value::Uint(unsigned(bytes)),
        })
    }
}

fn word_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_ne_bytes)
}

/// An integer of 1 to 16 bytes.
fn unsigned(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    let len = bytes.len().min(16);
    if cfg!(target_endian = "big") {
        wide[16 - len..].copy_from_slice(&bytes[..len]);
    } else {
        wide[..len].copy_from_slice(&bytes[..len]);
    }
    u128::from_ne_bytes(wide)
}

fn signed(bytes: &[u8]) -> i128 {
    let unused = 128 - 8 * bytes.len().clamp(1, 16);
    i128::from_ne_bytes((unsigned(bytes) << unused).to_ne_bytes()) >> unused
}
