use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: std::sync::Mutex<u64>, //~ use a plain field: a guard of the whole object lets one process change it
}

fn main() {}
