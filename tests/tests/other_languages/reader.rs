//! The programs that are asked: how each is built and started.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tests::{Peer, TempDir};

/// How long the slowest of them may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A program that reads objects.
pub(crate) struct Reader {
    command: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// How many copies it is asked for.
    pub(crate) reads: u64,
    /// Where it was built.
    _dir: TempDir,
}

impl Reader {
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).args(args);
        command.envs(self.environment.iter().cloned());
        command
    }

    /// All its lines; it must end well.
    pub(crate) fn ask(&self, args: &[&str]) -> Vec<String> {
        let (good, lines) = self.run(args);
        assert!(good, "{args:?}: {lines:#?}");
        lines
    }

    /// All its lines; it must say what is wrong, and end with status 2.
    pub(crate) fn fail(&self, args: &[&str]) -> Vec<String> {
        let (good, lines) = self.run(args);
        assert!(!good, "{args:?}: {lines:#?}");
        lines
    }

    fn run(&self, args: &[&str]) -> (bool, Vec<String>) {
        let mut peer = Peer::start(&mut self.command(args));
        let lines = peer.rest_within(PATIENCE);
        let status = peer.wait();
        assert!(
            matches!(status.code(), Some(0 | 2)),
            "{args:?}: {status}, {lines:#?}"
        );
        (status.success(), lines)
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a tool that may be missing: `None`, and a line that says so.
fn tool(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("not run: {:?}: {error}", command.get_program());
            None
        }
    }
}

fn built(command: &mut Command) -> Option<()> {
    let output = tool(command)?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    Some(())
}

pub(crate) fn c() -> Option<Reader> {
    compiled(&["-O2"], 10_000_000)
}

pub(crate) fn c_with_sanitizers() -> Option<Reader> {
    let flags = [
        "-O1",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
    ];
    compiled(&flags, 1_000_000)
}

fn compiled(flags: &[&str], reads: u64) -> Option<Reader> {
    let dir = TempDir::new("other-c");
    let program = dir.path().join("reader");
    let repository = repository();
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]);
    gcc.args(flags)
        .arg("-I")
        .arg(repository.join("c"))
        .arg("-o")
        .arg(&program);
    built(gcc.arg(repository.join("tests/readers/reader.c")))?;
    Some(Reader {
        command: vec![program.into_os_string().into_string().unwrap()],
        environment: Vec::new(),
        reads,
        _dir: dir,
    })
}

pub(crate) fn python() -> Option<Reader> {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let version = "import sys; sys.exit(sys.version_info < (3, 9))";
    if !tool(Command::new(&python).args(["-c", version]))?
        .status
        .success()
    {
        println!("not run: {python} is older than 3.9");
        return None;
    }
    let path = |part: &str| {
        repository()
            .join(part)
            .into_os_string()
            .into_string()
            .unwrap()
    };
    Some(Reader {
        command: vec![python, path("tests/readers/reader.py")],
        environment: vec![
            ("PYTHONPATH", path("python")),
            ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ],
        reads: 100_000,
        _dir: TempDir::new("other-python"),
    })
}

pub(crate) fn dotnet() -> Option<Reader> {
    let dir = TempDir::new("other-dotnet");
    let program = dir
        .path()
        .join("Reader.exe")
        .into_os_string()
        .into_string()
        .unwrap();
    let sources = repository().join("examples/dotnet");
    let mut mcs = Command::new("mcs");
    mcs.args(["-unsafe", "-langversion:7", "-warnaserror", "-optimize+"]);
    mcs.args(["-r:System.Numerics.dll", &format!("-out:{program}")]);
    built(mcs.args(["Program.cs", "Reader.cs", "Schema.cs"].map(|file| sources.join(file))))?;
    tool(Command::new("mono").arg("--version"))?;
    Some(Reader {
        command: vec!["mono".into(), program],
        environment: Vec::new(),
        reads: 10_000_000,
        _dir: dir,
    })
}

/// Whether the Python that is asked has numpy.
pub(crate) fn has_numpy() -> bool {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let output = Command::new(python).args(["-c", "import numpy"]).output();
    output.is_ok_and(|output| output.status.success())
}
