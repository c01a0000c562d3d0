//! A request as it comes in: read where needed, no further.

use js_sys::{Reflect, Uint8Array, futures::JsFuture};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, ReadableStreamDefaultReader, Request};

use super::exchange;

/// The platform's request with its URL taken apart.
pub struct Inbound {
    request: Request,
    headers: Headers,
    method: String,
    url: String,
    path_start: usize,
    query_start: usize,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than are allowed.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The connection ended before the body did.
    #[error("the body was cut off")]
    CutOff,
}

impl Inbound {
    /// Takes a request.
    #[must_use]
    pub fn new(request: Request) -> Self {
        let (method, url) = exchange::read_line(&request);
        let authority = url.find("://").map_or(0, |at| at + 3);
        let rest = url.get(authority..).unwrap_or_default();
        let path_start = rest.find(['/', '?']).map_or(url.len(), |at| authority + at);
        let query_start = rest.find('?').map_or(url.len(), |at| authority + at);
        Self { headers: request.headers(), method, request, url, path_start, query_start }
    }

    /// The method, as sent.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Scheme and authority, such as `https://keys.example.com`.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.url.get(..self.path_start).unwrap_or_default()
    }

    /// The path, still percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.get(self.path_start..self.query_start).unwrap_or_default()
    }

    /// Path and query, as sent.
    #[must_use]
    pub fn target(&self) -> &str {
        self.url.get(self.path_start..).unwrap_or_default()
    }

    /// The platform's request, for who passes it on.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The query without its question mark.
    #[must_use]
    pub fn query(&self) -> &str {
        self.url.get(self.query_start..).and_then(|query| query.strip_prefix('?')).unwrap_or_default()
    }

    /// A header's value; repeated fields come joined by `, `.
    #[must_use]
    pub fn header(&self, name: &'static str) -> Option<String> {
        let [value] = self.fields([name]);
        value
    }

    /// The values of several headers, which costs hardly more than one.
    #[must_use]
    pub fn fields<const N: usize>(&self, names: [&'static str; N]) -> [Option<String>; N] {
        exchange::read_fields(&self.headers, names)
    }

    /// The body, of at most `limit` bytes. One of unannounced length is counted while it streams in.
    ///
    /// # Errors
    /// [`BodyError`] when it is too long or ends early.
    pub async fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let announced = self.header("content-length").and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(BodyError::TooLarge(limit));
        }
        if announced.is_some() {
            // The server holds senders to the length that they announced (RFC 9112, section 6.3).
            let whole = self.request.array_buffer().map_err(|_| BodyError::CutOff)?;
            let whole = JsFuture::from(whole).await.map_err(|_| BodyError::CutOff)?;
            return Ok(Uint8Array::new(&whole).to_vec());
        }
        let Some(stream) = self.request.body() else { return Ok(Vec::new()) };
        let reader: ReadableStreamDefaultReader = stream.get_reader().dyn_into().map_err(|_| BodyError::CutOff)?;
        let mut body = Vec::new();
        while let Some(chunk) = next_chunk(&reader).await? {
            if body.len() + chunk.length() as usize > limit {
                // Nobody waits for the rest; whether the sender hears of it does not matter.
                let _ = reader.cancel();
                return Err(BodyError::TooLarge(limit));
            }
            body.extend_from_slice(&chunk.to_vec());
        }
        Ok(body)
    }
}

async fn next_chunk(reader: &ReadableStreamDefaultReader) -> Result<Option<Uint8Array>, BodyError> {
    let read = JsFuture::from(reader.read()).await.map_err(|_| BodyError::CutOff)?;
    let part = |name: &str| Reflect::get(&read, &JsValue::from_str(name)).map_err(|_| BodyError::CutOff);
    if part("done")?.is_truthy() {
        return Ok(None);
    }
    part("value")?.dyn_into().map(Some).map_err(|_| BodyError::CutOff)
}
