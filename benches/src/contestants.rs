//! Who takes part, and who cannot.

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::Kind;

/// One contestant, and the program whose workers run it.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) note: String,
    pub(crate) program: PathBuf,
}

/// Everybody.
pub(crate) struct Field {
    pub(crate) all: Vec<Contestant>,
    /// Who could not be built: a name, and why.
    pub(crate) missing: Vec<(String, String)>,
}

impl Field {
    /// Those of this program, and those of iceoryx2's, which is built now.
    pub(crate) fn gather() -> std::io::Result<Self> {
        let own = std::env::current_exe()?;
        let mut field = Field {
            all: list(&own)?,
            missing: Vec::new(),
        };
        if !cfg!(boost) {
            let why = "no C++ compiler, or no Boost (Debian: libboost-dev) when this was built";
            field
                .missing
                .push(("Boost.Interprocess".to_owned(), why.to_owned()));
        }
        eprintln!("building iceoryx2's contestants (once; needs Rust 1.89 and libclang)");
        match build_iceoryx2() {
            Ok(program) => {
                let at = field.all.iter().position(|c| c.name == "Boost mutex");
                let at = at.or_else(|| field.all.iter().position(|c| c.name.contains("pthread")));
                let at = at.unwrap_or(field.all.len());
                field.all.splice(at..at, list(&program)?);
            }
            Err(why) => field.missing.push(("iceoryx2".to_owned(), why)),
        }
        // Whoever needs a server tells by trying.
        Ok(field)
    }
}

fn list(program: &Path) -> std::io::Result<Vec<Contestant>> {
    let output = Command::new(program).arg("list").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let contestant = |line: &str| {
        let mut parts = line.split('\t').map(str::to_owned);
        let name = parts.next()?;
        let kind = match parts.next()?.as_str() {
            "Ours" => Kind::Ours,
            "Peer" => Kind::Peer,
            "InProcess" => Kind::InProcess,
            _ => Kind::Limit,
        };
        Some(Contestant {
            name,
            kind,
            note: parts.next()?,
            program: program.to_owned(),
        })
    };
    Ok(text.lines().filter_map(contestant).collect())
}

/// The folder of this workspace: where its manifest was when it was built.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn build_iceoryx2() -> Result<PathBuf, String> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "benches-iceoryx2"])
        .args(["--message-format", "short", "--manifest-path"])
        .arg(workspace().join("Cargo.toml"))
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.status.success() {
        let text = String::from_utf8_lossy(&built.stderr);
        let line = text.lines().find(|line| line.contains("error"));
        return Err(line.unwrap_or("it does not build").trim().to_owned());
    }
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.parent().ok_or("no folder")?;
    let program = folder.join("benches-iceoryx2");
    if program.exists() {
        Ok(program)
    } else {
        Err("built, but not beside this program".to_owned())
    }
}
