use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub name: String, //~ use `FixedStr<N>`: text of at most N bytes, stored in place
    pub count: usize, //~ use a type of fixed size: `u64` for `usize`, `i64` for `isize`
}

fn main() {}
