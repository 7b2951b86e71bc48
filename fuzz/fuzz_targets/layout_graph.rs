#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tapeout_fuzz::layout_graph(bytes));
