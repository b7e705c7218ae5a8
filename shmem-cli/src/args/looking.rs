//! What the commands take that only look: nothing changes by them, but where `top` edits.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration;

/// List objects: type, size, version, updates a second, who has them open
///
/// Of your own named objects all, or those whose name contains one of the words; files if you name them. RATE is
/// measured while the command runs. PUBLISHER says whether the handle that published last is still open: an object
/// whose publisher is gone holds an old value. HANDLES counts those that write or hold guards: readers without a lock
/// are not known.
#[derive(Args, Debug)]
#[command(
    visible_alias = "list",
    after_help = "\
Examples:
  shmem ls
  shmem ls engine/
  shmem ls --sample 2s
  shmem ls --json | jq '.[] | select(.publisher_alive == false).name'
  sudo shmem ls --all"
)]
pub(crate) struct Ls {
    /// Only those whose name contains one of these; a file is listed as it is
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Objects of all users, which only root can list; others' can be used by name
    #[arg(long, short)]
    pub(crate) all: bool,
    /// How long updates are counted; 0 does not
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = duration)]
    pub(crate) sample: Duration,
}

/// Print a value, field by field
///
/// Fields come with their names and types, enums with the names of their variants. Of long arrays the first items are
/// shown. What is no value of its type is marked, does not hide the rest, and makes the command fail.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem show telemetry
  shmem show telemetry engine.load
  shmem show frame '[1000..1010]'
  shmem show ./settings.shm --json")]
pub(crate) struct Show {
    /// A name or a file
    pub(crate) object: String,
    /// The part to print
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) path: String,
    /// Every item of every array
    #[arg(long, short)]
    pub(crate) all: bool,
}

/// Print single values, bare, for scripts
///
/// One line for each path: numbers, texts without quotes, variants by name. With `--json` one document: the value, or
/// an object by path if there are several.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem get telemetry rpm
  rpm=$(shmem get telemetry rpm)
  shmem get config rate mode --json")]
pub(crate) struct Get {
    /// A name or a file
    pub(crate) object: String,
    /// The parts, all of one version
    #[arg(value_name = "PATH", default_value = "", hide_default_value = true)]
    pub(crate) paths: Vec<String>,
}

/// Print the layout of an object's type, or a definition for another program
///
/// Every object carries it. `rust` opens the object, and refuses if the layout has changed; `c` is a header with a
/// plain struct; `python` needs nothing but the standard library. How to copy a value out whole from C or Python is in
/// `docs/format.md`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem schema telemetry
  shmem schema telemetry --as rust > src/telemetry.rs
  shmem schema telemetry --as c > telemetry.h")]
pub(crate) struct Schema {
    /// A name or a file
    pub(crate) object: String,
    /// In which language
    #[arg(long = "as", value_name = "LANGUAGE", default_value = "text")]
    pub(crate) language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// What the type looks like, with offsets
    Text,
    /// A module with a struct that derives `Shared`, and a function that opens the object
    Rust,
    /// A header with a struct
    C,
    /// A module with a class
    Python,
    /// The schema as it is stored, as JSON
    Json,
}

/// Print a line for each change
///
/// The first line has the value as it is, each further one what changed. Versions may be skipped where they follow each
/// other faster than they are printed. With `--json`, a document to a line, with all that is watched.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem watch telemetry
  shmem watch telemetry rpm gear --every 1s
  shmem watch telemetry --json | jq -c .value.rpm
  shmem watch telemetry --follow --count 100")]
pub(crate) struct Watch {
    /// A name or a file
    pub(crate) object: String,
    /// Only these parts
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// End after so many lines
    #[arg(long, short, value_name = "LINES")]
    pub(crate) count: Option<u64>,
    /// At most a line in this time
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = duration)]
    pub(crate) every: Duration,
    /// Fail if nothing changes for so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Wait for the object if it does not exist, and for its next one when it is removed
    #[arg(long, short)]
    pub(crate) follow: bool,
}

/// Wait for an object, for its next version, or for a value
///
/// Until the object exists, and then until a newer version than the one that was there is published; with PATH and VALUE
/// until the part has that value, which may be at once. Prints the version.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem wait telemetry --exists --timeout 10s
  shmem wait telemetry && echo updated
  shmem wait config mode Run --timeout 1m")]
pub(crate) struct Wait {
    /// A name or a file
    pub(crate) object: String,
    /// The part to look at
    #[arg(requires = "value")]
    pub(crate) path: Option<String>,
    /// The value to wait for
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
    /// Fail after so long
    #[arg(long, short, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Only until the object exists
    #[arg(long, conflicts_with = "path")]
    pub(crate) exists: bool,
    /// Until a version newer than this one is there, which may be at once
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["path", "exists"])]
    pub(crate) after: Option<u64>,
}

/// Print who has an object open, and what they hold
///
/// Process ids and names of programs are for information: a process in a container has another id there. A guard keeps
/// one version from being overwritten; how long it has been held is seen by looking several times, so it may be longer.
/// Readers without a lock are not known to anybody.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem who telemetry
  shmem who telemetry --sample 2s")]
pub(crate) struct Who {
    /// A name or a file
    pub(crate) object: String,
    /// How long to look
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration)]
    pub(crate) sample: Duration,
}

/// Print where two objects differ: their types, or else their values
///
/// Exit code 6 if they do.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem diff config ./config.backup
  shmem diff --schema engine/1 engine/2")]
pub(crate) struct Diff {
    /// A name or a file
    pub(crate) a: String,
    /// A name or a file
    pub(crate) b: String,
    /// Only their types
    #[arg(long)]
    pub(crate) schema: bool,
}

/// Print a value as JSON that `restore` takes
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem dump config > config.json")]
pub(crate) struct Dump {
    /// A name or a file
    pub(crate) object: String,
}

/// Watch all objects on a live screen
///
/// Rates of updates, who has them open, and the fields of the selected object, with what has changed marked. A field can
/// be edited in place. Nothing but an edit is noticed by the programs that own the objects.
///
/// Keys: ↑ ↓ select, Tab goes to the fields and back, Enter edits a field, / filters by name, s sorts, q ends;
/// where a value is typed, Ctrl-U clears the line and Esc leaves it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem top
  shmem top engine/ --every 200ms")]
pub(crate) struct Top {
    /// Only those whose name contains this
    #[arg(value_name = "WORD", default_value = "", hide_default_value = true)]
    pub(crate) word: String,
    /// How often it looks
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(crate) every: Duration,
}

/// Print the completions of a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  source <(shmem completions bash)
  shmem completions zsh > ~/.zfunc/_shmem
  shmem completions fish > ~/.config/fish/completions/shmem.fish")]
pub(crate) struct Completions {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}
