//! What a person types, as a value of a part's type.

use serde_json::Value as Json;
use shmem_core::{FieldError, StoredKind, StoredSchema, Value};

use crate::json;

/// A number, `true`, a variant, a text as it is, `none`; structs, arrays and lists as JSON.
///
/// What is none of the type comes back as it is, to be refused with the place when it is set.
pub(crate) fn value(schema: &StoredSchema, text: &str) -> Result<Value, FieldError> {
    match schema.kind() {
        StoredKind::Struct | StoredKind::Array | StoredKind::Vec => {
            match serde_json::from_str::<Json>(text) {
                Ok(json) => json::to_value(schema, &json),
                Err(_) => Ok(Value::from(text)),
            }
        }
        StoredKind::Option => match (text, schema.item()) {
            ("none" | "null" | "None", _) | (_, None) => Ok(Value::Option(None)),
            (text, Some(item)) => {
                let inside = value(item, text)?;
                Ok(Value::Option(Some(Box::new(inside))))
            }
        },
        _ => Ok(scalar(schema, text)),
    }
}

/// A value without parts.
pub(crate) fn scalar(schema: &StoredSchema, text: &str) -> Value {
    let trimmed = text.trim();
    let found = match schema.kind() {
        StoredKind::Str | StoredKind::Char => None,
        StoredKind::Bool => match trimmed {
            "true" | "yes" | "on" | "1" => Some(true.into()),
            "false" | "no" | "off" | "0" => Some(false.into()),
            _ => None,
        },
        StoredKind::MaybeUint | StoredKind::MaybeInt
            if matches!(trimmed, "none" | "null" | "None") =>
        {
            Some(Value::Option(None))
        }
        StoredKind::Float => number(trimmed),
        StoredKind::Enum => {
            let named = schema
                .variants()
                .iter()
                .any(|variant| variant.name() == text);
            if named { None } else { integer(trimmed) }
        }
        _ => number(trimmed),
    };
    found.unwrap_or_else(|| Value::from(text))
}

fn number(text: &str) -> Option<Value> {
    integer(text).or_else(|| text.replace('_', "").parse::<f64>().ok().map(Value::from))
}

/// Decimal, `0x…`, `0o…`, `0b…`, with `_` between digits.
fn integer(text: &str) -> Option<Value> {
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let prefix = digits.get(..2).map(str::to_lowercase);
    let (radix, digits) = match prefix.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    if sign.is_empty() {
        return u128::from_str_radix(digits, radix).ok().map(Value::from);
    }
    let negative = i128::from_str_radix(&format!("-{digits}"), radix);
    negative.ok().map(Value::from)
}

#[cfg(test)]
mod tests {
    use shmem_core::Shared;

    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        let schema = StoredSchema::from(i64::SCHEMA);
        let scalar = |text| scalar(&schema, text);
        assert_eq!(scalar("0xFF"), Value::from(255_u128));
        assert_eq!(scalar("-0b11"), Value::from(-3_i128));
        assert_eq!(scalar("1_000"), Value::from(1000_u128));
        assert_eq!(scalar("1e3"), Value::from(1000.0));
        assert_eq!(scalar("--1"), Value::from("--1"));
        assert_eq!(scalar("ten"), Value::from("ten"));
        let option = StoredSchema::from(<Option<core::num::NonZeroU8>>::SCHEMA);
        assert_eq!(value(&option, "none").unwrap(), Value::from(None::<u8>));
        let list = StoredSchema::from(<[bool; 2]>::SCHEMA);
        assert_eq!(
            value(&list, "[true, false]").unwrap(),
            Value::from(vec![true, false])
        );
    }
}
