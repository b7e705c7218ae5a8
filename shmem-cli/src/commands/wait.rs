//! `shmem wait`.

use std::time::{Duration, Instant};

use serde_json::json;
use shmem_core::{AnyObject, AnyReader, AnyValue, Error, Version};

use crate::args::{Global, Wait};
use crate::failure::{Failure, Result};
use crate::place::location;
use crate::print;
use crate::text;
use crate::tree::shown;

pub(crate) fn wait(global: &Global, args: &Wait) -> Result<()> {
    let at = location(global, &args.object)?;
    let deadline = args
        .timeout
        .map(|timeout| (Instant::now() + timeout, timeout));
    let left = || {
        deadline.map_or(Duration::MAX, |(end, _)| {
            end.saturating_duration_since(Instant::now())
        })
    };
    let options = AnyObject::options().mapped(false);
    let reader = options.clone().wait_for(left()).open_read_only(&at);
    let reader = match (reader, deadline) {
        (Err(Error::NotFound { .. }), Some((_, timeout))) => {
            return Err(late(&args.object, timeout));
        }
        (other, _) => other?,
    };
    let version = match (&args.path, &args.value) {
        _ if args.exists => Ok(reader.version()),
        (Some(path), Some(value)) => until(&reader, path, value, left),
        _ => {
            let after = args.after.map_or(reader.version(), Version);
            reader.wait(after, left()).map_err(Failure::from)
        }
    };
    let version = match (version, deadline) {
        (Err(Failure::Object(Error::TimedOut { .. })), Some((_, timeout))) => {
            return Err(unchanged(args, &reader, timeout));
        }
        (other, _) => other?,
    };
    if global.json {
        return print::json(&json!({ "object": args.object, "version": version.0 }));
    }
    print::line(version.to_string())
}

/// Until the part has the value.
fn until(
    reader: &AnyReader,
    path: &str,
    value: &str,
    left: impl Fn() -> Duration,
) -> Result<Version> {
    let schema = reader.schema().at(path)?;
    let value = text::value(schema, value)?;
    loop {
        let copy = reader.load()?;
        // Set in a copy, the value is what it would be in the object.
        let mut wished: AnyValue = copy.clone();
        wished.set(path, value.clone())?;
        if wished.get(path)?.to_string() == copy.get(path)?.to_string() {
            return Ok(copy.version());
        }
        reader.wait(copy.version(), left())?;
    }
}

/// What it was waiting for did not come.
fn unchanged(args: &Wait, reader: &AnyReader, timeout: Duration) -> Failure {
    let (object, after) = (print::harmless(&args.object), print::time(timeout));
    let (Some(path), Some(value)) = (&args.path, &args.value) else {
        let version = reader.version();
        let text = format!("`{object}` is still at version {version}, after {after}");
        return Failure::Late(text);
    };
    let now = reader
        .get(path)
        .map_or("unknown".to_owned(), |now| shown(&now));
    let what = if path.is_empty() { "the value" } else { path };
    let text = format!("`{object}`: {what} is {now} and not {value}, after {after}");
    Failure::Late(print::harmless(&text))
}

fn late(object: &str, timeout: Duration) -> Failure {
    Failure::Late(format!(
        "`{}` does not exist, after {}",
        print::harmless(object),
        print::time(timeout)
    ))
}
