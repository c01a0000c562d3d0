//! The identity provider's keys: from its URL, and kept in Workers KV under `jwks:<sha-256 of the URL in hex>`.

use async_trait::async_trait;
use worker::Env;

use super::{
    bindings::{fetch_document, kv_get, kv_put},
    deadline::{text_fetched_within, within},
};
use crate::{
    base::json,
    ports::{Kept, KeySets, Outage},
    token::digest::Digest,
};

const LIMIT_MS: u64 = 5_000;

/// The published keys. The binding is looked up when it is used.
pub struct PublishedKeySets {
    env: Env,
}

impl PublishedKeySets {
    /// The keys as this deployment sees them.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env }
    }
}

#[async_trait(?Send)]
impl KeySets for PublishedKeySets {
    async fn fetch(&self, url: &str, max_bytes: usize) -> Result<String, Outage> {
        text_fetched_within(LIMIT_MS, |signal| fetch_document(url, max_bytes, signal)).await.map_err(outage)
    }

    async fn kept(&self, url: &str) -> Result<Option<Kept>, Outage> {
        let text = within(LIMIT_MS, kv_get(&self.env, &name(url))).await.map_err(index_outage)?.as_string();
        // A copy that this release cannot read counts as absent: the provider has the keys.
        Ok(text.and_then(|text| json::read(&text).ok()))
    }

    async fn keep(&self, url: &str, kept: &Kept) -> Result<(), Outage> {
        let stored = serde_json::to_string(kept).map_err(|error| index_outage(error.to_string()))?;
        within(LIMIT_MS, kv_put(&self.env, &name(url), &stored)).await.map(drop).map_err(index_outage)
    }
}

fn name(url: &str) -> String {
    format!("jwks:{}", Digest::of(url).hex())
}

fn outage(cause: String) -> Outage {
    Outage::IdentityProvider { cause }
}

fn index_outage(cause: String) -> Outage {
    Outage::Index { cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::NOW;

    #[test]
    fn the_kept_copy_is_stored_byte_for_byte_like_this() {
        let kept = Kept { document: "{\"keys\":[]}".into(), fetched_at: NOW };
        let stored = r#"{"document":"{\"keys\":[]}","fetched_at":"2030-03-17T17:46:40.000Z"}"#;
        assert_eq!(serde_json::to_string(&kept).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Kept>(stored).unwrap(), kept);
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(name("abc"), format!("jwks:{digest}"));
    }
}
