//! Types, fields and names that come out of `macro_rules!`.
#![deny(warnings)]
#![forbid(unsafe_code)]

macro_rules! define {
    ($(#[$attr:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(shmem_core::Shared)]
        #[repr(C)]
        $(#[$attr])*
        pub struct $name {
            pub value: u64,
            $(pub $field: $type,)*
        }
    };
}
define!(One {});
define!(#[shared(version = 2)] Two { value2: [u32; 4], other: crate::One });

macro_rules! wrapper {
    ($name:ident, $type:ty, $len:expr, $repr:literal) => {
        #[derive(shmem_core::Shared)]
        #[repr(C)]
        #[shared(name = $repr)]
        pub struct $name(pub [$type; $len], pub word!());
    };
}
macro_rules! word {
    () => {
        u64
    };
}
wrapper!(Three, One, 1 + 2, "three");

macro_rules! numbers {
    ($name:ident: $repr:ident { $($variant:ident = $value:expr),* }) => {
        #[derive(shmem_core::Shared)]
        #[repr($repr)]
        pub enum $name { $($variant = $value),* }
    };
}
numbers!(Side: u16 { Buy = 1 << 3, Sell = 0xff });

// A derive inside a function sees the types of the function.
pub fn inside() -> u64 {
    type Word = u64;
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    struct Local {
        word: Word,
    }
    Local { word: 3 }.word
}
