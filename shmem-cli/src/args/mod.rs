//! The command line.

use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, ColorChoice, Parser, Subcommand};

mod changing;
mod looking;

pub(crate) use changing::{Prune, Restore, Rm, Set, Whom, Writing};
pub(crate) use looking::{
    Completions, Diff, Dump, Get, Language, Ls, Schema, Show, Top, Wait, Watch, Who,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const ABOUT: &str =
    "Lists, prints, watches and changes live objects in shared memory, whatever type they hold";

const AFTER: &str = "\
An OBJECT is a name, as programs give it to `T::create(\"…\")`, or a file: `./state.shm`, or any path with a `/` in it \
that exists. `--file` and `--name` say which is meant; `--user` names another user's object.

A PATH leads to a part of the value: `engine.load[3]`; `0`, `1`, … in a tuple struct, `value` in an option, `[10..20]` \
at the end for some items of an array. Without one the whole is meant.

Only `set`, `restore`, `rm` and `prune` change anything, and `top` where you edit. All others read without a lock and \
without registering, so no program notices them.

Exit codes:
  0  done
  1  failed: damaged, not an object, not permitted, …; the message says why
  2  the command line is wrong
  3  there is no such object, or it was removed
  4  there is no such field, or the value does not fit
  5  it took too long, or others were in the way
  6  `diff`: they differ

Examples:
  shmem ls
  shmem show telemetry
  shmem set config rate 200 mode Run
  shmem watch telemetry rpm gear
  shmem schema telemetry --as rust > telemetry.rs";

#[derive(Debug, Parser)]
#[command(name = "shmem", version, about = ABOUT, after_help = AFTER, styles = STYLES)]
#[command(
    max_term_width = 100,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug, Clone)]
pub(crate) struct Global {
    /// Print JSON, one document; `watch` prints one to a line
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// OBJECT is a file, whatever it looks like
    #[arg(
        long,
        global = true,
        help_heading = "Everywhere",
        conflicts_with = "name"
    )]
    pub(crate) file: bool,
    /// OBJECT is a name, whatever it looks like
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) name: bool,
    /// OBJECT is a name of this user's, given by name or number
    #[arg(
        long,
        short,
        global = true,
        value_name = "USER",
        help_heading = "Everywhere",
        conflicts_with = "file"
    )]
    pub(crate) user: Option<String>,
    /// Use colours: only on a terminal, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Everywhere"
    )]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ls(Ls),
    Show(Show),
    Get(Get),
    Top(Top),
    Set(Set),
    Watch(Watch),
    Wait(Wait),
    Schema(Schema),
    Who(Who),
    Diff(Diff),
    Dump(Dump),
    Restore(Restore),
    Rm(Rm),
    Prune(Prune),
    Completions(Completions),
}

impl Command {
    /// The object that it is about, if it is about one.
    pub(crate) fn object(&self) -> Option<&str> {
        match self {
            Command::Show(Show { object, .. })
            | Command::Get(Get { object, .. })
            | Command::Set(Set { object, .. })
            | Command::Watch(Watch { object, .. })
            | Command::Wait(Wait { object, .. })
            | Command::Schema(Schema { object, .. })
            | Command::Who(Who { object, .. })
            | Command::Dump(Dump { object })
            | Command::Restore(Restore { object, .. }) => Some(object),
            Command::Ls(_) | Command::Top(_) | Command::Diff(_) => None,
            Command::Rm(_) | Command::Prune(_) | Command::Completions(_) => None,
        }
    }
}

/// `500ms`, `2s`, `1.5` (seconds), `1m`.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{unit}` is no unit of time: ms, s, m, h")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{number}` is no number"))?;
    let seconds = number * factor;
    if seconds > 315_360_000.0 {
        return Err("at most ten years".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
