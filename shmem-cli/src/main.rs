//! `shmem`: lists, prints, watches and changes live objects, whatever type they hold.
//!
//! Start at `args/`, which says what there is; `commands/` has one file for each command.

mod args;
mod commands;
mod failure;
mod generate;
mod json;
mod place;
mod print;
mod text;
mod top;
mod tree;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::{ColorChoice, CommandFactory as _, Parser as _};
use failure::{Failure, Result};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.global.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(mut message) = failure.message() {
                // What is wrong with a path or a value does not say with whose.
                if let (Failure::Field(_), Some(object)) = (&failure, cli.command.object()) {
                    message = format!("`{object}`: {message}");
                }
                let head = print::styled(print::BAD, "error:");
                let lines = generate::harmless_lines(&message);
                anstream::eprintln!("{head} {}", lines.trim_end());
            }
            failure.exit_code()
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let global = &cli.global;
    match &cli.command {
        Command::Ls(args) => commands::ls(global, args),
        Command::Show(args) => commands::show(global, args),
        Command::Get(args) => commands::get(global, args),
        Command::Schema(args) => commands::schema(global, args),
        Command::Top(args) => top::top(global, args),
        Command::Set(args) => commands::set(global, args),
        Command::Watch(args) => commands::watch(global, args),
        Command::Wait(args) => commands::wait(global, args),
        Command::Who(args) => commands::who(global, args),
        Command::Diff(args) => commands::diff(global, args),
        Command::Dump(args) => commands::dump(global, args),
        Command::Restore(args) => commands::restore(global, args),
        Command::Rm(args) => commands::rm(global, args),
        Command::Prune(_) => commands::prune(global),
        Command::Completions(args) => {
            let mut text = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "shmem", &mut text);
            print::line(String::from_utf8_lossy(&text).trim_end())
        }
    }
}
