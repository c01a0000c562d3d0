//! The index in Workers KV: `key:<sha-256 in hex>` → the key's stored record.

use async_trait::async_trait;
use worker::Env;

use super::{
    bindings::{kv_delete, kv_get, kv_put},
    deadline::within,
};
use crate::{
    key::record::KeyRecord,
    ports::{Index, Outage},
    token::digest::Digest,
};

const LIMIT_MS: u64 = 5_000;

/// The index. The binding is looked up when it is used.
pub struct KvIndex {
    env: Env,
}

impl KvIndex {
    /// The index of this deployment.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env }
    }
}

#[async_trait(?Send)]
impl Index for KvIndex {
    async fn find(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage> {
        let text = within(LIMIT_MS, kv_get(&self.env, &name(digest))).await.map_err(outage)?.as_string();
        // A record that this release cannot read counts as absent: the truth has it.
        Ok(text.and_then(|text| KeyRecord::from_stored(&text).ok()))
    }

    async fn put(&self, key: &KeyRecord) -> Result<(), Outage> {
        let stored = key.to_stored().map_err(|error| outage(error.to_string()))?;
        for secret in &key.secrets {
            within(LIMIT_MS, kv_put(&self.env, &name(&secret.digest), &stored)).await.map_err(outage)?;
        }
        Ok(())
    }

    async fn remove(&self, digests: &[Digest]) -> Result<(), Outage> {
        for digest in digests {
            within(LIMIT_MS, kv_delete(&self.env, &name(digest))).await.map_err(outage)?;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), Outage> {
        within(LIMIT_MS, kv_get(&self.env, "readyz")).await.map(drop).map_err(outage)
    }
}

fn name(digest: &Digest) -> String {
    format!("key:{}", digest.hex())
}

fn outage(cause: String) -> Outage {
    Outage::Index { cause }
}
