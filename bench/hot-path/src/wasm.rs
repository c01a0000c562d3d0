//! What `cargo xtask bench` calls: fill the memory of one isolate, and keep it.

use std::cell::RefCell;

use crate::Isolate;

thread_local! {
    static ISOLATE: RefCell<Isolate> = RefCell::default();
}

/// Adds so many hot keys; how many it knows then.
#[unsafe(no_mangle)]
pub extern "C" fn add_keys(count: u32) -> usize {
    ISOLATE.with_borrow_mut(|isolate| {
        (0..count).for_each(|_| drop(isolate.add()));
        isolate.memory.keys.size()
    })
}
