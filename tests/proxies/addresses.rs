//! Where a request comes from is the proxy's word, if the proxy has proven itself, and never the client's.

use serde_json::json;

use crate::stand::{each, org, unproven};

/// Every field that somebody has believed about addresses.
const FIELDS: [&str; 8] = [
    "x-forwarded-for",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "latchkey-client-ip",
    "x_forwarded_for",
    "latchkey_client_ip",
    "x-client-ip",
];

#[test]
fn a_key_for_this_network_works_through_the_proxy_whatever_the_client_writes() {
    each(|stand, proxy| {
        let key = org().key(json!({"ip_allowlist": ["127.0.0.0/8"]}));
        assert_eq!(stand.call(proxy, &key.secret, "GET", "/leads", &[]).answer.status, 200);
        for field in FIELDS {
            let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[(field, "203.0.113.9")]);
            assert_eq!((passage.answer.status, passage.arrived.len()), (200, 1), "{field}");
        }
    });
}

#[test]
fn a_key_for_another_network_does_not() {
    each(|stand, proxy| {
        let key = org().key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
        for field in FIELDS {
            for value in ["203.0.113.9", "203.0.113.9, 203.0.113.9", "127.0.0.1, 203.0.113.9"] {
                let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[(field, value)]);
                assert_eq!(passage.refused(), 403, "{field}: {value}");
                assert_eq!(passage.answer.header("latchkey-code"), Some("IP_NOT_ALLOWED"));
            }
        }
        let all = FIELDS.map(|field| (field, "203.0.113.9"));
        assert_eq!(stand.call(proxy, &key.secret, "GET", "/leads", &all).refused(), 403);
    });
}

#[test]
fn a_proxy_that_does_not_prove_itself_is_not_believed() {
    let stand = unproven();
    for proxy in &stand.proxies {
        let org = org();
        let (here, anywhere) = (org.key(json!({"ip_allowlist": ["127.0.0.0/8"]})), org.key(json!({})));
        assert_eq!(stand.call(proxy, &here.secret, "GET", "/leads", &[]).refused(), 403, "{:?}", proxy.kind);
        assert_eq!(stand.call(proxy, &anywhere.secret, "GET", "/leads", &[]).answer.status, 200, "{:?}", proxy.kind);
    }
}
