//! Latchkey is asked about the very path that the origin gets, or neither hears of it.

use std::sync::OnceLock;

use serde_json::json;

use crate::{
    answers::told,
    given::Key,
    proxy::Proxy,
    stand::{Stand, each, org, stand},
};

/// Paths that two readers may read in two ways.
pub const PATHS: [&str; 22] = [
    "/a//b",
    "//a/b",
    "/a/./b",
    "/a/../b",
    "/a/b/..",
    "/../a",
    "/a/%2e%2e/b",
    "/a/%2fb",
    "/a/%2Fb",
    "/a%5cb",
    "/a\\b",
    "/a/..%2fb",
    "/a/..;/b",
    "/a;x=1/b",
    "/A/b",
    "/%41",
    "/a%00b",
    "/a%0d%0ab",
    "/a%zz",
    "/a%252fb",
    "/a?b=/../c",
    "/a%3fb",
];

/// What became of a request to that path: what both heard, or the status of a refusal.
pub fn fate(stand: &Stand, proxy: &Proxy, key: &Key, target: &str) -> Result<String, u16> {
    let fields = [format!("Authorization: Bearer {}", key.secret), "Connection: close".to_owned()];
    let before = stand.tap.asked_of(&key.secret).len();
    let passage = stand.raw(proxy, &format!("GET {target}"), &fields);
    let asked = stand.tap.asked_of(&key.secret).split_off(before);
    match (passage.arrived.as_slice(), asked.as_slice()) {
        ([arrived], [question]) => {
            assert_eq!(told(question), ("GET".to_owned(), arrived.target.clone()), "{target}");
            Ok(arrived.target.clone())
        }
        ([], []) => Err(passage.refused()),
        (arrived, asked) => panic!("{target}: {} arrived, {} asked, {}", arrived.len(), asked.len(), passage.answer.status),
    }
}

/// A path, and what became of it at each proxy.
pub type Fates = (&'static str, Vec<Result<String, u16>>);

/// What became of each of [`PATHS`].
pub fn fates() -> &'static [Fates] {
    // Envoy holds the connection of a request that it refuses for a second: once is enough.
    static FATES: OnceLock<Vec<Fates>> = OnceLock::new();
    FATES.get_or_init(|| {
        let key = org().key(json!({}));
        let fates = |target: &&'static str| {
            let fates = stand().proxies.iter().map(|proxy| fate(stand(), proxy, &key, target));
            (*target, fates.collect())
        };
        PATHS.iter().map(fates).collect()
    })
}

#[test]
fn the_origin_gets_the_path_that_latchkey_was_asked_about() {
    for (target, fates) in fates() {
        for fate in fates {
            assert!(!matches!(fate, Err(status) if !(300..500).contains(status)), "{target}: {fates:?}");
        }
    }
    each(|stand, proxy| {
        let key = org().key(json!({}));
        assert_eq!(fate(stand, proxy, &key, "/leads/7?page=2"), Ok("/leads/7?page=2".to_owned()));
        let absolute = format!("{}/leads/7?page=2", proxy.client.base_url);
        assert_eq!(fate(stand, proxy, &key, &absolute), Ok("/leads/7?page=2".to_owned()));
    });
}

#[test]
fn the_keys_activity_names_it() {
    let org = org();
    let called = stand().proxies.iter().map(|proxy| {
        let key = org.key(json!({}));
        assert_eq!(stand().call(proxy, &key.secret, "DELETE", "/leads/7;x?secret=1", &[]).answer.status, 200);
        (proxy.kind, key)
    });
    for (kind, key) in called.collect::<Vec<_>>() {
        // Counts are told within a few seconds.
        let newest = loop {
            let page = org.edge.operator("GET", &org.path(&format!("/keys/{}/activity", key.id)), None).value();
            if let Some(newest) = page["items"].get(0) {
                break newest.clone();
            }
        };
        let (method, path, ip) = (&newest["method"], &newest["path"], &newest["ip"]);
        assert_eq!((method, path, ip), (&json!("DELETE"), &json!("/leads/7;x"), &json!("127.0.0.1")), "{kind:?}");
    }
}
