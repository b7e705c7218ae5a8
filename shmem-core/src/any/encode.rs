//! A `Value` into the bytes of a type, if it is one of that.

use super::mistake::{FieldError, nearest};
use super::path::{Part, parts};
use super::value::Value;
use crate::layout::integer_size;
use crate::stored::Shape;
use crate::{StoredKind, StoredSchema, StoredVariant};

/// Makes `value` the part's, in `out`, which holds the bytes of the part. If it is none, `out` is unchanged.
pub(crate) fn encode(
    part: &Part<'_>,
    path: &str,
    value: &Value,
    out: &mut [u8],
) -> Result<(), FieldError> {
    let mut bytes = out.to_vec();
    let mut encoder = Encoder {
        path: path.to_owned(),
    };
    match &part.range {
        None => encoder.value(part.schema, value, &mut bytes)?,
        Some(range) => {
            let (Some(item), Some(first)) = (part.schema.item(), part.schema.item_offset()) else {
                return Err(encoder.wrong_kind(part.schema, value));
            };
            let start = first + range.start * item.size();
            encoder.array(part.schema, item, range.len(), value, &mut bytes[start..])?;
        }
    }
    out.copy_from_slice(&bytes);
    Ok(())
}

/// Makes `value` one of this type in `out`, which holds zeros. If it is none, whatever is in `out` then means nothing.
pub(crate) fn encode_new(
    schema: &StoredSchema,
    value: &Value,
    out: &mut [u8],
) -> Result<(), FieldError> {
    let path = String::new();
    Encoder { path }.value(schema, value, out)
}

struct Encoder {
    /// Where it is.
    path: String,
}

impl Encoder {
    fn wrong_kind(&self, schema: &StoredSchema, value: &Value) -> FieldError {
        let expected = match schema.kind() {
            StoredKind::Struct | StoredKind::Enum => schema.name().to_owned(),
            _ => schema.type_text(),
        };
        FieldError::WrongKind {
            path: self.path.clone(),
            found: match value {
                Value::Text(text) if text.len() <= 40 => format!("the text {text:?}"),
                Value::Uint(_) | Value::Int(_) | Value::F32(_) | Value::F64(_) => value.to_string(),
                Value::Bool(_) | Value::Char(_) | Value::Variant(..) => value.to_string(),
                other => other.kind().to_owned(),
            },
            expected,
        }
    }

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

    /// `out` holds what is there now, as long as the type says or longer.
    fn value(
        &mut self,
        schema: &StoredSchema,
        value: &Value,
        out: &mut [u8],
    ) -> Result<(), FieldError> {
        match (&schema.shape, value) {
            (Shape::Plain(kind), _) => self.plain(schema, *kind, value, out),
            (Shape::Enum { repr, variants }, _) => {
                let number = self.variant(schema, variants, value)?;
                put(out, integer_size(repr), number.to_ne_bytes());
                Ok(())
            }
            (Shape::Str { capacity }, Value::Text(text)) => {
                let length = u32::try_from(text.len()).ok();
                let Some(length) = length.filter(|_| text.len() <= *capacity) else {
                    return Err(self.too_long(text.len(), *capacity, "bytes"));
                };
                out[..4].copy_from_slice(&length.to_ne_bytes());
                out[4..][..text.len()].copy_from_slice(text.as_bytes());
                Ok(())
            }
            (Shape::Array { item, len }, Value::List(_)) => {
                self.array(schema, item, *len, value, out)
            }
            (Shape::Vec { item, capacity }, Value::List(items)) => {
                if items.len() > *capacity {
                    return Err(self.too_long(items.len(), *capacity, "items"));
                }
                out[..8].copy_from_slice(&(items.len() as u64).to_ne_bytes());
                self.items(item, items, &mut out[8..])
            }
            (Shape::Option { .. }, Value::Option(None)) => {
                out[..8].fill(0);
                Ok(())
            }
            (Shape::Option { item }, _) => {
                let inner = match value {
                    Value::Option(Some(inner)) => inner,
                    bare => bare,
                };
                out[..8].copy_from_slice(&1_u64.to_ne_bytes());
                self.within("value", |this| this.value(item, inner, &mut out[8..]))
            }
            (Shape::Struct(_), Value::Struct(fields)) => self.structure(schema, fields, out),
            _ => Err(self.wrong_kind(schema, value)),
        }
    }

    fn too_long(&self, found: usize, capacity: usize, unit: &'static str) -> FieldError {
        FieldError::TooLong {
            path: self.path.clone(),
            found,
            capacity,
            unit,
        }
    }

    fn array(
        &mut self,
        schema: &StoredSchema,
        item: &StoredSchema,
        len: usize,
        value: &Value,
        out: &mut [u8],
    ) -> Result<(), FieldError> {
        let Value::List(items) = value else {
            return Err(self.wrong_kind(schema, value));
        };
        if items.len() != len {
            return Err(FieldError::WrongLength {
                path: self.path.clone(),
                found: items.len(),
                expected: len,
            });
        }
        self.items(item, items, out)
    }

    fn items(
        &mut self,
        item: &StoredSchema,
        items: &[Value],
        out: &mut [u8],
    ) -> Result<(), FieldError> {
        for (index, value) in items.iter().enumerate() {
            let place = &mut out[index * item.size()..];
            self.within(&format!("[{index}]"), |this| this.value(item, value, place))?;
        }
        Ok(())
    }

    fn structure(
        &mut self,
        schema: &StoredSchema,
        given: &[(String, Value)],
        out: &mut [u8],
    ) -> Result<(), FieldError> {
        let mut left: std::collections::HashMap<_, _> = given
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        for field in parts(schema) {
            let Some(value) = left.remove(field.name()) else {
                return Err(FieldError::MissingField {
                    path: self.path.clone(),
                    name: field.name().to_owned(),
                });
            };
            let place = &mut out[field.offset()..];
            self.within(field.name(), |this| {
                this.value(field.schema(), value, place)
            })?;
        }
        // In the order in which they were given.
        match given
            .iter()
            .find(|(name, _)| left.contains_key(name.as_str()))
        {
            None => Ok(()),
            Some((name, _)) => Err(FieldError::UnknownField {
                name: name.clone(),
                of: schema.type_text(),
                nearest: nearest(name, parts(schema).map(|field| field.name())),
            }),
        }
    }

    fn variant(
        &self,
        schema: &StoredSchema,
        variants: &[StoredVariant],
        value: &Value,
    ) -> Result<i128, FieldError> {
        let found = match value {
            Value::Variant(name, _) | Value::Text(name) => {
                variants.iter().find(|variant| variant.name == *name)
            }
            Value::Uint(_) | Value::Int(_) => {
                let number = value.as_int();
                variants
                    .iter()
                    .find(|variant| Some(variant.value) == number)
            }
            _ => return Err(self.wrong_kind(schema, value)),
        };
        let found = found.map(|variant| variant.value);
        found.ok_or_else(|| {
            let name = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            FieldError::NotAVariant {
                path: self.path.clone(),
                nearest: nearest(&name, variants.iter().map(StoredVariant::name)),
                found: name,
                of: schema.name().to_owned(),
            }
        })
    }

    fn plain(
        &self,
        schema: &StoredSchema,
        kind: StoredKind,
        value: &Value,
        out: &mut [u8],
    ) -> Result<(), FieldError> {
        use StoredKind::{
            AtomicInt, AtomicUint, Bool, Char, Float, Int, MaybeInt, MaybeUint, NonZeroInt,
            NonZeroUint, Uint,
        };
        let wrong = || self.wrong_kind(schema, value);
        let (size, value) = (schema.size(), value);
        match kind {
            Bool => {
                out[0] = value.as_bool().ok_or_else(wrong)?.into();
            }
            Char => {
                let letter = match value {
                    Value::Char(letter) => *letter,
                    Value::Text(text) => {
                        let mut letters = text.chars();
                        match (letters.next(), letters.next()) {
                            (Some(letter), None) => letter,
                            _ => return Err(wrong()),
                        }
                    }
                    _ => return Err(wrong()),
                };
                out[..4].copy_from_slice(&u32::from(letter).to_ne_bytes());
            }
            Float if size == 4 => {
                let number = match value {
                    // As it is: a NaN has bits that a wider one may not keep.
                    Value::F32(number) => *number,
                    other => narrow(other.as_f64().ok_or_else(wrong)?),
                };
                out[..4].copy_from_slice(&number.to_ne_bytes());
            }
            Float => {
                let number = value.as_f64().ok_or_else(wrong)?;
                out[..8].copy_from_slice(&number.to_ne_bytes());
            }
            MaybeUint | MaybeInt if *value == Value::Option(None) => out[..size].fill(0),
            MaybeUint | MaybeInt | NonZeroUint | NonZeroInt => {
                let inner = match value {
                    Value::Option(Some(inner)) if matches!(kind, MaybeUint | MaybeInt) => inner,
                    bare => bare,
                };
                let bytes = self.integer(schema, matches!(kind, MaybeInt | NonZeroInt), inner)?;
                if bytes == [0; 16] {
                    return Err(self.out_of_range(schema, inner, kind));
                }
                put(out, size, bytes);
            }
            Uint | AtomicUint => put(out, size, self.integer(schema, false, value)?),
            Int | AtomicInt => put(out, size, self.integer(schema, true, value)?),
            _ => return Err(wrong()),
        }
        Ok(())
    }

    /// The bytes of an integer, as wide as can be, if it fits the type.
    fn integer(
        &self,
        schema: &StoredSchema,
        is_signed: bool,
        value: &Value,
    ) -> Result<[u8; 16], FieldError> {
        let (least, most) = limits(schema.size(), is_signed);
        let bytes = match *value {
            Value::Uint(number) if number <= most => Some(number.to_ne_bytes()),
            Value::Int(number) if number < 0 && number >= least => Some(number.to_ne_bytes()),
            Value::Int(number) if u128::try_from(number).is_ok_and(|number| number <= most) => {
                Some(number.to_ne_bytes())
            }
            Value::Uint(_) | Value::Int(_) => None,
            _ => return Err(self.wrong_kind(schema, value)),
        };
        let kind = if is_signed {
            StoredKind::Int
        } else {
            StoredKind::Uint
        };
        bytes.ok_or_else(|| self.out_of_range(schema, value, kind))
    }

    fn out_of_range(&self, schema: &StoredSchema, value: &Value, kind: StoredKind) -> FieldError {
        use StoredKind::{Int, MaybeInt, MaybeUint, NonZeroInt, NonZeroUint};
        let is_signed = matches!(kind, Int | NonZeroInt | MaybeInt);
        let (least, most) = limits(schema.size(), is_signed);
        let but_zero = match kind {
            MaybeUint | MaybeInt => ", or none, but not 0",
            NonZeroUint | NonZeroInt => ", but not 0",
            _ => "",
        };
        FieldError::OutOfRange {
            path: self.path.clone(),
            found: value.to_string(),
            of: schema.name().to_owned(),
            least: least.to_string(),
            most: format!("{most}{but_zero}"),
        }
    }
}

/// The least and the greatest integer of so many bytes.
fn limits(size: usize, is_signed: bool) -> (i128, u128) {
    let unused = 128 - 8 * size.clamp(1, 16);
    if is_signed {
        (i128::MIN >> unused, (u128::MAX >> unused) >> 1)
    } else {
        (0, u128::MAX >> unused)
    }
}

/// The low `size` bytes of a wide integer.
fn put(out: &mut [u8], size: usize, wide: [u8; 16]) {
    let size = size.min(16);
    let low = if cfg!(target_endian = "big") {
        &wide[16 - size..]
    } else {
        &wide[..size]
    };
    out[..size].copy_from_slice(low);
}

/// The nearest float of 4 bytes.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is meant")]
fn narrow(number: f64) -> f32 {
    number as f32
}
