//! `shmem dump` and `shmem restore`.

use std::fs;
use std::io;

use serde_json::{Value as Json, json};

use crate::args::{Dump, Global, Restore};
use crate::commands::set::writable;
use crate::failure::{Failure, Result};
use crate::json;
use crate::place::reader;
use crate::print::{self, DIM, harmless, styled};

pub(crate) fn dump(global: &Global, args: &Dump) -> Result<()> {
    let reader = reader(global, &args.object)?;
    let info = reader.info();
    let copy = reader.load()?;
    print::json(&json!({
        "object": args.object,
        "type": info.type_name,
        "fingerprint": format!("{:#018x}", info.fingerprint),
        "version": copy.version().0,
        "value": json::of_value(&copy.value()?),
    }))
}

pub(crate) fn restore(global: &Global, args: &Restore) -> Result<()> {
    let text = match &args.dump {
        Some(path) => fs::read_to_string(path),
        None => io::read_to_string(io::stdin()),
    };
    let from = args.dump.as_deref().unwrap_or("standard input");
    let other = |text: String| Failure::Other(harmless(&format!("{from}: {text}")));
    let text = text.map_err(|error| other(error.to_string()))?;
    let dump: Json = serde_json::from_str(&text).map_err(|error| other(error.to_string()))?;
    let Some(value) = dump.get("value") else {
        return Err(other("no dump: it has no `value`".to_owned()));
    };
    let object = writable(global, &args.object, args.writing)?;
    let ours = format!("{:#018x}", object.info().fingerprint);
    let theirs = dump
        .get("fingerprint")
        .and_then(Json::as_str)
        .unwrap_or("none");
    if theirs != ours && !args.force {
        return Err(other(format!(
            "a dump of another layout: fingerprint {theirs}, `{}` has {ours}; `--force` goes by the names of the fields",
            args.object
        )));
    }
    let value = json::to_value(object.schema(), value)?;
    let version = object.set("", value)?;
    if global.json {
        return print::json(&json!({ "object": args.object, "version": version.0 }));
    }
    print::line(format!(
        "{}  {}",
        harmless(&args.object),
        styled(DIM, format!("version {version}"))
    ))
}
