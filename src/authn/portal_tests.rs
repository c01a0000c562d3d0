use serde_json::json;

use super::*;
use crate::testing::{
    chance::Sequence,
    fixtures::{self, NOW},
};

fn session(body: Value) -> PortalSession {
    fixtures::portal_session(body)
}

fn read(body: Value) -> Result<PortalDraft, Vec<(String, String)>> {
    let named = |faults: Vec<Fault>| faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect();
    PortalDraft::read(&body, &Roles::default()).map_err(named)
}

fn cookie() -> Digest {
    Digest::of("cookie")
}

#[test]
fn a_session_is_pending_then_open_then_over() {
    let pending = session(json!({}));
    assert_eq!(pending.status(NOW), Status::Pending);
    let open = pending.open(cookie(), NOW.plus_ms(5)).unwrap();
    assert_eq!((open.status(NOW.plus_ms(5)), open.version, open.opened_at), (Status::Open, 2, Some(NOW.plus_ms(5))));
    let ended = open.clone().end(NOW.plus_ms(9)).unwrap();
    assert_eq!((ended.status(NOW.plus_ms(9)), ended.version, ended.ended_at), (Status::Ended, 3, Some(NOW.plus_ms(9))));
    assert_eq!(ended.status(NOW.plus_ms(99_999_999)), Status::Ended, "what was ended stays ended when its time is over too");
    assert_eq!(open.status(NOW.plus_ms(3_600_000)), Status::Expired);
}

#[test]
fn a_link_lives_ten_minutes_or_as_long_as_its_session() {
    for (ttl, last_ms) in [(86_400, 599_999), (3600, 599_999), (600, 599_999), (599, 598_999), (1, 999)] {
        let pending = session(json!({"ttl_seconds": ttl}));
        assert!(pending.clone().open(cookie(), NOW.plus_ms(last_ms)).is_ok(), "{ttl}");
        assert_eq!(pending.clone().open(cookie(), NOW.plus_ms(last_ms + 1)), Err(SessionOver), "{ttl}");
        assert_eq!(pending.status(NOW.plus_ms(last_ms + 1)), Status::Expired, "{ttl}");
    }
}

#[test]
fn a_session_lives_from_its_creation_not_from_its_opening() {
    let open = session(json!({"ttl_seconds": 700})).open(cookie(), NOW.plus_ms(599_000)).unwrap();
    assert_eq!(open.status(NOW.plus_ms(699_999)), Status::Open);
    assert_eq!(open.status(NOW.plus_ms(700_000)), Status::Expired);
    assert_eq!(open.over_at(), open.expires_at);
}

#[test]
fn a_session_that_is_over_takes_no_step() {
    let expired = session(json!({}));
    let ended = expired.clone().end(NOW).unwrap();
    for (over, now) in [(expired, NOW.plus_ms(600_000)), (ended, NOW)] {
        assert_eq!(over.clone().open(cookie(), now), Err(SessionOver));
        assert_eq!(over.clone().with_role("owner".into(), now), Err(SessionOver));
        assert_eq!(over.end(now), None);
    }
}

#[test]
fn the_same_role_is_no_change() {
    let pending = session(json!({"role": "admin"}));
    assert_eq!(pending.clone().with_role("admin".into(), NOW), Ok(pending.clone()));
    assert_eq!(pending.with_role("owner".into(), NOW).map(|changed| (changed.role, changed.version)), Ok(("owner".into(), 2)));
}

#[test]
fn a_draft_has_defaults_and_bounds() {
    let made = session(json!({}));
    assert_eq!((made.user.name.as_str(), made.expires_at), ("ada", NOW.plus_ms(3_600_000)), "the id is the name where none is given");
    for good in [json!({"ttl_seconds": 1}), json!({"ttl_seconds": 86_400}), json!({"user": {"id": "~!\"<b>", "name": " Ada <b> "}})] {
        let mut body = json!({"user": {"id": "ada"}, "role": "admin"});
        good.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        assert!(read(body).is_ok(), "{good}");
    }
    for (member, value, pointer) in [
        ("ttl_seconds", json!(0), "/ttl_seconds"),
        ("ttl_seconds", json!(86_401), "/ttl_seconds"),
        ("ttl_seconds", json!(null), "/ttl_seconds"),
        ("role", json!("king"), "/role"),
        ("role", json!(fixtures::credential()), "/role"),
        ("user", json!({"id": ""}), "/user/id"),
        ("user", json!({"id": "a b"}), "/user/id"),
        ("user", json!({"id": "é"}), "/user/id"),
        ("user", json!({"id": "x".repeat(201)}), "/user/id"),
        ("user", json!({"id": fixtures::credential()}), "/user/id"),
        ("user", json!({"id": "ada", "name": " "}), "/user/name"),
        ("user", json!({"id": "ada", "name": fixtures::credential()}), "/user/name"),
        ("user", json!({"id": "ada", "email": "a@b.example"}), "/user/email"),
        ("user", json!("ada"), "/user"),
        ("url", json!("x"), "/url"),
    ] {
        let mut body = json!({"user": {"id": "ada"}, "role": "admin"});
        body[member] = value;
        let faults = read(body.clone()).unwrap_err();
        assert_eq!(faults.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), [pointer], "{body}");
        assert!(!faults[0].1.contains(&fixtures::credential()), "a key is not repeated");
    }
}

#[test]
fn all_faults_of_a_draft_are_named_at_once() {
    let faults = read(json!({"user": {"name": 5, "x": 1}, "ttl_seconds": 0, "roles": []})).unwrap_err();
    let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/user/id", "/user/name", "/user/x", "/role", "/ttl_seconds", "/roles"]);
}

#[test]
fn the_view_shows_no_digest() {
    let open = session(json!({})).open(cookie(), NOW).unwrap();
    let shown = serde_json::to_string(&open.view(NOW)).unwrap();
    assert!(!shown.contains(&open.link.hex()) && !shown.contains(&cookie().hex()) && shown.contains("\"status\":\"open\""));
}

#[test]
fn tokens_have_the_bits_of_the_contract() {
    let (link, cookie) = (new_link(&Sequence::new(1)).unwrap(), new_cookie(&Sequence::new(1)).unwrap());
    let bits = |token: &Plaintext| 62_f64.log2() * token.expose().len() as f64;
    assert!(bits(&link) >= 128.0 && bits(&cookie) >= 256.0);
    assert_eq!(link_digest(link.expose()), Some(Digest::of(link.expose())));
    assert_eq!(cookie_digest(cookie.expose()), Some(Digest::of(cookie.expose())));
    for other in ["", "short", &"x".repeat(23), &format!("{}-", "x".repeat(21))] {
        assert_eq!(link_digest(other), None, "{other}");
    }
}
