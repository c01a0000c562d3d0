//! The identity provider's keys: from its URL, and kept in Workers KV under `jwks:<sha-256 of the URL in hex>`.

use async_trait::async_trait;
use futures_util::StreamExt as _;
use worker::{AbortController, CacheMode, Env, Fetch, Headers, KvStore, Method, Request, RequestInit, RequestRedirect};

use super::deadline::within;
use crate::{
    authn::jwks::MAX_DOCUMENT_BYTES,
    ports::{Kept, KeySets, Outage},
    token::digest::Digest,
};

const BINDING: &str = "KV";
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

    fn store(&self) -> Result<KvStore, Outage> {
        self.env.kv(BINDING).map_err(index_outage)
    }
}

#[async_trait(?Send)]
impl KeySets for PublishedKeySets {
    async fn fetch(&self, url: &str) -> Result<String, Outage> {
        let request = request(url).map_err(outage)?;
        let controller = AbortController::default();
        let signal = controller.signal();
        let document = within(LIMIT_MS, read(request, &signal)).await;
        if document.is_err() {
            // Nobody waits for the rest any more.
            controller.abort();
        }
        let document = document.map_err(outage)?;
        String::from_utf8(document).map_err(|_| outage("answered with something that is not UTF-8"))
    }

    async fn kept(&self, url: &str) -> Result<Option<Kept>, Outage> {
        let store = self.store()?;
        let get = store.get(&name(url));
        let text = within(LIMIT_MS, async { Ok(get.text().await?) }).await.map_err(index_outage)?;
        // A copy that this release cannot read counts as absent: the provider has the keys.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    async fn keep(&self, url: &str, kept: &Kept) -> Result<(), Outage> {
        let store = self.store()?;
        let stored = serde_json::to_string(kept).map_err(index_outage)?;
        // As a string: KV's own serialization turns maps into `{}`.
        let put = store.put(&name(url), stored.as_str()).map_err(index_outage)?;
        within(LIMIT_MS, async { Ok(put.execute().await?) }).await.map_err(index_outage)
    }
}

/// What is asked. A redirect is not followed: it could lead off the URL that is trusted. No cache answers in the provider's
/// place: it is asked when a key is not in the last answer.
fn request(url: &str) -> worker::Result<Request> {
    let headers = Headers::new();
    headers.set("Accept", "application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers).with_redirect(RequestRedirect::Manual).with_cache(CacheMode::NoStore);
    Request::new_with_init(url, &init)
}

/// The whole body, counted while it streams in: a length that lies helps nobody.
async fn read(request: Request, signal: &worker::AbortSignal) -> worker::Result<Vec<u8>> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    if response.status_code() != 200 {
        return Err(format!("answered with status {}", response.status_code()).into());
    }
    let mut body = Vec::new();
    let mut chunks = response.stream()?;
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > MAX_DOCUMENT_BYTES {
            return Err(format!("answered with more than {MAX_DOCUMENT_BYTES} bytes").into());
        }
    }
    Ok(body)
}

fn name(url: &str) -> String {
    format!("jwks:{}", Digest::of(url).hex())
}

fn outage(cause: impl std::fmt::Display) -> Outage {
    Outage::IdentityProvider { cause: cause.to_string() }
}

fn index_outage(cause: impl std::fmt::Display) -> Outage {
    Outage::Index { cause: cause.to_string() }
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
