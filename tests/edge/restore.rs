//! A restore over stores that know more than the backup does: KV, guards, and D1 itself.

use crate::{
    backup::{back_up, kept, lose, restore},
    given::{self, Key, Org},
    runtime::{Fleet, Options},
};
use serde_json::json;

/// Keys to each of which something else happens after the backup.
struct Since {
    org: String,
    revoked: Key,
    deleted: Key,
    widened: Key,
    made: Key,
    folder: std::path::PathBuf,
}

fn since(fleet: &Fleet) -> Since {
    let edge = fleet.edge();
    let org = given::org(edge, json!({"deletion": true}));
    let [revoked, deleted, widened] = [(); 3].map(|()| org.key(json!({})));
    ask_all(fleet, &[&revoked, &deleted, &widened]);
    let folder = back_up(fleet, "backup");
    let made = org.key(json!({}));
    assert_eq!(org.revoke(&revoked).status, 200);
    assert_eq!(edge.operator("DELETE", &org.path(&format!("/keys/{}", deleted.id)), None).status, 204);
    let path = org.path(&format!("/keys/{}", widened.id));
    for permissions in [json!([]), json!(["leads:read", "leads:delete"])] {
        assert_eq!(edge.operator("PATCH", &path, Some(&json!({"permissions": permissions}))).status, 200);
    }
    ask_all(fleet, &[&made, &revoked, &widened]);
    Since { org: org.id, revoked, deleted, widened, made, folder }
}

fn ask_all(fleet: &Fleet, keys: &[&Key]) {
    for edge in &fleet.edges {
        keys.iter().for_each(|key| drop(given::code(edge, &key.secret)));
    }
}

fn codes(fleet: &Fleet, since: &Since) -> Vec<[String; 4]> {
    let ask = |edge| {
        let may = |key: &Key, permission: &str| given::text(&given::ask(edge, &key.secret, json!({"permissions": permission}))["code"]);
        [
            may(&since.revoked, "leads:read"),
            may(&since.deleted, "leads:read"),
            may(&since.widened, "leads:delete"),
            may(&since.made, "leads:read"),
        ]
    };
    fleet.edges.iter().map(ask).collect()
}

fn as_one(fleet: &Fleet, since: &Since, expected: [&str; 4]) {
    assert_eq!(codes(fleet, since), vec![expected.map(ToOwned::to_owned); fleet.edges.len()]);
}

/// A guard that went on from its own, higher version would take this change for an old one, and the key would stay valid.
fn revocation_is_in_force(fleet: &Fleet, since: &Since) {
    let org = Org { edge: fleet.edge(), id: since.org.clone() };
    assert_eq!(given::code(&fleet.edges[1], &since.widened.secret), "VALID");
    let revoked = org.revoke(&since.widened);
    assert_eq!(revoked.status, 200, "{}", revoked.text());
    for edge in &fleet.edges {
        assert_eq!(given::code(edge, &since.widened.secret), "REVOKED");
    }
}

#[test]
fn what_was_ended_since_stays_so_and_what_was_made_or_widened_is_gone() {
    let mut fleet = kept(2);
    let since = since(&fleet);
    let audit = Org { edge: fleet.edge(), id: since.org.clone() }.audit();
    fleet.restart_after(|state| restore(&since.folder, state, &[]));
    assert_eq!(fleet.scheduled().status, 200);
    as_one(&fleet, &since, ["REVOKED", "NOT_FOUND", "INSUFFICIENT_PERMISSIONS", "NOT_FOUND"]);
    let org = Org { edge: fleet.edge(), id: since.org.clone() };
    assert_eq!(org.audit(), audit, "the log does not go back");
    assert_eq!(org.read(&since.revoked).value()["status"], "revoked");
    assert_eq!(org.read(&since.deleted).status, 404);
    revocation_is_in_force(&fleet, &since);
}

#[test]
fn endings_are_undone_when_that_is_wanted() {
    let mut fleet = kept(2);
    let since = since(&fleet);
    fleet.restart_after(|state| restore(&since.folder, state, &["--undo-endings"]));
    assert_eq!(fleet.scheduled().status, 200);
    as_one(&fleet, &since, ["VALID", "VALID", "INSUFFICIENT_PERMISSIONS", "NOT_FOUND"]);
    revocation_is_in_force(&fleet, &since);
}

/// Nothing tells any more what was changed since; guards know, but are told what the backup says.
#[test]
fn with_d1_alone_lost_guards_and_kv_that_know_more_follow_the_backup() {
    let mut fleet = kept(2);
    let since = since(&fleet);
    fleet.restart_after(|state| {
        lose(state, &["d1"]);
        restore(&since.folder, state, &[]);
    });
    // Before the cron told any guard: edges that find nothing in KV bring the truth with them.
    as_one(&fleet, &since, ["VALID", "VALID", "INSUFFICIENT_PERMISSIONS", "NOT_FOUND"]);
    assert_eq!(fleet.scheduled().status, 200);
    as_one(&fleet, &since, ["VALID", "VALID", "INSUFFICIENT_PERMISSIONS", "NOT_FOUND"]);
    revocation_is_in_force(&fleet, &since);
}

#[test]
fn a_second_restore_of_the_same_backup_holds_as_well() {
    let mut fleet = kept(2);
    let since = since(&fleet);
    fleet.restart_after(|state| restore(&since.folder, state, &["--undo-endings"]));
    let org = Org { edge: fleet.edge(), id: since.org.clone() };
    assert_eq!(org.revoke(&since.widened).status, 200);
    assert_eq!(given::code(&fleet.edges[1], &since.widened.secret), "REVOKED");
    fleet.restart_after(|state| restore(&since.folder, state, &["--undo-endings"]));
    as_one(&fleet, &since, ["VALID", "VALID", "INSUFFICIENT_PERMISSIONS", "NOT_FOUND"]);
    revocation_is_in_force(&fleet, &since);
}

/// Guards that were not told before the backup are told after the restore.
#[test]
fn what_had_not_come_into_force_does_after_the_restore() {
    let mut fleet = Fleet::start(Options { keep_state: true, ..Options::default() });
    let edge = fleet.edge();
    let key = given::org(edge, json!({})).key(json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    let org = Org { edge, id: given::text(&key.record["org_id"]) };
    edge.faults(&json!({"guard": "fail"}));
    assert_eq!(org.revoke(&key).status, 503);
    let folder = back_up(&fleet, "backup");
    fleet.restart_after(|state| restore(&folder, state, &[]));
    let waiting = |fleet: &Fleet| {
        let metrics = fleet.edge().operator("GET", "/metrics", None).text();
        metrics.lines().find_map(|line| line.strip_prefix("latchkey_unpublished_changes ").map(ToOwned::to_owned))
    };
    assert_ne!(waiting(&fleet).as_deref(), Some("0"));
    assert_eq!(fleet.scheduled().status, 200);
    assert_eq!((waiting(&fleet).as_deref(), &*given::code(fleet.edge(), &key.secret)), (Some("0"), "REVOKED"));
}
