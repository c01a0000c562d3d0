//! The index in Workers KV: `key:<sha-256 in hex>` → the key's stored record.

use async_trait::async_trait;
use worker::{Env, KvStore};

use super::deadline::within;
use crate::{
    key::record::KeyRecord,
    ports::{Index, Outage},
    token::digest::Digest,
};

const BINDING: &str = "KV";
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

    fn store(&self) -> Result<KvStore, Outage> {
        self.env.kv(BINDING).map_err(outage)
    }
}

#[async_trait(?Send)]
impl Index for KvIndex {
    async fn find(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage> {
        let store = self.store()?;
        let get = store.get(&name(digest));
        let text = within(LIMIT_MS, async { Ok(get.text().await?) }).await.map_err(outage)?;
        // A record that this release cannot read counts as absent: the truth has it.
        Ok(text.and_then(|text| KeyRecord::from_stored(&text).ok()))
    }

    async fn put(&self, key: &KeyRecord) -> Result<(), Outage> {
        let store = self.store()?;
        let stored = key.to_stored().map_err(outage)?;
        for secret in &key.secrets {
            // As a string: KV's own serialization turns maps into `{}`.
            let put = store.put(&name(&secret.digest), stored.as_str()).map_err(outage)?;
            within(LIMIT_MS, async { Ok(put.execute().await?) }).await.map_err(outage)?;
        }
        Ok(())
    }

    async fn remove(&self, digests: &[Digest]) -> Result<(), Outage> {
        let store = self.store()?;
        for digest in digests {
            let name = name(digest);
            within(LIMIT_MS, async { Ok(store.delete(&name).await?) }).await.map_err(outage)?;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), Outage> {
        let store = self.store()?;
        let get = store.get("readyz");
        within(LIMIT_MS, async { Ok(get.text().await?) }).await.map(drop).map_err(outage)
    }
}

fn name(digest: &Digest) -> String {
    format!("key:{}", digest.hex())
}

fn outage(cause: impl std::fmt::Display) -> Outage {
    Outage::Index { cause: cause.to_string() }
}
