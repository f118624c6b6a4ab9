#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sluiceway_proxy::fuzzing::query_strings(data));
