//! A mapped file in shared memory, for contestants that bring a lock and no memory.
#![expect(unsafe_code, reason = "maps memory")]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use crate::{Outcome, Place, failed};

/// A file in shared memory, mapped; its creator takes it away.
pub struct Region {
    /// # Invariants
    ///
    /// 1. Valid for reads and writes of `len` bytes until drop, and aligned to a page.
    start: NonNull<u8>,
    len: usize,
    created: Option<String>,
}

// SAFETY: plain memory; what is done with it is up to those who use it.
unsafe impl Send for Region {}

impl Region {
    /// Makes a region of zeros.
    pub fn create(place: &Place, len: usize) -> Outcome<Self> {
        let path = place.path();
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        file.set_len(len as u64)?;
        let mut region = Region::map(&file, len)?;
        region.created = Some(path);
        Ok(region)
    }

    /// Maps one that exists.
    pub fn open(place: &Place, len: usize) -> Outcome<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(place.path())?;
        Region::map(&file, len)
    }

    fn map(file: &File, len: usize) -> Outcome<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, which replaces none.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Region {
                start,
                len,
                created: None,
            }),
            _ => Err(failed(std::io::Error::last_os_error())),
        }
    }

    /// Where a `T` lies, `offset` bytes from the start.
    ///
    /// # Panics
    ///
    /// If it does not fit, or is not aligned there.
    pub fn at<T>(&self, offset: usize) -> *mut T {
        assert!(offset + size_of::<T>() <= self.len, "within the region");
        assert_eq!(offset % align_of::<T>(), 0, "aligned");
        self.start.as_ptr().wrapping_add(offset).cast()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: invariant 1; nothing is borrowed from it, since `at` gives pointers.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        if let Some(path) = &self.created {
            drop(std::fs::remove_file(path));
        }
    }
}
