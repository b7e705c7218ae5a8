//! The command line.

use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

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

/// Change a value while programs use it
///
/// Several fields change at once: others see all of the change or nothing of it. It goes through the ordinary write lock,
/// so it waits for a program that is writing, and no update is lost. What is no value of the field's type is refused, and
/// then nothing changes. Texts are given as they are, variants by name, options as the value or `none`; structs and arrays
/// as JSON.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem set hits 0
  shmem set config rate 200
  shmem set config rate 200 mode Run name 'engine 1'
  shmem set telemetry 'load[3]' 0.5
  shmem set telemetry load '[1, 2, 3, 4]'")]
pub(crate) struct Set {
    /// A name or a file
    pub(crate) object: String,
    /// Paths, each with its value; a value alone is that of the whole object
    #[arg(required = true, value_names = ["PATH", "VALUE"], num_args = 1.., allow_negative_numbers = true)]
    pub(crate) changes: Vec<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Writing {
    /// How long to wait for a program that is writing
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Who else may be able to write the object: whoever can is trusted not to harm this command
    #[arg(long, value_name = "WHOM", default_value = "owner")]
    pub(crate) trust: Whom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whom {
    /// You, and root
    Owner,
    /// Its owner, whoever that is, and its group
    Group,
    /// Everybody
    Anyone,
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

/// Publish a value that `dump` printed
///
/// The object must be of the type that was dumped, so that every field means what it meant. All fields change at once. If
/// it does not exist, and one that is kept until it is removed was dumped, it is created as it was; if that existed only
/// while a program had it open, start the program, or say `--keep`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  shmem restore config config.json
  shmem dump config | shmem restore other/config
  shmem restore --keep ./config.shm config.json")]
pub(crate) struct Restore {
    /// A name or a file
    pub(crate) object: String,
    /// What `dump` printed; standard input without it
    pub(crate) dump: Option<String>,
    /// Also if the type has changed, as long as every field is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Create an object that does not exist as one that is kept, whatever was dumped
    #[arg(long)]
    pub(crate) keep: bool,
    #[command(flatten)]
    pub(crate) writing: Writing,
}

/// Remove objects
///
/// Programs that have one open keep its last value, and can publish no more: their writes and waits say that it was
/// removed. So this refuses while somebody has it open.
#[derive(Args, Debug)]
#[command(
    visible_alias = "remove",
    after_help = "\
Examples:
  shmem rm ./old.shm
  shmem rm --force telemetry"
)]
pub(crate) struct Rm {
    /// Names or files
    #[arg(value_name = "OBJECT", required = true)]
    pub(crate) objects: Vec<String>,
    /// Also while somebody has it open
    #[arg(long, short)]
    pub(crate) force: bool,
}

/// Remove what killed programs left: objects that live while they are open, and that nobody has open
///
/// There is no need to: a name of such an object is free. It gives the memory back at once.
#[derive(Args, Debug)]
pub(crate) struct Prune {}

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

/// `500ms`, `2s`, `1.5` (seconds), `1m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
