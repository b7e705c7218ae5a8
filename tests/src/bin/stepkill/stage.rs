//! Sets the stage for one run: the objects, the peer and the dead that an operation begins with.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use shmem_core::{Lifetime, SharedObject};
use tests::Small;

use crate::object::Object;
use crate::operations::{NAME, OLD, OTHER, Operation, Scene, Victim};
use crate::tracer::Traced;

/// This user's directory of named objects, below the harness's own `SHMEM_DIR`.
pub(crate) fn home() -> PathBuf {
    let parent = env::var_os("SHMEM_DIR").unwrap_or_default();
    let user = rustix::process::geteuid().as_raw();
    PathBuf::from(parent).join(format!("shmem-{user}"))
}

/// Where an object lies that is a file at a path.
pub(crate) fn file() -> PathBuf {
    let parent = env::var_os("SHMEM_DIR").unwrap_or_default();
    PathBuf::from(parent).join("file")
}

/// The umask of a child that has no directory yet.
const STRICT: u32 = 0o077;

#[derive(Debug)]
pub(crate) struct Stage {
    operation: &'static Operation,
    scene: Scene,
    /// The live peer's handle, or the one that keeps the object until the child has it open.
    pub(crate) peer: Option<Arc<Object>>,
    /// A live handle of the object beside.
    pub(crate) other: Option<SharedObject<Small>>,
}

impl Stage {
    pub(crate) fn set(operation: &'static Operation, scene: Scene) -> Result<Self, String> {
        let maker = operation.maker(scene);
        let mut stage = Stage {
            operation,
            scene,
            peer: None,
            other: None,
        };
        let make = || maker.create(OLD);
        let make = || make().map_err(|error| format!("preparing: {error}"));
        match scene {
            Scene::Nothing | Scene::Fleeting => {}
            Scene::Readable => {
                for lock in stray(true)? {
                    fs::remove_file(home().join(lock)).map_err(|error| error.to_string())?;
                }
            }
            Scene::Nowhere => drop(fs::remove_dir_all(home())),
            Scene::Crowd => stage.kill_victim(&format!("leave-{OTHER}"))?,
            Scene::Stale => stage.kill_victim(&format!("leave-{NAME}"))?,
            Scene::Beside => {
                stage.kill_victim(&format!("leave-{NAME}"))?;
                let options = maker.options.clone().lifetime(Lifetime::WhileOpen);
                let made = options.create(OTHER, Small::new(OLD));
                stage.other = Some(made.map_err(|error| format!("preparing: {error}"))?);
            }
            Scene::Alone => drop(make()?),
            Scene::Only | Scene::Peer => stage.peer = Some(Arc::new(make()?)),
        }
        if matches!(operation.victim, Victim::Writer | Victim::AllRows) {
            stage.kill_victim("write")?;
        }
        Ok(stage)
    }

    fn command(&self, role: &str, operation: &Operation) -> Result<Command, String> {
        let exe = env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(exe);
        command.args(["--role", role, operation.name, &self.scene.name()]);
        Ok(command)
    }

    /// Starts the victim and kills it.
    fn kill_victim(&self, what: &str) -> Result<(), String> {
        let mut command = self.command("victim", self.operation)?;
        command.arg(what).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            drop(BufReader::new(output).read_line(&mut line));
        }
        drop(child.kill());
        drop(child.wait());
        if line.trim() == "ready" {
            Ok(())
        } else {
            Err("the victim did not begin".into())
        }
    }

    /// Starts a child, which stops before the operation.
    pub(crate) fn start(&mut self, operation: &Operation) -> Result<Traced, String> {
        let mut command = self.command("child", operation)?;
        if self.scene == Scene::Nowhere {
            command.env("STEPKILL_UMASK", format!("{STRICT:o}"));
        }
        let child = Traced::start(&mut command)?;
        if self.scene == Scene::Only {
            drop(self.peer.take());
        }
        Ok(child)
    }

    /// Finds the leftover of a child that nobody has verified, so that it is gone.
    pub(crate) fn forget(self) {
        drop(self.operation.maker(self.scene).open());
        drop(self.clear());
    }

    /// Takes away what the verifier has left on purpose, and sees that nothing else is there.
    pub(crate) fn clear(self) -> Result<(), String> {
        let Stage {
            operation,
            peer,
            other,
            scene,
        } = self;
        drop(peer);
        let fleeting = operation.is_fleeting(scene);
        let look = || -> Result<(), String> {
            // What lives while it is open has to be gone by itself.
            match shmem_core::remove(operation.location()) {
                Ok(()) if !fleeting => {}
                Err(shmem_core::Error::NotFound { .. }) => {}
                Ok(()) => return Err("it was still there when nobody had it open".into()),
                Err(error) => return Err(format!("removing it at the end: {error}")),
            }
            // A leftover beside does not exist either.
            if other.is_none() {
                match operation.options::<Small>(scene).open(OTHER) {
                    Err(shmem_core::Error::NotFound { .. }) => {}
                    found => return Err(format!("the leftover beside is {found:?}")),
                }
            }
            drop(other);
            let left = stray(false)?;
            if !left.is_empty() {
                return Err(format!("left behind: {}", left.join(", ")));
            }
            let mode = fs::metadata(home()).map(|data| data.permissions().mode() & 0o7777);
            match mode {
                Ok(0o711) => Ok(()),
                Ok(mode) => Err(format!(
                    "the directory of named objects has mode {mode:o}, not 711"
                )),
                Err(error) => Err(format!("the directory of named objects: {error}")),
            }
        };
        let result = look();
        if result.is_err() {
            // The next run is to begin from nothing.
            drop(fs::remove_dir_all(home()));
            drop(fs::remove_file(file()));
        }
        result
    }
}

/// The child's side of a strict umask.
pub(crate) fn set_umask() {
    let umask = env::var("STEPKILL_UMASK").ok();
    if let Some(bits) = umask.and_then(|text| u32::from_str_radix(&text, 8).ok()) {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(bits));
    }
}

/// The files in the directory of named objects: the lock files, or all others; and whatever is beside it.
fn stray(locks: bool) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let home = home();
    let parent = home.parent().unwrap_or(&home);
    for dir in [&*home, parent] {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.map_err(|error| error.to_string())?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| error.to_string())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path() != home && name.starts_with(".lock-") == locks {
                found.push(name);
            }
        }
    }
    Ok(found)
}
