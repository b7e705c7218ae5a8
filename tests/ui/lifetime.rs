use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order<'a> { //~ `Order` borrows something, and an address means nothing in another process
    pub name: &'a str,
}

fn main() {}
