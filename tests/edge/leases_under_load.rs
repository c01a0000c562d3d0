use crate::{
    client::{Edge, Response},
    given::{self, Key, Org},
    load::{self, Around, Seen},
    runtime::{Fleet, OPERATOR_TOKEN, Options},
};
use serde_json::{Value, json};
use std::{
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

pub const EDGES: usize = 4;

fn fleet(faults: bool) -> Fleet {
    Fleet::start(Options { edges: 4, faults, ..Options::default() })
}

fn at<'a>(edge: &'a Edge, org: &Org<'_>) -> Org<'a> {
    Org { edge, id: org.id.clone() }
}

fn operator(org: &Org<'_>, method: &str, path: &str, body: Value) -> Response {
    let done = org.edge.operator(method, &org.path(path), if body.is_null() { None } else { Some(&body) });
    assert!(done.status < 300, "{} {}", done.status, done.text());
    done
}

/// A change of a key under load, once from each edge; the code is what is answered from then on.
fn rounds(name: &str, policy: Value, key: Value, question: &Value, code: &str, change: impl Fn(&Org<'_>, &Key)) {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), policy);
    let mut times: Vec<Duration> = Vec::new();
    for from in &fleet.edges {
        let made = org.key(key.clone());
        let around = load::under_load(&fleet.edges, &made.secret, question, || change(&at(from, &org), &made));
        around.assert_ended(EDGES, code);
        times.push(around.took());
    }
    report(name, &mut times);
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort();
    eprintln!("[leases] {name}: min {:?}, median {:?}, max {:?}", times[0], times[times.len() / 2], times[times.len() - 1]);
}

fn roomy() -> Value {
    json!({"rate_limit": {"limit": 1_000_000, "window_seconds": 60}})
}

#[test]
fn no_success_starts_after_a_revocation_has_returned() {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), json!({"org_rate_limit": {"limit": 1_000_000, "window_seconds": 60}}));
    let mut times = Vec::new();
    for round in 0..8 {
        let key = org.key(if round % 2 == 0 { roomy() } else { json!({"rate_limit": null}) });
        let from = at(&fleet.edges[round % EDGES], &org);
        let around: Around<Response> = load::under_load(&fleet.edges, &key.secret, &json!({}), || from.revoke(&key));
        assert_eq!(around.result.status, 200);
        around.assert_ended(EDGES, "REVOKED");
        times.push(around.took());
    }
    report("revoke", &mut times);
}

#[test]
fn no_success_starts_after_a_permission_was_taken() {
    let question = json!({"permissions": "leads:read"});
    rounds("narrow permissions", json!({}), json!({"rate_limit": null}), &question, "INSUFFICIENT_PERMISSIONS", |org, key| {
        operator(org, "PATCH", &format!("/keys/{}", key.id), json!({"permissions": []}));
    });
}

#[test]
fn no_success_starts_after_a_limit_was_lowered() {
    rounds("lower limit", json!({}), roomy(), &json!({}), "RATE_LIMITED", |org, key| {
        operator(org, "PATCH", &format!("/keys/{}", key.id), json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    });
}

#[test]
fn no_success_starts_after_a_deletion_has_returned() {
    rounds("delete", json!({"deletion": true}), roomy(), &json!({}), "NOT_FOUND", |org, key| {
        operator(org, "DELETE", &format!("/keys/{}", key.id), Value::Null);
    });
}

#[test]
fn no_success_of_an_old_secret_starts_after_its_rotation_without_overlap() {
    rounds("rotate without overlap", json!({}), roomy(), &json!({}), "EXPIRED", |org, key| {
        operator(org, "POST", &format!("/keys/{}/rotate", key.id), json!({"overlap_seconds": 0}));
    });
}

#[test]
fn no_success_of_an_old_secret_starts_after_its_overlap_was_ended() {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), json!({}));
    let mut times = Vec::new();
    for from in &fleet.edges {
        let key = org.key(json!({}));
        let old = key.secret.clone();
        operator(&org, "PATCH", &format!("/keys/{}", key.id), roomy());
        operator(&org, "POST", &format!("/keys/{}/rotate", key.id), json!({"overlap_seconds": 3600}));
        let complete = || operator(&at(from, &org), "POST", &format!("/keys/{}/rotation/complete", key.id), Value::Null);
        let around = load::under_load(&fleet.edges, &old, &json!({}), complete);
        around.assert_ended(EDGES, "EXPIRED");
        times.push(around.took());
    }
    report("complete a rotation", &mut times);
}

#[test]
fn no_success_starts_after_an_organizations_feature_was_switched_off() {
    let fleet = fleet(false);
    let mut times = Vec::new();
    for (from, limit) in fleet.edges.iter().zip([json!(null), json!({"limit": 1_000_000, "window_seconds": 60})].into_iter().cycle()) {
        let policy = given::policy(json!({"requires_feature": "api", "org_rate_limit": limit}));
        let org = given::org_with(fleet.edge(), json!({"name": "Acme", "policy": policy, "features": {"api": true}}));
        let key = org.key(json!({"rate_limit": null}));
        let switch_off = || operator(&at(from, &org), "PATCH", "", json!({"features": {"api": false}}));
        let around = load::under_load(&fleet.edges, &key.secret, &json!({}), switch_off);
        around.assert_ended(EDGES, "ORG_DISABLED");
        times.push(around.took());
    }
    report("switch a feature off", &mut times);
}

/// The same change, asked for again by somebody who does not know that it is on its way; when that call returned, which is
/// told `status`.
fn repeated(fleet: &Fleet, change: impl Fn(&Edge) -> Response + Sync, status: u16, has_begun: impl Fn() -> bool) -> Instant {
    thread::scope(|scope| {
        let first = scope.spawn(|| change(&fleet.edges[0]).status);
        while !has_begun() {
            thread::yield_now();
        }
        let again = change(&fleet.edges[1]);
        let returned = load::moment();
        assert!(first.join().expect("an answer") < 300);
        assert_eq!(again.status, status, "{}", again.text());
        returned
    })
}

fn assert_none_after(moment: Instant, seen: &[Seen]) {
    let late: Vec<_> = seen.iter().filter(|seen| seen.passed() && seen.started > moment).map(|seen| seen.started - moment).collect();
    assert!(late.is_empty(), "{} successes were started after the call had returned, the last {:?} later", late.len(), late.iter().max());
}

/// So many reads of the truth give the first call the time to take its change off the outbox.
const READS: usize = 20;

#[test]
fn a_narrowing_edit_that_is_asked_for_twice_is_in_force_when_either_call_returns() {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), json!({}));
    let (key, question) = (org.key(json!({"rate_limit": null})), json!({"permissions": "leads:read"}));
    let peek = json!({"permissions": "leads:read", "peek": true});
    let adopted = || {
        let known = given::ask(&fleet.edges[2], &key.secret, peek.clone())["code"] == "INSUFFICIENT_PERMISSIONS";
        known && (0..READS).all(|_| !org.audit().is_empty())
    };
    let narrow = |edge: &Edge| operator(&at(edge, &org), "PATCH", &format!("/keys/{}", key.id), json!({"permissions": []}));
    let around = load::under_load(&fleet.edges, &key.secret, &question, || repeated(&fleet, narrow, 200, adopted));
    assert_none_after(around.result, &around.seen);
}

#[test]
fn a_feature_that_is_switched_off_twice_is_off_when_either_call_returns() {
    let fleet = fleet(false);
    let policy = given::policy(json!({"requires_feature": "api"}));
    let org = given::org_with(fleet.edge(), json!({"name": "Acme", "policy": policy, "features": {"api": true}}));
    let key = org.key(json!({"rate_limit": null}));
    let adopted = || {
        let known = given::ask(&fleet.edges[2], &key.secret, json!({"peek": true}))["code"] == "ORG_DISABLED";
        known && (0..READS).all(|_| !org.audit().is_empty())
    };
    let switch_off = |edge: &Edge| operator(&at(edge, &org), "PATCH", "", json!({"features": {"api": false}}));
    let around = load::under_load(&fleet.edges, &key.secret, &json!({}), || repeated(&fleet, switch_off, 200, adopted));
    assert_none_after(around.result, &around.seen);
}

/// Of a change that was made meanwhile the second call finds nothing to do, and says so no earlier than the first.
#[test]
fn whoever_comes_too_late_with_the_same_change_is_told_so_when_it_is_in_force() {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), json!({"deletion": true}));
    let (bearer, body) = (format!("Bearer {OPERATOR_TOKEN}"), json!({"permissions": []}));
    for (method, rest, code, status) in
        [("PATCH", "", "INSUFFICIENT_PERMISSIONS", 412), ("POST", "/rotation/complete", "EXPIRED", 409), ("DELETE", "", "NOT_FOUND", 404)]
    {
        let key = org.key(json!({"rate_limit": null}));
        operator(&org, "POST", &format!("/keys/{}/rotate", key.id), json!({"overlap_seconds": 3600}));
        let question = json!({"permissions": "leads:read"});
        let adopted = || {
            let peek = json!({"permissions": "leads:read", "peek": true});
            given::ask(&fleet.edges[2], &key.secret, peek)["code"] == code && (0..READS).all(|_| !org.audit().is_empty())
        };
        let path = org.path(&format!("/keys/{}{rest}", key.id));
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend((method == "PATCH").then_some(("if-match", "\"2\"")));
        let change = |edge: &Edge| edge.json(method, &path, &headers, (method == "PATCH").then_some(&body));
        let around = load::under_load(&fleet.edges, &key.secret, &question, || repeated(&fleet, change, status, adopted));
        assert_none_after(around.result, &around.seen);
    }
}

#[test]
fn a_revocation_that_is_asked_for_twice_is_in_force_when_either_call_returns() {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), json!({}));
    let key = org.key(json!({"rate_limit": null}));
    let around = load::under_load(&fleet.edges, &key.secret, &json!({}), || {
        thread::scope(|scope| {
            let call = |edge| {
                let (revoked, returned) = (at(edge, &org).revoke(&key), load::moment());
                assert_eq!(revoked.status, 200);
                returned
            };
            let calls: Vec<_> = fleet.edges.iter().map(|edge| scope.spawn(move || call(edge))).collect();
            calls.into_iter().map(|call| call.join().expect("an answer")).min().expect("four calls")
        })
    });
    assert_none_after(around.result, &around.seen);
}

/// Guards that are slow for one edge, that lose answers to another, and that a third cannot reach any more.
#[test]
fn no_success_starts_after_a_revocation_also_where_guards_are_hard_to_reach() {
    let fleet = fleet(true);
    let org = given::org(fleet.edge(), json!({}));
    for round in 0..3 {
        fleet.edges.iter().for_each(|edge| edge.faults(&json!({})));
        let key = org.key(if round == 0 { json!({"rate_limit": null}) } else { roomy() });
        let slow = json!({"guard": {"delay_ms": 300}, "org_guard": {"delay_ms": 100}});
        fleet.edges[1].faults(&slow);
        let around = load::under_load(&fleet.edges, &key.secret, &json!({}), || {
            fleet.edges[2].faults(&json!({"guard": {"mode": "lose", "times": 3}}));
            fleet.edges[3].faults(&json!({"guard": "fail", "org_guard": "fail"}));
            org.revoke(&key)
        });
        assert_eq!(around.result.status, 200);
        assert_none_after(around.returned, &around.seen);
        assert!(around.seen.iter().any(|seen| seen.edge == 3 && seen.passed() && seen.started > around.begun), "a lease carried on");
        fleet.edges.iter().for_each(|edge| edge.faults(&json!({})));
        fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, &key.secret), "REVOKED"));
    }
}

#[test]
fn no_success_starts_after_a_revocation_also_where_instances_die() {
    let fleet = fleet(true);
    let org = given::org(fleet.edge(), json!({}));
    for from in &fleet.edges {
        let key = org.key(roomy());
        let around = load::under_load(&fleet.edges, &key.secret, &json!({}), || {
            thread::scope(|scope| {
                let revoked = scope.spawn(|| at(from, &org).revoke(&key));
                let others = fleet.edges.iter().filter(|edge| edge.base_url != from.base_url);
                others.for_each(Edge::kill_instance);
                revoked.join().expect("an answer")
            })
        });
        assert_eq!(around.result.status, 200, "{}", around.result.text());
        let unanswered = around.seen.iter().filter(|seen| seen.mode.is_empty()).count();
        eprintln!("[leases] {unanswered} of {} requests were not decided around three deaths", around.seen.len());
        assert_none_after(around.returned, &around.seen);
        fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, &key.secret), "REVOKED"));
    }
}

/// Asks at each edge, with the edge's cost, for so long.
pub fn offer(fleet: &Fleet, secrets: [&str; EDGES], costs: [u32; EDGES], time: Duration) -> Vec<Seen> {
    offer_and_disturb(fleet, secrets, costs, time, |_, _| {})
}

/// The same; after each request something may happen to the edge, which is told how many it has answered.
fn offer_and_disturb(
    fleet: &Fleet,
    secrets: [&str; EDGES],
    costs: [u32; EDGES],
    time: Duration,
    disturb: impl Fn(&Edge, usize) + Sync,
) -> Vec<Seen> {
    let end = load::moment() + time;
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (number, edge) in fleet.edges.iter().enumerate() {
            let (all, disturb) = (&all, &disturb);
            scope.spawn(move || {
                let question = json!({"cost": costs[number]});
                let mut seen = Vec::new();
                while load::moment() < end {
                    seen.push(load::watch(number, edge, secrets[number], &question));
                    disturb(edge, seen.len());
                }
                all.lock().expect("nobody panicked").extend(seen);
            });
        }
    });
    all.into_inner().expect("nobody panicked")
}

fn assert_limited(name: &str, limit: u32, window_seconds: u32, windows: u32, seen: &[Seen]) {
    let window = Duration::from_secs(window_seconds.into());
    let (most, admitted, offered) =
        (load::most_within(window, seen), load::admitted(seen), seen.iter().map(|seen| seen.tokens).sum::<u32>());
    let share = f64::from(admitted) / f64::from(limit * windows);
    let leased = seen.iter().filter(|seen| seen.passed() && seen.mode == "leased").count();
    eprintln!(
        "[leases] {name}: {offered} tokens offered, {admitted} admitted ({:.1} %), at most {most} of {limit} in a window",
        share * 100.0
    );
    assert!(seen.iter().all(|seen| seen.passed() || seen.code == "RATE_LIMITED"), "every request was decided");
    assert!(offered >= 10 * limit * windows, "only {offered} tokens were offered");
    assert!(leased > 0, "leases were used");
    assert!(load::most_within(window * 2, seen) > limit, "the count would see more if there were more");
    assert!(most <= limit, "{most} tokens within one window of {limit}");
    assert!(share >= 0.8, "only {admitted} were admitted in {windows} windows of {limit}");
}

#[test]
fn no_window_holds_more_than_a_small_limit_over_all_edges() {
    let fleet = fleet(false);
    let key = given::org(fleet.edge(), json!({})).key(json!({"rate_limit": {"limit": 40, "window_seconds": 5}}));
    let seen = offer(&fleet, [&key.secret; EDGES], [1; EDGES], Duration::from_secs(15));
    assert_limited("limit 40 per 5 s", 40, 5, 3, &seen);
}

#[test]
fn no_window_holds_more_than_a_larger_limit_over_all_edges() {
    let fleet = fleet(false);
    let key = given::org(fleet.edge(), json!({})).key(json!({"rate_limit": {"limit": 200, "window_seconds": 10}}));
    let seen = offer(&fleet, [&key.secret; EDGES], [1; EDGES], Duration::from_secs(30));
    assert_limited("limit 200 per 10 s", 200, 10, 3, &seen);
}

#[test]
fn no_window_holds_more_than_the_limit_that_keys_with_different_costs_share() {
    let fleet = fleet(false);
    let org = given::org(fleet.edge(), json!({"org_rate_limit": {"limit": 60, "window_seconds": 5}}));
    let (one, two) = (org.key(json!({"rate_limit": null})), org.key(json!({"rate_limit": {"limit": 50, "window_seconds": 5}})));
    let seen = offer(&fleet, [&one.secret, &two.secret, &one.secret, &two.secret], [1, 2, 3, 1], Duration::from_secs(15));
    assert_limited("an organization's 60 per 5 s", 60, 5, 3, &seen);
    let of_two: Vec<Seen> = seen.into_iter().filter(|seen| seen.edge % 2 == 1).collect();
    assert!(load::most_within(Duration::from_secs(5), &of_two) <= 50);
}

#[test]
fn no_window_holds_more_than_the_limit_also_where_instances_die_and_answers_are_lost() {
    let fleet = fleet(true);
    let key = given::org(fleet.edge(), json!({})).key(json!({"rate_limit": {"limit": 200, "window_seconds": 5}}));
    fleet.edges[1].faults(&json!({"guard": {"delay_ms": 120}}));
    let seen = offer_and_disturb(&fleet, [&key.secret; EDGES], [1; EDGES], Duration::from_secs(15), |edge, count| {
        if count % 300 == 0 && edge.base_url == fleet.edges[2].base_url {
            edge.kill_instance();
        }
        if count % 100 == 0 && edge.base_url == fleet.edges[3].base_url {
            edge.faults(&json!({"guard": {"mode": "lose", "times": 1}}));
        }
    });
    let (most, admitted) = (load::most_within(Duration::from_secs(5), &seen), load::admitted(&seen));
    eprintln!("[leases] 200 per 5 s among faults: {} offered, {admitted} admitted, at most {most} in a window", seen.len());
    assert!(most <= 200, "{most} tokens within one window");
    assert!(admitted > 200, "windows went on");
}
