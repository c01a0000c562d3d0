//! Signatures by WebCrypto (`crypto.subtle`): nothing here computes one.

use async_trait::async_trait;
use js_sys::{Array, Object, Reflect, Uint8Array, futures::JsFuture};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};

use crate::{
    authn::jwks::{Algorithm, VerifyingKey},
    ports::{Outage, Signatures},
};

/// The platform's cryptography.
pub struct PlatformSignatures;

#[async_trait(?Send)]
impl Signatures for PlatformSignatures {
    async fn is_good(&self, key: &VerifyingKey, signed: &[u8], signature: &[u8]) -> Result<bool, Outage> {
        let subtle = subtle().map_err(|_| Outage::Signatures { cause: "the platform has no crypto.subtle".to_owned() })?;
        if !has_length(key.algorithm(), signature.len()) {
            return Ok(false);
        }
        // What the platform throws at a key or a signature says that they are no good; a caller must not get a 503 by it.
        Ok(check(&subtle, key, signed, signature).await.unwrap_or(false))
    }
}

fn subtle() -> Result<SubtleCrypto, JsValue> {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    Ok(global.crypto()?.subtle())
}

/// Whether a signature can have that many bytes. ES256 is r and s, 32 bytes each (RFC 7518, section 3.4); Ed25519 has 64
/// (RFC 8032, section 5.1.6). One of RSA is as long as the modulus, which the platform checks.
fn has_length(algorithm: Algorithm, bytes: usize) -> bool {
    match algorithm {
        Algorithm::Rs256 => bytes > 0,
        Algorithm::Es256 | Algorithm::EdDsa => bytes == 64,
    }
}

async fn check(subtle: &SubtleCrypto, key: &VerifyingKey, signed: &[u8], signature: &[u8]) -> Result<bool, JsValue> {
    let jwk = object(&key.members())?;
    let usages = Array::of1(&JsValue::from_str("verify"));
    let (import, verify) = parameters(key.algorithm())?;
    let imported = subtle.import_key_with_object("jwk", &jwk, &import, false, &usages)?;
    let imported: CryptoKey = JsFuture::from(imported).await?.dyn_into()?;
    // Copies, for the platform reads them later, when the memory of this module may have moved.
    let (signature, signed) = (Uint8Array::from(signature), Uint8Array::from(signed));
    let good = subtle.verify_with_object_and_buffer_source_and_buffer_source(&verify, &imported, &signature, &signed)?;
    Ok(JsFuture::from(good).await?.as_bool() == Some(true))
}

/// What importing and verifying are told of the algorithm.
fn parameters(algorithm: Algorithm) -> Result<(Object, Object), JsValue> {
    Ok(match algorithm {
        Algorithm::Rs256 => {
            let import = object(&[("name", "RSASSA-PKCS1-v1_5"), ("hash", "SHA-256")])?;
            (import, object(&[("name", "RSASSA-PKCS1-v1_5")])?)
        }
        Algorithm::Es256 => {
            let import = object(&[("name", "ECDSA"), ("namedCurve", "P-256")])?;
            (import, object(&[("name", "ECDSA"), ("hash", "SHA-256")])?)
        }
        Algorithm::EdDsa => (object(&[("name", "Ed25519")])?, object(&[("name", "Ed25519")])?),
    })
}

fn object(members: &[(&str, &str)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value))?;
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_another_length_never_reaches_the_platform() {
        for (algorithm, bytes, has) in [
            (Algorithm::Es256, 64, true),
            (Algorithm::Es256, 63, false),
            // DER, as OpenSSL writes it.
            (Algorithm::Es256, 71, false),
            (Algorithm::EdDsa, 64, true),
            (Algorithm::EdDsa, 0, false),
            (Algorithm::Rs256, 256, true),
            (Algorithm::Rs256, 0, false),
        ] {
            assert_eq!(has_length(algorithm, bytes), has, "{algorithm:?} {bytes}");
        }
    }
}
