//! All operations.

use crate::operations::Operation;

mod arrays;
mod copies;
mod files;
mod in_place;

/// In the order in which they are reported.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let lists = [copies::LIST, in_place::LIST, arrays::LIST, files::LIST];
    lists.into_iter().flatten()
}
