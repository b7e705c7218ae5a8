//! `shmem diff`.

use serde_json::{Value as Json, json};
use shmem_core::{Difference, Value};

use crate::args::{Diff, Global};
use crate::failure::{DIFFER, Failure, Result};
use crate::json;
use crate::place::reader;
use crate::print::{self, Cell, DIM, NAME, WARN, harmless, styled};
use crate::tree::{shortened, shown};

/// A part that differs: where, and what each has there, if it has anything.
struct Part {
    path: String,
    a: Option<Value>,
    b: Option<Value>,
}

pub(crate) fn diff(global: &Global, args: &Diff) -> Result<()> {
    let (a, b) = (reader(global, &args.a)?, reader(global, &args.b)?);
    if let Some(difference) = Difference::between(a.schema(), b.schema()) {
        return types_differ(global, args, &difference);
    }
    let mut parts = Vec::new();
    if !args.schema {
        compare(&a.snapshot()?, &b.snapshot()?, "", &mut parts);
    }
    if global.json {
        let parts = parts.iter().map(|part| {
            let side = |value: &Option<Value>| value.as_ref().map_or(Json::Null, json::of_value);
            json!({ "path": part.path, "a": side(&part.a), "b": side(&part.b) })
        });
        print::json(&json!({ "types": "same", "values": parts.collect::<Vec<_>>() }))?;
    } else if parts.is_empty() {
        let what = if args.schema {
            "types"
        } else {
            "types and values"
        };
        print::line(styled(DIM, format!("the same {what}")))?;
    } else {
        let title = |text: &str| Cell::new(harmless(text)).style(DIM);
        let mut rows = vec![vec![title("PATH"), title(&args.a), title(&args.b)]];
        rows.extend(parts.iter().map(|part| {
            let side = |value: &Option<Value>| match value {
                Some(value) => Cell::new(shortened(&shown(value), 60)).style(WARN),
                None => Cell::new("absent").style(DIM),
            };
            vec![
                Cell::new(harmless(&part.path)).style(NAME),
                side(&part.a),
                side(&part.b),
            ]
        }));
        print::table(&rows)?;
    }
    match parts.is_empty() {
        true => Ok(()),
        false => Err(Failure::Found(DIFFER)),
    }
}

fn types_differ(global: &Global, args: &Diff, difference: &Difference) -> Result<()> {
    if global.json {
        let types = json!({
            "field": difference.field(),
            "a": difference.object(),
            "b": difference.program(),
        });
        print::json(&json!({ "types": types }))?;
    } else {
        let field = match difference.field() {
            "" => "the types differ".to_owned(),
            field => format!("field `{field}` differs"),
        };
        print::line(format!("{}:", harmless(&field)))?;
        print::table(&[
            vec![
                Cell::new(harmless(&args.a)).style(NAME),
                Cell::new(harmless(difference.object())),
            ],
            vec![
                Cell::new(harmless(&args.b)).style(NAME),
                Cell::new(harmless(difference.program())),
            ],
        ])?;
    }
    Err(Failure::Found(DIFFER))
}

/// The smallest parts that differ.
fn compare(a: &Value, b: &Value, path: &str, found: &mut Vec<Part>) {
    match (a, b) {
        (Value::Struct(fields), Value::Struct(others)) if fields.len() == others.len() => {
            for ((name, a), (_, b)) in fields.iter().zip(others) {
                let dot = if path.is_empty() { "" } else { "." };
                compare(a, b, &format!("{path}{dot}{name}"), found);
            }
        }
        (Value::List(items), Value::List(others)) => {
            for index in 0..items.len().max(others.len()) {
                let path = format!("{path}[{index}]");
                match (items.get(index), others.get(index)) {
                    (Some(a), Some(b)) => compare(a, b, &path, found),
                    (a, b) => found.push(Part {
                        path,
                        a: a.cloned(),
                        b: b.cloned(),
                    }),
                }
            }
        }
        // As text: a NaN is no equal of itself.
        _ if a.to_string() == b.to_string() => {}
        _ => found.push(Part {
            path: path.to_owned(),
            a: Some(a.clone()),
            b: Some(b.clone()),
        }),
    }
}
