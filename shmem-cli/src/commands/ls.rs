//! `shmem ls`.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{AnyObject, Error, Info, Version, list, list_of, participants, users};

use crate::args::{Global, Ls};
use crate::failure::Result;
use crate::json;
use crate::place::{is_file, location, user_id, user_name};
use crate::print::{self, BOLD, Cell, DIM, GOOD, NAME, WARN, harmless};

pub(crate) fn ls(global: &Global, args: &Ls) -> Result<()> {
    let before = versions(&objects(global, args)?);
    let start = Instant::now();
    let sampled = !before.is_empty() && args.sample > Duration::ZERO;
    if sampled {
        thread::sleep(args.sample);
    }
    let elapsed = start.elapsed().as_secs_f64();
    let now = objects(global, args)?;
    let rate = |info: &Info| {
        let before = before.get(&key(info)).filter(|_| sampled)?;
        let updates = info.version.0.saturating_sub(before.0);
        Some(updates as f64 / elapsed)
    };
    if global.json {
        let all = now.iter().map(|info| json::of_info(info, rate(info)));
        return print::json(&all.collect());
    }
    if now.is_empty() {
        eprintln!("no objects");
        return Ok(());
    }
    let titles = [
        "NAME",
        "TYPE",
        "SIZE",
        "VERSION",
        "RATE",
        "HANDLES",
        "AGE",
        "PUBLISHER",
        "LIFETIME",
        "OWNER",
    ];
    let is_number = |title| matches!(title, "SIZE" | "VERSION" | "RATE" | "HANDLES" | "AGE");
    let title = |title| match is_number(title) {
        true => Cell::number(title),
        false => Cell::new(title),
    };
    let mut rows = vec![titles.map(|text| title(text).style(BOLD)).to_vec()];
    rows.extend(now.iter().map(|info| row(info, rate(info))));
    print::table(&rows)
}

fn row(info: &Info, rate: Option<f64>) -> Vec<Cell> {
    let publisher = match (info.publisher_alive, info.handles) {
        (Some(true), _) => Cell::new("alive").style(GOOD),
        // Kept for later: nobody is missing.
        (Some(false), Some(0)) => Cell::new("-").style(DIM),
        (Some(false), _) => Cell::new("gone").style(WARN),
        (None, _) => Cell::new("?").style(DIM),
    };
    let handles = info
        .handles
        .map_or("?".to_owned(), |handles| handles.to_string());
    let rate = match rate {
        None => Cell::number("-").style(DIM),
        Some(0.0) => Cell::number("0/s").style(DIM),
        Some(rate) => Cell::number(print::rate(rate)),
    };
    vec![
        Cell::new(place(info)).style(NAME),
        Cell::new(harmless(&info.type_name)),
        Cell::number(print::size(info.size)),
        Cell::number(info.version.to_string()),
        rate,
        Cell::number(handles),
        Cell::number(print::time(info.age)),
        publisher,
        Cell::new(json::lifetime(info)),
        Cell::new(user_name(info.owner)),
    ]
}

/// The name, or the path of a file.
pub(crate) fn place(info: &Info) -> String {
    let shown = info.location.to_string();
    let text = info.location.name().unwrap_or(shown.trim_matches('`'));
    harmless(text)
}

type Key = (u32, String, std::time::SystemTime);

/// A new object of an old name is another one.
fn key(info: &Info) -> Key {
    (info.owner, info.location.to_string(), info.created)
}

fn versions(all: &[Info]) -> HashMap<Key, Version> {
    all.iter().map(|info| (key(info), info.version)).collect()
}

fn objects(global: &Global, args: &Ls) -> Result<Vec<Info>> {
    let (files, words): (Vec<_>, Vec<_>) =
        args.words.iter().partition(|word| is_file(global, word));
    let mut found = Vec::new();
    for file in &files {
        found.push(file_info(global, file)?);
    }
    if !files.is_empty() && words.is_empty() {
        return Ok(found);
    }
    let mut named = match (&global.user, args.all) {
        (Some(user), _) => list_of(user_id(user)?)?,
        (None, false) => list()?,
        (None, true) => of_all_users()?,
    };
    named.retain(|info| {
        let name = info.location.name().unwrap_or_default();
        words.is_empty() || words.iter().any(|word| name.contains(word.as_str()))
    });
    found.extend(named);
    Ok(found)
}

fn of_all_users() -> Result<Vec<Info>> {
    let mut found = Vec::new();
    for user in users()? {
        match list_of(user) {
            Ok(all) => found.extend(all),
            Err(Error::PermissionDenied { .. }) => {
                let user = user_name(user);
                let text = format!("objects of {user}: only by name (`--user {user}`)");
                anstream::eprintln!("{}", print::styled(DIM, text));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// What `list` says of names, of one object.
pub(crate) fn file_info(global: &Global, text: &str) -> Result<Info> {
    let at = location(global, text)?;
    let mut info = AnyObject::open_read_only(&at)?.info();
    if let Ok(all) = participants(&at) {
        info.handles = u32::try_from(all.len()).ok();
        info.publisher_alive = Some(all.iter().any(|one| one.published));
    }
    Ok(info)
}
