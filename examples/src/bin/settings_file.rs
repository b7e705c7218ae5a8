//! Settings in a file: edited by one program, followed at once by others, and whole whatever happens to the editor
//! or to the machine.
//!
//! Without arguments it is a show. By hand: `settings_file edit PATH RATE` as often as you like, and in other
//! terminals `settings_file follow PATH`. The file stays.

use std::error::Error;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, process, thread};

use examples::{Peer, Steps, now};
use shmem_core::Error as SharedError;
use shmem_core::{Shared, Version, WriteGuard};

#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
struct Settings {
    edited_at: u64,
    rate: u32,
    /// Twice the rate in every version.
    burst: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => {
            let dir = env::temp_dir().join(format!("settings_file-{}", process::id()));
            fs::create_dir(&dir)?;
            let shown = show(&dir.join("settings"), &dir.join("copy"));
            fs::remove_dir_all(&dir)?;
            shown
        }
        ["edit", path, rate] => edit(Path::new(path), rate.parse()?),
        ["follow", path] => follow(Path::new(path), None),
        ["follow", path, steps] => follow(Path::new(path), Some(Steps::open(steps)?)),
        ["edit-half", path, steps] => edit_half(Path::new(path), &Steps::open(steps)?),
        _ => Err("usage: settings_file [edit PATH RATE | follow PATH]".into()),
    }
}

fn show(path: &Path, copy: &Path) -> Result<(), Box<dyn Error>> {
    let at = path
        .to_str()
        .ok_or("the directory of temporary files is no text")?;
    let name = format!("settings_file-{}", process::id());
    let steps = Steps::create(&name)?;
    println!("two programs follow {at}");
    edit(path, 100)?;
    let followers = [
        Peer::start(&["follow", at, &name])?,
        Peer::start(&["follow", at, &name])?,
    ];
    steps.wait_for(2)?;

    println!("an editor doubles the rate");
    Peer::start(&["edit", at, "200"])?.join()?;
    steps.wait_for(4)?;

    println!("the next one has made the rate 999, and not yet the burst");
    let editor = Peer::start(&["edit-half", at, &name])?;
    steps.wait_for(5)?;
    println!("  a machine that stops now leaves this file: it is copied");
    fs::copy(path, copy)?;
    println!("  on this one, only the editor is killed");
    editor.kill()?;
    Peer::start(&["edit", at, "400"])?.join()?;
    steps.wait_for(7)?;

    println!("the other machine starts again, with the copy");
    edit(copy, 300)?;
    shmem_core::remove(path)?; // tells the followers
    followers.into_iter().try_for_each(Peer::join)?;
    Ok(())
}

fn edit(path: &Path, rate: u32) -> Result<(), Box<dyn Error>> {
    let (edited_at, burst) = (now(), 2 * rate);
    let settings = Settings::open_or_create(path, Settings::default())?;
    let mut guard = settings.write()?;
    let recovered = WriteGuard::recovered(&guard);
    let found = line(settings.version(), &guard);
    *guard = Settings {
        edited_at,
        rate,
        burst,
    };
    let version = line(WriteGuard::commit(guard), &settings.load()?);
    settings.flush()?; // from here on a power cut leaves this version or a newer one
    println!("  editor    {found} -> {version}, flushed; recovered: {recovered}");
    Ok(())
}

/// A change of two fields, as far as the first.
fn edit_half(path: &Path, steps: &Steps) -> Result<(), Box<dyn Error>> {
    let settings = Settings::open(path)?;
    let mut guard = settings.write()?;
    guard.rate = 999;
    let told = steps.done();
    thread::sleep(Duration::from_secs(60));
    WriteGuard::discard(guard); // an early `?` would have published half of the change
    told?;
    Err("nobody killed this process".into())
}

/// Shows each version from now on, until the file is removed.
fn follow(path: &Path, steps: Option<Steps>) -> Result<(), Box<dyn Error>> {
    let settings = Settings::open_read_only(path)?; // read permission is enough
    let (mut seen, mut latest) = (Version(0), Settings::default());
    let parent = parent_id();
    loop {
        match settings.wait(seen, Duration::from_secs(1)) {
            Ok(_) => {}
            Err(SharedError::TimedOut { .. }) if parent_id() == parent => continue,
            Err(SharedError::TimedOut { .. } | SharedError::Removed { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let woken = now();
        seen = settings.load_into(&mut latest)?;
        let micros = woken.saturating_sub(latest.edited_at) / 1000;
        println!(
            "  follower  {}, {micros} µs after the edit began",
            line(seen, &latest)
        );
        if let Some(steps) = &steps {
            steps.done()?;
        }
    }
}

fn line(version: Version, settings: &Settings) -> String {
    let Settings { rate, burst, .. } = settings;
    format!("v{} (rate {rate}, burst {burst})", version.0)
}
