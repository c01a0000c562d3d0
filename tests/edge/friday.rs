//! A platform engineer deploys on a Friday: keys for three backends, each for its own work; a portal for an admin; a
//! rotation under traffic; a leak; and the log that tells on Monday who did what.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use latchkey::http::route_table::{Caller, ROUTES};
use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    coverage::{Target, method, path},
    given::{self, Key, Org, text},
    portal,
    runtime::{Fleet, Options},
    service_keys::service_key,
};

/// What the Friday leaves on the desk.
struct Desk<'a> {
    fleet: &'a Fleet,
    org: Org<'a>,
    /// May only verify; the API servers have it.
    verifier: Key,
    /// May only open the portal; the settings page has it.
    opener: Key,
    /// May only make and change keys; the onboarding job has it.
    writer: Key,
}

#[test]
fn a_friday_of_deploying_refuses_nobody_who_may_and_is_all_on_record() {
    let fleet = Fleet::start(Options { edges: 2, faults: false, ..Options::default() });
    let desk = Desk::set_up(&fleet);
    let customers = desk.onboarding_makes_the_first_key();
    desk.each_backend_is_refused_whatever_is_not_its_work(&customers);
    let admins = desk.the_settings_page_lets_an_admin_in();
    let servers = desk.a_rotation_is_noticed_by_nobody(&customers);
    desk.the_leaked_key_is_refused_on_the_very_next_call();
    assert_eq!(verified(fleet.edge(), &servers, &customers), (200, "VALID".into()), "the servers go on");
    desk.the_logs_tell_every_step_and_whose_it_was(&customers, &admins);
}

/// What a server that holds that service key is told about a customer's key.
fn verified(edge: &Edge, service: &str, customers: &Key) -> (u16, String) {
    code(&edge.bearer(service, "POST", "/v1/verify", Some(&json!({"key": customers.secret, "permissions": "leads:read"}))))
}

fn code(answer: &Response) -> (u16, String) {
    (answer.status, answer.value()["code"].as_str().unwrap_or_default().to_owned())
}

impl<'a> Desk<'a> {
    fn set_up(fleet: &'a Fleet) -> Self {
        let key = |name: &str, permission: &str| service_key(fleet.edge(), &[permission], json!({ "name": name }));
        Self {
            fleet,
            org: given::org(fleet.edge(), json!({})),
            verifier: key("API servers", "verify"),
            opener: key("Settings page", "portal:create"),
            writer: key("Onboarding", "keys:write"),
        }
    }

    fn onboarding_makes_the_first_key(&self) -> Key {
        let body = json!({"name": "Website", "permissions": ["leads:read"], "rate_limit": {"limit": 100_000, "window_seconds": 60}});
        let made = self.org.edge.bearer(&self.writer.secret, "POST", &self.org.path("/keys"), Some(&body));
        assert_eq!((made.status, &made.value()["key"]["created_by"]), (201, &service("Onboarding", &self.writer)), "{}", made.text());
        let made = made.value();
        Key { id: text(&made["key"]["id"]), secret: text(&made["secret"]), record: made["key"].clone() }
    }

    /// Every route of the control plane that needs another grant is closed to each of the three.
    fn each_backend_is_refused_whatever_is_not_its_work(&self, customers: &Key) {
        for edge in &self.fleet.edges {
            assert_eq!(verified(edge, &self.verifier.secret, customers), (200, "VALID".into()));
        }
        let target = Target { key: Key { id: customers.id.clone(), ..Target::unknown().key }, ..Target::unknown() };
        let before = (self.org.audit(), self.org.read(customers).value());
        for (key, permission) in [(&self.verifier, "verify"), (&self.opener, "portal:create"), (&self.writer, "keys:write")] {
            let mut refused = 0;
            for route in ROUTES {
                match route.caller {
                    Caller::With(grant) if grant.of_service().as_str() != permission => {}
                    Caller::Operator => {}
                    _ => continue,
                }
                let path = path(route, &self.org.id, &target);
                let answer = self.org.edge.bearer(&key.secret, method(route), &path, Some(&json!({})));
                assert_eq!(code(&answer), (403, "FORBIDDEN".into()), "{} with {permission}", route.operation.id());
                refused += 1;
            }
            assert!(refused > 10, "{permission}: {refused}");
        }
        assert_eq!((self.org.audit(), self.org.read(customers).value()), before, "nothing came of it");
    }

    /// The settings page asks for a link; the admin who opens it makes a key and revokes it.
    fn the_settings_page_lets_an_admin_in(&self) -> Key {
        let edge = self.org.edge;
        let body = json!({"user": {"id": "user_7", "name": "Grace"}, "role": "admin"});
        let asked = edge.bearer(&self.opener.secret, "POST", &self.org.path("/portal-sessions"), Some(&body));
        assert_eq!(asked.status, 201, "{}", asked.text());
        let url = text(&asked.value()["url"]);
        let cookie = portal::sign_in(edge, url.strip_prefix(edge.base_url.as_str()).expect("an address of this edge"));
        let as_admin = |path: &str, body: &Value| {
            let path = self.org.path(path);
            edge.json("POST", &path, &[("cookie", &cookie), ("origin", &edge.base_url)], Some(body))
        };
        let made = as_admin("/keys", &json!({"name": "Grace's try", "permissions": ["leads:read"]}));
        assert_eq!((made.status, &made.value()["key"]["created_by"]), (201, &grace()), "{}", made.text());
        let made = made.value();
        let key = Key { id: text(&made["key"]["id"]), secret: text(&made["secret"]), record: made["key"].clone() };
        for edge in &self.fleet.edges {
            assert_eq!(verified(edge, &self.verifier.secret, &key), (200, "VALID".into()));
        }
        let revoked = as_admin(&format!("/keys/{}/revoke", key.id), &json!({"reason": "only a try"}));
        assert_eq!((revoked.status, &revoked.value()["revoked_by"]), (200, &grace()), "{}", revoked.text());
        for edge in &self.fleet.edges {
            assert_eq!(verified(edge, &self.verifier.secret, &key), (200, "REVOKED".into()));
        }
        key
    }

    /// Servers at both edges verify without a pause while their key is rotated, handed from server to server, and the
    /// old secret is ended. The answer is the new secret.
    fn a_rotation_is_noticed_by_nobody(&self, customers: &Key) -> String {
        let old = self.verifier.secret.as_str();
        let servers: Vec<Server<'_>> = self.fleet.edges.iter().cycle().take(4).map(|edge| Server::start(edge, old)).collect();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let calling: Vec<_> = servers.iter().map(|server| scope.spawn(|| server.verify_until(&over, customers))).collect();
            // A failed assertion must end the servers too: the scope waits for them.
            let _ends = Ends(&over);
            servers.iter().for_each(Server::goes_on);
            let rotated = self.on_verifier("/rotate", Some(&json!({"overlap_seconds": 3600})));
            let new = text(&rotated["secret"]);
            assert_ne!(new, old);
            servers.iter().for_each(Server::goes_on);
            for server in &servers {
                new.clone_into(&mut server.secret.lock().unwrap());
                // Every server: some have the old secret, some the new one.
                servers.iter().for_each(Server::goes_on);
            }
            self.on_verifier("/rotation/complete", None);
            servers.iter().for_each(Server::goes_on);
            over.store(true, Ordering::Relaxed);
            for server in calling {
                let refused = server.join().unwrap();
                assert!(refused.is_empty(), "{refused:?}");
            }
            for edge in &self.fleet.edges {
                assert_eq!(verified(edge, old, customers), (401, "INVALID_TOKEN".into()), "the old secret is over");
                assert_eq!(verified(edge, &new, customers), (200, "VALID".into()));
            }
            new
        })
    }

    fn on_verifier(&self, step: &str, body: Option<&Value>) -> Value {
        let answer = self.org.edge.operator("POST", &format!("/v1/orgs/org_system/keys/{}{step}", self.verifier.id), body);
        assert_eq!(answer.status, 200, "{step}: {}", answer.text());
        answer.value()
    }

    /// The onboarding job's key turned up in a public repository.
    fn the_leaked_key_is_refused_on_the_very_next_call(&self) {
        let leaked = |edge: &Edge| {
            let body = json!({"permissions": ["leads:read"]});
            code(&edge.bearer(&self.writer.secret, "POST", &self.org.path("/keys"), Some(&body)))
        };
        let before = self.org.audit();
        for edge in &self.fleet.edges {
            assert_eq!(leaked(edge), (422, "VALIDATION_FAILED".into()), "let in, and told that the key lacks a name");
        }
        let revoke = format!("/v1/orgs/org_system/keys/{}/revoke", self.writer.id);
        let revoked = self.org.edge.operator("POST", &revoke, Some(&json!({"reason": "leaked"})));
        assert_eq!((revoked.status, revoked.value()["in_force_at"].is_string()), (200, true), "{}", revoked.text());
        for edge in &self.fleet.edges {
            assert_eq!(leaked(edge), (401, "INVALID_TOKEN".into()));
        }
        assert_eq!(self.org.audit(), before, "it did nothing more");
    }

    fn the_logs_tell_every_step_and_whose_it_was(&self, customers: &Key, admins: &Key) {
        let operator = || json!({"type": "operator", "id": "operator", "name": "Operator"});
        let system = Org { edge: self.org.edge, id: "org_system".to_owned() };
        let on = |action: &'static str, key: &Key| (action.to_owned(), key.id.clone(), operator());
        assert_eq!(
            told(&system),
            [
                on("key.created", &self.verifier),
                on("key.created", &self.opener),
                on("key.created", &self.writer),
                on("key.rotated", &self.verifier),
                on("key.rotation_completed", &self.verifier),
                on("key.revoked", &self.writer),
            ]
        );
        let session = |action: &str| {
            let entry = self.org.audit().into_iter().find(|entry| entry["action"] == action);
            text(&entry.unwrap_or_else(|| panic!("no {action}"))["target"]["id"])
        };
        let opened = session("portal_session.opened");
        assert!(opened.starts_with("prt_"));
        assert_eq!(
            told(&self.org),
            [
                ("org.created".to_owned(), self.org.id.clone(), operator()),
                ("key.created".to_owned(), customers.id.clone(), service("Onboarding", &self.writer)),
                ("portal_session.created".to_owned(), opened.clone(), service("Settings page", &self.opener)),
                ("portal_session.opened".to_owned(), opened, grace()),
                ("key.created".to_owned(), admins.id.clone(), grace()),
                ("key.revoked".to_owned(), admins.id.clone(), grace()),
            ]
        );
        let logs = json!([system.audit(), self.org.audit()]).to_string();
        for key in [&self.verifier, &self.opener, &self.writer, customers, admins] {
            assert!(!logs.contains(&key.secret), "no secret is on record");
        }
    }
}

fn service(name: &str, key: &Key) -> Value {
    json!({"type": "service", "id": key.id, "name": name})
}

fn grace() -> Value {
    json!({"type": "member", "id": "user_7", "name": "Grace"})
}

/// The whole log, oldest first: what was done, to what, by whom.
fn told(org: &Org<'_>) -> Vec<(String, String, Value)> {
    let entry = |entry: &Value| (text(&entry["action"]), text(&entry["target"]["id"]), entry["actor"].clone());
    org.audit().iter().rev().map(entry).collect()
}

/// A server of the platform: it asks about a customer's key, over and over, with the service key that it has.
struct Server<'a> {
    edge: &'a Edge,
    secret: Mutex<String>,
    answered: AtomicU32,
}

impl<'a> Server<'a> {
    fn start(edge: &'a Edge, secret: &str) -> Self {
        Self { edge, secret: Mutex::new(secret.to_owned()), answered: AtomicU32::new(0) }
    }

    /// Asks until it is over; the answer is what was refused.
    fn verify_until(&self, over: &AtomicBool, customers: &Key) -> Vec<(u16, String)> {
        let mut refused = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let secret = self.secret.lock().unwrap().clone();
            let answer = verified(self.edge, &secret, customers);
            if answer != (200, "VALID".to_owned()) {
                refused.push(answer);
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        refused
    }

    /// Waits until the server was answered twice more: once to a question that it asked from now on.
    fn goes_on(&self) {
        let (before, end) = (self.answered.load(Ordering::Relaxed), given::now().plus_ms(30_000));
        while self.answered.load(Ordering::Relaxed) < before + 2 {
            assert!(given::now() < end, "a server stands still");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Ends the servers when it goes out of scope.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
