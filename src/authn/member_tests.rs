//! Settings, and what claims say of a member.

use serde_json::{Value, json};

use super::*;
use crate::{
    authn::jwt,
    testing::{
        fixtures::{self, NOW, ORG},
        provider::{self, AUDIENCE, ISSUER, JWKS_URL, claims, ed, settings, token},
    },
};

fn read(variables: &[(&str, &str)]) -> Result<Option<MemberSettings>, BadMemberSetting> {
    MemberSettings::read(|name| variables.iter().rev().find(|(variable, _)| *variable == name).map(|(_, text)| (*text).to_owned()))
}

const WHOLE: [(&str, &str); 3] = [("MEMBER_ISSUER", ISSUER), ("MEMBER_AUDIENCE", AUDIENCE), ("MEMBER_JWKS_URL", JWKS_URL)];

/// What a signed token with these claims says.
fn member(claims: &Value, places: &Places) -> Result<MemberClaims, TokenRefusal> {
    let jwk = ed("k", 1);
    let token = token(claims, &jwk);
    let set = crate::authn::jwks::KeySet::parse(&provider::document(&[jwk])).unwrap();
    let key = set.find(crate::authn::jwks::Algorithm::EdDsa, Some("k")).unwrap();
    let proven = pollster::block_on(jwt::read(&token).unwrap().prove(key, async |_, _, _| Ok::<_, ()>(true))).unwrap().unwrap();
    MemberClaims::of(&proven.judge(ISSUER, AUDIENCE, NOW)?, places)
}

#[test]
fn member_tokens_are_off_until_the_three_settings_are_there() {
    assert_eq!(read(&[]), Ok(None));
    assert_eq!(read(&[("MEMBER_ISSUER", " "), ("MEMBER_ORG_CLAIM", "org")]), Ok(None));
    for missing in WHOLE {
        let rest: Vec<_> = WHOLE.into_iter().filter(|setting| *setting != missing).collect();
        let refused = read(&rest).unwrap_err();
        assert_eq!(refused, BadMemberSetting::Missing { variable: missing.0 });
        assert!(refused.to_string().starts_with(missing.0));
    }
    assert_eq!(
        read(&[("MEMBER_ISSUER", "https://acme.cloudflareaccess.com")]),
        Err(BadMemberSetting::Missing { variable: "MEMBER_AUDIENCE" })
    );
}

#[test]
fn settings_have_the_usual_claims_and_take_others() {
    let usual = read(&WHOLE).unwrap().unwrap();
    let member = |name: &str| Place::Member(name.into());
    assert_eq!((usual.issuer.as_str(), usual.audience.as_str(), usual.jwks_url.as_str()), (ISSUER, AUDIENCE, JWKS_URL));
    assert_eq!(usual.places, Places { org: member("org_id"), role: member("role"), user: member("sub"), name: member("name") });
    let others = [("MEMBER_ORG_CLAIM", "/custom/org"), ("MEMBER_ROLE_CLAIM", "https://acme.example/role"), ("MEMBER_NAME_CLAIM", "")];
    let places = read(&[&WHOLE[..], &others].concat()).unwrap().unwrap().places;
    assert_eq!(places.org, Place::Pointer("/custom/org".into()));
    assert_eq!((places.role, places.name), (member("https://acme.example/role"), member("name")));
    let bad = read(&[&WHOLE[..], &[("MEMBER_USER_CLAIM", "/a~")]].concat());
    assert_eq!(bad, Err(BadMemberSetting::Pointer { variable: "MEMBER_USER_CLAIM" }));
}

#[test]
fn keys_come_over_https_or_from_this_machine() {
    let with = |url: &str| read(&[&WHOLE[..], &[("MEMBER_JWKS_URL", url)]].concat());
    for good in [
        "https://idp.example/.well-known/jwks.json",
        "https://idp.example:8443/keys?tenant=1",
        "https://idp.example",
        "http://localhost:9000/keys",
        "http://127.0.0.1/keys",
        "http://[::1]:9000/keys",
        "http://[::1]/keys",
    ] {
        assert!(with(good).is_ok(), "{good}");
    }
    for bad in [
        "http://idp.example/keys",
        "http://localhost.idp.example/keys",
        "http://localhost@idp.example/keys",
        "http://localhost:x@idp.example/keys",
        "http://localhost\\@idp.example/keys",
        "http://127.0.0.1.idp.example/keys",
        "http://127.0.0.2/keys",
        "http://2130706433/keys",
        "http://[::1].idp.example/",
        "https://user:password@idp.example/keys",
        "https:///keys",
        "https://:443/keys",
        "https://idp.example:99999/",
        "https:idp.example/keys",
        "https://idp.example/ke ys",
        "https://idp.example/keys#a",
        "https://идп.example/keys",
        "ftp://idp.example/keys",
        "file:///etc/keys",
        "data:application/json,{}",
        "idp.example/keys",
    ] {
        assert_eq!(with(bad), Err(BadMemberSetting::JwksUrl), "{bad}");
    }
}

#[test]
fn claims_describe_a_member() {
    let ada = MemberClaims { org: fixtures::org_id(), role: "developer".into(), user: "user_42".into(), name: "Ada Lovelace".into() };
    assert_eq!(member(&claims(json!({})), &settings().places), Ok(ada.clone()));
    let nested = claims(json!({"org_id": null, "role": null, "custom": {"org": ORG, "role": "developer"}}));
    let others = [("MEMBER_ORG_CLAIM", "/custom/org"), ("MEMBER_ROLE_CLAIM", "/custom/role")];
    assert_eq!(member(&nested, &read(&[&WHOLE[..], &others].concat()).unwrap().unwrap().places), Ok(ada));
}

#[test]
fn a_claim_that_is_missing_or_not_acceptable_is_a_refusal() {
    let (credential, long) = (fixtures::credential(), "a".repeat(201));
    for (claim, name, values) in [
        (
            "org_id",
            "the organization",
            vec![
                json!(null),
                json!(""),
                json!("org_system"),
                json!("acme"),
                json!(fixtures::KEY),
                json!([ORG]),
                json!(7),
                json!(format!("{ORG} ")),
            ],
        ),
        ("role", "the role", vec![json!(null), json!(""), json!(["owner"]), json!(true), json!("own\ner"), json!("a".repeat(101))]),
        (
            "sub",
            "the user",
            vec![json!(null), json!(""), json!(42), json!("a b"), json!("a\n"), json!("é"), json!(long), json!(credential)],
        ),
        ("name", "the name", vec![json!(7), json!(["Ada"]), json!({"first": "Ada"})]),
    ] {
        for value in values {
            let refused = member(&claims(json!({claim: value})), &settings().places);
            assert_eq!(refused, Err(TokenRefusal::Claim { claim: name }), "{claim} {value}");
        }
    }
    let mut nameless = claims(json!({}));
    nameless["name"] = Value::Null;
    assert_eq!(member(&nameless, &settings().places), Err(TokenRefusal::Claim { claim: "the name" }), "null is not absent");
    assert_eq!(member(&claims(json!({"sub": "a".repeat(200)})), &settings().places).unwrap().user.len(), 200);
}

#[test]
fn a_name_is_mended_and_falls_back_to_the_id() {
    let name = |value: Value| member(&claims(json!({"name": value})), &settings().places).unwrap().name;
    for (value, shown) in [
        (json!(null), "user_42"),
        (json!(""), "user_42"),
        (json!(" \u{7}\n "), "user_42"),
        (json!("  Ada\u{1b}[31m\r\nLovelace "), "Ada[31mLovelace"),
        (json!(fixtures::credential()), "user_42"),
        (json!("Ada Ünal 松本"), "Ada Ünal 松本"),
    ] {
        assert_eq!(name(value.clone()), shown, "{value}");
    }
    assert_eq!(name(json!("é".repeat(150))), "é".repeat(100));
}
