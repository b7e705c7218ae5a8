//! `shmem restore`.

use std::fs;
use std::io;

use serde_json::{Value as Json, json};
use shmem_core::{AnyObject, Error, Lifetime, StoredSchema, Version};

use crate::args::{Global, Restore};
use crate::commands::set::options;
use crate::failure::{Failure, Result};
use crate::json;
use crate::place::{location, new_location};
use crate::print::{self, DIM, harmless, styled};

pub(crate) fn restore(global: &Global, args: &Restore) -> Result<()> {
    let text = match &args.dump {
        Some(path) => fs::read_to_string(path),
        None => io::read_to_string(io::stdin()),
    };
    let bad = |text: String| not_this_dump(args, &text);
    let text = text.map_err(|error| bad(error.to_string()))?;
    let dump: Json = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let Some(value) = dump.get("value") else {
        return Err(bad("no dump: it has no `value`".to_owned()));
    };
    let at = location(global, &args.object)?;
    let (version, created) = match options(args.writing).open(at) {
        Ok(object) => (publish(args, &dump, value, &object)?, false),
        Err(Error::NotFound { .. }) => (create(global, args, &dump, value)?, true),
        Err(error) => return Err(error.into()),
    };
    if global.json {
        return print::json(&json!({
            "object": args.object,
            "version": version.0,
            "created": created,
        }));
    }
    let created = if created { "created, " } else { "" };
    print::line(format!(
        "{}  {}",
        harmless(&args.object),
        styled(DIM, format!("{created}version {version}"))
    ))
}

fn not_this_dump(args: &Restore, why: &str) -> Failure {
    let from = args.dump.as_deref().unwrap_or("standard input");
    Failure::Other(harmless(&format!("{from}: {why}")))
}

/// Into an object that is there.
fn publish(args: &Restore, dump: &Json, value: &Json, object: &AnyObject) -> Result<Version> {
    let ours = format!("{:#018x}", object.info().fingerprint);
    let theirs = dump.get("fingerprint").and_then(Json::as_str);
    let theirs = theirs.unwrap_or("none");
    // The fingerprint is that of its creator's layout. Whoever created it anew knew all the fields that had been added.
    let alike = || schema(args, dump).is_ok_and(|schema| schema == *object.schema());
    if theirs != ours && !args.force && !alike() {
        let why = format!(
            "a dump of another layout: fingerprint {theirs}, `{}` has {ours}; `--force` goes by the names of the fields",
            args.object
        );
        return Err(not_this_dump(args, &why));
    }
    Ok(object.set("", json::to_value(object.schema(), value)?)?)
}

/// As it was when it was dumped.
fn create(global: &Global, args: &Restore, dump: &Json, value: &Json) -> Result<Version> {
    let name = harmless(&args.object);
    let missing = |why: &str| {
        Err(Failure::Missing(format!(
            "`{name}` does not exist, and {why}"
        )))
    };
    let Some(made) = dump.get("create") else {
        return missing("the dump does not say how to create it: it has no `create`");
    };
    if !args.keep && made["lifetime"] != "keep" {
        return missing(
            "what was dumped exists while a program has it open: it would be gone with this command\n\
             start the program that creates it first; or `--keep` creates one that is there until it is removed",
        );
    }
    if made["lock"] == "raw_sync" {
        return missing("only a program that uses its pthread lock can create it");
    }
    let number = |key: &str, otherwise: u32| match &made[key] {
        Json::Null => Ok(otherwise),
        number => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| not_this_dump(args, &format!("its `{key}` is no number"))),
    };
    let mode = made["mode"].as_str().unwrap_or("0600");
    let mode = u32::from_str_radix(mode, 8)
        .map_err(|_| not_this_dump(args, "its `mode` is no octal number"))?;
    let schema = schema(args, dump)?;
    let options = options(args.writing)
        .lifetime(Lifetime::Keep)
        .mode(mode)
        .max_handles(number("max_handles", 128)?)
        .buffers(number("buffers", 4)?)
        .array(made["array"] == true)
        .reserve(made["reserve"].as_u64().unwrap_or(0));
    let at = new_location(global, &args.object, made["file"] == true)?;
    let object = options.create(at, &schema, json::to_value(&schema, value)?)?;
    Ok(object.version())
}

fn schema(args: &Restore, dump: &Json) -> Result<StoredSchema> {
    let lines = dump["create"]["schema"].as_array();
    let lines = lines.map(|lines| lines.iter().map(|line| line.as_str().unwrap_or_default()));
    let text: String = lines
        .into_iter()
        .flatten()
        .flat_map(|line| [line, "\n"])
        .collect();
    StoredSchema::parse(text.as_bytes())
        .map_err(|error| not_this_dump(args, &format!("no schema: {error}")))
}
