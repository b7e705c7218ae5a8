use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub union Order { //~ a union does not record which field is stored
    pub price: u64,
    pub qty: u64,
}

fn main() {}
