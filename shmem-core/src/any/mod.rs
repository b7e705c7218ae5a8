//! Access to values by their schema: for programs that never saw the type.

mod change;
mod copy;
mod create;
mod decode;
mod encode;
mod mistake;
mod object;
mod options;
mod path;
mod reader;
mod value;

pub use copy::AnyValue;
pub use mistake::FieldError;
pub use object::AnyObject;
pub use options::AnyOptions;
pub use reader::AnyReader;
pub use value::Value;
