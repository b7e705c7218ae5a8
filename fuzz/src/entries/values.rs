//! Bytes as a value.

use std::cell::OnceCell;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shmem_core::{
    Error, Lifetime, Result, Shared, SharedObject, StoredKind, StoredSchema, Version,
};
use tests::raw::{Raw, scribble};

use super::Everything;
use super::open::home;

const NAME: &str = "values";

/// An object that stays, and what was in it when it was made.
struct Object {
    handle: SharedObject<Everything>,
    path: PathBuf,
    schema: StoredSchema,
    sample: Vec<u8>,
}

/// Puts `data` over the first bytes of a value in an object, where everybody finds the same of it as the rules
/// of `docs/format.md` say.
pub(crate) fn values(data: &[u8]) {
    thread_local!(static OBJECT: OnceCell<Object> = const { OnceCell::new() });
    OBJECT.with(|object| check(object.get_or_init(make), data));
}

fn make() -> Object {
    drop(shmem_core::remove(NAME));
    let kept = Everything::options().lifetime(Lifetime::Keep).buffers(2);
    let handle = kept.create(NAME, Everything::sample()).expect(NAME);
    let path = home().join(NAME);
    let raw = Raw::read(&path);
    Object {
        handle,
        path,
        schema: shmem_core::schema(NAME).expect(NAME),
        sample: raw.0[raw.value()].to_vec(),
    }
}

fn check(object: &Object, data: &[u8]) {
    let mut value = object.sample.clone();
    let len = data.len().min(value.len());
    value[..len].copy_from_slice(&data[..len]);
    let place = Raw::read(&object.path).value();
    scribble(&object.path, place.start, &value);
    let expected = is_value(&object.schema, &value);

    let short = Duration::from_millis(100);
    // A handle that has seen no version yet checks this one.
    let handle = Everything::open(NAME).expect(NAME);
    let told = |result| agrees(result, expected, value.len());
    told(handle.load().map(print));
    told(handle.load_boxed().map(print));
    told(handle.read().map(|guard| print(*guard)));
    told(handle.write_timeout(short).map(|guard| print(*guard)));
    let reader = Everything::open_read_only(NAME).expect(NAME);
    let mut copy = Everything::sample();
    told(reader.load_into(&mut copy).map(|_| print(copy)));
    told(reader.load_boxed().map(print));
    let Ok(loaded) = reader.load() else {
        assert_eq!(bytes_of(&object.path), value, "refused and changed");
        // Whatever is there, the next value can be stored.
        let high = data.len() % 2 == 0;
        let next = Everything::sample().with_level(high);
        let version = object.handle.store(next).expect("a store");
        assert!(version > Version(1));
        told_valid(&handle);
        return;
    };
    assert!(expected);
    object.handle.store(loaded).expect("a store");
    assert_eq!(bytes_of(&object.path), value, "stored as loaded");
    told_valid(&handle);
}

fn told_valid(handle: &SharedObject<Everything>) {
    print(handle.load().expect("a value"));
    print(*handle.read().expect("a value"));
}

fn bytes_of(path: &Path) -> Vec<u8> {
    let raw = Raw::read(path);
    raw.0[raw.value()].to_vec()
}

fn print(value: impl Debug) {
    assert!(!format!("{value:?}").is_empty());
}

fn agrees(result: Result<()>, expected: bool, size: usize) {
    match result {
        Ok(()) => assert!(expected, "taken for a value"),
        Err(Error::InvalidValue { field, offset, .. }) => {
            assert!(!expected, "`{field}` refused");
            assert!(!field.is_empty() && offset < size);
        }
        Err(other) => panic!("{other}"),
    }
}

/// The last column of the table of kinds.
fn is_value(schema: &StoredSchema, bytes: &[u8]) -> bool {
    let unsigned = |bytes: &[u8]| {
        let digits = bytes.iter().rev();
        digits.fold(0_u128, |number, byte| number << 8 | u128::from(*byte))
    };
    let items = |item: &StoredSchema, offset: usize, count: u128| {
        let count = usize::try_from(count).expect("a length that was checked");
        (0..count).all(|i| is_value(item, &bytes[offset + i * item.size()..][..item.size()]))
    };
    let capacity = schema.len().unwrap_or(1) as u128;
    match schema.kind() {
        StoredKind::Bool => bytes[0] < 2,
        StoredKind::Char => {
            let number = unsigned(bytes);
            number < 0x11_0000 && !(0xD800..0xE000).contains(&number)
        }
        StoredKind::NonZeroUint | StoredKind::NonZeroInt => unsigned(bytes) != 0,
        StoredKind::Enum => {
            let bits = 8 * bytes.len();
            let mut number = i128::try_from(unsigned(bytes)).expect("at most 64 bits");
            if schema.repr().expect("an enum").starts_with('i') && number >> (bits - 1) == 1 {
                number -= 1 << bits;
            }
            schema.variants().iter().any(|v| v.value() == number)
        }
        StoredKind::Struct => schema.fields().iter().all(|field| {
            let size = field.schema().size();
            is_value(field.schema(), &bytes[field.offset()..][..size])
        }),
        StoredKind::Array => items(schema.item().expect("an array"), 0, capacity),
        StoredKind::Str => {
            let len = unsigned(&bytes[..4]);
            len <= capacity && {
                let len = usize::try_from(len).expect("at most the capacity");
                std::str::from_utf8(&bytes[4..4 + len]).is_ok()
            }
        }
        StoredKind::Vec => {
            let len = unsigned(&bytes[..8]);
            len <= capacity && items(schema.item().expect("a list"), 8, len)
        }
        StoredKind::Option => match unsigned(&bytes[..8]) {
            0 => true,
            1 => items(schema.item().expect("an option"), 8, 1),
            _ => false,
        },
        _ => true,
    }
}
