//! `shmem set`.

use serde_json::{Map, Value as Json, json};
use shmem_core::{AnyObject, AnyOptions, Trust, Value};

use crate::args::{Global, Set, Whom, Writing};
use crate::failure::{Failure, Result};
use crate::json;
use crate::place::location;
use crate::print::{self, DIM, NAME, styled};
use crate::text;
use crate::tree::shown;

pub(crate) fn set(global: &Global, args: &Set) -> Result<()> {
    let pairs: Vec<(&str, &str)> = match &args.changes[..] {
        [whole] => vec![("", whole)],
        pairs if pairs.len() % 2 == 0 => {
            let pairs = pairs.chunks(2);
            pairs
                .map(|pair| (pair[0].as_str(), pair[1].as_str()))
                .collect()
        }
        pairs => {
            let text = format!(
                "`{}` has no value: paths and values come in pairs",
                pairs[pairs.len() - 1]
            );
            return Err(Failure::Usage(text));
        }
    };
    let object = writable(global, &args.object, args.writing)?;
    let mut changes = Vec::new();
    for (path, text) in pairs {
        let schema = object.schema().at(path)?;
        changes.push((path, text::value(schema, text)?));
    }
    let version = object.set_all(&changes)?;
    let now: Vec<(&str, Value)> = changes
        .iter()
        .map(|(path, given)| (*path, object.get(path).unwrap_or_else(|_| given.clone())))
        .collect();
    if global.json {
        let values: Map<String, Json> = now
            .iter()
            .map(|(path, value)| ((*path).to_owned(), json::of_value(value)))
            .collect();
        return print::json(
            &json!({ "object": args.object, "version": version.0, "values": values }),
        );
    }
    for (path, value) in &now {
        let name = if path.is_empty() {
            args.object.as_str()
        } else {
            path
        };
        let version = styled(DIM, format!("version {version}"));
        print::line(format!(
            "{} = {}  {version}",
            styled(NAME, name),
            shown(value)
        ))?;
    }
    Ok(())
}

/// Opens an object as an ordinary handle.
pub(crate) fn writable(global: &Global, object: &str, writing: Writing) -> Result<AnyObject> {
    Ok(options(writing).open(location(global, object)?)?)
}

pub(crate) fn options(writing: Writing) -> AnyOptions {
    let trust = match writing.trust {
        Whom::Owner => Trust::OwnerOnly,
        Whom::Group => Trust::Group,
        Whom::Anyone => Trust::Anyone,
    };
    AnyObject::options().trust(trust).timeout(writing.timeout)
}
