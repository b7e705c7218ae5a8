//! Reading by system calls, for files that somebody may cut short: what is not there is an error and no trap.

use std::fs::File;
use std::io;

use crate::cell;
use crate::control::Control;
use crate::os;
use crate::view::{Refusal, View};
use crate::{Error, Result, Version};

/// Fills `out` with the current version, trying at most `tries` times.
///
/// The protocol of [`View::copy_out`], with a call to the kernel for each look. The kernel may copy a word byte by
/// byte. A number that is made of two versions is no stamp of the buffer it came with; and of a stamp that
/// compares equal some byte was read while that was the buffer's stamp, after all of the value.
pub(crate) fn read_out(
    view: &View,
    file: &File,
    out: &mut [u8],
    tries: u32,
) -> core::result::Result<Version, Refusal> {
    for _ in 0..tries {
        if let Some(version) = read_part(view, file, 0, out)? {
            return Ok(version);
        }
    }
    Err(Refusal::Overtaken)
}

/// Fills `out` with the bytes of the value, or of the window, from `from` on; `None` if they were not of one version.
pub(crate) fn read_part(
    view: &View,
    file: &File,
    from: usize,
    out: &mut [u8],
) -> Result<Option<Version>> {
    let layout = &view.header.layout;
    let control = read_control(view, file)?;
    let seen = cell::current(&control);
    view.bound(seen).map_err(|refusal| view.explain(refusal))?;
    if !cell::is_stamped(&control, seen) {
        return Ok(None);
    }
    let first = view.items.start as u64 * layout.shape.item;
    let offset = layout.buffers + u64::from(seen.buffer()) * layout.stride + first + from as u64;
    os::read_at(file, out, offset).map_err(|error| unreadable(view, file, error))?;
    let whole = cell::is_stamped(&read_control(view, file)?, seen);
    Ok(whole.then(|| Version(seen.version())))
}

/// A copy of the control words.
pub(crate) fn read_control(view: &View, file: &File) -> Result<Control> {
    let mut bytes = [0; size_of::<Control>()];
    let read = os::read_at(file, &mut bytes, view.header.layout.control);
    read.map_err(|error| unreadable(view, file, error))?;
    Ok(Control::from_bytes(&bytes))
}

fn unreadable(view: &View, file: &File, error: io::Error) -> Error {
    if error.kind() != io::ErrorKind::UnexpectedEof {
        return Error::from_io(&view.location, "reading the object", error);
    }
    let found = os::file_info(file).map_or(0, |info| info.size);
    Error::Corrupt {
        location: view.location.clone(),
        what: "file size",
        found: found.to_string(),
        expected: view.header.layout.total.to_string(),
    }
}
