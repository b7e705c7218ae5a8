use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub call: dyn Fn(), //~ a shared type has a fixed size: store a number, or an enum that says what to call
}

fn main() {}
