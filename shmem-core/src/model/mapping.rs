//! An object's memory as the model checker sees it, in place of `mapping.rs`: words that loom watches.
#![expect(unsafe_code, reason = "has the signatures of the file it stands for")]

use std::cell::UnsafeCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

#[cfg(test)]
use crate::control::STRIPES;
use crate::control::{Control, Elements, Row};
use crate::header::Layout;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The value: two words, which a writer changes one after the other.
pub(crate) const WORDS: usize = 2;

/// As there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Residence {
    pub(crate) prefault: bool,
    pub(crate) huge_pages: bool,
    pub(crate) locked: bool,
}

/// One object's memory. Clones are the mappings of other processes.
#[derive(Clone, Debug)]
pub(crate) struct Mapping(Arc<Memory>);

#[derive(Debug)]
struct Memory {
    control: Control,
    waiters: AtomicU32,
    rows: Vec<Row>,
    buffers: Vec<Buffer>,
    /// Of an array of one item, which is the value.
    array: Option<(Elements, Buffer)>,
}

#[derive(Debug, Default)]
struct Buffer {
    /// What guards lead to.
    bytes: UnsafeCell<[u64; WORDS]>,
    /// Who reads and writes them: loom fails if a read and a write are not in order.
    #[cfg(test)]
    access: loom::cell::UnsafeCell<()>,
    /// The same words for those who copy out, whose loads race with the writer's stores.
    words: [AtomicU64; WORDS],
}

// SAFETY: loom runs one thread at a time.
unsafe impl Sync for Buffer {}

#[cfg(test)]
impl Mapping {
    pub(crate) fn model(control: Control, rows: u32, buffers: u32) -> Self {
        Mapping(Arc::new(Memory {
            control,
            waiters: AtomicU32::default(),
            rows: (0..rows).map(|_| Row::default()).collect(),
            buffers: (0..buffers).map(|_| Buffer::default()).collect(),
            array: None,
        }))
    }

    /// An array of one item, whose words a writer changes one after the other.
    pub(crate) fn array(control: Control, rows: u32) -> Self {
        let elements = Elements {
            stripes: [0; STRIPES].map(AtomicU64::new),
            state: AtomicU64::default(),
            index: AtomicU64::default(),
        };
        let mapping = Mapping::model(control, rows, 1);
        let mut memory = Arc::into_inner(mapping.0).expect("the only one");
        memory.array = Some((elements, Buffer::default()));
        Mapping(Arc::new(memory))
    }

    fn index_of(&self, value: *const [u64; WORDS]) -> u32 {
        let mut buffers = (0..).zip(&self.0.buffers);
        let found = buffers.find(|(_, buffer)| buffer.bytes.get().cast_const() == value);
        found.expect("the value of a guard").0
    }

    /// Reads through a guard.
    pub(crate) fn get(&self, value: &[u64; WORDS]) -> u64 {
        self.get_from(self.index_of(value))
    }

    /// Writes through a guard.
    pub(crate) fn put(&self, value: *mut [u64; WORDS], new: u64) {
        self.put_into(self.index_of(value), new);
    }

    /// Reads what a guard of this buffer would see.
    pub(crate) fn get_from(&self, index: u32) -> u64 {
        let buffer = &self.0.buffers[index as usize];
        buffer.access.with(|_| ());
        // SAFETY: loom would have failed if anybody wrote it meanwhile.
        let value = unsafe { buffer.bytes.get().read() };
        assert_eq!(value[0], value[1], "torn");
        value[0]
    }

    /// Writes what a guard of this buffer would.
    pub(crate) fn put_into(&self, index: u32, new: u64) {
        self.0.buffers[index as usize].put(new);
    }
}

#[cfg(test)]
impl Buffer {
    fn put(&self, new: u64) {
        self.access.with_mut(|_| ());
        for word in &self.words {
            word.store(new, Ordering::Relaxed);
        }
        // SAFETY: loom would have failed if anybody read or wrote it meanwhile.
        unsafe { self.bytes.get().write([new; WORDS]) };
    }
}

impl Mapping {
    pub(crate) fn new(_: &File, _: Layout, _: bool, _: Option<Range<usize>>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn control(&self) -> &Control {
        &self.0.control
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.0.rows
    }

    pub(crate) fn row(&self, index: u32) -> Option<&Row> {
        self.0.rows.get(index as usize)
    }

    pub(crate) fn items(&self) -> usize {
        usize::from(self.0.array.is_some())
    }

    pub(crate) fn elements(&self) -> Option<&Elements> {
        self.0.array.as_ref().map(|(elements, _)| elements)
    }

    pub(crate) fn fill_record(&self, item: &[u8]) {
        let (_, record) = self.0.array.as_ref().expect("an array");
        let word = item.first_chunk().expect("a word");
        record.put(u64::from_ne_bytes(*word));
    }

    pub(crate) fn copy_record_to(&self, index: usize) -> io::Result<()> {
        let (_, record) = self.0.array.as_ref().expect("an array");
        record.access.with(|_| ());
        // SAFETY: loom would have failed if anybody wrote it meanwhile.
        let item = unsafe { record.bytes.get().read() };
        assert_eq!((index, item[0]), (0, item[1]));
        self.put_into(0, item[0]);
        Ok(())
    }

    pub(crate) fn waiters(&self) -> &AtomicU32 {
        &self.0.waiters
    }

    pub(crate) fn buffers(&self) -> u32 {
        u32::try_from(self.0.buffers.len()).expect("a few")
    }

    pub(crate) fn may_copy(&self, index: u32) -> bool {
        index < self.buffers()
    }

    pub(crate) fn is_lent(&self, index: u32) -> bool {
        self.buffers() > 1 && index < self.buffers()
    }

    pub(crate) fn buffer(&self, index: u32) -> NonNull<u8> {
        let buffer = self.0.buffers[index as usize].bytes.get();
        NonNull::new(buffer.cast()).expect("not null")
    }

    pub(crate) unsafe fn initialise(&self, _: u64, _: &[u8]) {}

    pub(crate) unsafe fn copy_out(&self, index: u32, _: usize, out: *mut u8, len: usize) {
        assert_eq!(len, size_of::<[u64; WORDS]>());
        let words = self.0.buffers[index as usize].words.each_ref();
        let words = words.map(|word| word.load(Ordering::Relaxed));
        // SAFETY: `out` is valid for `len` bytes, and the copy is as many.
        unsafe { out.copy_from_nonoverlapping(words.as_ptr().cast(), len) };
    }

    #[expect(clippy::disallowed_methods, reason = "this is the accessor")]
    pub(crate) unsafe fn stable_bytes(&self, index: u32, len: usize) -> &[u8] {
        let bytes = self.buffer(index).as_ptr();
        // SAFETY: a buffer is valid for the value's bytes, and nobody writes them, the caller says.
        unsafe { core::slice::from_raw_parts(bytes, len) }
    }

    pub(crate) unsafe fn copy_stable(&self, _: u32, _: usize, _: *mut u8, _: usize) {}

    pub(crate) fn len(&self) -> usize {
        0
    }

    pub(crate) fn settle(&self, _: Residence) -> io::Result<()> {
        Ok(())
    }

    pub(crate) unsafe fn copy_buffer(&self, from: u32, to: u32) {
        self.put_into(to, self.get_from(from));
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn flush_buffer(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn flush_control(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Never made: nobody opens an object's file for reading only.
#[derive(Debug)]
pub(crate) struct WaitersPage(Mapping);

impl WaitersPage {
    pub(crate) fn new(_: &File, _: &Layout) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn word(&self) -> &AtomicU32 {
        self.0.waiters()
    }
}
