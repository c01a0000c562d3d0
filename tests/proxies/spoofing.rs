//! What a client writes into Latchkey's own fields never arrives, however it spells them.

use std::slice;

use serde_json::json;

use crate::{
    answers::{identity, told},
    given::{Key, Org},
    proxy::Kind,
    stand::{Passage, each, org},
};

const FIELDS: [&str; 6] =
    ["Latchkey-Key-Id", "Latchkey-Key-Name", "Latchkey-Org-Id", "Latchkey-Actor-Type", "Latchkey-Actor-Id", "Latchkey-Permissions"];

/// Fields of Latchkey's that an origin has no use for.
const OTHERS: [&str; 4] = ["Latchkey-Service", "Latchkey-Client-IP", "Latchkey-Code", "latchkey_act_as"];

/// The ways to write a field's name that some server would take for it.
pub fn spellings(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    // One of the two hyphens: CGI and its heirs make both of them the same.
    let half = name.replacen('-', "_", 2).replacen('_', "-", 1);
    vec![name.to_owned(), lower.clone(), name.to_ascii_uppercase(), lower.replace('-', "_"), name.replace('-', "_"), half]
}

/// Every spelling of every field, each twice.
pub fn spoofed() -> Vec<String> {
    let names = FIELDS.into_iter().chain(OTHERS).flat_map(spellings);
    names.flat_map(|name| [format!("{name}: spoofed"), format!("{name}: spoofed, too")]).collect()
}

/// Whether the origin got the six fields with what Latchkey says, and nothing else of the kind.
pub fn is_genuine(passage: &Passage, org: &Org, key: &Key) -> bool {
    let arrived = passage.arrived();
    let right = |(name, value): &(&str, String)| arrived.values(name) == [value.as_str()];
    let raw = String::from_utf8_lossy(&arrived.raw);
    identity(org, key, ("key", &key.id)).iter().all(right) && arrived.names_like("latchkey-").len() == 6 && !raw.contains("spoofed")
}

#[test]
fn the_origin_sees_only_what_latchkey_says() {
    each(|stand, proxy| {
        let org = org();
        let key = org.key(json!({"name": "Zäpier"}));
        let credential = [format!("Authorization: Bearer {}", key.secret), "Connection: close".to_owned()];
        // All at once, as well as one by one: a proxy that refuses much would not show what it does with little.
        let together = stand.raw(proxy, "GET /leads", &[spoofed(), credential.to_vec()].concat());
        assert!(is_genuine(&together, &org, &key), "{:?}", together.arrived().headers);
        for field in spoofed() {
            let passage = stand.raw(proxy, "GET /leads", &[slice::from_ref(&field), credential.as_slice()].concat());
            assert!(is_genuine(&passage, &org, &key), "{field}: {:?}", passage.arrived().headers);
        }
    });
}

#[test]
fn a_field_of_latchkeys_that_there_is_not_arrives_through_nginx_alone() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[("latchkey-admin", "yes")]);
        assert_eq!(passage.arrived().values("latchkey-admin").len(), usize::from(proxy.kind == Kind::Nginx));
    });
}

#[test]
fn a_key_without_permissions_is_not_given_those_that_its_client_writes() {
    each(|stand, proxy| {
        let key = org().key(json!({"permissions": []}));
        for name in spellings("Latchkey-Permissions") {
            let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[(&name, "leads:delete")]);
            let arrived = passage.arrived();
            assert!(matches!(arrived.values("latchkey-permissions").as_slice(), [] | [""]), "{:?}", arrived.headers);
            assert!(!String::from_utf8_lossy(&arrived.raw).contains("leads:delete"), "{:?}", arrived.headers);
        }
    });
}

/// A proxy takes away the fields that `Connection` names (RFC 9110, section 7.6.1): an origin that took a missing field for
/// something would be led astray.
#[test]
fn a_connection_option_takes_no_identity_away() {
    each(|stand, proxy| {
        let org = org();
        let key = org.key(json!({"name": "Zäpier"}));
        for name in FIELDS.into_iter().chain(["latchkey-service", "LATCHKEY-CLIENT-IP", "x-forwarded-for"]) {
            for option in [format!("Connection: close, {name}"), format!("Connection: {name}, close")] {
                let fields = [option, format!("Authorization: Bearer {}", key.secret)];
                let passage = stand.raw(proxy, "GET /leads", &fields);
                if !passage.arrived.is_empty() {
                    assert!(is_genuine(&passage, &org, &key), "{name}: {:?}", passage.arrived().headers);
                } else {
                    assert!((400..500).contains(&passage.refused()), "{name}: {}", passage.answer.status);
                }
            }
        }
    });
}

#[test]
fn the_question_is_the_proxys_alone() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        let lies = [
            ("x-original-method", "PATCH"),
            ("x-original-uri", "/elsewhere"),
            ("x-forwarded-method", "PATCH"),
            ("x-forwarded-uri", "/elsewhere"),
            ("x_original_uri", "/elsewhere"),
            ("latchkey-service", "lks_mine"),
        ];
        let target = "/leads?permissions=leads:delete&limited=200";
        let passage = stand.call(proxy, &key.secret, "GET", target, &lies);
        assert_eq!((passage.answer.status, passage.arrived().target.as_str()), (200, target));
        let asked = stand.tap.asked_of(&key.secret);
        let [question] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
        assert!(!question.target.contains("permissions"), "{}", question.target);
        assert_eq!(told(question), ("GET".to_owned(), target.to_owned()));
        assert!(
            question.only("latchkey-service").is_some_and(|proof| proof.starts_with("lks_") && proof != "lks_mine"),
            "{:?}",
            question.headers
        );
    });
}

#[test]
fn of_two_credentials_none_counts_or_the_one_that_latchkey_judged() {
    each(|stand, proxy| {
        let org = org();
        let [one, two] = [org.key(json!({})), org.key(json!({}))];
        let fields = [&one, &two].map(|key| format!("Authorization: Bearer {}", key.secret));
        let passage = stand.raw(proxy, "GET /leads", &[fields.as_slice(), &["Connection: close".to_owned()]].concat());
        match proxy.kind {
            // It reads the first field; with later releases, which join them, this is 400 too.
            Kind::Nginx if passage.answer.status == 200 => {
                assert_eq!(passage.arrived().values("latchkey-key-id"), [one.id.as_str()]);
            }
            _ => assert!((400..500).contains(&passage.refused()), "{}", passage.answer.status),
        }
    });
}
