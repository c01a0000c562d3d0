//! A hundred thousand requests of every outcome at four edges, whose guards are cut off and one of which is killed: what is
//! counted is what clients saw.

use std::{collections::BTreeMap, thread};

use serde_json::{Value, json};

use crate::{
    given,
    runtime::{Fleet, Options},
    usage::{Cuts, ask_through_faults, counts, usage_when},
};

const EDGES: u16 = 4;
const REQUESTS: u32 = 100_000;
const CUTS: Cuts = Cuts { every: 2_000, guard: 3, org_guard: 2 };

type Seen = BTreeMap<String, u64>;

/// Questions with different answers, and for which part of all they stand.
fn questions() -> [Value; 5] {
    [
        json!({}),
        json!({"permissions": "leads:read"}),
        json!({"permissions": "leads:delete"}),
        json!({"act_as": "user_42"}),
        json!({"ip": "198.51.100.7", "cost": 2}),
    ]
}

fn add(sum: &mut Seen, more: Seen) {
    more.into_iter().for_each(|(code, count)| *sum.entry(code).or_default() += count);
}

#[test]
fn a_hundred_thousand_requests_are_counted_as_clients_saw_them_but_for_what_a_killed_edge_had_not_told() {
    let fleet = Fleet::start(Options { edges: EDGES, faults: true, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let allowlist = json!(["198.51.100.0/24", "203.0.113.9"]);
    let keys = [
        org.key(json!({"rate_limit": null, "permissions": ["leads:read"]})),
        org.key(json!({"rate_limit": {"limit": 6_000, "window_seconds": 60}})),
        org.key(json!({"rate_limit": null, "ip_allowlist": allowlist})),
    ];
    let questions = &questions();
    let each = REQUESTS / u32::from(EDGES) / u32::try_from(keys.len()).expect("few") + 1;
    let mut all = Seen::new();
    let mut of_keys = Vec::new();
    for key in &keys {
        let secret = key.secret.as_str();
        let mut sum = Seen::new();
        thread::scope(|scope| {
            let askers: Vec<_> =
                fleet.edges.iter().map(|edge| scope.spawn(move || ask_through_faults(edge, secret, each, questions, CUTS))).collect();
            askers.into_iter().for_each(|asker| add(&mut sum, asker.join().expect("an asker")));
        });
        add(&mut all, sum.clone());
        of_keys.push(sum);
    }
    for (key, expected) in keys.iter().zip(&of_keys) {
        let value = usage_when(&org, key, |value| counts(value) == *expected);
        assert_eq!((counts(&value), &value["unreported"]), (expected.clone(), &json!([])));
    }
    assert!(all.values().sum::<u64>() > u64::from(REQUESTS) * 9 / 10 && all.len() >= 5, "{all:?}");
    let path = org.path("/usage");
    let of_org = || org.edge.operator("GET", &path, None).value();
    let told = of_org();
    assert_eq!((counts(&told), &told["unreported"]), (all.clone(), &json!([])), "the organization's is the sum of its keys'");
    eprintln!("[usage at scale] {all:?}");

    // One edge is killed in the middle of its work.
    let dying = &fleet.edges[3];
    let before = counts(&told).values().sum::<u64>();
    let seen: u64 = (0..300).filter(|_| given::ask_raw(dying, &keys[0].secret, json!({})).status == 200).count() as u64;
    dying.kill_instance();
    // It is gone once the next event has found it dead.
    assert_eq!(dying.get("/healthz").status, 200);
    let value = usage_when(&org, &keys[0], |value| value["unreported"] != json!([]));
    assert_eq!(value["unreported"].as_array().map(Vec::len), Some(1), "what is missing is said to be missing: {value}");
    let told = of_org();
    let counted = counts(&told).values().sum::<u64>() - before;
    assert!(counted <= seen, "{counted} of {seen}");
    assert_ne!(told["unreported"], json!([]));
    eprintln!("[usage at scale] the killed edge had told {counted} of {seen}");
}
