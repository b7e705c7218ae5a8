//! What a program leaves as it is in a value of a type that may grow: bytes that may be fields of others.
//!
//! These are the bytes beyond the end of its own type, and those that it declares as padding. Its own `T` has
//! stale copies of the padding, which `store` or `*guard = …` would put over what others have there. So the
//! padding of the last version comes back before the next is published, whatever the program made of it.
#![expect(unsafe_code, reason = "copies bytes that are no fields of the type")]

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use crate::Payload;
use crate::schema::{Kind, Schema};

/// Whether there is padding to be kept; known when the program is compiled.
pub(crate) const fn has_padding<P: ?Sized + Payload>() -> bool {
    if P::RESERVE == 0 {
        return false;
    }
    let Kind::Struct(fields) = &P::SCHEMA.kind else {
        return false;
    };
    let mut i = 0;
    while i < fields.len() {
        if fields[i].is_padding() {
            return true;
        }
        i += 1;
    }
    false
}

fn padding(schema: &'static Schema) -> impl Iterator<Item = Range<usize>> {
    let fields = match schema.kind {
        Kind::Struct(fields) => fields,
        _ => &[],
    };
    let padding = fields.iter().filter(|field| field.is_padding());
    padding.map(|field| field.offset..field.offset + field.schema.size)
}

/// Copies what lies beyond the end of the type.
///
/// # Safety
///
/// - `from` is valid for reads of the value with its reserve, `to` for writes; they do not overlap.
#[inline]
pub(crate) unsafe fn copy_tail<P: ?Sized + Payload>(from: NonNull<u8>, to: NonNull<u8>) {
    if P::RESERVE == 0 {
        return;
    }
    // SAFETY: the caller's promise; the type ends within the reserve (contract of `Sealed`).
    unsafe { copy(from, to, P::SCHEMA.size()..P::RESERVE) };
}

/// Copies the padding.
///
/// # Safety
///
/// - `from` is valid for reads of a `P`, `to` for writes; they do not overlap, and nobody else has `to`.
#[inline]
pub(crate) unsafe fn copy_padding<P: ?Sized + Payload>(from: NonNull<u8>, to: NonNull<u8>) {
    if !const { has_padding::<P>() } {
        return;
    }
    for range in padding(P::SCHEMA) {
        // SAFETY: the caller's promise; a field lies within its struct.
        unsafe { copy(from, to, range) };
    }
}

/// Copies these bytes of one value to the same place in another.
///
/// # Safety
///
/// - `from` is valid for reads up to the end of the range, `to` for writes; they do not overlap.
#[inline]
unsafe fn copy(from: NonNull<u8>, to: NonNull<u8>, range: Range<usize>) {
    // SAFETY: the caller's promise.
    let from = unsafe { from.add(range.start) };
    // SAFETY: the caller's promise.
    let to = unsafe { to.add(range.start) };
    // SAFETY: the caller's promise, for what is left of the range.
    unsafe { to.copy_from_nonoverlapping(from, range.len()) };
}

/// Makes the padding zero, in a value that nobody has seen yet: others find zero in fields that are not written.
///
/// # Safety
///
/// - `value` is valid for writes of a `P`, and nobody else has it.
pub(crate) unsafe fn clear_padding<P: ?Sized + Payload>(value: NonNull<u8>) {
    if !const { has_padding::<P>() } {
        return;
    }
    for range in padding(P::SCHEMA) {
        // SAFETY: a field lies within its struct, for which the caller vouches.
        let bytes = unsafe { value.add(range.start) };
        // SAFETY: as above.
        unsafe { bytes.write_bytes(0, range.len()) };
    }
}

/// The padding of a value that is changed in place: there is no last version to take it from.
///
/// A writer that is killed in the middle of a change in place takes it along.
#[derive(Debug, Default)]
pub(crate) struct Aside(Mutex<Vec<u8>>);

impl Aside {
    /// Keeps the padding of `value`.
    ///
    /// # Safety
    ///
    /// - `value` is valid for reads of a `P`, and nobody writes it.
    pub(crate) unsafe fn put<P: ?Sized + Payload>(&self, value: NonNull<u8>) {
        if !const { has_padding::<P>() } {
            return;
        }
        let mut aside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        aside.clear();
        for range in padding(P::SCHEMA) {
            let start = aside.len();
            aside.resize(start + range.len(), 0);
            // SAFETY: a field lies within its struct, for which the caller vouches.
            let from = unsafe { value.add(range.start) };
            // SAFETY: as above; so many bytes were appended just now.
            unsafe {
                from.copy_to_nonoverlapping(NonNull::from(&mut aside[start..]).cast(), range.len())
            };
        }
    }

    /// Gives it back, once.
    ///
    /// # Safety
    ///
    /// - `value` is valid for writes of a `P`, and nobody else has it.
    pub(crate) unsafe fn take<P: ?Sized + Payload>(&self, value: NonNull<u8>) {
        if !const { has_padding::<P>() } {
            return;
        }
        let mut aside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = aside.as_slice();
        for range in padding(P::SCHEMA) {
            let Some((bytes, behind)) = rest.split_at_checked(range.len()) else {
                break;
            };
            // SAFETY: a field lies within its struct, for which the caller vouches.
            let to = unsafe { value.add(range.start) };
            // SAFETY: as above; `bytes` is as long as the field, and our own.
            unsafe { to.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
            rest = behind;
        }
        aside.clear();
    }
}
