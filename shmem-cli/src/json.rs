//! Values and descriptions as JSON, and back.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Number, Value as Json, json};
use shmem_core::{FieldError, Info, Lifetime, StoredKind, StoredSchema, Value};

use crate::text;

/// Numbers as numbers, but for those that JSON does not have: integers of more than 64 bits, infinities and NaN are
/// texts. What an option holds stands for the option; `null` is none.
pub(crate) fn of_value(value: &Value) -> Json {
    let float = |number: f64, text: String| match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None => Json::String(text),
    };
    match value {
        Value::Uint(number) => match u64::try_from(*number) {
            Ok(number) => number.into(),
            Err(_) => Json::String(number.to_string()),
        },
        Value::Int(number) => match i64::try_from(*number) {
            Ok(number) => number.into(),
            Err(_) => Json::String(number.to_string()),
        },
        // The shortest decimal that is this one, which is not that of the nearest `f64`.
        Value::F32(number) => float(
            number.to_string().parse().unwrap_or(f64::NAN),
            number.to_string(),
        ),
        Value::F64(number) => float(*number, number.to_string()),
        Value::Bool(value) => (*value).into(),
        Value::Char(letter) => letter.to_string().into(),
        Value::Variant(name, _) => name.as_str().into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(of_value).collect(),
        Value::Option(None) => Json::Null,
        Value::Option(Some(value)) => of_value(value),
        Value::Struct(fields) => {
            let fields = fields.iter();
            Json::Object(
                fields
                    .map(|(name, value)| (name.clone(), of_value(value)))
                    .collect(),
            )
        }
        other => other.to_string().into(),
    }
}

/// A value for a part of this type.
pub(crate) fn to_value(schema: &StoredSchema, json: &Json) -> Result<Value, FieldError> {
    Ok(match (schema.kind(), json) {
        (StoredKind::Option | StoredKind::MaybeUint | StoredKind::MaybeInt, Json::Null) => {
            Value::Option(None)
        }
        (StoredKind::Option, json) => match schema.item() {
            Some(item) => Value::Option(Some(Box::new(to_value(item, json)?))),
            None => Value::Option(None),
        },
        (StoredKind::Array | StoredKind::Vec, Json::Array(items)) => match schema.item() {
            Some(item) => {
                let items = items.iter().map(|json| to_value(item, json));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            None => Value::List(Vec::new()),
        },
        (StoredKind::Struct, Json::Object(given)) => {
            let fields = given.iter().map(|(name, json)| {
                let field = schema.fields().iter().find(|field| field.name() == name);
                // What does not exist is refused by name when it is set.
                let value = match field {
                    Some(field) => to_value(field.schema(), json)?,
                    None => Value::Option(None),
                };
                Ok((name.clone(), value))
            });
            Value::Struct(fields.collect::<Result<_, _>>()?)
        }
        (StoredKind::Str, Json::String(text)) => Value::Text(text.clone()),
        (_, Json::String(text)) => text::scalar(schema, text),
        (_, Json::Bool(value)) => Value::Bool(*value),
        (_, Json::Number(number)) => of_number(number),
        // Refused when it is set, with the place.
        (_, Json::Null) => Value::Option(None),
        (_, Json::Array(_)) => Value::List(Vec::new()),
        (_, Json::Object(_)) => Value::Struct(Vec::new()),
    })
}

fn of_number(number: &Number) -> Value {
    if let Some(number) = number.as_u64() {
        return Value::from(number);
    }
    match number.as_i64() {
        Some(number) => Value::from(number),
        None => Value::from(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// What is known of an object; times in seconds.
pub(crate) fn of_info(info: &Info, rate: Option<f64>) -> Json {
    let age = (info.age != Duration::MAX).then_some(info.age.as_secs_f64());
    let created = info.created.duration_since(UNIX_EPOCH);
    let mut json = json!({
        "name": info.location.name(),
        "location": info.location.to_string().trim_matches('`'),
        "type": info.type_name,
        "fingerprint": format!("{:#018x}", info.fingerprint),
        "size": info.size,
        "file_size": info.file_size,
        "version": info.version.0,
        "updates_per_second": rate,
        "handles": info.handles,
        "max_handles": info.max_handles,
        "publisher_alive": info.publisher_alive,
        "age": age,
        "created": created.map_or(0.0, |time| time.as_secs_f64()),
        "lifetime": lifetime(info),
        "buffers": info.buffers,
        "items": info.items,
        "reserve": info.reserve,
        "removed": info.removed,
        "owner": info.owner,
        "mode": format!("{:04o}", info.mode),
    });
    if let (Json::Object(map), None) = (&mut json, rate) {
        map.remove("updates_per_second");
    }
    json
}

pub(crate) fn lifetime(info: &Info) -> &'static str {
    match info.lifetime {
        Lifetime::Keep => "keep",
        _ => "while-open",
    }
}

/// A schema, part by part, as `docs/format.md` names them.
pub(crate) fn of_schema(schema: &StoredSchema) -> Json {
    let mut map = Map::new();
    map.insert("kind".into(), kind(schema.kind()).into());
    map.insert("type".into(), schema.type_text().into());
    map.insert("size".into(), schema.size().into());
    if schema.version() != 0 {
        map.insert("version".into(), schema.version().into());
    }
    if let Some(len) = schema.len() {
        let name = if schema.kind() == StoredKind::Array {
            "len"
        } else {
            "capacity"
        };
        map.insert(name.into(), len.into());
    }
    if let Some(repr) = schema.repr() {
        map.insert("repr".into(), repr.into());
        let variants = schema.variants().iter().map(|variant| {
            let number = match i64::try_from(variant.value()) {
                Ok(number) => Json::from(number),
                Err(_) => u64::try_from(variant.value()).map_or(Json::Null, Json::from),
            };
            json!({ "name": variant.name(), "value": number })
        });
        map.insert("variants".into(), variants.collect());
    }
    if schema.kind() == StoredKind::Struct {
        let fields = schema.fields().iter().map(|field| {
            let mut json = json!({ "name": field.name(), "offset": field.offset() });
            if let (Json::Object(map), Json::Object(of_type)) =
                (&mut json, of_schema(field.schema()))
            {
                map.extend(of_type);
            }
            json
        });
        map.insert("fields".into(), fields.collect());
    }
    if let (Some(item), Some(offset)) = (schema.item(), schema.item_offset()) {
        map.insert("item_offset".into(), offset.into());
        map.insert("item".into(), of_schema(item));
    }
    Json::Object(map)
}

fn kind(kind: StoredKind) -> &'static str {
    match kind {
        StoredKind::Uint => "uint",
        StoredKind::Int => "int",
        StoredKind::Float => "float",
        StoredKind::Bool => "bool",
        StoredKind::Char => "char",
        StoredKind::NonZeroUint => "nonzero-uint",
        StoredKind::NonZeroInt => "nonzero-int",
        StoredKind::MaybeUint => "maybe-uint",
        StoredKind::MaybeInt => "maybe-int",
        StoredKind::AtomicUint => "atomic-uint",
        StoredKind::AtomicInt => "atomic-int",
        StoredKind::Enum => "enum",
        StoredKind::Array => "array",
        StoredKind::Struct => "struct",
        StoredKind::Str => "str",
        StoredKind::Vec => "vec",
        StoredKind::Option => "option",
        _ => "unknown",
    }
}
