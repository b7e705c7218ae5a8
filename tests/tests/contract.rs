//! The signatures that programs outside this workspace are compiled against: names, arguments, results.

#![expect(let_underscore_drop, reason = "only the types matter here")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shmem_core::{
    Error, Info, Lifetime, Location, Options, ReadGuard, Result, Schema, Shared, SharedObject,
    SharedReader, Trust, Version, WriteGuard,
};

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Point {
    x: i32,
    y: i32,
}

/// Every method of a handle, by its exact type.
fn handle(object: &SharedObject<Point>) -> Result<()> {
    let _: ReadGuard<'_, Point> = object.read()?;
    let _: ReadGuard<'_, Point> = object.try_read()?;
    let _: ReadGuard<'_, Point> = object.read_timeout(Duration::from_secs(1))?;
    drop::<WriteGuard<'_, Point>>(object.write()?);
    drop::<WriteGuard<'_, Point>>(object.try_write()?);
    drop::<WriteGuard<'_, Point>>(object.write_timeout(Duration::from_secs(1))?);
    let version: Version = object.version();
    let _: Result<Version> = object.wait(Version(0), Duration::ZERO);
    let _: fn(&SharedObject<Point>, Version) -> Result<Version> = SharedObject::wait_forever;
    let _: fn(&SharedObject<Point>) = SharedObject::interrupt;
    let _: Duration = object.age();
    let _: bool = object.is_current();
    let _: SharedObject<Point> = object.reopen()?;
    let _: Info = object.info();
    let (): () = object.flush()?;
    let mut point: Point = object.load()?;
    let _: Version = object.load_into(&mut point)?;
    let _: Box<Point> = object.load_boxed()?;
    let stored: Version = object.store(point)?;
    assert!(stored > version);
    let x: i32 = object.update(|point| point.x)?;
    let inner: core::result::Result<i32, String> = object.try_update(|_| Ok(x))?;
    assert_eq!(inner, Ok(x));

    let guard = object.read()?;
    let _: Version = ReadGuard::version(&guard);
    let guard = object.write()?;
    let _: bool = WriteGuard::recovered(&guard);
    let _: Version = WriteGuard::commit(guard);
    let () = WriteGuard::discard(object.write()?);
    Ok(())
}

/// Every method of a read-only handle.
fn reader(reader: &SharedReader<Point>) -> Result<()> {
    let mut point: Point = reader.load()?;
    let _: Version = reader.load_into(&mut point)?;
    let _: Box<Point> = reader.load_boxed()?;
    let _: Version = reader.version();
    let _: Result<Version> = reader.wait(Version(0), Duration::ZERO);
    let _: fn(&SharedReader<Point>, Version) -> Result<Version> = SharedReader::wait_forever;
    let _: fn(&SharedReader<Point>) = SharedReader::interrupt;
    let _: Duration = reader.age();
    let _: Info = reader.info();
    let _: bool = reader.is_current();
    let _: SharedReader<Point> = reader.reopen()?;
    Ok(())
}

fn threads<T: Send + Sync>(_: &T) {}

#[test]
fn every_signature_of_the_contract_compiles_and_runs() -> Result<()> {
    let name = tests::unique_name("contract");
    let _: &'static Schema = Point::SCHEMA;
    let _: u64 = Point::FINGERPRINT;
    let object = Point::create(name.as_str(), Point { x: 1, y: 2 })?;
    assert_eq!(object.version(), Version(1));
    threads(&object);
    let object = Arc::new(object);
    handle(&object)?;
    let read_only = Point::open_read_only(&name)?;
    threads(&read_only);
    reader(&read_only)?;
    drop((object, read_only));

    drop(Point::create_with(name.clone(), |point| point.x = 3)?);
    drop(Point::open_or_create(name.as_str(), Point::default())?);
    let options: Options<Point> = Point::options()
        .lifetime(Lifetime::WhileOpen)
        .mode(0o600)
        .trust(Trust::OwnerOnly)
        .max_handles(4)
        .buffers(3)
        .prefault(true);
    let object = options.create(name.as_str(), Point::default())?;
    assert_eq!((object.info().buffers, object.info().max_handles), (3, 4));
    drop(
        options
            .clone()
            .wait_for(Duration::ZERO)
            .open(name.as_str())?,
    );
    drop(options.open_or_create(name.as_str(), Point::default())?);
    drop(options.open_read_only(name.as_str())?);
    assert!(
        shmem_core::list()?
            .iter()
            .any(|info: &Info| info.location.name() == Some(name.as_str()))
    );
    let (): () = shmem_core::remove(name.as_str())?;
    let _: usize = shmem_core::prune()?;
    Ok(())
}

#[test]
fn a_location_is_a_name_or_a_path() -> Result<()> {
    fn take(at: impl TryInto<Location, Error: Into<Error>>) -> Result<Location> {
        at.try_into().map_err(Into::into)
    }
    let name = take("a")?;
    assert_eq!(name, take(String::from("a"))?);
    assert_eq!(name, take(name.clone())?);
    let file = take(Path::new("/tmp/a"))?;
    assert_eq!(file, take(PathBuf::from("/tmp/a"))?);
    assert_ne!(name, file);
    assert_ne!(name, Location::owned_by(1, "a")?);
    assert_eq!(
        take(Location::owned_by(1, "a"))?,
        Location::owned_by(1, "a")?
    );
    assert!(matches!(
        take(Location::owned_by(1, "")),
        Err(Error::InvalidName { .. })
    ));
    Ok(())
}

#[test]
fn a_number_is_shared_like_a_struct() -> Result<()> {
    let name = tests::unique_name("number");
    let hits = u64::create(name.as_str(), 1)?;
    hits.update(|hits| *hits += 1)?;
    assert_eq!(u64::open(name.as_str())?.load()?, 2);
    assert_eq!(<u64 as Shared>::open(name.as_str())?.load()?, 2);
    Ok(())
}
