//! An object's file, opened and checked, and the locks beside it. Changes nothing that it finds.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;

use crate::additions::{self, Claim};
use crate::cell::Current;
use crate::directory::Spot;
use crate::fork::Registered;
use crate::growth::Known;
use crate::header::{Description, Shape};
use crate::mapping::Mapping;
use crate::os::{self, Access, FileInfo, FileKind};
use crate::participant::Locks;
use crate::view::View;
use crate::window::Window;
use crate::{Difference, Error, Location, Schema, Shared, StoredKind, StoredSchema, Trust};

/// The type a program wants to see in an object.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of the value; of an item if `any_number`.
    pub(crate) schema: &'a Schema,
    pub(crate) fingerprint: u64,
    /// Whether the value is an array, with a length chosen at run time: of so many bytes an item.
    pub(crate) item: u64,
    /// Whether the array may have any length.
    pub(crate) any_number: bool,
    /// How far the type may grow, in bytes; 0 if it may not.
    pub(crate) reserve: usize,
    /// Whether it may be whatever it is.
    pub(crate) anything: bool,
}

impl Wanted<'static> {
    /// Whatever the object holds, as bytes.
    pub(crate) const ANYTHING: Self = Wanted {
        anything: true,
        ..Wanted::one::<u8>()
    };

    pub(crate) const fn one<T: Shared>() -> Self {
        Wanted {
            schema: T::SCHEMA,
            fingerprint: T::FINGERPRINT,
            item: 0,
            reserve: T::RESERVE,
            any_number: false,
            anything: false,
        }
    }

    pub(crate) const fn any_number<T: Shared>() -> Self {
        assert!(
            size_of::<T>() > 0,
            "an array of items without bytes has no length"
        );
        Wanted {
            item: size_of::<T>() as u64,
            any_number: true,
            reserve: 0,
            ..Wanted::one::<T>()
        }
    }
}

impl<'a> Wanted<'a> {
    /// An array of as many items as `schema` says, each of `item` bytes.
    pub(crate) fn array(schema: &'a Schema, item: u64) -> Self {
        Wanted {
            schema,
            fingerprint: schema.fingerprint(),
            item,
            any_number: false,
            reserve: 0,
            anything: false,
        }
    }

    /// The bytes of the value in an object, the reserved ones included.
    pub(crate) fn size(&self) -> usize {
        self.schema.size().max(self.reserve)
    }
}

/// An object's file that was opened and whose header was checked.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) info: FileInfo,
    pub(crate) description: Description,
}

impl Opened {
    /// Opens what stands under the name. Changes nothing, follows no link, waits for nobody.
    pub(crate) fn new(spot: &Spot, location: &Location, access: Access) -> Result<Self, Error> {
        let not_an_object = |found: &str| Error::NotAnObject {
            location: location.clone(),
            found: found.to_owned(),
            expected: "a regular file",
        };
        let file = match spot.directory.open_file(&spot.file, access) {
            Err(error) if os::is_symbolic_link(&error) => {
                return Err(not_an_object("a symbolic link"));
            }
            Err(error) if os::is_wrong_kind(&error) => {
                return Err(not_an_object("a directory, socket or device"));
            }
            other => other.map_err(|e| Error::from_io(location, "opening the object", e))?,
        };
        let io = |source| Error::from_io(location, "looking at the object", source);
        let info = os::file_info(&file).map_err(io)?;
        match info.kind {
            FileKind::Regular => {}
            FileKind::Directory => return Err(not_an_object("a directory")),
            FileKind::SymbolicLink | FileKind::Other => {
                return Err(not_an_object("a pipe, socket or device"));
            }
        }
        if let Some(found) = spot.directory.incoherent_filesystem().map_err(io)? {
            return Err(Error::UnsupportedFilesystem {
                location: location.clone(),
                found,
            });
        }
        let description = Description::read(&file, info.size, location)?;
        // A named object whose name is cut and hashed must be the one that was asked for; a file may be moved.
        let name = &description.name;
        if location.name().is_some() && name != location.stored_name() {
            return Err(Error::NotAnObject {
                location: location.clone(),
                found: format!("an object named `{name}`"),
                expected: "an object of this name",
            });
        }
        Ok(Opened {
            file,
            info,
            description,
        })
    }

    /// Whether the object was marked as removed.
    pub(crate) fn is_removed(&self) -> io::Result<bool> {
        let mut word = [0; 8];
        os::read_at(
            &self.file,
            &mut word,
            self.description.header.layout.control,
        )?;
        Ok(Current::from_bits(u64::from_ne_bytes(word)).is_removed())
    }

    /// A lock descriptor of its own for this object: payload is mapped through another.
    pub(crate) fn locks(
        &self,
        spot: &Spot,
        location: &Location,
        anchored: bool,
        access: Access,
    ) -> Result<Locks, Error> {
        let header = &self.description.header;
        let (name, expected) = match header.lock_inode {
            0 => (spot.file.clone(), self.info.id.inode),
            inode => (lock_file_name(header.lock_mode, self.info.group), inode),
        };
        let open = || spot.directory.open_file(&name, access);
        let doing = "opening the object's locks";
        let registered =
            Registered::open(anchored, open).map_err(|source| match source.kind() {
                // The file that holds the locks is gone: never "nobody has it open".
                io::ErrorKind::NotFound if header.lock_inode != 0 => Error::Corrupt {
                    location: location.clone(),
                    what: "lock file",
                    found: "missing".into(),
                    expected: format!("inode {expected}"),
                },
                _ => Error::from_io(location, doing, source),
            })?;
        let found = registered.file();
        if found.inode == expected && found.device == self.info.id.device {
            return Ok(Locks::new(registered, header));
        }
        if header.lock_inode == 0 {
            // The name led elsewhere between two looks at it: the caller starts over.
            return Err(Error::NotFound {
                location: location.clone(),
            });
        }
        Err(Error::Corrupt {
            location: location.clone(),
            what: "lock file",
            found: format!("inode {}", found.inode),
            expected: format!("inode {expected}"),
        })
    }

    /// Maps the object: the whole, or the items in the window.
    pub(crate) fn into_view(
        self,
        spot: &Spot,
        location: &Location,
        writable: bool,
        window: Option<Window>,
    ) -> Result<View, Error> {
        let layout = self.description.header.layout;
        let all = usize::try_from(layout.shape.len()).unwrap_or(usize::MAX);
        let window = window.map(|window| window.of(location, all)).transpose()?;
        let items = window.clone().unwrap_or(0..all);
        let mapping = Mapping::new(&self.file, layout, writable, window)
            .map_err(|source| Error::from_io(location, "mapping the object", source))?;
        Ok(View {
            location: location.clone(),
            path: spot.path.clone(),
            file: self.info.id,
            header: self.description.header,
            items,
            mapping,
            descriptor: None,
        })
    }

    /// A view that is read by system calls.
    pub(crate) fn into_unmapped_view(
        self,
        spot: &Spot,
        location: &Location,
        window: Option<Window>,
    ) -> Result<View, Error> {
        let file = self.file.try_clone();
        let file = file.map_err(|e| Error::from_io(location, "keeping the descriptor", e))?;
        let mut view = self.into_view(spot, location, false, window)?;
        view.descriptor = Some(file);
        Ok(view)
    }

    pub(crate) fn check_layout(
        &self,
        location: &Location,
        wanted: Wanted<'_>,
    ) -> Result<(), Error> {
        if wanted.anything {
            return self.layout(location).map(drop);
        }
        let shape = &self.description.header.layout.shape;
        if wanted.any_number || shape.item != wanted.item {
            return self.check_array(location, wanted);
        }
        let reserve = wanted.reserve as u64;
        let is_same = self.description.header.fingerprint == wanted.fingerprint;
        let atomics = || match wanted.schema.has_atomics() && shape.buffers != 1 {
            false => Ok(()),
            true => Err(Error::Corrupt {
                location: location.clone(),
                what: "number of buffers of a value with atomics",
                found: shape.buffers.to_string(),
                expected: "1".into(),
            }),
        };
        if is_same && shape.reserve() == reserve {
            let size = wanted.size() as u64;
            if shape.size == size && shape.align.max(128) >= wanted.schema.align as u64 {
                return atomics();
            }
            return Err(Error::Corrupt {
                location: location.clone(),
                what: "size of the value",
                found: format!("{} bytes aligned to {}", shape.size, shape.align),
                expected: format!("{size} bytes aligned to {}", wanted.schema.align),
            });
        }
        let known = self.known(location)?.0;
        match known.compare(&StoredSchema::from(wanted.schema), reserve) {
            Some(diff) => Err(mismatch(location, diff)),
            None if reserve != 0 => atomics(),
            // Two texts with one meaning: not what this library writes.
            None => Err(Error::Corrupt {
                location: location.clone(),
                what: "schema",
                found: "a layout like this program's in other words".into(),
                expected: "the words of docs/format.md".into(),
            }),
        }
    }
}

impl Opened {
    /// Compares what has a length chosen at run time, in the object or in the program.
    fn check_array(&self, location: &Location, wanted: Wanted<'_>) -> Result<(), Error> {
        let shape = &self.description.header.layout.shape;
        let theirs = stored_schema(&self.description, location)?;
        let ours = StoredSchema::from(wanted.schema);
        let diff = match (shape.item, wanted.item) {
            (0, 0) => Difference::between(&theirs, &ours),
            (0, _) => Some(Difference::of_wholes(
                ours.type_text(),
                theirs.type_text(),
                format!("an array `[{}]`", ours.type_text()),
            )),
            (_, 0) => Some(Difference::of_wholes(
                ours.type_text(),
                format!("an array `{}`", theirs.type_text()),
                ours.type_text(),
            )),
            _ => {
                let item = theirs.item().ok_or_else(|| Error::Corrupt {
                    location: location.clone(),
                    what: "schema",
                    found: theirs.type_text(),
                    expected: "an array".into(),
                })?;
                Difference::between(item, &ours)
            }
        };
        if let Some(diff) = diff {
            return Err(Error::LayoutMismatch {
                location: location.clone(),
                diff: Box::new(diff),
            });
        }
        // As the schema says, and the same; so is the alignment, but for a forged one.
        if shape.item == wanted.item && shape.align.max(128) >= wanted.schema.align as u64 {
            return Ok(());
        }
        Err(Error::Corrupt {
            location: location.clone(),
            what: "size of an item",
            found: format!("{} bytes aligned to {}", shape.item, shape.align),
            expected: format!("{} bytes aligned to {}", wanted.item, wanted.schema.align),
        })
    }
}

/// The layout that the object describes itself, to be read by.
impl Opened {
    /// With the fields of all programs that have it, or had; whatever they say, they lie within the value and do not
    /// overlap.
    pub(crate) fn layout(&self, location: &Location) -> Result<StoredSchema, Error> {
        let corrupt = |what, found, expected: &str| Error::Corrupt {
            location: location.clone(),
            what,
            found,
            expected: expected.into(),
        };
        let (known, _) = self.known(location)?;
        let shape = &self.description.header.layout.shape;
        let schema = known.merged();
        let mut end = 0;
        let mut names = HashSet::new();
        for field in schema.fields() {
            let is_new = names.insert(field.name());
            if !is_new || (field.schema().size() > 0 && field.offset() < end) {
                let found = format!("`{}` twice, or beside another", field.name());
                return Err(corrupt(
                    "list of added fields",
                    found,
                    "fields that keep apart",
                ));
            }
            end = end.max(field.offset().saturating_add(field.schema().size()));
        }
        if schema.size() as u64 > shape.size || end > schema.size() {
            let (found, expected) = (format!("{end} bytes"), format!("at most {}", shape.size));
            return Err(corrupt("list of added fields", found, &expected));
        }
        if schema.has_atomics() && shape.buffers != 1 {
            let what = "number of buffers of a value with atomics";
            return Err(corrupt(what, shape.buffers.to_string(), "1"));
        }
        Ok(schema)
    }
}

/// The layout of an object that is open already; `None` if its name leads elsewhere by now.
pub(crate) fn layout_of(view: &View) -> Result<Option<StoredSchema>, Error> {
    let io = |source| Error::from_io(&view.location, "reading the object's layout", source);
    let spot = Spot::at(&view.path).map_err(io)?;
    match Opened::new(&spot, &view.location, Access::Read) {
        Err(Error::NotFound { .. }) => Ok(None),
        Ok(opened) if opened.info.id != view.file => Ok(None),
        other => other?.layout(&view.location).map(Some),
    }
}

/// What programs with other layouts know of the object, and what a new one adds to that.
impl Opened {
    /// The layouts that the object is used with, and where the next may be noted.
    pub(crate) fn known(&self, location: &Location) -> Result<(Known, u64), Error> {
        let schema = stored_schema(&self.description, location)?;
        let layout = &self.description.header.layout;
        let (added, end) = additions::read(&self.file, layout, location)?;
        let reserve = layout.shape.reserve();
        let known = Known {
            schema,
            added,
            reserve,
        };
        Ok((known, end))
    }

    /// What is to be noted before a program with this layout writes. Under `MEMBER`, so that nobody else adds
    /// what contradicts it.
    pub(crate) fn claim(
        &self,
        location: &Location,
        wanted: Wanted<'_>,
    ) -> Result<Option<Claim>, Error> {
        let header = &self.description.header;
        if wanted.reserve == 0 || header.fingerprint == wanted.fingerprint {
            return Ok(None);
        }
        let (known, end) = self.known(location)?;
        let program = StoredSchema::from(wanted.schema);
        match known.compare(&program, wanted.reserve as u64) {
            Some(diff) => Err(mismatch(location, diff)),
            None => Claim::new(
                &self.file,
                &header.layout,
                location,
                &known,
                wanted.schema,
                end,
            ),
        }
    }
}

fn mismatch(location: &Location, diff: Difference) -> Error {
    Error::LayoutMismatch {
        location: location.clone(),
        diff: Box::new(diff),
    }
}

/// Whether only those whom `trust` names can write the file.
pub(crate) fn check_trust(
    location: &Location,
    owner: u32,
    mode: u32,
    trust: Trust,
) -> Result<(), Error> {
    let foreign = owner != os::user() && owner != 0;
    let who = match trust {
        Trust::Anyone => return Ok(()),
        _ if mode & 0o002 != 0 => "every user",
        Trust::Group => return Ok(()),
        Trust::OwnerOnly if mode & 0o020 != 0 => "its group",
        Trust::OwnerOnly if foreign => "its owner",
        Trust::OwnerOnly => return Ok(()),
    };
    Err(Error::Untrusted {
        location: location.clone(),
        owner,
        mode,
        who,
    })
}

/// The lock file for objects that some may read and not write: open to those who may write, and nobody else,
/// since who can open it can hold its locks.
pub(crate) fn lock_file_name(mode: u32, group: u32) -> OsString {
    match mode & 0o060 {
        0 => format!(".lock-{mode:o}").into(),
        _ => format!(".lock-{mode:o}-{group}").into(),
    }
}

/// The permission bits of that lock file; 0 if everybody who may read may write as well.
pub(crate) fn lock_mode(mode: u32) -> u32 {
    let readers = mode >> 2 & 0o111;
    let writers = mode >> 1 & 0o111;
    if readers & !writers == 0 {
        0
    } else {
        writers * 6
    }
}

/// The layout that the object's own schema describes, which is that of a value as large as the header says, or,
/// if the type may grow, not larger.
pub(crate) fn stored_schema(
    description: &Description,
    location: &Location,
) -> Result<StoredSchema, Error> {
    let corrupt = |what, found, expected| Error::Corrupt {
        location: location.clone(),
        what,
        found,
        expected,
    };
    let schema = StoredSchema::parse(&description.schema).map_err(|error| {
        let expected = "text in the grammar of docs/format.md".into();
        corrupt("schema", error.to_string(), expected)
    })?;
    let shape = &description.header.layout.shape;
    let Shape { size, item, .. } = *shape;
    let of_items = schema.item().map_or(0, |item| item.size() as u64);
    if item != 0 && (schema.kind() != StoredKind::Array || item != of_items) {
        let expected = format!("{of_items} bytes, as its schema says");
        return Err(corrupt(
            "size of an item",
            format!("{item} bytes"),
            expected,
        ));
    }
    let fits = schema.size() as u64 <= shape.reserve();
    if schema.size() as u64 != size && !fits {
        let expected = format!("{} bytes, as its schema says", schema.size());
        return Err(corrupt(
            "size of the value",
            format!("{size} bytes"),
            expected,
        ));
    }
    Ok(schema)
}
