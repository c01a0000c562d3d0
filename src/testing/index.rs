//! The index in memory: stored text by digest, as in Workers KV, and as stale as a test wants it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use async_trait::async_trait;

use super::wire::{Call, Wire};
use crate::{
    key::record::KeyRecord,
    ports::{Index, Outage},
    token::digest::Digest,
};

/// The index. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryIndex {
    wire: Wire,
    records: Rc<RefCell<HashMap<String, String>>>,
    frozen: Rc<Cell<bool>>,
}

impl MemoryIndex {
    pub fn new(wire: Wire) -> Self {
        Self { wire, ..Self::default() }
    }

    /// From now on the index accepts records and goes on serving the old ones.
    pub fn freeze(&self) {
        self.frozen.set(true);
    }

    /// What the index serves for the key's secrets from now on, whatever was put before.
    pub fn serve(&self, key: &KeyRecord) {
        let stored = key.to_stored().unwrap();
        for secret in &key.secrets {
            self.records.borrow_mut().insert(secret.digest.hex(), stored.clone());
        }
    }

    /// What the index serves, without a call.
    pub fn served(&self, digest: &Digest) -> Option<KeyRecord> {
        self.records.borrow().get(&digest.hex()).map(|stored| KeyRecord::from_stored(stored).unwrap())
    }

    pub fn forget_everything(&self) {
        self.records.borrow_mut().clear();
    }
}

#[async_trait(?Send)]
impl Index for MemoryIndex {
    async fn find(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage> {
        self.wire.pass(Call::IndexFind, || Ok(self.served(digest)))
    }

    async fn put(&self, key: &KeyRecord) -> Result<(), Outage> {
        self.wire.pass(Call::IndexPut, || {
            if !self.frozen.get() {
                self.serve(key);
            }
            Ok(())
        })
    }

    async fn remove(&self, digests: &[Digest]) -> Result<(), Outage> {
        self.wire.pass(Call::IndexRemove, || {
            let mut records = self.records.borrow_mut();
            digests.iter().filter(|_| !self.frozen.get()).for_each(|digest| drop(records.remove(&digest.hex())));
            Ok(())
        })
    }

    async fn check(&self) -> Result<(), Outage> {
        self.wire.pass(Call::CheckIndex, || Ok(()))
    }
}
