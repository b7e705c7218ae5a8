//! Owns the mapped bytes, and is the only maker of references into them.
#![expect(
    unsafe_code,
    reason = "owns raw memory; every invariant is on `Mapping`"
)]
#![expect(
    clippy::cast_ptr_alignment,
    reason = "parts are aligned by `Layout::of`, see invariant 2"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};

use crate::control::{Control, Elements, Row};
use crate::header::Layout;
use crate::sync::AtomicU32;

#[path = "mapping/copy_out.rs"]
mod copy_out;

/// An object's bytes in this process.
///
/// # Invariants
///
/// 1. `raw` is valid for reads of `layout.total` bytes, or of `layout.buffers` if there is a `window`, until it
///    drops; and for writes if `writable`. The window's pages are so from the first item in it to the last.
///    (That the file keeps its length is the trust described in the crate docs: a file cut short by someone
///    allowed to write it raises SIGBUS, which is not undefined behaviour.)
/// 2. Each part lies within those bytes, aligned: `Layout::of` placed it, and a mapping begins at a page.
/// 3. Never exposed as `&[u8]` or `&mut [u8]`: control words as atomics, payload as raw pointers that the
///    guards turn into references.
/// 4. `control`, `rows` and `waiters` point to these parts in `raw`; `value` to the first byte that is mapped of the
///    first buffer's value: to the first item in the window. (Found again for each call, they would take a tenth of
///    its instructions.)
#[derive(Debug)]
pub(crate) struct Mapping {
    raw: MmapRaw,
    layout: Layout,
    control: NonNull<Control>,
    rows: NonNull<Row>,
    waiters: NonNull<AtomicU32>,
    value: NonNull<u8>,
    window: Option<MappedWindow>,
}

/// The part of an array that is mapped where the rest is not.
#[derive(Debug)]
struct MappedWindow {
    items: Range<usize>,
    /// None if there are no items in it.
    pages: Option<MmapRaw>,
    /// Leads a writer to the rest.
    file: Option<File>,
}

// SAFETY: the pointers lead into what the mapping owns, which any thread may use through atomics and guards.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

/// How the bytes of an object are to stay in memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Residence {
    pub(crate) prefault: bool,
    pub(crate) huge_pages: bool,
    pub(crate) locked: bool,
}

/// Where these items of an array lie in its file, in bytes. It has them.
fn place(layout: &Layout, items: &Range<usize>) -> Range<u64> {
    let at = |index: usize| layout.buffers + index as u64 * layout.shape.item;
    at(items.start)..at(items.end)
}

fn map(file: &File, bytes: Range<u64>, writable: bool) -> io::Result<MmapRaw> {
    let len = usize::try_from(bytes.end - bytes.start);
    let mut options = MmapOptions::new();
    options
        .offset(bytes.start)
        .len(len.map_err(|_| io::ErrorKind::InvalidInput)?);
    let raw = if writable {
        options.map_raw(file)
    } else {
        options.map_raw_read_only(file)
    }?;
    // A core dump of a large payload would keep a dead owner's descriptors open for seconds.
    #[cfg(target_os = "linux")]
    drop(raw.advise(memmap2::Advice::DontDump));
    Ok(raw)
}

impl Mapping {
    /// Maps `file`, which the caller has seen to be `layout.total` bytes long: the whole, or of an array the items
    /// of a window, which it has.
    pub(crate) fn new(
        file: &File,
        layout: Layout,
        writable: bool,
        window: Option<Range<usize>>,
    ) -> io::Result<Self> {
        let Some(items) = window else {
            let raw = map(file, 0..layout.total, writable)?;
            let value = part(&raw, layout.buffers);
            return Ok(Self::of(raw, layout, value, None));
        };
        let raw = map(file, 0..layout.buffers, writable)?;
        // An array without items is aligned as any page is.
        let mut value = part(&raw, 0);
        let mut pages = None;
        if !items.is_empty() {
            let mapped = map(file, place(&layout, &items), writable)?;
            value = part(&mapped, 0);
            pages = Some(mapped);
        }
        let file = writable.then(|| file.try_clone()).transpose()?;
        let window = MappedWindow { items, pages, file };
        Ok(Self::of(raw, layout, value, Some(window)))
    }

    fn of(raw: MmapRaw, layout: Layout, value: NonNull<u8>, window: Option<MappedWindow>) -> Self {
        Mapping {
            control: part(&raw, layout.control).cast(),
            rows: part(&raw, layout.rows).cast(),
            waiters: part(&raw, layout.waiters).cast(),
            raw,
            layout,
            value,
            window,
        }
    }

    /// A pointer to the byte at `offset`, which is at most `layout.total`, or `layout.buffers` if there is a window.
    #[inline]
    fn at(&self, offset: u64) -> *mut u8 {
        debug_assert!(offset <= self.layout.total);
        // Cannot truncate: `layout.total` fits a `usize`, `Layout::of` saw to it.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most the total, which fits"
        )]
        let offset = offset as usize;
        self.raw.as_mut_ptr().wrapping_add(offset)
    }

    #[inline]
    pub(crate) fn control(&self) -> &Control {
        // SAFETY: invariant 4; `Control` is made of atomics and reserved bytes, so any bytes are a value and others may
        // change them; on a read-only mapping our callers only load, relaxed.
        unsafe { self.control.as_ref() }
    }

    /// The table of participants.
    #[inline]
    #[expect(
        clippy::disallowed_methods,
        reason = "of atomics, which others may change"
    )]
    pub(crate) fn rows(&self) -> &[Row] {
        let rows = self.rows.as_ptr();
        // SAFETY: as for `control`, for as many rows as there are.
        unsafe { core::slice::from_raw_parts(rows, self.layout.shape.handles as usize) }
    }

    /// The row `index`, or `None` if there are not so many.
    #[inline]
    pub(crate) fn row(&self, index: u32) -> Option<&Row> {
        self.rows().get(index as usize)
    }

    /// How many items the array has, mapped or not; 0 if it is none.
    pub(crate) fn items(&self) -> usize {
        usize::try_from(self.layout.shape.len()).unwrap_or(0)
    }

    /// Where single items are changed, if this is an array.
    #[inline]
    pub(crate) fn elements(&self) -> Option<&Elements> {
        if self.layout.shape.item == 0 {
            return None;
        }
        let elements = self.at(self.layout.elements).cast::<Elements>();
        // SAFETY: as for `control`.
        Some(unsafe { &*elements })
    }

    /// Where the record's item lies, and how many bytes it has.
    fn record(&self) -> (*mut u8, usize) {
        let at = self.layout.elements + size_of::<Elements>() as u64;
        // Fits: an item is no larger than the whole.
        let size = usize::try_from(self.layout.shape.item).unwrap_or(0);
        (self.at(at), size)
    }

    /// Puts an item into the record. The caller holds the writer lock of an array.
    pub(crate) fn fill_record(&self, item: &[u8]) {
        let (to, size) = self.record();
        assert_eq!(item.len(), size, "an item");
        // SAFETY: the record has room for one item, and only the lock's holder touches it; `item` is apart.
        unsafe { to.copy_from_nonoverlapping(item.as_ptr(), size) };
    }

    /// Copies the record's item to its place in the array, which is mapped for that if it lies outside the window.
    /// The caller has the array to itself.
    pub(crate) fn copy_record_to(&self, index: usize) -> io::Result<()> {
        assert!(index < self.items(), "index out of range");
        let (from, size) = self.record();
        let (mut first, mut pages) = (0, None);
        if let Some(window) = &self.window {
            first = window.items.start;
            if !window.items.contains(&index) {
                let file = window
                    .file
                    .as_ref()
                    .ok_or(io::ErrorKind::PermissionDenied)?;
                pages = Some(map(file, place(&self.layout, &(index..index + 1)), true)?);
            }
        }
        let to = match &pages {
            Some(pages) => part(pages, 0).as_ptr(),
            None => self.value.as_ptr().wrapping_add((index - first) * size),
        };
        // SAFETY: the item is mapped, since `index` is below the number of items, here or there; nobody else reads or
        // writes it through a reference, the caller says; the record is apart from it.
        unsafe { to.copy_from_nonoverlapping(from, size) };
        Ok(())
    }

    /// Where the lock for programs outside lies, if there is one: a place of 128 bytes, aligned to 128.
    #[cfg(all(feature = "raw_sync", target_os = "linux"))]
    pub(crate) fn gate(&self) -> Option<*mut u8> {
        (self.layout.gate != 0).then(|| self.at(self.layout.gate))
    }

    /// The word in which waiters ask to be woken.
    #[inline]
    pub(crate) fn waiters(&self) -> &AtomicU32 {
        // SAFETY: as for `control`.
        unsafe { self.waiters.as_ref() }
    }

    /// How many buffers there are.
    #[inline]
    pub(crate) fn buffers(&self) -> u32 {
        self.layout.shape.buffers
    }

    /// Whether there is such a buffer, and it may be copied without a lock.
    #[inline]
    pub(crate) fn may_copy(&self, index: u32) -> bool {
        let copyable = self.layout.copyable;
        // SAFETY: `Layout::of` makes it all of them or none. (So `buffer` need not compare once more.)
        unsafe { core::hint::assert_unchecked(copyable <= self.layout.shape.buffers) };
        index < copyable
    }

    /// Whether there is such a buffer, and a guard that has pinned it may have it.
    #[inline]
    pub(crate) fn is_lent(&self, index: u32) -> bool {
        let lent = self.layout.lent;
        // SAFETY: as above.
        unsafe { core::hint::assert_unchecked(lent <= self.layout.shape.buffers) };
        index < lent
    }

    /// The first byte of a buffer; of an array, the first item in the window.
    ///
    /// # Panics
    ///
    /// If there is no such buffer: callers bound it first, since the index may come from another process.
    #[inline]
    pub(crate) fn buffer(&self, index: u32) -> NonNull<u8> {
        assert!(index < self.layout.shape.buffers, "buffer out of range");
        // Cannot truncate: `layout.total` fits a `usize`, `Layout::of` saw to it.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most the total, which fits"
        )]
        let offset = (u64::from(index) * self.layout.stride) as usize;
        // SAFETY: inside the same mapping (invariants 2 and 4): an array, which alone has a window, has one buffer.
        unsafe { self.value.add(offset) }
    }

    /// Writes bytes that nobody else can see yet.
    ///
    /// # Safety
    ///
    /// - The mapping is writable and no other process or thread has the file.
    pub(crate) unsafe fn initialise(&self, offset: u64, bytes: &[u8]) {
        assert!(
            offset + bytes.len() as u64 <= self.layout.total,
            "outside the object"
        );
        let to = self.at(offset);
        // SAFETY: `to` is valid for `bytes.len()` bytes, checked above; `bytes` is ours and apart from it.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// The first `len` bytes of a buffer that nobody writes.
    ///
    /// # Safety
    ///
    /// - For as long as the bytes are used, nobody writes them: the buffer is pinned, or the caller holds the
    ///   writer lock, or it holds `MEMBER` and nobody has the object open.
    /// - `len` is at most the size of the value.
    #[expect(clippy::disallowed_methods, reason = "this is the accessor")]
    pub(crate) unsafe fn stable_bytes(&self, index: u32, len: usize) -> &[u8] {
        debug_assert!(len as u64 <= self.layout.shape.size);
        let bytes = self.buffer(index).as_ptr();
        // SAFETY: valid for `len` bytes (invariants 1 and 2), and nobody writes them, the caller says.
        unsafe { core::slice::from_raw_parts(bytes, len) }
    }

    fn pieces(&self) -> impl Iterator<Item = &MmapRaw> {
        let window = self
            .window
            .iter()
            .filter_map(|window| window.pages.as_ref());
        std::iter::once(&self.raw).chain(window)
    }

    /// How many bytes are mapped.
    pub(crate) fn len(&self) -> usize {
        self.pieces().map(MmapRaw::len).sum()
    }

    /// Asks the kernel for huge pages, brings every page into memory, locks them there: what was asked for.
    ///
    /// Only the last can fail; the others are advice.
    ///
    /// # References
    ///
    /// `madvise(2)`, `MADV_HUGEPAGE` and `MADV_POPULATE_READ`; `mlock(2)`.
    pub(crate) fn settle(&self, residence: Residence) -> io::Result<()> {
        for piece in self.pieces() {
            #[cfg(target_os = "linux")]
            {
                if residence.huge_pages {
                    drop(piece.advise(memmap2::Advice::HugePage));
                }
                if residence.prefault {
                    drop(piece.advise(memmap2::Advice::PopulateRead));
                }
            }
            if residence.locked {
                piece.lock()?;
            }
        }
        Ok(())
    }

    /// Copies the value of one buffer to another.
    ///
    /// # Safety
    ///
    /// - The mapping is writable, and nobody writes the one buffer or reads the other.
    pub(crate) unsafe fn copy_buffer(&self, from: u32, to: u32) {
        assert_ne!(from, to, "one buffer");
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most the total, which fits"
        )]
        let len = self.layout.shape.size as usize;
        let (from, to) = (self.buffer(from), self.buffer(to));
        // SAFETY: two buffers, which do not overlap (invariant 2); the caller says that nobody is in the way.
        unsafe { to.copy_from_nonoverlapping(from, len) };
    }

    /// Writes everything out to the file, and waits until the disk has it.
    pub(crate) fn flush(&self) -> io::Result<()> {
        match &self.window {
            Some(_) => self.flush_file(),
            None => self.raw.flush(),
        }
    }

    /// As [`flush`](Self::flush), for one buffer.
    pub(crate) fn flush_buffer(&self, index: u32) -> io::Result<()> {
        if self.window.is_some() {
            return self.flush_file();
        }
        let start = self.buffer(index).addr().get() - self.raw.as_ptr().addr();
        let size = usize::try_from(self.layout.shape.size);
        let size = size.map_err(|_| io::ErrorKind::InvalidInput)?;
        self.raw.flush_range(start, size)
    }

    /// For a window: others may have changed what it does not map.
    fn flush_file(&self) -> io::Result<()> {
        let file = self.window.as_ref().and_then(|window| window.file.as_ref());
        file.ok_or(io::ErrorKind::PermissionDenied)?.sync_data()
    }

    /// As [`flush`](Self::flush), for the control words.
    pub(crate) fn flush_control(&self) -> io::Result<()> {
        let start = usize::try_from(self.layout.control);
        let start = start.map_err(|_| io::ErrorKind::InvalidInput)?;
        self.raw.flush_range(start, size_of::<Control>())
    }
}

/// A pointer to the byte at `offset`, which lies in the mapping or right behind it.
fn part(raw: &MmapRaw, offset: u64) -> NonNull<u8> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most the total, which fits"
    )]
    let pointer = raw.as_mut_ptr().wrapping_add(offset as usize);
    // SAFETY: inside a mapping, so not null.
    unsafe { NonNull::new_unchecked(pointer) }
}

/// The waiters' page alone, mapped writable for a reader whose mapping is not.
#[derive(Debug)]
pub(crate) struct WaitersPage(MmapRaw);

impl WaitersPage {
    /// `file` is an object of this layout.
    pub(crate) fn new(file: &File, layout: &Layout) -> io::Result<Self> {
        let raw = MmapOptions::new()
            .offset(layout.waiters)
            .len(size_of::<AtomicU32>())
            .map_raw(file)?;
        Ok(WaitersPage(raw))
    }

    pub(crate) fn word(&self) -> &AtomicU32 {
        let word = self.0.as_mut_ptr().cast::<AtomicU32>();
        // SAFETY: mapped for at least 4 bytes until `self` drops; aligned, since the offset is a multiple of
        // 4096; any bytes are a value of an atomic.
        unsafe { &*word }
    }
}
