//! Which keys of a document may prove a signature.

use super::*;
use crate::testing::provider::{base64url, document, ec, ed, rsa};
use proptest::prelude::*;
use serde_json::json;

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(&document(keys)).unwrap()
}

/// `jwk` with `changes` laid over it; null removes.
fn with(mut jwk: Value, changes: Value) -> Value {
    json_patch::merge(&mut jwk, &changes);
    jwk
}

#[test]
fn a_key_is_found_by_its_id_for_its_own_algorithm_only() {
    let set = set(&[rsa("r", 1), ec("e", 1), ed("o", 1)]);
    for (kid, own) in [("r", Algorithm::Rs256), ("e", Algorithm::Es256), ("o", Algorithm::EdDsa)] {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            let found = set.find(algorithm, Some(kid)).map(VerifyingKey::algorithm);
            assert_eq!(found, if algorithm == own { Ok(own) } else { Err(NoKey::Unsuited) }, "{kid} {algorithm:?}");
        }
    }
    assert_eq!(set.find(Algorithm::Rs256, Some("other")), Err(NoKey::Unknown));
    assert_eq!(set.find(Algorithm::Rs256, Some("")), Err(NoKey::Unknown));
}

#[test]
fn without_an_id_only_the_one_suited_key_will_do() {
    let without_kid = with(rsa("", 3), json!({"kid": null}));
    let two = set(&[rsa("a", 1), without_kid.clone(), ec("e", 1)]);
    assert_eq!(two.find(Algorithm::Rs256, None), Err(NoKey::Unsuited));
    assert_eq!(two.find(Algorithm::EdDsa, None), Err(NoKey::Unknown));
    assert!(two.find(Algorithm::Es256, None).is_ok());
    assert!(set(std::slice::from_ref(&without_kid)).find(Algorithm::Rs256, None).is_ok());
    assert_eq!(set(&[without_kid]).find(Algorithm::Rs256, Some("")), Err(NoKey::Unknown), "no id is not the empty one");
    let unsuited = with(rsa("b", 5), json!({"use": "enc"}));
    assert!(set(&[rsa("a", 1), unsuited]).find(Algorithm::Rs256, None).is_ok(), "a key for something else does not count");
}

#[test]
fn a_key_keeps_its_public_parameters_and_nothing_else() {
    let extra = json!({"x5c": ["MII"], "x5u": "https://evil.example", "iat": 1, "key_ops": ["verify"]});
    let (n, xy) = (base64url([0x81; 256]), base64url([7; 32]));
    for (jwk, members) in [
        (rsa("k", 1), vec![("kty", "RSA"), ("n", n.as_str()), ("e", "AQAB")]),
        (ec("k", 7), vec![("kty", "EC"), ("crv", "P-256"), ("x", xy.as_str()), ("y", xy.as_str())]),
        (ed("k", 7), vec![("kty", "OKP"), ("crv", "Ed25519"), ("x", xy.as_str())]),
    ] {
        let jwk = with(jwk, extra.clone());
        let Entry { key, .. } = set(&[jwk]).0.remove(0);
        assert_eq!(key.unwrap().members(), members);
    }
}

#[test]
fn leading_zeros_of_a_modulus_neither_count_nor_stay() {
    let mut padded = vec![0; 9];
    padded.extend([0x81; 256]);
    let long = with(rsa("k", 1), json!({"n": base64url(&padded), "e": base64url([0, 1, 0, 1])}));
    assert_eq!(set(&[long]), set(&[rsa("k", 1)]));
    let short = with(rsa("k", 1), json!({"n": base64url([&[0; 9][..], &[0x81; 255]].concat())}));
    assert_eq!(set(&[short]).find(Algorithm::Rs256, Some("k")), Err(NoKey::Unsuited));
}

#[test]
fn keys_for_something_else_are_passed_over_and_known_by_their_id() {
    let n = |bytes: &[u8]| json!({"n": base64url(bytes)});
    let mut even = [0x81; 256];
    even[255] = 0x80;
    let mut of_2047_bits = [0x81; 256];
    of_2047_bits[0] = 0x7F;
    for (what, jwk) in [
        ("encryption", with(rsa("k", 1), json!({"use": "enc"}))),
        ("use of another type", with(rsa("k", 1), json!({"use": ["sig"]}))),
        ("signing only", with(rsa("k", 1), json!({"key_ops": ["sign"]}))),
        ("operations of another type", with(rsa("k", 1), json!({"key_ops": "verify"}))),
        ("RS512", with(rsa("k", 1), json!({"alg": "RS512"}))),
        ("an algorithm of another key type", with(rsa("k", 1), json!({"alg": "HS256"}))),
        ("ES256 in an RSA key", with(rsa("k", 1), json!({"alg": "ES256"}))),
        ("alg of another type", with(rsa("k", 1), json!({"alg": 256}))),
        ("2047 bits", with(rsa("k", 1), n(&of_2047_bits))),
        ("1024 bits", with(rsa("k", 1), n(&[0x81; 128]))),
        ("more than 8192 bits", with(rsa("k", 1), n(&[0x81; 1025]))),
        ("even modulus", with(rsa("k", 1), n(&even))),
        ("no modulus", with(rsa("k", 1), json!({"n": null}))),
        ("empty modulus", with(rsa("k", 1), json!({"n": ""}))),
        ("modulus of zeros", with(rsa("k", 1), n(&[0; 256]))),
        ("padded base64", with(rsa("k", 1), json!({"n": format!("{}==", base64url([0x81; 256]))}))),
        ("exponent 1", with(rsa("k", 1), json!({"e": "AQ"}))),
        ("exponent 3", with(rsa("k", 1), json!({"e": "Aw"}))),
        ("even exponent", with(rsa("k", 1), json!({"e": base64url([1, 0, 2])}))),
        ("exponent of 5 bytes", with(rsa("k", 1), json!({"e": base64url([1, 0, 0, 0, 1])}))),
        ("private RSA key", with(rsa("k", 1), json!({"d": "AQAB"}))),
        ("private EC key", with(ec("k", 1), json!({"d": "AQAB"}))),
        ("P-384", with(ec("k", 1), json!({"crv": "P-384"}))),
        ("secp256k1", with(ec("k", 1), json!({"crv": "secp256k1"}))),
        ("short coordinate", with(ec("k", 1), json!({"x": base64url([1; 31])}))),
        ("long coordinate", with(ec("k", 1), json!({"y": base64url([1; 33])}))),
        ("no y", with(ec("k", 1), json!({"y": null}))),
        ("ES384", with(ec("k", 1), json!({"alg": "ES384"}))),
        ("X25519", with(ed("k", 1), json!({"crv": "X25519"}))),
        ("Ed448", with(ed("k", 1), json!({"crv": "Ed448"}))),
        ("short Ed25519", with(ed("k", 1), json!({"x": base64url([1; 31])}))),
        ("a secret", json!({"kty": "oct", "kid": "k", "k": base64url([1; 32])})),
        ("a secret's member in a public key", with(ed("k", 1), json!({"k": "AQ"}))),
        ("no type", json!({"kid": "k"})),
        ("another type", json!({"kid": "k", "kty": "AKP", "alg": "ML-DSA-44"})),
    ] {
        let set = set(&[jwk, rsa("good", 3)]);
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            assert_eq!(set.find(algorithm, Some("k")), Err(NoKey::Unsuited), "{what}");
        }
        assert!(set.find(Algorithm::Rs256, Some("good")).is_ok(), "{what}");
    }
    let numbered = set(&[with(ec("", 1), json!({"kid": 7}))]);
    assert_eq!(numbered.find(Algorithm::Es256, None), Err(NoKey::Unknown), "an id that is no text");
}

#[test]
fn a_document_is_refused_as_a_whole() {
    let many: Vec<Value> = (0..=MAX_KEYS).map(|number| ed(&number.to_string(), 1)).collect();
    let long = json!({"keys": [], "x": "a".repeat(MAX_DOCUMENT_BYTES)}).to_string();
    for (document, refusal) in [
        (String::new(), BadKeySet::NotJson),
        ("<html>".into(), BadKeySet::NotJson),
        (r#"{"keys":[],"keys":[]}"#.into(), BadKeySet::NotJson),
        (r#"{"keys":[{"kid":"a","kid":"b"}]}"#.into(), BadKeySet::NotJson),
        ("[]".into(), BadKeySet::NotAKeySet),
        ("{}".into(), BadKeySet::NotAKeySet),
        (r#"{"keys":{}}"#.into(), BadKeySet::NotAKeySet),
        (r#"{"keys":["a"]}"#.into(), BadKeySet::NotAKeySet),
        (document(&many), BadKeySet::TooManyKeys),
        (document(&[rsa("same", 1), ec("same", 2)]), BadKeySet::DuplicateKid),
        (document(&[rsa("same", 1), with(rsa("same", 3), json!({"use": "enc"}))]), BadKeySet::DuplicateKid),
        (long, BadKeySet::TooLong),
    ] {
        assert_eq!(KeySet::parse(&document), Err(refusal));
    }
    assert!(KeySet::parse(&document(&many[1..])).is_ok());
    assert!(KeySet::parse(r#"{"keys":[],"public_certs":[{"kid":"a"}]}"#).is_ok(), "Cloudflare Access adds members");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        let _ = KeySet::parse(&text);
    }

    #[test]
    fn no_number_makes_the_parser_panic(n: Vec<u8>, e: Vec<u8>) {
        let _ = KeySet::parse(&document(&[with(rsa("k", 1), json!({"n": base64url(n), "e": base64url(e)}))]));
    }
}
