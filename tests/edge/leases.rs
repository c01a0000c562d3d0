use crate::{
    client::Edge,
    given,
    load::{self, Seen},
    runtime::{Fleet, Options},
};
use serde_json::{Value, json};

/// Polls without a pause until this is so; the number of polls is bounded.
const POLLS: usize = 50_000;

fn of(edges: u16, faults: bool) -> Fleet {
    Fleet::start(Options { edges, faults, ..Options::default() })
}

fn remaining(edge: &Edge, secret: &str) -> u64 {
    given::ask(edge, secret, json!({"peek": true}))["rate_limit"]["remaining"].as_u64().expect("a limited key")
}

/// Asks until the condition holds, and says what was seen then.
pub fn ask_until(edge: &Edge, secret: &str, question: &Value, reached: impl Fn(&Seen) -> bool) -> Vec<Seen> {
    let mut all = Vec::new();
    while !all.last().is_some_and(&reached) {
        all.push(load::watch(0, edge, secret, question));
        assert!(all.len() < POLLS, "last: {} {}", all[all.len() - 1].code, all[all.len() - 1].mode);
    }
    all
}

/// A lease is held from the moment on at which requests are admitted without a call to a guard.
pub fn until_leased(edge: &Edge, secret: &str) -> usize {
    let calls = || edge.calls("guard.fetch") + edge.calls("org_guard.fetch");
    for count in 1..POLLS {
        let before = calls();
        assert_eq!(given::code(edge, secret), "VALID");
        if calls() == before {
            return count;
        }
    }
    panic!("no lease was ever used");
}

#[test]
fn a_busy_key_costs_a_handful_of_guard_calls() {
    for limit in [json!(null), json!({"limit": 1_000_000, "window_seconds": 3600})] {
        let fleet = of(1, true);
        let edge = fleet.edge();
        let policy = json!({"org_rate_limit": limit, "consistency": {"lease_ms": 30_000}});
        let key = given::org(edge, policy).key(json!({"rate_limit": limit}));
        until_leased(edge, &key.secret);
        ask_until(edge, &key.secret, &json!({}), |seen| seen.mode == "leased");
        edge.faults(&json!({}));
        let seen: Vec<Seen> = (0..2_000).map(|_| load::watch(0, edge, &key.secret, &json!({}))).collect();
        let [guards, gets, puts, queries, batches] =
            ["guard.fetch", "kv.get", "kv.put", "db.query", "db.batch"].map(|name| edge.calls(name));
        let org_guards = edge.calls("org_guard.fetch");
        eprintln!("[leases] 2,000 verifies, limit {limit}: {guards} calls to the key's guard, {org_guards} to the organization's");
        assert!(seen.iter().all(|seen| seen.passed() && seen.mode == "leased"));
        assert_eq!((gets, puts, queries, batches), (0, 0, 0, 0), "a hot verify touches no storage");
        assert!(guards + org_guards <= 40, "{guards} + {org_guards} calls");
    }
}

#[test]
fn a_leased_key_says_how_old_its_terms_may_be_and_a_strict_one_asks_each_time() {
    let fleet = of(1, true);
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let (leased, strict) = (org.key(json!({})), org.key(json!({"consistency": "strict"})));
    until_leased(edge, &leased.secret);
    assert_eq!(given::ask(edge, &leased.secret, json!({}))["freshness"], json!({"mode": "leased", "bound_ms": 2000}));
    assert_eq!(given::ask(edge, &leased.secret, json!({"peek": true}))["freshness"]["mode"], "strict");
    given::code(edge, &strict.secret);
    edge.faults(&json!({}));
    for _ in 0..20 {
        let answer = given::ask(edge, &strict.secret, json!({}));
        assert_eq!((&answer["code"], &answer["freshness"]), (&json!("VALID"), &json!({"mode": "strict", "bound_ms": 0})));
    }
    assert_eq!((edge.calls("guard.fetch"), edge.calls("kv.get"), edge.calls("db.query")), (20, 0, 0));
    let without_time = given::org(edge, json!({"consistency": {"lease_ms": 0}}));
    let key = without_time.key(json!({}));
    given::code(edge, &key.secret);
    edge.faults(&json!({}));
    for _ in 0..20 {
        assert_eq!(given::ask(edge, &key.secret, json!({}))["freshness"], json!({"mode": "strict", "bound_ms": 0}));
    }
    assert_eq!((edge.calls("guard.fetch"), edge.calls("org_guard.fetch")), (20, 20));
}

/// The first edge asks until it holds tokens ahead; how many requests of its were admitted.
pub fn hold_tokens(edge: &Edge, secret: &str, limit: u64) -> u64 {
    for admitted in 1..=limit {
        assert_eq!(given::code(edge, secret), "VALID");
        if remaining(edge, secret) < limit - admitted {
            return admitted;
        }
    }
    panic!("nothing was ever taken ahead");
}

pub fn spend_all(edge: &Edge, secret: &str) -> u64 {
    let seen = ask_until(edge, secret, &json!({}), |seen| seen.code == "RATE_LIMITED");
    load::admitted(&seen).into()
}

#[test]
fn what_an_edge_left_unspent_comes_back_to_the_others() {
    let fleet = of(2, false);
    let (quiet, other) = (&fleet.edges[0], &fleet.edges[1]);
    let key = given::org(quiet, json!({})).key(json!({"rate_limit": {"limit": 40, "window_seconds": 3600}}));
    let spent = hold_tokens(quiet, &key.secret, 40);
    let polls = (1..POLLS).find(|_| remaining(other, &key.secret) == 40 - spent).expect("all that was not spent comes back");
    let also = spend_all(other, &key.secret);
    eprintln!("[leases] {spent} spent here, {also} there, after {polls} polls");
    assert_eq!((also, remaining(quiet, &key.secret)), (40 - spent, 0));
    assert_eq!(given::code(quiet, &key.secret), "RATE_LIMITED");
}

/// The other edge was refused before the tokens came back; it has to hear of them.
#[test]
fn what_comes_back_is_admitted_also_where_it_was_refused_before() {
    let fleet = of(2, false);
    let (quiet, other) = (&fleet.edges[0], &fleet.edges[1]);
    let key = given::org(quiet, json!({})).key(json!({"rate_limit": {"limit": 40, "window_seconds": 600}}));
    let spent = hold_tokens(quiet, &key.secret, 40);
    let before = spend_all(other, &key.secret);
    (1..POLLS).find(|_| spent + before + remaining(other, &key.secret) == 40).expect("all that was not spent comes back");
    let left = remaining(other, &key.secret);
    let (asked, mut refusals, mut after) = (load::moment(), 0, 0);
    while after < left {
        match given::code(other, &key.secret).as_str() {
            "VALID" => after += 1,
            _ => refusals += 1,
        }
        assert!(refusals < POLLS, "{left} are there, {after} were admitted");
    }
    eprintln!("[leases] {left} came back; {refusals} refusals in {:?} until they were spent", asked.elapsed());
    assert_eq!(spent + before + after, 40);
    assert_eq!(given::code(other, &key.secret), "RATE_LIMITED");
}

/// However long the window is: a refusal must not be believed for longer than what made it may last.
#[test]
fn what_comes_back_is_admitted_also_where_too_much_was_asked_for_before() {
    let fleet = of(2, false);
    let (quiet, other) = (&fleet.edges[0], &fleet.edges[1]);
    let key = given::org(quiet, json!({})).key(json!({"rate_limit": {"limit": 40, "window_seconds": 86_400}}));
    let spent = hold_tokens(quiet, &key.secret, 40);
    let all = json!({"cost": 40 - spent});
    assert_eq!(given::ask(other, &key.secret, all.clone())["code"], "RATE_LIMITED", "some are held elsewhere");
    (1..POLLS).find(|_| remaining(other, &key.secret) == 40 - spent).expect("all that was not spent comes back");
    let refusals = (0..POLLS / 10).find(|_| given::ask(other, &key.secret, all.clone())["code"] == "VALID");
    let refusals = refusals.unwrap_or_else(|| panic!("{} refusals in a row though all {} are there", POLLS / 10, 40 - spent));
    eprintln!("[leases] {refusals} refusals after the tokens were back");
}

#[test]
fn tokens_of_an_instance_that_died_count_as_spent() {
    let fleet = of(2, true);
    let (dying, other) = (&fleet.edges[1], &fleet.edges[0]);
    let key = given::org(other, json!({})).key(json!({"rate_limit": {"limit": 40, "window_seconds": 3600}}));
    let spent = hold_tokens(dying, &key.secret, 40);
    // Nothing that the dying instance still says reaches a guard.
    dying.faults(&json!({"guard": "fail", "org_guard": "fail"}));
    dying.kill_instance();
    let also = spend_all(other, &key.secret);
    eprintln!("[leases] {spent} spent, then died; {also} spent at the other edge");
    assert!(spent + also < 40, "what was held is gone: {spent} + {also}");
    dying.faults(&json!({}));
    assert_eq!(given::code(dying, &key.secret), "RATE_LIMITED", "a new instance starts with nothing");
}

#[test]
fn a_held_lease_carries_on_without_guards_and_then_the_edge_fails_closed() {
    let fleet = of(2, true);
    let (edge, other) = (&fleet.edges[0], &fleet.edges[1]);
    let key = given::org(edge, json!({})).key(json!({"rate_limit": null}));
    until_leased(edge, &key.secret);
    edge.faults(&json!({"guard": "fail", "org_guard": "fail"}));
    let seen = ask_until(edge, &key.secret, &json!({}), |seen| seen.code == "503");
    let carried_on = seen.iter().filter(|seen| seen.passed() && seen.mode == "leased").count();
    eprintln!("[leases] {carried_on} requests were decided without a guard");
    assert_eq!((carried_on, carried_on > 0), (seen.len() - 1, true));
    let answer = given::ask_raw(edge, &key.secret, json!({}));
    assert_eq!((answer.status, given::text(&answer.value()["code"])), (503, "UNAVAILABLE".into()));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(given::code(other, &key.secret), "VALID", "it is this edge that is cut off");
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
}

#[test]
fn where_the_policy_goes_on_without_guards_the_free_checks_are_still_made() {
    let fleet = of(1, true);
    let edge = fleet.edge();
    let org = given::org(edge, json!({"consistency": {"on_guard_failure": "allow", "lease_ms": 1000}}));
    let (good, revoked) = (org.key(json!({"rate_limit": {"limit": 30, "window_seconds": 3600}})), org.key(json!({})));
    until_leased(edge, &revoked.secret);
    given::code(edge, &good.secret);
    assert_eq!(org.revoke(&revoked).status, 200);
    assert_eq!(given::code(edge, &revoked.secret), "REVOKED");
    edge.faults(&json!({"guard": "fail", "org_guard": "fail"}));
    let unconfirmed = |secret: &str, question: &Value| {
        let all = ask_until(edge, secret, question, |seen| seen.mode == "unconfirmed");
        all[all.len() - 1].code.clone()
    };
    assert_eq!(unconfirmed(&good.secret, &json!({})), "VALID");
    let answer = given::ask(edge, &good.secret, json!({}));
    assert_eq!((&answer["code"], &answer["freshness"]), (&json!("VALID"), &json!({"mode": "unconfirmed", "bound_ms": null})));
    assert_eq!(unconfirmed(&good.secret, &json!({"permissions": "leads:delete"})), "INSUFFICIENT_PERMISSIONS");
    let seen = ask_until(edge, &revoked.secret, &json!({}), |seen| seen.mode == "unconfirmed");
    assert!(seen.iter().all(|seen| seen.code == "REVOKED"), "what was seen revoked stays so");
    edge.faults(&json!({}));
    assert_eq!((given::code(edge, &good.secret), given::code(edge, &revoked.secret)), ("VALID".into(), "REVOKED".into()));
}

#[test]
fn a_restart_under_load_admits_no_more_than_the_limit() {
    const LIMIT: u32 = 400;
    let mut fleet = Fleet::start(Options { edges: 4, faults: false, keep_state: true, ..Options::default() });
    let key = given::org(fleet.edge(), json!({})).key(json!({"rate_limit": {"limit": LIMIT, "window_seconds": 3600}}));
    let before = load::until_gone(&fleet.copies(), &key.secret, 100, || fleet.restart());
    let after: u64 = fleet.edges.iter().map(|edge| spend_all(edge, &key.secret)).sum();
    let before = u64::from(load::admitted(&before));
    eprintln!("[leases] {before} before the restart, {after} after it, of {LIMIT}");
    assert!(before >= 50, "there was load: {before}");
    assert!(before + after <= LIMIT.into(), "{before} + {after} of {LIMIT}");
    assert!(after > 0, "the restart fell into the middle");
}

/// The revocation knows only the new policy; the guard remembers what it let out under the old one.
#[test]
fn a_lowered_lease_is_waited_for_as_long_as_the_older_ones_live() {
    let fleet = of(4, false);
    let org = given::org(fleet.edge(), json!({"consistency": {"lease_ms": 3000}}));
    let key = org.key(json!({"rate_limit": null}));
    let around = load::under_load(&fleet.edges, &key.secret, &json!({}), || {
        let lowered = fleet.edges[1].operator("PATCH", &org.path(""), Some(&json!({"policy": {"consistency": {"lease_ms": 0}}})));
        assert_eq!(lowered.status, 200, "{}", lowered.text());
        org.revoke(&key)
    });
    assert_eq!(around.result.status, 200);
    around.assert_ended(4, "REVOKED");
    eprintln!("[leases] lease_ms lowered to 0, then revoked: {:?}", around.took());
}
