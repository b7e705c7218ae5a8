//! A name or a path, checked once; and where it lives.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::directory::Spot;
use crate::{Error, Lifetime, os};

/// Where an object is found: a name (memory only) or a file (persisted).
///
/// Accessors take `impl TryInto<Location>`: a `&str` or `String` is a name, a `&Path` or `PathBuf` a file.
///
/// A name is any non-empty UTF-8 text of at most 1,024 bytes without NUL. It is encoded, so `/`, spaces and
/// `..` are letters like any other; every program of one user meets under the same name, whatever its
/// environment, since named objects live in a directory of the user's own on tmpfs, `/dev/shm/shmem-<uid>`.
/// The environment variable `SHMEM_DIR` names another parent than `/dev/shm`.
///
/// # Examples
///
/// ```
/// use shmem_core::Location;
/// use std::path::Path;
///
/// let name = Location::try_from("engine/telemetry")?;
/// assert_eq!(name.to_string(), "`engine/telemetry`");
/// let file = Location::try_from(Path::new("/var/lib/engine/settings.shm"))?;
/// assert_eq!(file.to_string(), "`/var/lib/engine/settings.shm`");
/// assert!(Location::try_from("").is_err());
/// # Ok::<(), shmem_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Location(pub(crate) Place);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In the directory of `owner`, or of this process's user.
    Name { owner: Option<u32>, name: String },
    /// Absolute.
    File(PathBuf),
}

/// The longest name, in bytes.
const MAX_NAME: usize = 1024;

/// The longest encoded name that is stored as it is; a longer one ends in a hash. A file name has 255 bytes.
const MAX_ENCODED: usize = 200;

impl Location {
    /// The object `name` of another user, by user id.
    ///
    /// It can be opened read-only if its mode allows it. Opening it for writing is
    /// [`Error::Untrusted`] unless [`Options::trust`](crate::Options::trust) says otherwise.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidName`]: `name` is empty, longer than 1,024 bytes, or holds NUL.
    pub fn owned_by(uid: u32, name: impl Into<String>) -> Result<Self, Error> {
        let mut location = Location::named(name.into())?;
        if let Place::Name { owner, .. } = &mut location.0 {
            *owner = Some(uid);
        }
        Ok(location)
    }

    /// The name, if this is one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Place::Name { name, .. } => Some(name),
            Place::File(_) => None,
        }
    }

    fn named(name: String) -> Result<Self, Error> {
        let reason = if name.is_empty() {
            "a name has at least one byte"
        } else if name.len() > MAX_NAME {
            "a name has at most 1,024 bytes"
        } else if name.contains('\0') {
            "a name holds no NUL"
        } else {
            return Ok(Location(Place::Name { owner: None, name }));
        };
        Err(Error::InvalidName { name, reason })
    }

    fn file(path: &Path) -> Result<Self, Error> {
        let invalid = |reason| Error::InvalidName {
            name: path.display().to_string(),
            reason,
        };
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(invalid("a path holds no NUL"));
        }
        // Absolute now, so that a later change of directory does not lead the handle elsewhere.
        let path = std::path::absolute(path).map_err(|_| invalid("a path is not empty"))?;
        match path.file_name() {
            Some(_) => Ok(Location(Place::File(path))),
            None => Err(invalid("a path ends in the name of a file")),
        }
    }

    /// Whatever stands at a spot: its name is not compared.
    pub(crate) fn of(spot: &Spot) -> Self {
        Location(Place::File(spot.path.clone()))
    }

    /// `WhileOpen` for names, `Keep` for files.
    pub(crate) fn default_lifetime(&self) -> Lifetime {
        match self.0 {
            Place::Name { .. } => Lifetime::WhileOpen,
            Place::File(_) => Lifetime::Keep,
        }
    }

    /// The name of the file within its directory.
    pub(crate) fn file_name(&self) -> OsString {
        match &self.0 {
            Place::Name { name, .. } => OsString::from(encode(name)),
            Place::File(path) => path.file_name().unwrap_or(OsStr::new("")).to_owned(),
        }
    }

    /// What is stored in the object, to be compared when it is opened: empty for a file, which may be moved.
    pub(crate) fn stored_name(&self) -> &str {
        self.name().unwrap_or("")
    }
}

/// The directory under which the users' directories of named objects stand.
///
/// Absolute, so that a later change of directory does not lead a handle elsewhere.
pub(crate) fn parent_of_names() -> PathBuf {
    match env::var_os("SHMEM_DIR") {
        Some(dir) if !dir.is_empty() && !os::elevated() => {
            std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir))
        }
        _ => PathBuf::from(os::DEFAULT_PARENT),
    }
}

/// A file name for any name: letters, digits, `-` and `_` as they are, `.` except at the start, all other
/// bytes as `%XX`; a long one is cut and ends in `~` and 128 bits of hash. `~` comes from no short name, so
/// the two kinds cannot meet, and the full name in the object settles the rest.
fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for (i, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => encoded.push(byte.into()),
            b'.' if i > 0 => encoded.push('.'),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    if encoded.len() > MAX_ENCODED {
        encoded.truncate(MAX_ENCODED - 33);
        let _ = write!(encoded, "~{:032x}", hash(name));
    }
    encoded
}

/// 128-bit FNV-1a.
fn hash(text: &str) -> u128 {
    text.bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        })
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Name { owner: None, name } => write!(f, "`{name}`"),
            Place::Name {
                owner: Some(uid),
                name,
            } => write!(f, "`{name}` of user {uid}"),
            Place::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// As `Display`: what `main` prints of an error is this.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<&str> for Location {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self, Error> {
        Location::named(name.to_owned())
    }
}

impl TryFrom<String> for Location {
    type Error = Error;
    fn try_from(name: String) -> Result<Self, Error> {
        Location::named(name)
    }
}

impl TryFrom<&String> for Location {
    type Error = Error;
    fn try_from(name: &String) -> Result<Self, Error> {
        Location::named(name.clone())
    }
}

impl TryFrom<&Path> for Location {
    type Error = Error;
    fn try_from(path: &Path) -> Result<Self, Error> {
        Location::file(path)
    }
}

impl TryFrom<PathBuf> for Location {
    type Error = Error;
    fn try_from(path: PathBuf) -> Result<Self, Error> {
        Location::file(&path)
    }
}

impl TryFrom<&PathBuf> for Location {
    type Error = Error;
    fn try_from(path: &PathBuf) -> Result<Self, Error> {
        Location::file(path)
    }
}

/// So that `open(Location::owned_by(uid, name))` reads as it is meant; the error comes out of `open`.
impl TryFrom<Result<Location, Error>> for Location {
    type Error = Error;
    fn try_from(checked: Result<Location, Error>) -> Result<Self, Error> {
        checked
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Self {
        location.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_escapes_its_directory() {
        for (name, file) in [
            ("telemetry", "telemetry"),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("a/b c", "a%2Fb%20c"),
            ("a%2Fb", "a%252Fb"),
            ("~", "%7E"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(encode(name), file);
        }
    }

    #[test]
    fn long_names_keep_apart() {
        let (a, b) = ("x".repeat(1000) + "a", "x".repeat(1000) + "b");
        assert_ne!(encode(&a), encode(&b));
        assert_eq!(encode(&a).len(), MAX_ENCODED);
        assert_eq!(encode(&"é".repeat(512)).len(), MAX_ENCODED);
    }
}
