//! `shmem watch`.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};
use shmem_core::{AnyObject, AnyReader, AnyValue, Error, Value, Version};

use crate::args::{Global, Watch};
use crate::failure::Result;
use crate::json;
use crate::place::location;
use crate::print::{self, DIM, NAME, styled};
use crate::tree::{is_padding, shortened, shown};

/// The longest value on a line.
const LONGEST: usize = 60;

pub(crate) fn watch(global: &Global, args: &Watch) -> Result<()> {
    let at = location(global, &args.object)?;
    let mut options = AnyObject::options().mapped(false);
    if args.follow {
        options = options.wait_for(args.timeout.unwrap_or(Duration::MAX));
    }
    let mut reader = options.open_read_only(&at)?;
    let mut watcher = Watcher {
        global,
        paths: paths(&reader, &args.paths)?,
        start: Instant::now(),
        last: None,
        lines: 0,
    };
    let mut seen = Version(0);
    loop {
        let copy = reader.load()?;
        seen = seen.max(copy.version());
        watcher.print(&copy)?;
        if args.count.is_some_and(|count| watcher.lines >= count) {
            return Ok(());
        }
        // Readers of a pipe want the newest value, not all that came meanwhile.
        thread::sleep(args.every);
        let news = match args.timeout {
            Some(timeout) => reader.wait(seen, timeout),
            None => reader.wait_forever(seen),
        };
        match news {
            Ok(_) => {}
            Err(Error::Removed { .. }) if args.follow => {
                reader = options.open_read_only(&at)?;
                watcher.paths = paths(&reader, &args.paths)?;
                watcher.last = None;
                seen = Version(0);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// What is watched: what was asked for, or all fields.
fn paths(reader: &AnyReader, asked: &[String]) -> Result<Vec<String>> {
    for path in asked {
        reader.schema().at(path)?;
    }
    if !asked.is_empty() {
        return Ok(asked.to_vec());
    }
    let fields = reader.schema().fields().iter();
    let fields: Vec<_> = fields
        .filter(|field| !is_padding(field))
        .map(|field| field.name().to_owned())
        .collect();
    Ok(if fields.is_empty() {
        vec![String::new()]
    } else {
        fields
    })
}

struct Watcher<'a> {
    global: &'a Global,
    paths: Vec<String>,
    start: Instant,
    /// What was printed last, as it looked.
    last: Option<Vec<String>>,
    lines: u64,
}

impl Watcher<'_> {
    fn print(&mut self, copy: &AnyValue) -> Result<()> {
        let mut values = Vec::new();
        for path in &self.paths {
            values.push(copy.get(path)?);
        }
        // As text: a NaN is no equal of itself.
        let texts: Vec<_> = values.iter().map(Value::to_string).collect();
        let changed = |i: usize| self.last.as_ref().is_none_or(|last| last[i] != texts[i]);
        if !(0..texts.len()).any(changed) {
            return Ok(());
        }
        let time = self.start.elapsed().as_secs_f64();
        if self.global.json {
            print::line_now(self.document(copy, &values, time).to_string())?;
        } else {
            let parts = (0..texts.len()).filter(|i| changed(*i)).map(|i| {
                let value = shortened(&shown(&values[i]), LONGEST);
                match self.paths[i].as_str() {
                    "" => value,
                    path => format!("{}={value}", styled(NAME, print::harmless(path))),
                }
            });
            let head = styled(DIM, format!("{time:>9.3} s  version {}", copy.version()));
            let parts = parts.collect::<Vec<_>>().join("  ");
            print::line_now(format!("{head}  {parts}"))?;
        }
        self.lines += 1;
        self.last = Some(texts);
        Ok(())
    }

    fn document(&self, copy: &AnyValue, values: &[Value], time: f64) -> Json {
        let value = match (&self.paths[..], values) {
            ([path], [value]) if path.is_empty() => json::of_value(value),
            (paths, values) => {
                let fields = paths.iter().zip(values);
                let fields: Map<String, Json> = fields
                    .map(|(path, value)| (path.clone(), json::of_value(value)))
                    .collect();
                Json::Object(fields)
            }
        };
        json!({ "time": time, "version": copy.version().0, "value": value })
    }
}
