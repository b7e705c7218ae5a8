//! What an argument that names an object means.

use std::fs;
use std::path::Path;

use shmem_core::{AnyObject, AnyReader, Location};

use crate::args::Global;
use crate::failure::{Failure, Result};

/// The object that `text` names.
pub(crate) fn location(global: &Global, text: &str) -> Result<Location> {
    if is_file(global, text) {
        return Ok(Location::try_from(Path::new(text))?);
    }
    match &global.user {
        None => Ok(Location::try_from(text)?),
        Some(user) => Ok(Location::owned_by(user_id(user)?, text)?),
    }
}

/// Where an object that does not exist is to be created; `was_file`: what was dumped was one.
pub(crate) fn new_location(global: &Global, text: &str, was_file: bool) -> Result<Location> {
    let is_said = global.file || global.name || global.user.is_some() || is_file(global, text);
    if !is_said && !was_file && text.starts_with('/') {
        let text = format!("`{text}` does not exist: `--file` or `--name` says which it is to be");
        return Err(Failure::Usage(text));
    }
    if !is_said && was_file {
        return Ok(Location::try_from(Path::new(text))?);
    }
    location(global, text)
}

pub(crate) fn is_file(global: &Global, text: &str) -> bool {
    if global.file || global.name || global.user.is_some() {
        return global.file;
    }
    text.starts_with("./")
        || text.starts_with("../")
        || (text.contains('/') && fs::symlink_metadata(text).is_ok())
}

/// Opens it to look, so that nobody notices.
///
/// Without its mapping: a file that is cut short meanwhile is an error then, and not the end of this program.
pub(crate) fn reader(global: &Global, text: &str) -> Result<AnyReader> {
    let at = location(global, text)?;
    Ok(AnyObject::options().mapped(false).open_read_only(at)?)
}

/// The id of a user, given by name or by number.
pub(crate) fn user_id(user: &str) -> Result<u32> {
    if let Ok(id) = user.parse() {
        return Ok(id);
    }
    let known = users().into_iter().find(|(name, _)| name == user);
    let id = known.map(|(_, id)| id);
    id.ok_or_else(|| Failure::Usage(format!("there is no user `{user}` in /etc/passwd")))
}

/// The name of a user, or the number if there is none.
pub(crate) fn user_name(id: u32) -> String {
    let known = users().into_iter().find(|(_, known)| *known == id);
    known.map_or_else(|| id.to_string(), |(name, _)| name)
}

fn users() -> Vec<(String, u32)> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |line: &str| {
        let mut columns = line.split(':');
        Some((columns.next()?.to_owned(), columns.nth(1)?.parse().ok()?))
    };
    text.lines().filter_map(user).collect()
}
