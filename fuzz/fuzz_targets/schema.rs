//! Bytes as the text of one or two schemas: parsed, printed, walked and compared.
//!
//!     cargo +nightly fuzz run schema -- -max_total_time=600
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shmem_fuzz::schema(data));
