//! What the hot keys of an isolate take of its memory.
//!
//! The host's addresses are twice as long as those of wasm, so this is an upper bound; `cargo xtask bench` measures the wasm.

use hot_path::Isolate;

const MIB: i64 = 1024 * 1024;

/// What 100,000 keys, one after the other, leave in memory: how many are still known, and the bytes.
fn after_100_000_keys() -> (usize, i64) {
    let mut isolate = None;
    let heap = allocation_counter::measure(|| isolate = Some(Isolate::with(100_000).0));
    (isolate.map_or(0, |isolate| isolate.memory.keys.size()), heap.bytes_current)
}

#[test]
fn however_many_keys_come_an_isolate_holds_less_than_64_mib() {
    let (known, bytes) = after_100_000_keys();
    println!("{known} of 100,000 keys are known, {} MiB, {} bytes each", bytes / MIB, bytes / i64::try_from(known).unwrap_or(1));
    assert!(bytes < 64 * MIB, "{} MiB", bytes / MIB);
    assert!(known > 40_000, "only {known} keys are known: they have become large");
}
