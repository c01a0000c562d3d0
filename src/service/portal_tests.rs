use pollster::block_on;
use serde_json::json;

use super::*;
use crate::{
    audit::entry::AuditEntry,
    base::actor::{Actor, ActorType},
    ports::Outage,
    testing::{
        fixtures::{self, NOW, ORG, origin},
        wire::{Call, Times},
        world::World,
    },
    token::digest::Digest,
};

fn world() -> World {
    World::of(fixtures::organization(json!({})))
}

fn created(world: &World, changes: Value) -> Created {
    let mut body = json!({"user": {"id": "ada", "name": "Ada"}, "role": "developer"});
    changes.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
    block_on(create(&world.ports(), ORG, &body, origin())).unwrap()
}

fn opened(world: &World) -> Opened {
    let made = created(world, json!({}));
    block_on(open(&world.ports(), made.link.expose(), origin())).unwrap().expect("a fresh link opens")
}

fn is_signed_in(world: &World, cookie: &Plaintext) -> bool {
    block_on(find_signed_in(&world.ports(), cookie)).unwrap().is_some()
}

fn opens(world: &World, link: &Plaintext) -> bool {
    block_on(open(&world.ports(), link.expose(), origin())).unwrap().is_some()
}

fn end_of(world: &World, session: &PortalSession, if_version: Option<&[u64]>) -> Result<(), Failure> {
    let ports = world.ports();
    block_on(end(&Change { ports: &ports, org: ORG, session: session.id.text().as_str(), if_version, origin: origin() }))
}

fn role_of(world: &World, session: &PortalSession, role: &str, if_version: Option<&[u64]>) -> Result<PortalSession, Failure> {
    let ports = world.ports();
    let id = session.id.text();
    let change = Change { ports: &ports, org: ORG, session: &id, if_version, origin: origin() };
    block_on(update(&change, &json!({ "role": role })))
}

fn actions(world: &World) -> Vec<Action> {
    world.ledger.audit().iter().map(|entry: &AuditEntry| entry.action).collect()
}

#[test]
fn a_link_signs_in_once_and_its_cookie_stays() {
    let world = world();
    let made = created(&world, json!({}));
    let first = block_on(open(&world.ports(), made.link.expose(), origin())).unwrap().unwrap();
    assert!(!opens(&world, &made.link));
    assert!(is_signed_in(&world, &first.cookie) && is_signed_in(&world, &first.cookie));
    assert!(!is_signed_in(&world, &made.link), "a link is not a cookie");
    assert!(!opens(&world, &first.cookie), "a cookie is not a link");
    assert_eq!(actions(&world), [Action::PortalSessionCreated, Action::PortalSessionOpened]);
}

#[test]
fn of_two_openings_at_once_one_wins() {
    let world = world();
    let made = created(&world, json!({}));
    let id = made.session.id.clone();
    // Between the look and the write of one opening, another one is through.
    let sessions = world.sessions.clone();
    world.wire.before(Call::UpdateSession, move || sessions.change(&id, |session| session.open(Digest::of("other"), NOW).unwrap()));
    assert!(!opens(&world, &made.link));
    assert_eq!(world.sessions.rows()[0].cookie, Some(Digest::of("other")));
    assert_eq!(actions(&world), [Action::PortalSessionCreated], "who lost leaves no entry");
}

#[test]
fn an_opening_that_loses_to_a_change_of_role_still_opens() {
    let world = world();
    let made = created(&world, json!({}));
    let (sessions, id) = (world.sessions.clone(), made.session.id.clone());
    world.wire.before(Call::UpdateSession, move || sessions.change(&id, |session| session.with_role("member".into(), NOW).unwrap()));
    let opened = block_on(open(&world.ports(), made.link.expose(), origin())).unwrap().unwrap();
    assert_eq!(opened.session.role, "member");
}

#[test]
fn looking_at_a_link_does_not_use_it_up() {
    let world = world();
    let made = created(&world, json!({}));
    let waits = || block_on(is_waiting(&world.ports(), made.link.expose())).unwrap();
    assert!(waits() && waits() && opens(&world, &made.link) && !waits());
}

#[test]
fn a_link_is_good_for_ten_minutes() {
    let world = world();
    let (early, late) = (created(&world, json!({})), created(&world, json!({})));
    world.clock.set(NOW.plus_ms(599_999));
    assert!(opens(&world, &early.link));
    world.clock.set(NOW.plus_ms(600_000));
    assert!(!opens(&world, &late.link));
}

#[test]
fn a_session_is_good_until_its_end_and_not_at_it() {
    let world = world();
    let cookie = opened(&world).cookie;
    world.clock.set(NOW.plus_ms(3_599_999));
    assert!(is_signed_in(&world, &cookie));
    world.clock.set(NOW.plus_ms(3_600_000));
    assert!(!is_signed_in(&world, &cookie));
}

#[test]
fn whoever_ended_a_session_it_ends_at_once() {
    let world = world();
    let (one, other) = (opened(&world), opened(&world));
    block_on(sign_out(&world.ports(), &one.session, origin())).unwrap();
    assert!(!is_signed_in(&world, &one.cookie) && is_signed_in(&world, &other.cookie));
    end_of(&world, &other.session, None).unwrap();
    assert!(!is_signed_in(&world, &other.cookie));
    let actors: Vec<ActorType> = world.ledger.audit().iter().rev().take(2).map(|entry| entry.actor.kind).collect();
    assert_eq!(actors, [ActorType::Operator, ActorType::Member]);
}

#[test]
fn a_session_that_is_ended_before_it_was_opened_cannot_be_opened() {
    let world = world();
    let made = created(&world, json!({}));
    end_of(&world, &made.session, None).unwrap();
    assert!(!opens(&world, &made.link));
}

#[test]
fn ending_twice_changes_nothing_the_second_time() {
    let world = world();
    let session = opened(&world).session;
    end_of(&world, &session, Some(&[session.version])).unwrap();
    let (rows, entries) = (world.sessions.rows(), world.ledger.audit().len());
    end_of(&world, &session, Some(&[session.version])).unwrap();
    assert_eq!((world.sessions.rows(), world.ledger.audit().len()), (rows, entries));
}

#[test]
fn an_end_does_not_lose_a_race() {
    let world = world();
    let session = opened(&world).session;
    let (sessions, id) = (world.sessions.clone(), session.id.clone());
    world.wire.before(Call::UpdateSession, move || sessions.change(&id, |session| session.with_role("member".into(), NOW).unwrap()));
    end_of(&world, &session, None).unwrap();
    assert_eq!(world.sessions.rows()[0].status(NOW), Status::Ended);
}

#[test]
fn a_change_of_role_loses_races_and_names_the_version() {
    let world = world();
    let session = opened(&world).session;
    assert!(matches!(role_of(&world, &session, "member", Some(&[1])), Err(Failure::PreconditionFailed { version: 2 })));
    let (sessions, id) = (world.sessions.clone(), session.id.clone());
    world.wire.before(Call::UpdateSession, move || sessions.change(&id, |session| session.end(NOW).unwrap()));
    assert!(matches!(role_of(&world, &session, "member", None), Err(Failure::Conflict)));
    assert!(matches!(role_of(&world, &session, "member", None), Err(Failure::SessionOver(_))));
    assert_eq!(world.sessions.rows()[0].role, "developer");
}

#[test]
fn a_change_of_role_is_what_the_next_request_sees() {
    let world = world();
    let opened = opened(&world);
    role_of(&world, &opened.session, "member", Some(&[2])).unwrap();
    let signed_in = block_on(find_signed_in(&world.ports(), &opened.cookie)).unwrap().unwrap();
    assert_eq!(signed_in.session.role, "member");
    let entry = world.ledger.audit().pop().unwrap();
    assert_eq!(json!(entry.changes), json!({"role": {"from": "developer", "to": "member"}}));
    assert_eq!(json!(entry.target), json!({"type": "portal_session", "id": opened.session.id, "name": "Ada", "prefix": null}));
    role_of(&world, &opened.session, "member", None).unwrap();
    assert_eq!(world.ledger.audit().len(), 3, "the same role is no change");
}

#[test]
fn a_session_of_another_organization_is_not_found() {
    let world = world();
    let session = opened(&world).session;
    let ports = world.ports();
    let id = session.id.text();
    let change = Change { ports: &ports, org: "org_system", session: &id, if_version: None, origin: origin() };
    assert!(matches!(block_on(end(&change)), Err(Failure::NotFound)));
    assert!(matches!(block_on(get(&ports, "org_system", session.id.text().as_str())), Err(Failure::NotFound)));
    assert!(matches!(block_on(get(&ports, ORG, "prt_x")), Err(Failure::NotFound)));
    assert!(block_on(get(&ports, ORG, session.id.text().as_str())).is_ok());
}

#[test]
fn no_entry_no_change_and_an_outage_is_no_sign_in() {
    let world = world();
    let made = created(&world, json!({}));
    world.wire.fail(Call::UpdateSession, Times::Exactly(1));
    assert!(matches!(block_on(open(&world.ports(), made.link.expose(), origin())), Err(Failure::Unavailable(Outage::Ledger { .. }))));
    assert!(opens(&world, &made.link), "nothing was written, so the link is still good");
}

#[test]
fn what_cannot_be_a_token_costs_no_look_into_storage() {
    let world = world();
    assert!(!opens(&world, &Plaintext::new("sign-out".into())) && !is_signed_in(&world, &Plaintext::new(String::new())));
    assert_eq!(world.wire.calls(), []);
}

#[test]
fn a_list_shows_one_users_sessions_newest_first_page_by_page() {
    let world = world();
    for (at, user) in ["ada", "bob", "ada", "ada"].into_iter().enumerate() {
        world.clock.set(NOW.plus_ms(at as i64));
        created(&world, json!({"user": {"id": user}}));
    }
    let page = |user: Option<&str>, cursor: Option<&str>| {
        let query = SessionQuery { user: user.map(str::to_owned), after: None, limit: 2 };
        block_on(list(&world.ports(), ORG, query, cursor))
    };
    let first = page(Some("ada"), None).unwrap();
    let times = |page: &Page<PortalSession>| page.items.iter().map(|session| session.created_at.ms() - NOW.ms()).collect::<Vec<_>>();
    assert_eq!(times(&first), [3, 2]);
    let second = page(Some("ada"), first.next_cursor.as_deref()).unwrap();
    assert_eq!((times(&second), second.next_cursor.is_none()), (vec![0], true));
    assert!(matches!(page(None, first.next_cursor.as_deref()), Err(Failure::ForeignCursor(_))));
}

#[test]
fn a_session_leaves_the_list_a_day_after_it_was_over() {
    let world = world();
    let ended = opened(&world);
    end_of(&world, &ended.session, None).unwrap();
    created(&world, json!({}));
    let live = opened(&world);
    let left_after = |ms: i64| {
        world.clock.set(NOW.plus_ms(ms));
        block_on(purge(&world.ports())).unwrap();
        world.sessions.rows().len()
    };
    assert_eq!(left_after(86_400_000), 3);
    assert_eq!(left_after(86_400_001), 2, "the ended one");
    assert_eq!(left_after(87_000_001), 1, "the one whose link was never opened");
    assert_eq!(world.sessions.rows()[0].id, live.session.id);
    assert_eq!(left_after(90_000_001), 0);
    assert_eq!(world.ledger.audit().len(), 6, "entries stay");
}

#[test]
fn the_operator_is_signed_in_for_half_an_hour_and_is_no_member() {
    let world = world();
    let opened = block_on(sign_operator_in(&world.ports(), Origin { actor: Actor::operator(), ..origin() })).unwrap();
    let finds = || block_on(find_operator(&world.ports(), &opened.cookie)).unwrap().is_some();
    assert!(finds() && !is_signed_in(&world, &opened.cookie));
    assert_eq!(
        (actions(&world), opened.session.actor()),
        (vec![Action::PortalSessionCreated, Action::PortalSessionOpened], Actor::operator())
    );
    assert!(world.ledger.audit().iter().all(|entry| entry.actor == Actor::operator()));
    world.clock.set(NOW.plus_ms(1_799_999));
    assert!(finds());
    world.clock.set(NOW.plus_ms(1_800_000));
    assert!(!finds());
}

#[test]
fn a_member_is_no_operator_and_signing_out_ends_either() {
    let world = world();
    let member = opened(&world);
    assert!(block_on(find_operator(&world.ports(), &member.cookie)).unwrap().is_none());
    let operator = block_on(sign_operator_in(&world.ports(), Origin { actor: Actor::operator(), ..origin() })).unwrap();
    block_on(sign_out(&world.ports(), &operator.session, origin())).unwrap();
    assert!(block_on(find_operator(&world.ports(), &operator.cookie)).unwrap().is_none());
}
