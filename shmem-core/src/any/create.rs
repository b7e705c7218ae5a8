//! Creating an object by a schema that no type of this program has.
#![expect(unsafe_code, reason = "fills the first buffer of a new object")]

use std::ptr::NonNull;

use super::encode::encode_new;
use super::mistake::FieldError;
use super::value::Value;
use crate::build::Plan;
use crate::header::{LINE, MAX_ALIGN};
use crate::layout::MAX_LINES;
use crate::lifecycle::Attachment;
use crate::options::{self, Settings};
use crate::schema::{FNV_OFFSET, fnv1a};
use crate::{Error, Location, Result, StoredKind, StoredSchema};

/// Creates the object with this value, if it is one of the type that the schema describes.
pub(super) fn create(
    at: &Location,
    settings: &Settings,
    (schema, array, reserve): (&StoredSchema, bool, u64),
    value: &Value,
) -> Result<Attachment> {
    let plan = plan(at, schema, array, reserve)?;
    let settings = Settings {
        buffers: if schema.has_atomics() {
            1
        } else {
            settings.buffers
        },
        ..*settings
    };
    options::create(at, &plan, &settings, |buffer| {
        let bytes = NonNull::slice_from_raw_parts(buffer, schema.size());
        // SAFETY: a new buffer has room for a value, is zero, and nobody else has it.
        let bytes = unsafe { &mut *bytes.as_ptr() };
        encode_new(schema, value, bytes).map_err(|error| field(at, error))
    })
}

fn plan(at: &Location, schema: &StoredSchema, array: bool, reserve: u64) -> Result<Plan> {
    let size = schema.size() as u64;
    let item = match schema.item().filter(|item| item.size() > 0) {
        Some(item) if array && schema.kind() == StoredKind::Array => item.size() as u64,
        _ if array => return Err(no_parts(at, schema, "item")),
        _ => 0,
    };
    let too_large = |what, found, limit| Error::TooLarge {
        location: at.clone(),
        what,
        found,
        limit,
    };
    if reserve != 0 && schema.kind() != StoredKind::Struct {
        return Err(no_parts(at, schema, "field"));
    }
    if reserve != 0 && reserve < size {
        return Err(too_large(
            "size of a type that reserves less",
            size,
            reserve,
        ));
    }
    let text = schema.stored_form();
    // The fields that programs have added count as well, so it may be longer than any that was read.
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    if lines > MAX_LINES {
        let (found, limit) = (lines as u64, MAX_LINES as u64);
        return Err(too_large("number of lines of the schema", found, limit));
    }
    // A schema does not say how its type is aligned. But a size is a multiple of the alignment, so there is no type of
    // this size that is aligned to more.
    let unit = if item == 0 { size } else { item };
    let most = if reserve == 0 { MAX_ALIGN } else { LINE };
    let align = match unit {
        0 => 1,
        unit => (1 << unit.trailing_zeros()).min(most),
    };
    Ok(Plan {
        fingerprint: text
            .iter()
            .fold(FNV_OFFSET, |hash, byte| fnv1a(hash, *byte)),
        schema: text,
        size: size.max(reserve),
        align,
        item,
        reserve,
    })
}

fn no_parts(at: &Location, schema: &StoredSchema, part: &'static str) -> Error {
    let error = FieldError::NoParts {
        path: String::new(),
        found: schema.type_text(),
        part,
    };
    field(at, error)
}

fn field(at: &Location, error: FieldError) -> Error {
    Error::Field {
        location: at.clone(),
        error: Box::new(error),
    }
}
