//! An identity provider in memory: its document, the kept copy, and signatures that only look like some.
//!
//! A signature is the SHA-256 of the key's public members and the signed bytes. Anybody could make it, but it is good for
//! one key and one text only, and that is what the services are tested for.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    clock::let_others_in,
    fixtures::{NOW, ORG},
    wire::{Call, Wire},
};
use crate::{
    authn::{
        jwks::{Algorithm, KeySet, VerifyingKey},
        member::MemberSettings,
    },
    ports::{Kept, KeySets, Outage, Signatures},
};

pub const ISSUER: &str = "https://idp.example/";
pub const AUDIENCE: &str = "latchkey";
pub const JWKS_URL: &str = "https://idp.example/keys";

/// The settings of a deployment that trusts this provider.
pub fn settings() -> MemberSettings {
    let variables = [("MEMBER_ISSUER", ISSUER), ("MEMBER_AUDIENCE", AUDIENCE), ("MEMBER_JWKS_URL", JWKS_URL)];
    let find = |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, text)| (*text).to_owned());
    MemberSettings::read(find).unwrap().unwrap()
}

/// The provider. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryProvider {
    wire: Wire,
    document: Rc<RefCell<String>>,
    kept: Rc<RefCell<HashMap<String, String>>>,
}

impl MemoryProvider {
    pub fn new(wire: Wire) -> Self {
        Self { wire, ..Self::default() }
    }

    /// The keys that it publishes from now on.
    pub fn publish(&self, keys: &[Value]) {
        self.answer(&document(keys));
    }

    /// What it answers from now on, whatever that is.
    pub fn answer(&self, document: &str) {
        document.clone_into(&mut self.document.borrow_mut());
    }

    /// What is kept, without a call.
    pub fn kept_now(&self) -> Option<Kept> {
        self.kept.borrow().get(JWKS_URL).map(|stored| serde_json::from_str(stored).unwrap())
    }

    /// What is kept from now on.
    pub fn set_kept(&self, kept: &Kept) {
        self.kept.borrow_mut().insert(JWKS_URL.to_owned(), serde_json::to_string(kept).unwrap());
    }
}

#[async_trait(?Send)]
impl KeySets for MemoryProvider {
    async fn fetch(&self, url: &str, _max_bytes: usize) -> Result<String, Outage> {
        assert_eq!(url, JWKS_URL);
        let_others_in().await;
        self.wire.pass(Call::KeySetFetch, || Ok(self.document.borrow().clone()))
    }

    async fn kept(&self, url: &str) -> Result<Option<Kept>, Outage> {
        assert_eq!(url, JWKS_URL);
        self.wire.pass(Call::KeySetKept, || Ok(self.kept_now()))
    }

    async fn keep(&self, url: &str, kept: &Kept) -> Result<(), Outage> {
        assert_eq!(url, JWKS_URL);
        self.wire.pass(Call::KeySetKeep, || {
            self.set_kept(kept);
            Ok(())
        })
    }
}

/// Cryptography for tests.
pub struct MemorySignatures(Wire);

impl MemorySignatures {
    pub fn new(wire: Wire) -> Self {
        Self(wire)
    }
}

#[async_trait(?Send)]
impl Signatures for MemorySignatures {
    async fn is_good(&self, key: &VerifyingKey, signed: &[u8], signature: &[u8]) -> Result<bool, Outage> {
        self.0.pass(Call::CheckSignature, || Ok(sign(key, signed) == signature))
    }
}

/// The signature that the holder of that key makes.
pub fn sign(key: &VerifyingKey, signed: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(format!("{:?}", key.members())).chain_update(signed).finalize().to_vec()
}

pub fn document(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An RSA key of that id, told from others by its `seed`.
pub fn rsa(kid: &str, seed: u8) -> Value {
    json!({"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": base64url([0x80 | seed; 256].map(|byte| byte | 1)), "e": "AQAB"})
}

/// A P-256 key.
pub fn ec(kid: &str, seed: u8) -> Value {
    json!({"kty": "EC", "kid": kid, "crv": "P-256", "x": base64url([seed; 32]), "y": base64url([seed; 32])})
}

/// An Ed25519 key.
pub fn ed(kid: &str, seed: u8) -> Value {
    json!({"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": base64url([seed; 32])})
}

/// Claims of a member of the usual organization that are good at [`NOW`], and `changes` laid over them; null removes.
pub fn claims(changes: Value) -> Value {
    let seconds = NOW.ms() / 1000;
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user_42", "org_id": ORG, "role": "developer", "name": "Ada Lovelace",
        "iat": seconds, "exp": seconds + 86_400,
    });
    json_patch::merge(&mut claims, &changes);
    claims
}

/// The header of a token that `jwk` signs.
pub fn header(jwk: &Value) -> Value {
    let alg = match jwk["kty"].as_str() {
        Some("RSA") => "RS256",
        Some("EC") => "ES256",
        _ => "EdDSA",
    };
    json!({"alg": alg, "typ": "JWT", "kid": jwk["kid"]})
}

/// A token that the holder of `jwk` signed, with these texts for header and claims.
pub fn token_of(header: &str, claims: &str, jwk: &Value) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(claims));
    let set = KeySet::parse(&document(std::slice::from_ref(jwk))).unwrap();
    let own = self::header(jwk);
    let algorithm = Algorithm::named(own["alg"].as_str().unwrap()).unwrap();
    let key = set.find(algorithm, own["kid"].as_str()).unwrap();
    format!("{signed}.{}", base64url(sign(key, signed.as_bytes())))
}

/// A token with these claims that the holder of `jwk` signed.
pub fn token(claims: &Value, jwk: &Value) -> String {
    token_of(&header(jwk).to_string(), &claims.to_string(), jwk)
}
