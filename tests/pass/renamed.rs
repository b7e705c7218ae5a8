//@ extern: other_name
#![deny(warnings)]

extern crate other_name as third_name;

pub mod api {
    pub use other_name as shmem;
}

#[derive(other_name::Shared)]
#[repr(C)]
#[shared(crate = ::other_name)]
pub struct Absolute {
    pub id: u64,
}

#[derive(other_name::Shared)]
#[repr(C)]
#[shared(crate = "other_name")]
pub struct Text {
    pub id: u64,
}

#[derive(third_name::Shared)]
#[repr(u8)]
#[shared(crate = crate::third_name)]
pub enum Alias {
    A = 0,
}

pub mod inner {
    #[derive(crate::api::shmem::Shared)]
    #[repr(C)]
    #[shared(crate = crate::api::shmem)]
    pub struct Reexported {
        pub id: u64,
    }
}
