//! `shmem get`.

use serde_json::{Map, Value as Json};
use shmem_core::Value;

use crate::args::{Get, Global};
use crate::failure::Result;
use crate::json;
use crate::place::reader;
use crate::print::{self, bare};
use crate::tree::Source;

pub(crate) fn get(global: &Global, args: &Get) -> Result<()> {
    let reader = reader(global, &args.object)?;
    if let [path] = &args.paths[..] {
        let value = reader.get(path)?;
        if global.json {
            return print::json(&json::of_value(&value));
        }
        return print::raw_line(&text(&value));
    }
    let source = Source::of(&reader)?;
    let mut found = Vec::new();
    for path in &args.paths {
        found.push((path, source.get(path)?));
    }
    if global.json {
        let map: Map<String, Json> = found
            .iter()
            .map(|(path, value)| ((*path).clone(), json::of_value(value)))
            .collect();
        return print::json(&Json::Object(map));
    }
    for (_, value) in &found {
        print::raw_line(&text(value))?;
    }
    Ok(())
}

/// Without quotes around a text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => bare(text),
        Value::Char(letter) => bare(&letter.to_string()),
        Value::Option(Some(value)) => text(value),
        other => bare(&other.to_string()),
    }
}
