#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tapeout_fuzz::requests(bytes));
