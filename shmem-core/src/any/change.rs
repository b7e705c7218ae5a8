//! Changing an object by its schema: whatever is changed, one guard, one publication.

use std::collections::BTreeMap;
use std::ops::Range;

use super::copy::AnyValue;
use super::mistake::FieldError;
use super::object::{AnyObject, item, zeros};
use super::path::first_item;
use super::value::Value;
use crate::view::Refusal;
#[cfg(doc)]
use crate::{AnyOptions, Error, SharedObject};
use crate::{Result, Version, WriteGuard};

impl AnyObject {
    /// Makes `value` what `path` leads to, and publishes that; see [`AnyValue::set`].
    ///
    /// An item of an array whose length was chosen at run time is changed as by
    /// [`SharedObject::store_at`](crate::SharedObject::store_at): nothing else is copied.
    ///
    /// # Errors
    ///
    /// As [`set_all`](Self::set_all).
    pub fn set(&self, path: &str, value: impl Into<Value>) -> Result<Version> {
        self.set_all(&[(path, value.into())])
    }

    /// Sets several parts at once: others see all of the change, or nothing of it.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::write`], but for `InvalidValue` of other fields, and
    ///
    /// - [`Error::Field`]: there is no such part, or the value is none of its type. Nothing has changed.
    /// - [`Error::TimedOut`]: others were in the way for as long as [`AnyOptions::timeout`] says.
    /// - [`Error::Poisoned`]: the value was left half-changed, and is not set as a whole.
    pub fn set_all(&self, changes: &[(&str, Value)]) -> Result<Version> {
        let mut items = BTreeMap::new();
        for (path, _) in changes {
            match self.item(path)? {
                Some((index, range)) => items.insert(index, range),
                None => {
                    // Whatever stands there, all of it is new.
                    let whole = changes.iter().any(|(path, _)| path.is_empty());
                    return Ok(self.change(whole, |value| set_all(value, changes))?.1);
                }
            };
        }
        match items.pop_first() {
            Some((index, range)) if items.is_empty() => self.change_item(index, range, changes),
            Some(first) => {
                items.extend([first]);
                self.change_items(items, changes)
            }
            None => Ok(self.change(false, |_| Ok(()))?.1),
        }
    }

    /// Changes a copy of the value through `f` and publishes it if `f` returns `Ok`; nobody else writes meanwhile.
    ///
    /// The whole value is copied, of arrays too.
    ///
    /// # Errors
    ///
    /// As [`set_all`](Self::set_all); what `f` returns is [`Error::Field`].
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::{AnyObject, Shared, Value};
    ///
    /// let pair = <[u32; 2]>::create("any-update-example", [1, 2])?;
    /// let any = AnyObject::open("any-update-example")?;
    /// any.update(|value| {
    ///     let first = value.get("[0]")?;
    ///     value.set("[1]", first)
    /// })?;
    /// assert_eq!(pair.load()?, [1, 1]);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn update<R>(
        &self,
        f: impl FnOnce(&mut AnyValue) -> core::result::Result<R, FieldError>,
    ) -> Result<R> {
        Ok(self.change(false, f)?.0)
    }

    /// `whole`: whatever was there before, it does not matter.
    fn change<R>(
        &self,
        whole: bool,
        f: impl FnOnce(&mut AnyValue) -> core::result::Result<R, FieldError>,
    ) -> Result<(R, Version)> {
        let mut guard = self.object.begin(self.deadline(), true)?;
        self.refuse_poisoned(&guard, whole)?;
        let version = WriteGuard::version(&guard);
        let mut bytes = zeros(self.view(), guard.len())?;
        bytes.copy_from_slice(&guard);
        let mut value = AnyValue::new(&self.schema, bytes, 0, version);
        // An error or a panic drops the guard as it is: nothing was changed, not even in place.
        let result = f(&mut value).map_err(|error| self.field(error))?;
        let new = value.bytes();
        if let Some(changed) = differing(&guard, new) {
            guard[changed.clone()].copy_from_slice(&new[changed]);
        } else {
            let _: &mut [u8] = &mut guard;
        }
        Ok((result, WriteGuard::commit(guard)))
    }

    /// Changes one item, as [`SharedObject::store_at`] does.
    fn change_item(
        &self,
        index: usize,
        range: Range<usize>,
        changes: &[(&str, Value)],
    ) -> Result<Version> {
        let guard = self.object.begin(self.deadline(), false)?;
        self.refuse_poisoned(&guard, false)?;
        let bytes = guard[range.clone()].to_vec();
        let mut item = AnyValue::new(
            &self.schema,
            bytes,
            range.start,
            WriteGuard::version(&guard),
        );
        set_all(&mut item, changes).map_err(|error| self.field(error))?;
        Ok(guard.put(index, item.bytes()))
    }

    /// Changes several items at once, and copies no others.
    fn change_items(
        &self,
        items: BTreeMap<usize, Range<usize>>,
        changes: &[(&str, Value)],
    ) -> Result<Version> {
        let mut guard = self.object.begin(self.deadline(), false)?;
        self.refuse_poisoned(&guard, false)?;
        let version = WriteGuard::version(&guard);
        let mut copies = BTreeMap::new();
        for (index, range) in items {
            let bytes = guard[range.clone()].to_vec();
            copies.insert(
                index,
                AnyValue::new(&self.schema, bytes, range.start, version),
            );
        }
        for (path, value) in changes {
            let copy = first_item(path).and_then(|index| copies.get_mut(&index));
            let set = copy.map(|copy| copy.set(path, value.clone()));
            set.unwrap_or(Ok(())).map_err(|error| self.field(error))?;
        }
        let size = self.item_size();
        for (index, item) in copies {
            guard[index * size..][..size].copy_from_slice(item.bytes());
        }
        Ok(WriteGuard::commit(guard))
    }

    /// What is left half-changed is not taken for a value of which only a part is to be changed.
    fn refuse_poisoned(&self, guard: &WriteGuard<'_, [u8]>, whole: bool) -> Result<()> {
        let in_place = self.view().header.layout.shape.buffers == 1;
        if in_place && !whole && WriteGuard::recovered(guard) {
            return Err(self.view().explain(Refusal::Poisoned));
        }
        Ok(())
    }

    fn item_size(&self) -> usize {
        usize::try_from(self.view().header.layout.shape.item).unwrap_or(0)
    }

    fn item(&self, path: &str) -> Result<Option<(usize, Range<usize>)>> {
        item(self.view(), &self.schema, path)
    }
}

fn set_all(
    value: &mut AnyValue,
    changes: &[(&str, Value)],
) -> core::result::Result<(), FieldError> {
    let mut changes = changes.iter();
    changes.try_for_each(|(path, new)| value.set(path, new.clone()))
}

/// From the first byte that differs to the last.
fn differing(old: &[u8], new: &[u8]) -> Option<Range<usize>> {
    let differs = |(a, b): (&u8, &u8)| a != b;
    let first = old.iter().zip(new).position(differs)?;
    let last = old.iter().zip(new).rposition(differs)?;
    Some(first..last + 1)
}
