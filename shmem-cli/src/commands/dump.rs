//! `shmem dump`.

use serde_json::{Value as Json, json};
use shmem_core::{Info, Lock, StoredSchema};

use crate::args::{Dump, Global};
use crate::failure::Result;
use crate::json;
use crate::place::reader;
use crate::print;

pub(crate) fn dump(global: &Global, args: &Dump) -> Result<()> {
    let reader = reader(global, &args.object)?;
    let info = reader.info();
    let copy = reader.load()?;
    print::json(&json!({
        "object": args.object,
        "type": info.type_name,
        "fingerprint": format!("{:#018x}", info.fingerprint),
        "version": copy.version().0,
        "create": creation(&info, reader.schema()),
        "value": json::of_value(&copy.value()?),
    }))
}

/// What it takes to create another one like it.
fn creation(info: &Info, schema: &StoredSchema) -> Json {
    let text = schema.stored_form();
    let text = String::from_utf8_lossy(&text);
    let lock = match info.lock {
        Lock::RawSync => "raw_sync",
        _ => "native",
    };
    json!({
        "file": info.location.name().is_none(),
        "lifetime": json::lifetime(info),
        "mode": format!("{:04o}", info.mode),
        "max_handles": info.max_handles,
        "buffers": info.buffers,
        "lock": lock,
        "array": info.items.is_some(),
        "reserve": info.reserve,
        "schema": text.lines().collect::<Vec<_>>(),
    })
}
