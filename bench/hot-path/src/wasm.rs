//! What `cargo xtask bench` calls: fill the memory of one isolate, keep it, and decide out of it.

use std::{cell::RefCell, collections::VecDeque, hint::black_box};

use latchkey::token::format::Key;

use crate::{Isolate, asking};

thread_local! {
    static ISOLATE: RefCell<Isolate> = RefCell::default();
    /// The credentials of the keys that are known, to decide by. Not kept while memory is measured.
    static CREDENTIALS: RefCell<VecDeque<Key>> = RefCell::default();
}

/// Adds so many hot keys; how many it knows then.
#[unsafe(no_mangle)]
pub extern "C" fn add_keys(count: u32) -> usize {
    ISOLATE.with_borrow_mut(|isolate| {
        (0..count).for_each(|_| drop(isolate.add()));
        isolate.memory.keys.size()
    })
}

/// Adds so many hot keys that can be decided about; how many it knows then.
#[unsafe(no_mangle)]
pub extern "C" fn add_credentials(count: u32) -> usize {
    ISOLATE.with_borrow_mut(|isolate| {
        CREDENTIALS.with_borrow_mut(|credentials| {
            credentials.extend((0..count).map(|_| isolate.add()));
            // The first were forgotten when the memory was full.
            credentials.drain(..credentials.len() - isolate.memory.keys.size());
            credentials.len()
        })
    })
}

/// New leases for all of them: each is good for so many requests only.
#[unsafe(no_mangle)]
pub extern "C" fn renew_leases() {
    ISOLATE.with_borrow(|isolate| {
        CREDENTIALS.with_borrow(|credentials| {
            let known = credentials.iter().filter_map(|credential| isolate.memory.key_of(&credential.digest()));
            known.for_each(|key| isolate.renew(&key.id));
        });
    });
}

/// Decides so many requests, by all of them in turn; by how many of them, then.
#[unsafe(no_mangle)]
pub extern "C" fn decide(count: usize) -> usize {
    ISOLATE.with_borrow(|isolate| {
        CREDENTIALS.with_borrow_mut(|credentials| {
            let ask = asking("leads:read");
            for _ in 0..count {
                let decision = black_box(isolate.verify(credentials.front().map_or("", |key| key.plaintext().expose()), &ask));
                assert!(decision.outcome.is_ok(), "the key is good");
                credentials.rotate_left(1);
            }
            credentials.len().min(count)
        })
    })
}
