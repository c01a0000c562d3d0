//! The public keys of an identity provider: a JWK set (RFC 7517) brought down to what signatures need.
//!
//! In scope: which keys of a document may prove a signature, and with which algorithm (RFC 8725, section 3.1). Out of
//! scope: fetching the document; checking a signature, which the platform does.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::base::strict_json;

/// The longest document that is read.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

const MAX_KEYS: usize = 100;
const MIN_RSA_BITS: usize = 2048;
/// A larger modulus proves no more and costs the verifier time.
const MAX_RSA_BITS: usize = 8192;
/// 65537 and its like; a smaller exponent forgives too little when a padding is checked carelessly.
const RSA_EXPONENTS: std::ops::RangeInclusive<u32> = 65_537..=u32::MAX;
/// A coordinate of P-256, and a public key of Ed25519.
const POINT_BYTES: usize = 32;
/// Members that only a private or a secret key has (RFC 7518, sections 6.2.2, 6.3.2, 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// How a token may be signed: an allowlist, not a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The algorithm of that name, if it is allowed. Names are case-sensitive (RFC 7515, section 4.1.1).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name in `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A public key that proves signatures of one algorithm. It holds the key's parameters and nothing else of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(Parameters);

/// Numbers as base64url text of exactly the bytes that count.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Parameters {
    Rsa { n: String, e: String },
    P256 { x: String, y: String },
    Ed25519 { x: String },
}

impl VerifyingKey {
    /// The one algorithm that the key is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Parameters::Rsa { .. } => Algorithm::Rs256,
            Parameters::P256 { .. } => Algorithm::Es256,
            Parameters::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// The members of a JWK that has this key and says nothing more.
    #[must_use]
    pub fn members(&self) -> Vec<(&'static str, &str)> {
        match &self.0 {
            Parameters::Rsa { n, e } => vec![("kty", "RSA"), ("n", n), ("e", e)],
            Parameters::P256 { x, y } => vec![("kty", "EC"), ("crv", "P-256"), ("x", x), ("y", y)],
            Parameters::Ed25519 { x } => vec![("kty", "OKP"), ("crv", "Ed25519"), ("x", x)],
        }
    }

    /// The key that a JWK describes, if it may prove signatures here.
    fn of(jwk: &Map<String, Value>) -> Option<Self> {
        // A private key that was published is everybody's: whatever it proves is worth nothing.
        let private = PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member));
        if private || !says(jwk, "use", |value| value == "sig") || !says(jwk, "key_ops", may_verify) {
            return None;
        }
        let text = |member: &str| jwk.get(member).and_then(Value::as_str);
        let parameters = match (text("kty")?, text("crv")) {
            ("RSA", _) => Parameters::Rsa { n: modulus(text("n")?)?, e: exponent(text("e")?)? },
            ("EC", Some("P-256")) => Parameters::P256 { x: point(text("x")?)?, y: point(text("y")?)? },
            ("OKP", Some("Ed25519")) => Parameters::Ed25519 { x: point(text("x")?)? },
            _ => return None,
        };
        let key = Self(parameters);
        says(jwk, "alg", |value| value == key.algorithm().name()).then_some(key)
    }
}

/// Whether a member is absent or says what it must.
fn says(jwk: &Map<String, Value>, member: &str, right: impl FnOnce(&Value) -> bool) -> bool {
    jwk.get(member).is_none_or(right)
}

fn may_verify(operations: &Value) -> bool {
    operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
}

/// A number without its leading zeros, which some providers write.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn modulus(text: &str) -> Option<String> {
    let number = number(text)?;
    let bits = (number.len() * 8).checked_sub(number.first()?.leading_zeros() as usize)?;
    let odd = number.last().is_some_and(|last| last % 2 == 1);
    ((MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) && odd).then(|| URL_SAFE_NO_PAD.encode(number))
}

fn exponent(text: &str) -> Option<String> {
    let number = number(text)?;
    let value = number.iter().try_fold(0_u32, |value, byte| value.checked_mul(256)?.checked_add((*byte).into()))?;
    (RSA_EXPONENTS.contains(&value) && value % 2 == 1).then(|| URL_SAFE_NO_PAD.encode(number))
}

fn point(text: &str) -> Option<String> {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == POINT_BYTES).then(|| text.to_owned())
}

/// The keys of a document, by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kid: Option<String>,
    /// `None`: the document has it, for something else.
    key: Option<VerifyingKey>,
}

/// Why a document is not a set of keys that could be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    /// More bytes than are read.
    #[error("the key set is longer than {MAX_DOCUMENT_BYTES} bytes")]
    TooLong,
    /// Not JSON, or an object in it names a member twice.
    #[error("the key set is not JSON in which each member is named once")]
    NotJson,
    /// JSON of another shape.
    #[error("the key set is not an object with a list of objects in `keys`")]
    NotAKeySet,
    /// Nobody signs with that many.
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Two keys of one id: which of them is meant cannot be known.
    #[error("two keys of the key set have the same kid")]
    DuplicateKid,
}

/// Why a set has no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// None of that id; a newer set may have it.
    Unknown,
    /// The key of that id is for something else, or without an id several would do: no newer set mends that.
    Unsuited,
}

impl KeySet {
    /// Reads a document. Keys for something else than signatures stay in it by their ids alone.
    ///
    /// # Errors
    /// [`BadKeySet`] when the document as a whole cannot be relied on.
    pub fn parse(document: &str) -> Result<Self, BadKeySet> {
        if document.len() > MAX_DOCUMENT_BYTES {
            return Err(BadKeySet::TooLong);
        }
        let document = strict_json::read(document.as_bytes()).map_err(|_| BadKeySet::NotJson)?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(BadKeySet::NotAKeySet)?;
        if keys.len() > MAX_KEYS {
            return Err(BadKeySet::TooManyKeys);
        }
        let entries: Vec<Entry> = keys.iter().map(|jwk| Entry::of(jwk.as_object()?)).collect::<Option<_>>().ok_or(BadKeySet::NotAKeySet)?;
        let mut kids = HashSet::new();
        let unique = entries.iter().filter_map(|entry| entry.kid.as_deref()).all(|kid| kids.insert(kid));
        if unique { Ok(Self(entries)) } else { Err(BadKeySet::DuplicateKid) }
    }

    /// The key for a token of that algorithm. Without a `kid` it is the only one that suits.
    ///
    /// # Errors
    /// [`NoKey`] says whether a newer set could have it.
    pub fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&VerifyingKey, NoKey> {
        let suited = |entry: &'_ Entry| entry.key.as_ref().is_some_and(|key| key.algorithm() == algorithm);
        let Some(kid) = kid else {
            let mut suited = self.0.iter().filter(|entry| suited(entry)).filter_map(|entry| entry.key.as_ref());
            let first = suited.next().ok_or(NoKey::Unknown)?;
            return if suited.next().is_none() { Ok(first) } else { Err(NoKey::Unsuited) };
        };
        let named = self.0.iter().find(|entry| entry.kid.as_deref() == Some(kid)).ok_or(NoKey::Unknown)?;
        named.key.as_ref().filter(|key| key.algorithm() == algorithm).ok_or(NoKey::Unsuited)
    }
}

impl Entry {
    fn of(jwk: &Map<String, Value>) -> Option<Self> {
        // An id that is no text names nothing, and a key of which that much is wrong is not relied on.
        let readable = jwk.get("kid").is_none_or(Value::is_string);
        let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
        Some(Self { kid, key: VerifyingKey::of(jwk).filter(|_| readable) })
    }
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
