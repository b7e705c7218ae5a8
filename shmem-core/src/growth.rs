//! The rule by which a type grows: which two of its layouts may meet in an object.
//!
//! A type with `#[shared(reserve = N)]` gets fields behind its last one, or in bytes that were declared as
//! padding, while programs that do not know them go on. So padding is no field here, and of two layouts
//!
//! - fields of one name have one type and one place;
//! - fields of different names do not overlap;
//! - of a field that only one of them has, zero is a value: who does not know it leaves it zero;
//! - nor has it atomics: who does not know it may hold a shared reference to it, as padding.
//!
//! There are no holes in a shared type. So what overlaps no field of a layout lies in its padding or beyond its
//! end. The rule takes no side, and it takes no order: who came first does not matter.
//!
//! One constant function decides, where [`assert_compatible!`](crate::assert_compatible) is compiled and where
//! an object is opened.

use std::collections::HashMap;

use crate::difference::alike;
use crate::schema::{Field, Kind};
use crate::stored::Shape;
use crate::{Difference, StoredField, StoredKind, StoredSchema};

pub(crate) const CHANGED: &str = "a field that both have stays as it is: give what is new another name, behind the last field or in padding";
pub(crate) const OVERLAP: &str =
    "a new field goes behind the last one, or into padding that no program has used";
pub(crate) const ZERO: &str = "programs that do not know a field leave it zero: use a type that has a zero, such as `Option<NonZeroU32>`, `FixedOption<T>` or an enum with a variant 0";
pub(crate) const ATOMICS: &str = "atomics change under shared references, which programs may hold that take them for padding: have them from the start";
pub(crate) const RESERVE: &str = "give both the same `#[shared(reserve = N)]`, or use another name";

/// A field, as far as the rule looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The same number if and only if it is the same type.
    pub(crate) ty: u64,
    pub(crate) is_padding: bool,
    /// Zero is a value of it, and it does not change under shared references.
    pub(crate) may_be_unknown: bool,
}

/// Which fields contradict each other, by their numbers in `[old, new]`.
#[derive(Clone, Copy)]
pub(crate) enum Clash {
    Changed([usize; 2]),
    Overlap([usize; 2]),
    OldMustBeKnown(usize),
    NewMustBeKnown(usize),
}

/// The rule.
pub(crate) const fn clash(old: &[Part<'_>], new: &[Part<'_>]) -> Option<Clash> {
    let mut i = 0;
    while i < old.len() {
        let mut known = false;
        let mut k = 0;
        while k < new.len() && !old[i].is_padding {
            let (o, n) = (old[i], new[k]);
            if n.is_padding {
                // Free bytes.
            } else if is_same(o.name, n.name) {
                if o.ty != n.ty || o.start != n.start {
                    return Some(Clash::Changed([i, k]));
                }
                known = true;
            } else if overlap(o, n)
                // If one of them is on the other side, too, it has moved, and that is found.
                && find(new, o.name).is_none()
                && find(old, n.name).is_none()
            {
                return Some(Clash::Overlap([i, k]));
            }
            k += 1;
        }
        if !known && !old[i].is_padding && !old[i].may_be_unknown {
            return Some(Clash::OldMustBeKnown(i));
        }
        i += 1;
    }
    let mut k = 0;
    while k < new.len() {
        let n = new[k];
        if !n.is_padding && !n.may_be_unknown && find(old, n.name).is_none() {
            return Some(Clash::NewMustBeKnown(k));
        }
        k += 1;
    }
    None
}

const fn find(parts: &[Part<'_>], name: &str) -> Option<usize> {
    let mut i = 0;
    while i < parts.len() {
        if !parts[i].is_padding && is_same(parts[i].name, name) {
            return Some(i);
        }
        i += 1;
    }
    None
}

const fn overlap(a: Part<'_>, b: Part<'_>) -> bool {
    let neither_is_empty = a.start < a.end && b.start < b.end;
    neither_is_empty && a.start < b.end && b.start < a.end
}

pub(crate) const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while a.len() == b.len() && i < a.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
}

/// The layouts that an object is used with.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its creator's.
    pub(crate) schema: StoredSchema,
    /// What others have added, each a struct of the fields that nobody had before.
    pub(crate) added: Vec<StoredSchema>,
    /// How far the type may grow; 0 if it may not.
    pub(crate) reserve: u64,
}

impl Known {
    /// Compares with the layout of a program, and with the `reserve` that it declares.
    pub(crate) fn compare(&self, program: &StoredSchema, reserve: u64) -> Option<Difference> {
        if !alike(&self.schema, program) {
            return Difference::between(&self.schema, program);
        }
        if self.reserve != reserve {
            let side = |reserve| match reserve {
                0 => format!("{} without `reserve`", program.type_text()),
                bytes => format!("{} with `reserve = {bytes}`", program.type_text()),
            };
            let sides = [side(self.reserve), side(reserve)];
            return Some(Difference::found(program, "", sides, RESERVE));
        }
        if reserve == 0 {
            return Difference::between(&self.schema, program);
        }
        let (old, new): (Vec<_>, Vec<_>) =
            (self.fields().collect(), program.fields().iter().collect());
        let mut types = HashMap::new();
        let [parts_of_old, parts_of_new] = [&old, &new].map(|fields| parts(fields, &mut types));
        let difference = match clash(&parts_of_old, &parts_of_new)? {
            Clash::Changed([i, k]) => Difference::within(program, [old[i], new[k]], CHANGED),
            Clash::Overlap([i, k]) => {
                let sides = [old[i].at(), format!("`{}`: {}", new[k].name, new[k].at())];
                Difference::found(program, &old[i].name, sides, OVERLAP)
            }
            Clash::OldMustBeKnown(i) => {
                let (side, advice) = old[i].why_known();
                let sides = [side, "absent".to_owned()];
                Difference::found(program, &old[i].name, sides, advice)
            }
            Clash::NewMustBeKnown(k) => {
                let (side, advice) = new[k].why_known();
                let sides = ["absent".to_owned(), side];
                Difference::found(program, &new[k].name, sides, advice)
            }
        };
        Some(difference)
    }

    /// One layout with all fields, where padding that somebody uses is none.
    pub(crate) fn merged(self) -> StoredSchema {
        let Known {
            mut schema, added, ..
        } = self;
        let added: Vec<StoredField> = added
            .iter()
            .flat_map(StoredSchema::fields)
            .cloned()
            .collect();
        let Shape::Struct(fields) = &mut schema.shape else {
            return schema;
        };
        fields.retain(|field| {
            let in_use = |new: &StoredField| new.offset < field.end() && field.offset < new.end();
            !(field.is_padding() && added.iter().any(in_use))
        });
        fields.extend(added);
        fields.sort_by_key(|field| field.offset);
        schema.size = fields
            .iter()
            .map(StoredField::end)
            .fold(schema.size, usize::max);
        schema
    }

    /// All fields, padding included.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &StoredField> {
        let added = self.added.iter().flat_map(StoredSchema::fields);
        self.schema.fields().iter().chain(added)
    }
}

fn parts<'a>(
    fields: &[&'a StoredField],
    types: &mut HashMap<&'a StoredSchema, u64>,
) -> Vec<Part<'a>> {
    let part = |field: &&'a StoredField| {
        let next = types.len() as u64;
        Part {
            name: &field.name,
            start: field.offset,
            end: field.end(),
            ty: *types.entry(&field.schema).or_insert(next),
            is_padding: field.is_padding(),
            may_be_unknown: field.schema.zero_is_valid() && !field.schema.has_atomics(),
        }
    };
    fields.iter().map(part).collect()
}

impl StoredField {
    /// `_name: [u8; N]`, as [`Field::is_padding`].
    pub(crate) fn is_padding(&self) -> bool {
        let item = match self.schema.kind() {
            StoredKind::Array => self.schema.item(),
            _ => None,
        };
        self.name.starts_with('_')
            && item.is_some_and(|item| (item.kind(), item.size) == (StoredKind::Uint, 1))
    }

    fn end(&self) -> usize {
        self.offset.saturating_add(self.schema.size)
    }

    /// Why no program may lack it, and what to do.
    fn why_known(&self) -> (String, &'static str) {
        if self.schema.has_atomics() {
            (format!("{}, which has atomics,", self.at()), ATOMICS)
        } else {
            (format!("{}, of which zero is no value,", self.at()), ZERO)
        }
    }
}

impl Field {
    /// `_name: [u8; N]`: bytes that another version of the type may use.
    pub(crate) const fn is_padding(&self) -> bool {
        let has_name = matches!(self.name.as_bytes(), [b'_', ..]);
        match self.schema.kind {
            Kind::Array { item, .. } => {
                has_name && matches!(item.kind, Kind::Uint) && item.size == 1
            }
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "growth_tests.rs"]
mod tests;
