//! Hostile tokens, and what a good one may look like.

use std::convert::Infallible;

use pollster::block_on;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    authn::jwks::KeySet,
    testing::{
        fixtures::NOW,
        provider::{AUDIENCE, ISSUER, base64url, claims, document, ec, rsa},
    },
};

/// A token of these texts with some signature.
fn compact(header: &str, claims: &str) -> String {
    format!("{}.{}.{}", base64url(header), base64url(claims), base64url([1; 64]))
}

fn with_header(changes: Value) -> String {
    let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": "k"});
    json_patch::merge(&mut header, &changes);
    compact(&header.to_string(), "{}")
}

fn refusal_of(token: &str) -> Option<TokenRefusal> {
    read(token).err()
}

/// What becomes of signed claims.
fn judged(claims: &Value) -> Result<Claims, TokenRefusal> {
    Proven(claims.as_object().unwrap().clone()).judge(ISSUER, AUDIENCE, NOW)
}

#[test]
fn a_token_is_read_up_to_its_signature() {
    let token = with_header(json!({}));
    let read = read(&token).unwrap();
    assert_eq!((read.algorithm(), read.kid()), (Algorithm::Rs256, Some("k")));
    assert_eq!(read.signed, token.rsplit_once('.').unwrap().0);
    assert_eq!(read.signature, [1; 64]);
}

#[test]
fn the_algorithm_is_one_of_three_and_written_as_it_is_registered() {
    for name in ["RS256", "ES256", "EdDSA"] {
        assert_eq!(refusal_of(&with_header(json!({"alg": name}))), None, "{name}");
    }
    for other in ["none", "None", "NONE", "", "HS256", "HS512", "RS384", "PS256", "ES256K", "ES384", "Ed448", "rs256", "eddsa", "RS256 "] {
        assert_eq!(refusal_of(&with_header(json!({"alg": other}))), Some(TokenRefusal::Algorithm), "{other}");
    }
    for other in [json!(["RS256"]), json!(256), json!({"RS256": 1}), json!(null)] {
        assert_eq!(refusal_of(&with_header(json!({"alg": other}))), Some(TokenRefusal::Algorithm), "{other}");
    }
}

#[test]
fn a_header_that_asks_for_more_is_refused() {
    for (changes, member) in [
        (json!({"crit": ["exp"]}), "crit"),
        (json!({"crit": []}), "crit"),
        (json!({"crit": ["b64"], "b64": true}), "crit"),
        (json!({"b64": false}), "b64"),
        (json!({"b64": "true"}), "b64"),
        (json!({"enc": "A256GCM"}), "enc"),
        (json!({"zip": "DEF"}), "zip"),
        (json!({"typ": "logout+jwt"}), "typ"),
        (json!({"typ": "dpop+jwt"}), "typ"),
        (json!({"typ": 1}), "typ"),
        (json!({"kid": 1}), "kid"),
        (json!({"kid": ["k"]}), "kid"),
    ] {
        assert_eq!(refusal_of(&with_header(changes)), Some(TokenRefusal::Header { member }), "{member}");
    }
    assert_eq!(refusal_of(&compact(r#"{"alg":"RS256","crit":null}"#, "{}")), Some(TokenRefusal::Header { member: "crit" }));
    assert_eq!(refusal_of(&compact(r#"{"alg":"RS256","kid":null}"#, "{}")), Some(TokenRefusal::Header { member: "kid" }));
}

#[test]
fn keys_that_a_token_brings_along_and_its_usual_types_are_no_matter() {
    for changes in [
        json!({"jku": "https://evil.example", "x5u": "https://evil.example", "jwk": {"kty": "oct", "k": "AQ"}, "x5c": ["MII"]}),
        json!({"b64": true}),
        json!({"kid": null}),
        json!({"typ": null}),
        json!({"typ": "jwt"}),
        json!({"typ": "AT+JWT"}),
        json!({"typ": "application/at+jwt"}),
    ] {
        assert_eq!(refusal_of(&with_header(changes.clone())), None, "{changes}");
    }
}

#[test]
fn only_three_parts_in_base64url_of_two_objects_are_a_token() {
    let (header, claims) = (base64url(r#"{"alg":"RS256"}"#), base64url("{}"));
    for (token, refusal) in [
        (String::new(), TokenRefusal::NotCompact),
        ("..".into(), TokenRefusal::NotCompact),
        (format!("{header}.{claims}"), TokenRefusal::NotCompact),
        (format!("{header}.{claims}."), TokenRefusal::NotCompact),
        (format!("{header}..AQ"), TokenRefusal::NotCompact),
        (format!("{header}.{claims}.AQ."), TokenRefusal::NotCompact),
        (format!("{header}.AQ.AQ.AQ.AQ"), TokenRefusal::NotCompact),
        (format!("{header}=.{claims}.AQ"), TokenRefusal::NotCompact),
        (format!("{header}.{claims}.AQ=="), TokenRefusal::NotCompact),
        (format!("{header}.{claims}.+/+/"), TokenRefusal::NotCompact),
        (format!("{header}.{claims}.AR"), TokenRefusal::NotCompact), // bits behind the last byte: another text of the same signature
        (format!(" {header}.{claims}.AQ"), TokenRefusal::NotCompact),
        (format!("{header}.{claims}\n.AQ"), TokenRefusal::NotCompact),
        (format!("{header}.{}.AQ", base64url("[]")), TokenRefusal::NotObjects),
        (format!("{header}.{}.AQ", base64url("\"{}\"")), TokenRefusal::NotObjects),
        (format!("{header}.{}.AQ", base64url("{} {}")), TokenRefusal::NotObjects),
        (format!("{header}.{}.AQ", base64url(b"{\"sub\":\"\xFF\"}")), TokenRefusal::NotObjects),
        (format!("{}.{claims}.AQ", base64url(b"\xFF\xFE")), TokenRefusal::NotObjects),
        (format!("{}.{claims}.AQ", base64url("null")), TokenRefusal::NotObjects),
        (compact(r#"{"alg":"RS256","alg":"none"}"#, "{}"), TokenRefusal::NotObjects),
        (compact(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#), TokenRefusal::NotObjects),
        (compact(r#"{"alg":"RS256"}"#, r#"{"a":{"org":1,"\u006frg":2}}"#), TokenRefusal::NotObjects),
        (compact(r#"{"alg":"RS256"}"#, &"[".repeat(5_000)), TokenRefusal::NotObjects),
        (format!("{header}.{}.AQ", "A".repeat(MAX_BYTES)), TokenRefusal::TooLong),
    ] {
        let shown: String = token.chars().take(60).collect();
        assert_eq!(refusal_of(&token), Some(refusal), "{shown}");
    }
}

#[test]
fn claims_come_out_only_when_the_key_of_that_algorithm_made_the_signature() {
    let prove = |jwk: Value, good: bool| {
        let set = KeySet::parse(&document(&[jwk])).unwrap();
        let key = [Algorithm::Rs256, Algorithm::Es256].into_iter().find_map(|algorithm| set.find(algorithm, Some("k")).ok()).unwrap();
        let token = with_header(json!({}));
        let (signed, _) = token.rsplit_once('.').unwrap();
        let check = async |_: &VerifyingKey, bytes: &[u8], signature: &[u8]| {
            assert_eq!((bytes, signature), (signed.as_bytes(), &[1; 64][..]));
            Ok::<_, Infallible>(good)
        };
        block_on(read(&token).unwrap().prove(key, check)).unwrap().map(drop)
    };
    assert_eq!(prove(rsa("k", 1), true), Ok(()));
    assert_eq!(prove(rsa("k", 1), false), Err(TokenRefusal::Signature));
    assert_eq!(prove(ec("k", 1), true), Err(TokenRefusal::Key), "a key of another algorithm is never asked");
}

#[test]
fn claims_are_for_this_issuer_and_audience() {
    let refused = |claim| Some(TokenRefusal::Claim { claim });
    for (changes, refusal) in [
        (json!({}), None),
        (json!({"iss": null}), refused("iss")),
        (json!({"iss": "https://idp.example"}), refused("iss")),
        (json!({"iss": "https://idp.example/evil"}), refused("iss")),
        (json!({"iss": "HTTPS://idp.example/"}), refused("iss")),
        (json!({"iss": [ISSUER]}), refused("iss")),
        (json!({"aud": null}), refused("aud")),
        (json!({"aud": "other"}), refused("aud")),
        (json!({"aud": "latchkey2"}), refused("aud")),
        (json!({"aud": 7}), refused("aud")),
        (json!({"aud": {"latchkey": true}}), refused("aud")),
        (json!({"aud": []}), refused("aud")),
        (json!({"aud": ["other"]}), refused("aud")),
        (json!({"aud": ["latchkey", 7]}), refused("aud")),
        (json!({"aud": [["latchkey"]]}), refused("aud")),
        (json!({"aud": ["other", "latchkey"]}), None),
    ] {
        assert_eq!(judged(&claims(changes.clone())).err(), refusal, "{changes}");
    }
}

#[test]
fn claims_are_good_from_nbf_and_iat_until_exp_with_30_seconds_for_the_clocks() {
    let now = NOW.ms() / 1000;
    let wrong = |claim| Some(TokenRefusal::Claim { claim });
    for (changes, refusal) in [
        (json!({"exp": null}), wrong("exp")),
        (json!({"exp": (now + 60).to_string()}), wrong("exp")),
        (json!({"exp": true}), wrong("exp")),
        (json!({"exp": [now + 60]}), wrong("exp")),
        (json!({"exp": now - 3600}), Some(TokenRefusal::Expired)),
        (json!({"exp": now - 30}), Some(TokenRefusal::Expired)),
        (json!({"exp": now - 29}), None),
        (json!({"exp": 0}), Some(TokenRefusal::Expired)),
        (json!({"exp": -1e300}), Some(TokenRefusal::Expired)),
        (json!({"exp": 1e300}), None),
        (json!({"exp": now as f64 - 29.5}), None),
        (json!({"exp": now as f64 - 30.5}), Some(TokenRefusal::Expired)),
        (json!({"nbf": now + 30}), None),
        (json!({"nbf": now + 31}), Some(TokenRefusal::NotYet)),
        (json!({"nbf": "0"}), wrong("nbf")),
        (json!({"iat": null}), None),
        (json!({"iat": now + 30}), None),
        (json!({"iat": now + 31}), Some(TokenRefusal::NotYet)),
        (json!({"iat": "now"}), wrong("iat")),
    ] {
        assert_eq!(judged(&claims(changes.clone())).err(), refusal, "{changes}");
    }
    let mut with_null = claims(json!({}));
    with_null["nbf"] = Value::Null;
    assert_eq!(judged(&with_null).err(), wrong("nbf"), "null is not absent");
    let text = r#"{"alg":"RS256"}"#;
    assert_eq!(refusal_of(&compact(text, r#"{"exp":1e400}"#)), Some(TokenRefusal::NotObjects), "no number at all");
}

#[test]
fn a_claim_is_found_by_its_name_as_it_is_or_by_a_pointer() {
    let found = judged(&claims(json!({
        "https://acme.example/org": "by name", "custom": {"a/b": "by pointer", "~": "tilde"}, "groups": ["first"], "a.b": "dots",
    })))
    .ok()
    .unwrap();
    for (setting, value) in [
        ("https://acme.example/org", Some("by name")),
        ("a.b", Some("dots")),
        ("/custom/a~1b", Some("by pointer")),
        ("/custom/~0", Some("tilde")),
        ("/groups/0", Some("first")),
        ("/groups/1", None),
        ("/custom", None),
        ("custom/a~1b", None),
        ("/", None),
    ] {
        let place = Place::parse(setting).unwrap();
        assert_eq!(found.get(&place).and_then(Value::as_str), value, "{setting}");
    }
    for bad in ["/~", "/a~2b", "/~~0"] {
        assert_eq!(Place::parse(bad), None, "{bad}");
    }
    assert!(Place::parse("~").is_some());
}

#[test]
fn a_jwt_is_told_from_a_key() {
    let header = base64url(r#"{"alg":"none"}"#);
    assert!(looks_like(&with_header(json!({}))));
    assert!(looks_like(&format!("{header}.not base64.x")), "good or not is another question");
    for other in [
        crate::testing::fixtures::credential(),
        String::new(),
        "a.b.c".into(),
        "..".into(),
        format!("{header}.a"),
        format!("{header}.a."),
        format!("{header}.a.b.c.d"),
        format!("{}.a.b", base64url("{}")),
        format!("{}.a.b", base64url("[\"alg\"]")),
        "sk.live.key".into(),
    ] {
        assert!(!looks_like(&other), "{other}");
    }
}

#[test]
fn refusals_are_sentences_without_any_of_the_token() {
    let secret = "s3cr3t";
    for token in [
        with_header(json!({"alg": secret})),
        with_header(json!({"typ": secret})),
        with_header(json!({secret: 1, "crit": [secret]})),
        compact(secret, "{}"),
        compact(r#"{"alg":"RS256"}"#, &format!(r#"{{"{secret}":1,"{secret}":2}}"#)),
        format!("{secret}.{secret}"),
    ] {
        let refusal = refusal_of(&token).unwrap();
        assert!(!format!("{refusal} {refusal:?}").contains(secret), "{refusal}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = (read(&text).is_ok(), looks_like(&text));
    }

    #[test]
    fn no_parts_make_the_reader_panic(header in "[{}\\[\\]\":,a-z0-9]{0,40}", claims: Vec<u8>, signature: Vec<u8>) {
        let parts = format!("{}.{}.{}", base64url(header), base64url(claims), base64url(signature));
        let _ = (read(&parts).is_ok(), looks_like(&parts));
    }

    #[test]
    fn no_claims_make_the_judge_panic(exp: f64, iat: i64, nbf in "\\PC{0,4}") {
        let _ = judged(&claims(json!({"exp": exp, "iat": iat, "nbf": nbf})));
        let _ = judged(&claims(json!({"exp": exp, "iat": iat})));
    }
}
