//! What is stored of portal sessions, and what time does to it. Days cannot be waited for: the times are moved into the
//! past, in the database's own file.

use crate::{
    given::{self, Org, text},
    portal::{ask, sign_in},
    restart::{files_below, ledger_file, run_sql},
    runtime::{Fleet, Options},
};
use serde_json::{Value, json};

#[test]
fn sessions_outlive_a_restart_and_end_with_their_time_and_no_token_is_stored() {
    let mut fleet = Fleet::start(Options { keep_state: true, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let [lives, expires, gone] = ["lives", "expires", "gone"].map(|_| ask(&org, "owner"));
    let (unopened, stale) = (ask(&org, "owner"), ask(&org, "owner"));
    let cookies = [&lives, &expires, &gone].map(|asked| sign_in(fleet.edge(), &asked.link));
    let ended = fleet.edge().operator("DELETE", &org.path(&format!("/portal-sessions/{}", gone.id)), None);
    assert_eq!((ended.status, fleet.scheduled().status), (204, 200));
    assert_eq!(statuses(&org), ["ended", "open", "open", "pending", "pending"], "what is just over stays in the list");

    let (id, file) = (org.id.clone(), ledger_file(&fleet));
    for statement in [
        format!("UPDATE portal_sessions SET expires_at = 1, over_at = 1e15 WHERE id = '{}'", expires.id),
        format!("UPDATE portal_sessions SET created_at = created_at - 600000 WHERE id = '{}'", stale.id),
        format!("UPDATE portal_sessions SET over_at = over_at - 86400001 WHERE id = '{}'", gone.id),
    ] {
        assert_eq!(run_sql(&file, &statement), "");
    }
    fleet.restart();
    assert_eq!(fleet.scheduled().status, 200);

    let org = Org { edge: fleet.edge(), id };
    let answers = cookies.each_ref().map(|cookie| fleet.edge().send("GET", &org.path("/keys"), &[("cookie", cookie)], None).status);
    assert_eq!(answers, [200, 401, 401]);
    assert_eq!(statuses(&org), ["expired", "expired", "open", "pending"], "the ended one left the list");
    assert_eq!([&stale, &unopened].map(|asked| fleet.edge().get(&asked.link).status), [401, 200]);
    assert_eq!(org.audit().iter().filter(|entry| entry["target"]["id"] == json!(gone.id)).count(), 3, "its entries stay");

    fleet.restart();
    let files = files_below(fleet.state_folder().expect("a kept state"));
    let holds = |needle: &str| files.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|part| part == needle.as_bytes()));
    assert!(holds(&lives.id), "the state is where it is looked for");
    let links = [&lives, &expires, &gone, &unopened, &stale].map(|asked| asked.link.trim_start_matches("/portal/"));
    let tokens = cookies.iter().map(|cookie| cookie.trim_start_matches("__Host-latchkey="));
    for secret in tokens.chain(links) {
        assert!(!holds(secret), "a token is stored");
    }
}

/// In the order of their words: sessions that were made in one millisecond are listed in any order.
fn statuses(org: &Org<'_>) -> Vec<String> {
    let page: Value = org.edge.operator("GET", &org.path("/portal-sessions"), None).value();
    let mut words: Vec<String> = page["items"].as_array().expect("items").iter().map(|item| text(&item["status"])).collect();
    words.sort();
    words
}
