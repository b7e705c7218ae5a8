//! A value apart from its type.

use core::fmt;

/// A value of any shared type, as [`AnyObject`](crate::AnyObject) gives and takes it.
///
/// What is given may be less exact than what comes back, as long as the meaning is one: an integer of either
/// kind fits every integer type that holds it, and floats; a float fits a narrower one; a text names a variant or is
/// the one letter of a `char`; a value that is not wrapped fits an option.
///
/// `Display` prints it on one line, in the way of Rust.
///
/// # Examples
///
/// ```
/// use shmem_core::Value;
///
/// let value = Value::Struct(vec![
///     ("tick".to_owned(), Value::from(7_u64)),
///     ("gear".to_owned(), Value::Variant("First".to_owned(), 1)),
///     ("load".to_owned(), Value::from(vec![0.5, 1.0])),
///     ("pit".to_owned(), Value::from(None::<u32>)),
/// ]);
/// assert_eq!(value.to_string(), "{ tick: 7, gear: First, load: [0.5, 1.0], pit: none }");
/// assert_eq!(value.field("tick").and_then(Value::as_int), Some(7));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An unsigned integer of whatever size, atomics and `NonZero…` included.
    Uint(u128),
    /// A signed one.
    Int(i128),
    /// A float of 4 bytes.
    F32(f32),
    /// A float of 8 bytes.
    F64(f64),
    /// A `bool`.
    Bool(bool),
    /// A `char`.
    Char(char),
    /// A variant of an enum, by name, and its number, which is not looked at when the value is set.
    Variant(String, i128),
    /// A `FixedStr`.
    Text(String),
    /// The items of an array or of a `FixedVec`.
    List(Vec<Value>),
    /// A `FixedOption`, or `Option<NonZero…>`.
    Option(Option<Box<Value>>),
    /// The fields of a struct, in the order of the schema, padding left out.
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// The integer, if it is one that fits.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Value::Uint(number) => (*number).try_into().ok(),
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number, if it is an integer or a float, rounded to the nearest `f64`.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Uint(number) => Some(*number as f64),
            Value::Int(number) => Some(*number as f64),
            Value::F32(number) => Some((*number).into()),
            Value::F64(number) => Some(*number),
            _ => None,
        }
    }

    /// The `bool`, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, or the name of the variant.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Variant(text, _) => Some(text),
            _ => None,
        }
    }

    /// A field of a struct.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let found = self.fields().iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value)
    }

    /// The fields of a struct; none of everything else.
    pub fn fields(&self) -> &[(String, Value)] {
        match self {
            Value::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// The items of a list; none of everything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Uint(_) | Value::Int(_) => "an integer",
            Value::F32(_) | Value::F64(_) => "a float",
            Value::Bool(_) => "a bool",
            Value::Char(_) => "a char",
            Value::Variant(..) => "a variant",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Option(None) => "none",
            Value::Option(Some(_)) => "an option",
            Value::Struct(_) => "a struct",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Uint(number) => number.fmt(f),
            Value::Int(number) => number.fmt(f),
            Value::F32(number) => fmt::Debug::fmt(number, f),
            Value::F64(number) => fmt::Debug::fmt(number, f),
            Value::Bool(value) => value.fmt(f),
            Value::Char(value) => fmt::Debug::fmt(value, f),
            Value::Variant(name, _) => f.write_str(name),
            Value::Text(text) => fmt::Debug::fmt(text, f),
            Value::Option(None) => f.write_str("none"),
            Value::Option(Some(value)) => value.fmt(f),
            Value::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Value::Struct(fields) if fields.is_empty() => f.write_str("{}"),
            Value::Struct(fields) => {
                for (i, (name, value)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "{ " } else { ", " };
                    write!(f, "{comma}{name}: {value}")?;
                }
                f.write_str(" }")
            }
        }
    }
}

macro_rules! from {
    ($variant:ident: $($ty:ty)*) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Value::$variant(value.into())
            }
        }
    )*};
}

from!(Uint: u8 u16 u32 u64 u128);
from!(Int: i8 i16 i32 i64 i128);
from!(F32: f32);
from!(F64: f64);
from!(Bool: bool);
from!(Char: char);
from!(Text: &str String);

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        Value::Option(value.map(|value| Box::new(value.into())))
    }
}
