//! What can be called on an object, and what may come of it.

use std::fmt::Debug;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use shmem_core::{
    AnyObject, AnyReader, Location, Options, Result, Shared, SharedObject, SharedReader,
};
use shmem_core::{Value, Version, list, participants, prune, remove, schema};
use tests::raw::{HEADER, Raw, look, word};
use tests::variant;

use super::super::schema::walk;
use super::{Change, Input, NAME, Seal as _, how};

/// The longest file that is read as a whole to see whether it was changed.
const SMALL: u64 = 1 << 20;

/// Long enough to sleep in, short enough for thousands.
const SHORT: Duration = Duration::from_micros(50);

/// What is opened.
pub(super) struct Target<'a, T> {
    pub(super) location: &'a Location,
    pub(super) path: &'a Path,
    pub(super) value: T,
    /// A file of holes may be larger than can be mapped.
    pub(super) sparse: bool,
}

impl<T: Shared + Copy + Debug> Target<'_, T> {
    /// Uses what is there, which nobody has open, in every way.
    pub(super) fn found(&self) -> String {
        let at = self.location;
        let len = fs::metadata(self.path).expect("a file").len();
        let look = || (len <= SMALL).then(|| look(self.path));
        let before = look();
        let reader = T::open_read_only(at);
        let said = match &reader {
            Ok(_) => "Ok".to_owned(),
            Err(error) => match error {
                shmem_core::Error::Corrupt { what, .. } => format!("Corrupt: {what}"),
                other => variant(other),
            },
        };
        if let Ok(reader) = &reader {
            self.told(reader.load());
            self.told(reader.load_boxed());
            print_reader(reader);
        }
        self.told(reader);
        if let Some(schema) = self.told(schema(at)) {
            walk(&schema);
        }
        self.told(participants(at));
        let any = AnyObject::open_read_only(at);
        assert!(any.is_ok() || said != "Ok", "refused only without its type");
        if let Some(any) = self.told(any) {
            self.look_at(&any, len);
        }
        assert!(look() == before, "reading changed it");

        let flags = flags(self.path);
        let opened = T::open(at);
        let refused = matches!(&opened, Err(error) if variant(error) != "NotFound");
        if let Ok(object) = &opened {
            assert_ne!(said, "NotFound");
            self.call_all(object);
            self.told(object.store(self.value));
            self.change_by_schema(object);
            if let Some(second) = self.told(T::open(at)) {
                self.call_all(&second);
            }
            if let Some(reader) = self.told(T::open_read_only(at)) {
                self.told(reader.load());
                self.told(reader.wait(Version(u64::MAX), SHORT));
            }
        }
        drop(opened.map_err(|error| self.told::<()>(Err(error))));
        if refused {
            self.told(T::create(at, self.value));
            self.told(T::open_or_create(at, self.value));
            self.told(list()).expect("a list");
            self.told(prune()).expect("a sweep");
            if self.path.exists() {
                assert!(look() == before, "refused and changed");
            } else {
                // Under another name it is a leftover all the same.
                assert!(flags & 1 == 0, "refused and removed");
            }
        } else {
            self.told(list()).expect("a list");
            self.told(prune()).expect("a sweep");
            self.told(T::open_or_create(at, self.value));
        }
        self.told(remove(at));
        said
    }

    /// Reads all that its schema names.
    fn look_at(&self, any: &AnyReader, len: u64) {
        drop(format!("{any:?} {:?} {:?}", any.info(), any.age()));
        // Of a file of holes there is no end.
        if len > SMALL {
            return;
        }
        for field in any.schema().fields() {
            self.told(any.get(field.name()));
        }
        if let Some(value) = self.told(any.snapshot()) {
            drop(value.to_string());
        }
    }

    /// What is read by the schema can be set by it, and is then what the type sees.
    fn change_by_schema(&self, object: &SharedObject<T>) {
        let any = AnyObject::options().timeout(SHORT);
        let Some(any) = self.told(any.open(self.location)) else {
            return;
        };
        let by_type = object.load();
        let by_schema = self.told(any.snapshot());
        if let (Ok(by_type), Some(by_schema)) = (by_type, by_schema) {
            let set: Result<Version> = any.set("", by_schema);
            if set.is_ok() {
                let now = object.load().expect("a value");
                assert_eq!(format!("{now:?}"), format!("{by_type:?}"));
            }
            self.told(set);
        }
        self.told(any.set("no such field", Value::from(1)));
    }

    /// Uses an object, and changes it by a foreign hand meanwhile.
    pub(super) fn in_use(&self, how: u8, options: &Options<T>, mut input: Input<'_>) {
        let at = self.location;
        let object = options.create(at, self.value).expect("an object");
        let honest = Raw::read(self.path);
        // The name may be gone before the last change.
        let file = File::options().read(true).write(true).open(self.path);
        let file = file.expect("the object");
        let write =
            |bytes: &[u8], at: usize| file.write_all_at(bytes, at as u64).expect("a change");
        while let Some(change) = Change::next(&mut input) {
            write(&change.value.to_le_bytes(), change.offset(&honest));
            if how & how::AS_LONG != 0 {
                self.call_all(&object);
            }
        }
        if how & (how::SEALED | how::FINGERPRINT) != 0 {
            let mut raw = honest.clone();
            file.read_exact_at(&mut raw.0, 0).expect("an object");
            raw.seal_as(how);
            write(&raw.0[..HEADER], 0);
        }
        self.call_all(&object);
        let second = self.told(T::open(at));
        if let Some(second) = &second {
            self.call_all(second);
        }
        if let Some(reader) = self.told(T::open_read_only(at)) {
            self.told(reader.load());
            self.told(reader.wait(reader.version(), SHORT));
            print_reader(&reader);
        }
        for info in self.told(list()).expect("a list") {
            drop(format!("{info:?}"));
        }
        self.told(prune()).expect("a sweep");
        self.told(T::open_or_create(at, self.value));
        self.told(remove(at));
        self.call_all(&object);
        drop((object, second));
        drop(fs::remove_file(self.path));
    }

    /// Everything that does not wait for ever by contract. Who scribbles over a version that was checked is
    /// not kept from showing nonsense behind a guard, so nothing is read there.
    fn call_all(&self, object: &SharedObject<T>) {
        self.told(object.load());
        self.told(object.load_boxed());
        self.told(object.read().map(|_| ()));
        self.told(object.try_write().map(|_| ()));
        self.told(
            object
                .write_timeout(SHORT)
                .map(|mut guard| *guard = self.value),
        );
        for after in [Version(0), object.version(), Version(u64::MAX)] {
            self.told(object.wait(after, SHORT));
        }
        self.told(object.reopen());
        self.told(object.flush());
        drop(format!(
            "{:?} {} {:?} {object:?}",
            object.age(),
            object.is_current(),
            object.info()
        ));
    }

    /// Only these, and with a message. Values are printed: an invalid one would show.
    fn told<R: Debug>(&self, result: Result<R>) -> Option<R> {
        let known = match &result {
            Ok(value) => {
                drop(format!("{value:?}"));
                true
            }
            Err(error) => {
                assert!(error.to_string().contains(NAME), "{error}");
                match variant(error).as_str() {
                    "Io" => self.sparse,
                    known => [
                        "AlreadyExists",
                        "Busy",
                        "Corrupt",
                        "Field",
                        "InvalidValue",
                        "LayoutMismatch",
                        "NotAnObject",
                        "NotFound",
                        "Poisoned",
                        "Removed",
                        "TimedOut",
                        "TooManyHandles",
                        "Unrecovered",
                        "UnsupportedFormat",
                    ]
                    .contains(&known),
                }
            }
        };
        assert!(known, "{result:?}");
        result.ok()
    }
}

fn print_reader<T: Shared>(reader: &SharedReader<T>) {
    drop(format!(
        "{reader:?} {:?} {:?} {}",
        reader.info(),
        reader.age(),
        reader.is_current()
    ));
}

/// What the header's word of flags says; 1 if there is none.
fn flags(path: &Path) -> u64 {
    let mut bytes = [0; 8];
    let file = File::open(path).expect("a file");
    match file.read_exact_at(&mut bytes, 8 * word::FLAGS as u64) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => 1,
    }
}
