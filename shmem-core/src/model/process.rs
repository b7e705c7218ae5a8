//! An object in memory of the model's, and threads that stand for processes, each with a handle of its own.
#![expect(unsafe_code, reason = "copies a value out, and drops a handle by hand")]

use std::fs::File;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::cell;
use crate::control::Control;
use crate::deadline::Deadline;
use crate::elements;
use crate::fork::Registered;
use crate::header::{Header, Layout, Shape};
use crate::lifecycle::Attachment;
use crate::mapping::{Mapping, WORDS};
use crate::os::{self, FileId};
use crate::participant::{Locks, PATIENCE};
use crate::sums;
use crate::sync::Ordering;
use crate::view::View;
use crate::{Error, Lifetime, Options, ReadGuard, SharedObject, Version, WriteGuard};

type Value = [u64; WORDS];

/// Runs `model` in every order; or with at most so many switches between threads that could have gone on.
/// `LOOM_MAX_PREEMPTIONS` says otherwise.
pub(super) fn in_every_order(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    let orders = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&orders);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} orders", orders.load(Ordering::Relaxed));
}

/// An object with the value 0 in version 1.
#[derive(Clone)]
pub(super) struct Model {
    pub(super) mapping: Mapping,
    header: Header,
}

/// One process's handle.
pub(super) struct Process {
    pub(super) object: ManuallyDrop<SharedObject<Value>>,
    /// The byte by which the kernel knows that it lives.
    live: u64,
}

impl Model {
    pub(super) fn new(buffers: u32, handles: u32) -> Self {
        let control = Control::default();
        let first = cell::Current::FIRST;
        control.current.store(first.to_bits(), Ordering::Relaxed);
        control.stamps[0].store(first.version(), Ordering::Relaxed);
        let layout = Layout::of(Shape {
            size: size_of::<Value>() as u64,
            align: 8,
            buffers,
            handles,
            item: 0,
            schema_len: 0,
            name_len: 0,
            additions_len: 0,
            gate: 0,
        });
        Model {
            mapping: Mapping::model(control, handles, buffers),
            header: Header {
                layout: layout.expect("a layout"),
                fingerprint: 0,
                id: 0,
                lifetime: Lifetime::Keep,
                always_wake: false,
                durable: false,
                created: 0,
                lock_mode: 0,
                lock_inode: 0,
                lock_base: 0,
            },
        }
    }

    /// An array of one item.
    pub(super) fn array(handles: u32) -> Self {
        let mut model = Model::new(1, handles);
        let control = Control::default();
        let first = cell::Current::FIRST;
        control.current.store(first.to_bits(), Ordering::Relaxed);
        for stamp in &control.stamps[..=elements::WHOLE] {
            stamp.store(first.version(), Ordering::Relaxed);
        }
        model.mapping = Mapping::array(control, handles);
        model
    }

    /// One in a file, which the disk has.
    pub(super) fn durable(buffers: u32, handles: u32) -> Self {
        let mut model = Model::new(buffers, handles);
        model.header.durable = true;
        let control = model.mapping.control();
        let first = cell::Current::FIRST.to_bits();
        control.flushed.store(first, Ordering::Relaxed);
        control.sums[0].store(Model::sum(1), Ordering::Relaxed);
        model
    }

    /// The sum of a version whose value is one less.
    pub(super) fn sum(version: u64) -> u64 {
        let value: Value = [version - 1; WORDS];
        let bytes: Vec<_> = value.iter().flat_map(|word| word.to_ne_bytes()).collect();
        sums::of(version, &bytes)
    }

    /// Joins, as `lifecycle::join` does once it has the file.
    pub(super) fn open(&self) -> Arc<Process> {
        let file = || File::open("/dev/null");
        let registered = Registered::open(false, file).expect("a descriptor");
        let locks = Locks::new(registered, &self.header);
        let member = locks.member(PATIENCE).expect("a lock").expect("MEMBER");
        let seat = member.sit(&self.mapping).expect("a lock").expect("a row");
        drop(member);
        let view = View {
            location: "model".try_into().expect("a name"),
            path: "model".into(),
            file: FileId {
                device: 0,
                inode: 0,
            },
            header: self.header,
            mapping: self.mapping.clone(),
            items: 0..0,
            descriptor: None,
        };
        let settings = Options::<Value>::new().settings;
        let attachment = Attachment::new(view, locks, seat);
        Arc::new(Process {
            object: ManuallyDrop::new(SharedObject::new(attachment, settings)),
            live: self.header.lock_base + 1 + u64::from(seat.row),
        })
    }

    pub(super) fn version(&self) -> u64 {
        cell::current(self.mapping.control()).version()
    }

    /// Publishes two values from row `me`, by the steps of `cell` and nothing else: in the model a fence that
    /// belongs to another step, such as waking, would do for one that is missing there.
    pub(super) fn write_as(&self, me: u32) {
        let control = self.mapping.control();
        for value in 1..=2 {
            let seen = cell::current_in_order(control);
            let rows = self.mapping.rows();
            let choice = cell::choose(control, seen, 2, me, rows, |_| Ok(true)).expect("an answer");
            let Ok(buffer) = choice else { break };
            cell::begin(control, buffer);
            self.mapping.put_into(buffer, value);
            cell::publish(control, seen, buffer).expect("nobody else writes");
        }
    }
}

impl Process {
    pub(super) fn mapping(&self) -> &Mapping {
        &self.object.view().mapping
    }

    /// What a guard sees, from when it is made until it is dropped.
    pub(super) fn read(&self) -> (u64, Version) {
        let guard = self.object.read().expect("a guard");
        let value = self.mapping().get(&guard);
        assert_eq!(self.mapping().get(&guard), value, "changed under a guard");
        (value, ReadGuard::version(&guard))
    }

    /// What `load` copies out, unless writers are too fast for it.
    pub(super) fn copy(&self) -> Option<(u64, Version)> {
        let mut value: Value = [0; WORDS];
        let (to, len) = ((&raw mut value).cast(), size_of::<Value>());
        // SAFETY: `to` is a value of `len` bytes.
        let copied = unsafe { self.object.view().copy_out(to, len, 1) };
        let seen = copied.ok()?;
        assert_eq!(value[0], value[1], "torn");
        Some((value[0], Version(seen.version())))
    }

    /// What `load_at` copies out, unless writers are too fast for it.
    pub(super) fn copy_item(&self) -> Option<u64> {
        let mapping = self.mapping();
        let (control, elements) = (mapping.control(), mapping.elements()?);
        let before = elements::stamps(control, elements, 0)?;
        let mut item: Value = [0; WORDS];
        let (to, len) = ((&raw mut item).cast(), size_of::<Value>());
        // SAFETY: `to` is a value of `len` bytes.
        unsafe { mapping.copy_out(0, 0, to, len) };
        if !elements::still_hold(control, elements, 0, before) {
            return None;
        }
        assert_eq!(item[0], item[1], "torn");
        Some(item[0])
    }

    /// Publishes the item, by the steps of `store_at`.
    pub(super) fn put(&self, new: u64) -> Version {
        let guard = self.object.begin(Deadline::Never, false);
        guard.expect("the lock").put(0, &bytes_of(new))
    }

    /// Is killed when its record is complete: after it has said that the array is half-written, or before.
    pub(super) fn die_with_a_record(&self, new: u64, said: bool) {
        self.die_in(|mapping| {
            let seen = cell::current(mapping.control());
            elements::record(mapping, seen, 0, &bytes_of(new));
            if said {
                // Between two words: the stamp of the array still holds.
                let dirty = seen.to_bits() | cell::DIRTY;
                cell::exchange(mapping.control(), seen, dirty).expect("nobody else writes");
            }
        });
    }

    /// Is killed in the middle of a step of a change.
    pub(super) fn die_in(&self, step: impl FnOnce(&Mapping)) {
        let guard = self.object.begin(Deadline::Never, false);
        let _guard = ManuallyDrop::new(guard.expect("the lock"));
        step(self.mapping());
        self.die();
    }

    pub(super) fn add(&self, guard: &mut WriteGuard<'_, Value>) {
        let value = self.mapping().get(guard);
        self.mapping().put(&raw mut **guard, value + 1);
    }

    /// Adds one, waiting for others.
    pub(super) fn increment(&self) {
        let mut guard = self.object.write().expect("the lock");
        self.add(&mut guard);
    }

    /// Adds one, trying until nobody else writes; says whether the writer before died, and how often it tried.
    pub(super) fn increment_by_trying(&self) -> (bool, u32) {
        let mut tries = 1;
        loop {
            match self.object.try_write() {
                Ok(mut guard) => {
                    self.add(&mut guard);
                    return (WriteGuard::recovered(&guard), tries);
                }
                // Once more at once: who has begun something meanwhile may be stopped in the middle.
                Err(Error::Busy { .. }) if tries == 1 => {}
                Err(Error::Busy { .. }) => loom::thread::yield_now(),
                Err(other) => panic!("{other}"),
            }
            tries += 1;
        }
    }

    pub(super) fn die(&self) {
        os::kill(self.live);
    }

    /// Is killed in the middle of a change.
    pub(super) fn die_writing(&self) {
        let mut guard = ManuallyDrop::new(self.object.write().expect("the lock"));
        self.add(&mut guard);
        self.die();
    }
}

fn bytes_of(new: u64) -> Vec<u8> {
    [new.to_ne_bytes(); WORDS].concat()
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that has failed says so, and the model does not go on.
        if !std::thread::panicking() {
            // SAFETY: dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.object) };
        }
    }
}

/// Runs `body` in a thread of its own.
pub(super) fn process(
    process: &Arc<Process>,
    body: impl FnOnce(&Process) + 'static,
) -> loom::thread::JoinHandle<()> {
    let process = Arc::clone(process);
    loom::thread::spawn(move || body(&process))
}
