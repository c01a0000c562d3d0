//! What the hot keys of an isolate take of its memory: all of it in the wasm, and what is counted of it on the host.

use std::{env, path::Path, process::Command};

use hot_path::bare;
use latchkey::{key::record::KeyRecord, service::shelf::Shelf};
use serde_json::Value;

const MIB: u64 = 1024 * 1024;
const KEYS: u64 = 100_000;

/// Fills an isolate with keys, and decides once by each of them. There is nobody to ask: whoever does ends the program.
fn filled() -> Value {
    let wasm = env::var_os("LATCHKEY_HOT_PATH").expect("the wasm is not built: run `cargo xtask test --test memory`");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut node = Command::new(root.join("node_modules/.bin/node"));
    node.arg(root.join("xtask/runtime/memory.mjs")).arg("--wasm").arg(wasm);
    node.args(["--keys", &format!("0,{KEYS}"), "--decisions", &KEYS.to_string(), "--rounds", "1"]);
    let output = node.output().expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("what became of the memory")
}

#[test]
fn hundred_thousand_keys_are_known_at_once_and_decided_about_in_less_than_64_mib() {
    let filled = filled();
    let (known, bytes) = (filled["memory"][1]["known"].as_u64(), filled["memory"][1]["bytes"].as_u64().expect("bytes"));
    println!("{known:?} of {KEYS} keys are known, {} MiB", bytes / MIB);
    assert_eq!(known, Some(KEYS));
    assert_eq!(filled["decided"][1], KEYS, "each of them, once");
    assert!(bytes < 64 * MIB, "{} MiB", bytes / MIB);
}

#[test]
fn what_is_counted_of_keys_is_what_they_take() {
    let records = || bare(20_000).map(std::rc::Rc::new);
    let shelf: Shelf<KeyRecord> = Shelf::new(20_000.try_into().expect("more than none"), usize::MAX);
    let heap = allocation_counter::measure(|| records().for_each(|record| drop(shelf.remember(record))));
    let (taken, counted) = (usize::try_from(heap.bytes_current).expect("some"), shelf.bytes());
    // Blocks are counted with what the allocator needs of them, which is not asked for.
    assert!((counted * 8 / 10..=counted).contains(&taken), "{counted} bytes are counted, {taken} were asked for");
}
