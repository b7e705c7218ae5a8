//! What the commands take that change, create or remove objects.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration;

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
