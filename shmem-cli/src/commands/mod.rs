//! One file for each command.

mod diff;
mod dump;
pub(crate) mod get;
pub(crate) mod ls;
mod restore;
mod rm;
mod schema;
mod set;
mod show;
mod wait;
mod watch;
mod who;

pub(crate) use diff::diff;
pub(crate) use dump::dump;
pub(crate) use get::get;
pub(crate) use ls::ls;
pub(crate) use restore::restore;
pub(crate) use rm::{prune, rm};
pub(crate) use schema::schema;
pub(crate) use set::set;
pub(crate) use show::show;
pub(crate) use wait::wait;
pub(crate) use watch::watch;
pub(crate) use who::who;
