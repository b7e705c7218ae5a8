use shmem_core::Shared;

pub type Name = String;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub name: Name, //~ use `FixedStr<N>`: text of at most N bytes, stored in place
}

fn main() {}
