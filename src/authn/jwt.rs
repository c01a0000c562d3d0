//! Signed tokens of an identity provider: JWTs (RFC 7519) in compact form, read as RFC 8725 asks.
//!
//! In scope: shape, header, and the claims that every token has. Out of scope: which key and whether the signature is
//! good, see `jwks` and the port; what the claims say of a member, see `member`.
//!
//! INVARIANT: each step has a type, and only the step before makes it: [`Unproven`] has no claims to read, [`Proven`] none
//! that were not signed, [`Claims`] none that are not for here and now. No refusal repeats any of the token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::jwks::{Algorithm, VerifyingKey};
use crate::base::{strict_json, time::Timestamp};

/// The longest token that is read.
pub const MAX_BYTES: usize = 16 * 1024;

/// How far the provider's clock may be from this one.
const LEEWAY_MS: f64 = 30_000.0;

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant names its field")]
pub enum TokenRefusal {
    /// More than anybody signs.
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Not a JWS in compact form; an encrypted token has five parts.
    #[error("the token is not three parts in base64url without padding")]
    NotCompact,
    /// Header or claims are something else.
    #[error("the token's header and claims are not JSON objects in which each member is named once")]
    NotObjects,
    /// An algorithm off the list.
    #[error("the token is not signed with RS256, ES256 or EdDSA")]
    Algorithm,
    /// A part of the header that is not understood, or of the wrong type.
    #[error("the token's header has a {member} that is not accepted")]
    Header { member: &'static str },
    /// No key of the provider's is meant, or it is for something else.
    #[error("the token names no key of the identity provider")]
    Key,
    /// Somebody else signed it, or it was changed.
    #[error("the token's signature is not good")]
    Signature,
    /// A claim that is missing, of the wrong type or not acceptable.
    #[error("the token's claim for {claim} is missing or not acceptable")]
    Claim { claim: &'static str },
    /// It was good.
    #[error("the token has expired")]
    Expired,
    /// It will be good, or comes from a clock that is ahead.
    #[error("the token is not good yet")]
    NotYet,
}

/// Whether the text is a JWT rather than a key: three parts, of which the first is an object with `alg`. Says nothing of
/// whether it is good.
#[must_use]
pub fn looks_like(token: &str) -> bool {
    parts(token).ok().and_then(|[header, ..]| object(header).ok()).is_some_and(|header| header.contains_key("alg"))
}

/// Reads a token, all but what it claims.
///
/// # Errors
/// [`TokenRefusal`] when it is not a JWT or its header asks for something that is not done here.
pub fn read(token: &str) -> Result<Unproven<'_>, TokenRefusal> {
    let [header, claims, signature] = parts(token)?;
    let header = object(header)?;
    let claims = object(claims)?;
    let signature_bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenRefusal::NotCompact)?;
    let (algorithm, kid) = read_header(&header)?;
    // The first two parts and the dot between them (RFC 7515, section 5.2, step 8).
    let signed = token.strip_suffix(signature).and_then(|rest| rest.strip_suffix('.')).ok_or(TokenRefusal::NotCompact)?;
    Ok(Unproven { algorithm, kid, signed, signature: signature_bytes, claims })
}

fn parts(token: &str) -> Result<[&str; 3], TokenRefusal> {
    if token.len() > MAX_BYTES {
        return Err(TokenRefusal::TooLong);
    }
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(claims), Some(signature), None) if ![header, claims, signature].contains(&"") => {
            Ok([header, claims, signature])
        }
        _ => Err(TokenRefusal::NotCompact),
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenRefusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefusal::NotCompact)?;
    match strict_json::read(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(TokenRefusal::NotObjects),
    }
}

/// Algorithm and key id. `jku`, `x5u`, `jwk` and `x5c` bring a key along: they are never looked at.
fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), TokenRefusal> {
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named).ok_or(TokenRefusal::Algorithm)?;
    // No extension is understood, so none can be critical; and nothing here is encrypted or compressed.
    if let Some(member) = ["crit", "enc", "zip"].into_iter().find(|member| header.contains_key(*member)) {
        return Err(TokenRefusal::Header { member });
    }
    let accepted = |member: &'static str, right: &dyn Fn(&Value) -> bool| {
        if header.get(member).is_none_or(right) { Ok(()) } else { Err(TokenRefusal::Header { member }) }
    };
    accepted("b64", &|value| value == true)?;
    accepted("typ", &|value| value.as_str().is_some_and(is_token_type))?;
    accepted("kid", &Value::is_string)?;
    Ok((algorithm, header.get("kid").and_then(Value::as_str).map(str::to_owned)))
}

/// A JWT, or an access token (RFC 9068, section 2.1). Other kinds, such as a logout token, are not for calling with.
fn is_token_type(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
}

/// A token whose signature was not checked: what it claims cannot be read.
pub struct Unproven<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

impl Unproven<'_> {
    /// The algorithm that it says it is signed with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that it says it is signed with.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The token with its claims, once `is_good` has said that `key` made this signature over these bytes.
    ///
    /// # Errors
    /// What `is_good` fails with; within, [`TokenRefusal::Key`] for a key of another algorithm, or
    /// [`TokenRefusal::Signature`].
    pub async fn prove<E>(
        self,
        key: &VerifyingKey,
        is_good: impl AsyncFnOnce(&VerifyingKey, &[u8], &[u8]) -> Result<bool, E>,
    ) -> Result<Result<Proven, TokenRefusal>, E> {
        // The key says how it may be used, never the token (RFC 8725, section 3.1).
        if key.algorithm() != self.algorithm {
            return Ok(Err(TokenRefusal::Key));
        }
        let good = is_good(key, self.signed.as_bytes(), &self.signature).await?;
        Ok(if good { Ok(Proven(self.claims)) } else { Err(TokenRefusal::Signature) })
    }
}

/// A token that the provider signed, for whomever and whenever.
pub struct Proven(Map<String, Value>);

impl Proven {
    /// Its claims, if they are this issuer's, for this audience, now.
    ///
    /// # Errors
    /// [`TokenRefusal`] otherwise, and for a claim of the wrong type.
    pub fn judge(self, issuer: &str, audience: &str, now: Timestamp) -> Result<Claims, TokenRefusal> {
        let claims = self.0;
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err(TokenRefusal::Claim { claim: "iss" });
        }
        if !claims.get("aud").is_some_and(|aud| is_for(aud, audience)) {
            return Err(TokenRefusal::Claim { claim: "aud" });
        }
        // Milliseconds of this age and of the next thousand years are exact in a float.
        let now_ms = now.ms() as f64;
        let expires_ms = time(&claims, "exp")?.ok_or(TokenRefusal::Claim { claim: "exp" })?;
        if now_ms >= expires_ms + LEEWAY_MS {
            return Err(TokenRefusal::Expired);
        }
        for claim in ["nbf", "iat"] {
            if time(&claims, claim)?.is_some_and(|from_ms| now_ms < from_ms - LEEWAY_MS) {
                return Err(TokenRefusal::NotYet);
            }
        }
        Ok(Claims(Value::Object(claims)))
    }
}

/// One audience or a list of them (RFC 7519, section 4.1.3); a list with anything else in it is none.
fn is_for(aud: &Value, audience: &str) -> bool {
    match aud {
        Value::String(only) => only == audience,
        Value::Array(list) => list.iter().all(Value::is_string) && list.iter().any(|one| one == audience),
        _ => false,
    }
}

/// A `NumericDate` in milliseconds: seconds since the epoch, fractions allowed (RFC 7519, section 2).
fn time(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<f64>, TokenRefusal> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    value.as_f64().map(|seconds| Some(seconds * 1000.0)).ok_or(TokenRefusal::Claim { claim })
}

/// The claims of a good token: an object.
pub struct Claims(Value);

impl Claims {
    /// The claim that stands there.
    #[must_use]
    pub fn get(&self, place: &Place) -> Option<&Value> {
        match place {
            Place::Member(name) => self.0.get(name),
            Place::Pointer(pointer) => self.0.pointer(pointer),
        }
    }
}

/// Where a claim stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A member of the claims, by its name as it is.
    Member(String),
    /// Deeper within, by a JSON Pointer (RFC 6901).
    Pointer(String),
}

impl Place {
    /// Reads a setting: a JSON Pointer begins with a slash. `None` when such a text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !text.starts_with('/') {
            return Some(Self::Member(text.to_owned()));
        }
        let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        escaped.then(|| Self::Pointer(text.to_owned()))
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
