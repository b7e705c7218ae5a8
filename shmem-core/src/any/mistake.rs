//! What is wrong with a path, or with a value that is to be set.

use core::fmt;

/// Why a field could not be read or set by its path.
///
/// Each message names the place by its path; an [`Error::Field`](crate::Error::Field) adds the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The path is not in the grammar: `field.other[3]`.
    #[error("`{path}` is no path: {reason}")]
    #[non_exhaustive]
    InvalidPath {
        /// What was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// There is no such field.
    #[error("`{of}` has no field `{name}`{}", hint(nearest, "field"))]
    #[non_exhaustive]
    UnknownField {
        /// What was asked for.
        name: String,
        /// The type that does not have it.
        of: String,
        /// The names that are most alike; all of them, if none is alike and there are few.
        nearest: Vec<String>,
    },

    /// The path goes on where the type has no parts, or other ones.
    #[error("{} is {found}, which has no {part}", place(path))]
    #[non_exhaustive]
    NoParts {
        /// The part that has none.
        path: String,
        /// Its type.
        found: String,
        /// What was asked of it: `field`, `item`.
        part: &'static str,
    },

    /// The array or list has not so many items.
    #[error("{} has {len} items, so there is no item {index}", place(path))]
    #[non_exhaustive]
    NoSuchItem {
        /// The array or list.
        path: String,
        /// What was asked for.
        index: usize,
        /// How many items there are now.
        len: usize,
    },

    /// The option holds nothing, so there is nothing in it.
    #[error("{} is none: set the whole of it", place(path))]
    #[non_exhaustive]
    Nothing {
        /// The option.
        path: String,
    },

    /// The number does not fit.
    #[error(
        "{found} is out of range for {}: {of} is {least} to {most}",
        place(path)
    )]
    #[non_exhaustive]
    OutOfRange {
        /// The field.
        path: String,
        /// What was given.
        found: String,
        /// The field's type.
        of: String,
        /// The least value of that.
        least: String,
        /// The greatest.
        most: String,
    },

    /// The enum has no such variant.
    #[error("`{of}` has no variant `{found}`{}", hint(nearest, "variant"))]
    #[non_exhaustive]
    NotAVariant {
        /// The field.
        path: String,
        /// What was given.
        found: String,
        /// The enum.
        of: String,
        /// The names that are most alike; all of them, if none is alike and there are few.
        nearest: Vec<String>,
    },

    /// A value of another kind was given.
    #[error("{} is {expected}, not {found}", place(path))]
    #[non_exhaustive]
    WrongKind {
        /// The field.
        path: String,
        /// What was given.
        found: String,
        /// The field's type.
        expected: String,
    },

    /// There is no room for so much.
    #[error("{} has room for {capacity} {unit}, not for {found}", place(path))]
    #[non_exhaustive]
    TooLong {
        /// The text or list.
        path: String,
        /// How long what was given is.
        found: usize,
        /// How much there is room for.
        capacity: usize,
        /// `bytes` or `items`.
        unit: &'static str,
    },

    /// An array has as many items as its type says, no fewer and no more.
    #[error("{} has {expected} items, not {found}", place(path))]
    #[non_exhaustive]
    WrongLength {
        /// The array.
        path: String,
        /// How many were given.
        found: usize,
        /// How many there are.
        expected: usize,
    },

    /// A value for a whole struct lacks a field.
    #[error("field `{name}` of {} is missing", place(path))]
    #[non_exhaustive]
    MissingField {
        /// The struct.
        path: String,
        /// The field that is missing.
        name: String,
    },

    /// The value has so many parts that it is better read in pieces.
    #[error(
        "{} has more than {limit} parts: ask for a part of it, such as `[0..100]`",
        place(path)
    )]
    #[non_exhaustive]
    TooManyParts {
        /// What was asked for.
        path: String,
        /// How many are given out at once.
        limit: usize,
    },

    /// The object's bytes are not a value of the field's type.
    #[error("{} at byte {offset} is {found}, expected {expected}", place(path))]
    #[non_exhaustive]
    InvalidBytes {
        /// The field.
        path: String,
        /// Where it lies, in bytes from the start of the value.
        offset: usize,
        /// The bytes that were found, as a number.
        found: String,
        /// The values that are allowed.
        expected: String,
    },
}

/// A path in words; the empty one is the whole.
fn place(path: &str) -> String {
    match path {
        "" => "the value".to_owned(),
        path => format!("`{path}`"),
    }
}

struct Quoted<'a>(&'a [String]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}`")?;
        }
        Ok(())
    }
}

fn hint(nearest: &[String], what: &str) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("; the nearest {what} is `{one}`"),
        several => format!("; the nearest {what}s are {}", Quoted(several)),
    }
}

/// How many names are shown when none is alike.
const SHOWN: usize = 8;

/// The names that are most like `wanted`, or the first few, if none is.
pub(crate) fn nearest<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut alike: Vec<_> = names
        .clone()
        // A hostile object may have thousands, each as long as a book.
        .take(1000)
        .filter(|name| name.len() <= 64 && wanted.len() <= 64)
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= 1 + wanted.len() / 3)
        .collect();
    alike.sort_by_key(|(distance, _)| *distance);
    if alike.is_empty() {
        return names.take(SHOWN).map(str::to_owned).collect();
    }
    let first = alike[0].0;
    let best = alike
        .into_iter()
        .take_while(|(distance, _)| *distance == first);
    best.take(3).map(|(_, name)| name.to_owned()).collect()
}

/// How many letters have to be put in, taken out, replaced, or exchanged with their neighbours (Damerau, 1964; each
/// place changed once at most).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for k in 0..=b.len() {
            rows[i][k] = if i == 0 || k == 0 {
                i + k
            } else {
                let replaced = rows[i - 1][k - 1] + usize::from(a[i - 1] != b[k - 1]);
                let mut least = replaced.min(rows[i - 1][k] + 1).min(rows[i][k - 1] + 1);
                if i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] {
                    least = least.min(rows[i - 2][k - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let names = ["rpm", "tick", "trip", "armed"];
        let near = |wanted| nearest(wanted, names.iter().copied());
        assert_eq!(near("rmp"), ["rpm"]);
        assert_eq!(near("tik"), ["tick"]);
        assert_eq!(near("TICK"), ["tick"]);
        assert_eq!(near("zzzzzz"), names);
    }
}
