//! What the stories share: a customer's organization under its profile, and what its people do there.

use std::{fs, path::Path};

use latchkey::{
    authn::principal::Grant,
    http::route_table::{Caller, Methods, ROUTES},
};
use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    given::{self, Key, Org, text},
    runtime::shared,
};

/// The four profiles.
pub const PROFILES: [&str; 4] = ["field-service", "automation", "leads-api", "voice-agents"];

/// A customer in the one deployment that all stories share.
pub struct Customer {
    pub org: Org<'static>,
}

/// Somebody of a customer, signed in to the portal.
pub struct Member<'a> {
    customer: &'a Customer,
    cookie: String,
    /// How their deeds are recorded.
    pub actor: Value,
    /// The id of the session.
    pub session: String,
}

/// What the members of a role can do: manage keys or not, and which of [`READING`] they may.
pub struct Role {
    pub name: &'static str,
    pub manages: bool,
    pub reads: &'static [&'static str],
}

/// The grants that are for looking only.
const READING: [Grant; 2] = [Grant::KeysRead, Grant::AuditRead];

/// The policy document of a profile, as it is sent.
pub fn profile(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles").join(format!("{name}.json"));
    let document = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&document).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The edge of that deployment.
pub fn edge() -> &'static Edge {
    shared().edge()
}

impl Customer {
    /// Makes the organization with its profile as the policy.
    pub fn open(name: &str, profile_name: &str, features: Value) -> Self {
        let policy = profile(profile_name);
        let org = given::org_with(edge(), json!({"name": name, "features": features, "policy": policy}));
        let customer = Self { org };
        assert_eq!(customer.call("GET", "", None).value()["policy"], policy, "kept as it was sent");
        customer
    }

    /// A request about the organization.
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        edge().operator(method, &self.org.path(path), body.as_ref())
    }

    /// A request about a key; `step` is what follows the key's id.
    pub fn step(&self, method: &str, key: &Key, step: &str, body: Option<Value>) -> Response {
        self.call(method, &format!("/keys/{}{step}", key.id), body)
    }

    /// A request about a key that succeeds.
    pub fn done(&self, method: &str, key: &Key, step: &str, body: Option<Value>) -> Value {
        let answer = self.step(method, key, step, body);
        assert_eq!(answer.status, 200, "{method} {step}: {}", answer.text());
        answer.value()
    }

    /// A key with exactly what is asked for.
    pub fn key(&self, body: Value) -> Key {
        made(&self.org.create(&body))
    }

    /// A key in which the rate is never what decides.
    pub fn roomy_key(&self, name: &str, permissions: &[&str]) -> Key {
        self.key(json!({"name": name, "permissions": permissions, "rate_limit": {"limit": 500, "window_seconds": 60}}))
    }

    /// A page of the list; `query` starts with a question mark or is empty.
    pub fn list(&self, query: &str) -> Vec<Value> {
        let page = self.call("GET", &format!("/keys{query}"), None);
        assert_eq!(page.status, 200, "{}", page.text());
        page.value()["items"].as_array().expect("items").clone()
    }

    /// The ids in a page of the list.
    pub fn listed(&self, query: &str) -> Vec<String> {
        self.list(query).iter().map(|row| text(&row["id"])).collect()
    }

    /// The row of a key in the list.
    pub fn row(&self, key: &Key) -> Value {
        self.list("?limit=100").into_iter().find(|row| row["id"] == *key.id).expect("the key is in the list")
    }

    /// What was done with a key, oldest first, as the audit log tells it.
    pub fn history(&self, key: &Key) -> Vec<String> {
        let page = self.call("GET", &format!("/audit?limit=100&key={}", key.id), None);
        assert_eq!(page.status, 200, "{}", page.text());
        page.value()["items"].as_array().expect("items").iter().rev().map(|entry| text(&entry["action"])).collect()
    }

    /// That the policy forbids a step to everybody, the operator included, and that nothing came of it.
    pub fn policy_forbids(&self, method: &str, key: &Key, body: Option<Value>) {
        let (before, history) = (self.org.read(key).value(), self.history(key));
        assert_eq!(refusal(&self.step(method, key, "", body)), (403, "POLICY_FORBIDS".into()), "{method}");
        assert_eq!((self.org.read(key).value(), self.history(key)), (before, history), "{method} changed nothing");
    }

    /// That a revocation is final: the key is refused at once, by verify and at the door, the row stays with what it had
    /// and who ended it, and there is no way back.
    pub fn revokes_for_good(&self, key: &Key) {
        assert_eq!(given::code(edge(), &key.secret), "VALID");
        let revoked = self.done("POST", key, "/revoke", Some(json!({"reason": "the contractor left"})));
        assert_eq!(given::code(edge(), &key.secret), "REVOKED");
        assert_eq!(refusal(&door(key, "/v1/auth", &[])), (401, "REVOKED".into()));
        let row = self.row(key);
        assert_eq!((&row["status"], &row["revocation_reason"]), (&json!("revoked"), &json!("the contractor left")));
        assert_eq!((&row["revoked_at"], &row["revoked_by"]["type"]), (&revoked["revoked_at"], &json!("operator")));
        for kept in ["name", "prefix", "permissions", "created_at", "created_by"] {
            assert_eq!(row[kept], key.record[kept], "{kept} stays");
        }
        let back = self.step("POST", key, "/reactivate", None);
        assert_eq!(refusal(&back), (409, "ILLEGAL_TRANSITION".into()));
        assert!(text(&back.value()["detail"]).contains("revoked"), "the state is named: {}", back.text());
        assert_eq!(given::code(edge(), &key.secret), "REVOKED");
        assert_eq!(self.history(key), ["key.created", "key.revoked"]);
    }

    /// That there are neither keys that act for users nor temporary ones.
    pub fn offers_no_impersonation(&self) {
        let wanted = json!({"name": "Ghost", "permissions": [self.first_permission()], "can_impersonate": true});
        assert_eq!(refusal(&self.org.create(&wanted)), (403, "POLICY_FORBIDS".into()));
        let key = self.roomy_key("No ghost", &[&self.first_permission()]);
        assert_eq!(key.record["can_impersonate"], false);
        assert_eq!(given::ask(edge(), &key.secret, json!({"act_as": "user_42"}))["code"], "IMPERSONATION_NOT_ALLOWED");
    }

    /// That the docs page can get no temporary key.
    pub fn offers_no_playground(&self) {
        assert_eq!(refusal(&self.call("POST", "/playground-keys", None)), (403, "POLICY_FORBIDS".into()));
        assert!(self.listed("?kind=playground").is_empty());
    }

    /// Every permission of the catalog, as the product's form shows them.
    pub fn permissions(&self) -> Vec<String> {
        let catalog = self.call("GET", "/permissions", None).value();
        catalog["permissions"].as_array().expect("permissions").iter().map(text).collect()
    }

    /// A question for a portal link, which may be refused.
    pub fn ask_portal(&self, user: &Value, role: &str) -> Response {
        self.call("POST", "/portal-sessions", Some(json!({"user": user, "role": role, "ttl_seconds": 600})))
    }

    /// Somebody whom the customer's backend lets into the portal with that role.
    pub fn member(&self, name: &str, role: &str) -> Member<'_> {
        let id = format!("user_{}", name.to_lowercase().replace(' ', "_"));
        let asked = self.ask_portal(&json!({"id": id, "name": name}), role);
        assert_eq!(asked.status, 201, "{role}: {}", asked.text());
        let asked = asked.value();
        let url = text(&asked["url"]);
        let opened = edge().get(url.strip_prefix(edge().base_url.as_str()).expect("a link of this edge"));
        assert_eq!(opened.status, 200, "{}", opened.text());
        let cookie = opened.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a name and a value");
        let actor = json!({"type": "member", "id": id, "name": name});
        Member { customer: self, cookie: cookie.to_owned(), actor, session: text(&asked["id"]) }
    }

    /// That the profile has these roles and no others, and that a member of each can do what is said of it and no more.
    pub fn has_roles(&self, roles: &[Role]) {
        let policy = self.call("GET", "", None).value()["policy"].clone();
        let known: Vec<&str> = policy["roles"].as_object().expect("roles").keys().map(String::as_str).collect();
        let mut said: Vec<&str> = roles.iter().map(|role| role.name).collect();
        said.sort_unstable();
        assert_eq!(known, said, "every role has its turn");
        let key = self.roomy_key("The platform's", &[&self.first_permission()]);
        for role in roles {
            let member = self.member(&format!("Any {}", role.name), role.name);
            assert_eq!(member.reads(&key), role.reads, "{}", role.name);
            if role.manages {
                member.manages_keys();
            } else {
                member.manages_nothing(&key);
            }
            member.rules_nothing();
        }
    }

    /// That nobody gets a link for a role that the profile doesn't know.
    pub fn lets_nobody_in_as(&self, role: &str) {
        let before = self.org.audit();
        assert_bad_field(&self.ask_portal(&json!({"id": "user_stranger"}), role), "/role");
        assert_eq!(self.org.audit(), before, "{role}");
    }

    fn first_permission(&self) -> String {
        self.permissions().remove(0)
    }
}

impl Member<'_> {
    /// A request that the portal's page makes for the member.
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        self.at(method, &self.customer.org.path(path), body.as_ref())
    }

    fn at(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        edge().json(method, path, &[("cookie", &self.cookie), ("origin", &edge().base_url)], body)
    }

    /// A creation of a key that can do one thing.
    pub fn create(&self, name: &str) -> Response {
        let permissions = [self.customer.first_permission()];
        self.call("POST", "/keys", Some(json!({"name": name, "permissions": permissions})))
    }

    /// That the member creates, rotates and revokes a key, and that each of it is recorded under their name.
    pub fn manages_keys(&self) {
        let key = made(&self.create("A member's"));
        assert_eq!(key.record["created_by"], self.actor);
        assert_eq!(given::code(edge(), &key.secret), "VALID");
        let done = |step: &str, body: Value| {
            let answer = self.call("POST", &format!("/keys/{}{step}", key.id), Some(body));
            assert_eq!(answer.status, 200, "{step}: {}", answer.text());
            answer.value()
        };
        let rotated = text(&done("/rotate", json!({"overlap_seconds": 0}))["secret"]);
        assert_eq!([&key.secret, &rotated].map(|secret| given::code(edge(), secret)), ["EXPIRED", "VALID"]);
        let revoked = done("/revoke", json!({"reason": "no longer needed"}));
        assert_eq!((&revoked["status"], &revoked["revoked_by"]), (&json!("revoked"), &self.actor));
        assert_eq!(given::code(edge(), &rotated), "REVOKED");
        let row = self.customer.row(&key);
        assert_eq!((&row["created_by"], &row["revoked_by"]), (&self.actor, &self.actor), "in everybody's list");
        let log = self.customer.org.audit_of(&json!(key.id));
        let entries: Vec<_> = log.iter().rev().map(|entry| (text(&entry["action"]), &entry["actor"])).collect();
        let actions = ["key.created", "key.rotated", "key.revoked"];
        assert_eq!(entries, actions.map(|action| (action.to_owned(), &self.actor)));
    }

    /// That every route that makes or changes keys is closed to the member, and that nothing came of trying.
    pub fn manages_nothing(&self, key: &Key) {
        let everything = || (self.customer.list("?limit=100"), self.customer.org.audit());
        let before = everything();
        assert_eq!(refusal(&self.create("A member's")), (403, "FORBIDDEN".into()), "{}", self.actor);
        for grant in [Grant::KeysWrite, Grant::PlaygroundUse] {
            assert!(!self.holds(grant, &key.id), "{}", self.actor);
        }
        assert_eq!(everything(), before, "{}", self.actor);
        assert_eq!(given::code(edge(), &key.secret), "VALID");
    }

    /// Which of [`READING`] the member may.
    pub fn reads(&self, key: &Key) -> Vec<&'static str> {
        READING.into_iter().filter(|grant| self.holds(*grant, &key.id)).map(Grant::as_str).collect()
    }

    /// Whether all routes that need a grant are open to the member; that it is all or none.
    fn holds(&self, grant: Grant, key: &str) -> bool {
        let opens = |(method, path): (&str, String)| {
            let answer = self.at(method, &path, (method != "GET").then_some(&json!({})));
            assert!(answer.status == 200 || refusal(&answer) == (403, "FORBIDDEN".into()), "{method} {path}: {}", answer.text());
            answer.status == 200
        };
        let asked: Vec<bool> = self.routes(Caller::With(grant), key).map(opens).collect();
        assert!(!asked.is_empty() && asked.iter().all(|open| *open == asked[0]), "{}: {asked:?}", grant.as_str());
        asked[0]
    }

    /// That what belongs to the platform is closed to the member: policy, features, roles, service keys.
    pub fn rules_nothing(&self) {
        let about = || self.customer.call("GET", "", None).value();
        let (before, log) = (about(), self.customer.org.audit());
        for patch in [
            json!({"features": {"developer_api": true}}),
            json!({"features": {"developer_api": false}}),
            json!({"policy": {"requires_feature": null}}),
            json!({"policy": {"roles": {"owner": ["*"], "member": ["*"]}}}),
        ] {
            assert_eq!(refusal(&self.call("PATCH", "", Some(patch.clone()))), (403, "FORBIDDEN".into()), "{patch}");
        }
        for grant in [Grant::OrgsRead, Grant::OrgsWrite, Grant::PortalCreate] {
            assert!(!self.holds(grant, "key_x"), "{}", self.actor);
        }
        let promotion = self.call("PATCH", &format!("/portal-sessions/{}", self.session), Some(json!({"role": "owner"})));
        assert_eq!(refusal(&promotion), (403, "FORBIDDEN".into()), "nobody gives themselves a role");
        let backend = json!({"name": "Backend", "permissions": ["keys:write"]});
        assert_eq!(refusal(&self.at("POST", "/v1/service-keys", Some(&backend))), (403, "FORBIDDEN".into()));
        assert_eq!((about(), self.customer.org.audit()), (before, log), "nothing changed");
    }

    /// The routes that such a caller may call, with this organization, key and session in their paths.
    fn routes(&self, caller: Caller, key: &str) -> impl Iterator<Item = (&'static str, String)> {
        let filled =
            move |path: &str| path.replace("{org}", &self.customer.org.id).replace("{key}", key).replace("{session}", &self.session);
        ROUTES.iter().filter(move |route| route.caller == caller).map(move |route| match route.methods {
            Methods::One(method) => (method, filled(route.path)),
            Methods::Any => panic!("{} takes every method", route.path),
        })
    }
}

/// The key of a creation's answer.
pub fn made(answer: &Response) -> Key {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.value();
    Key { id: text(&made["key"]["id"]), secret: text(&made["secret"]), record: made["key"].clone() }
}

/// The status and the code of a refusal; what is none, even one without a body, has no code.
pub fn refusal(answer: &Response) -> (u16, String) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// That a body is refused because of exactly this field.
pub fn assert_bad_field(answer: &Response, pointer: &str) {
    let pointers: Vec<String> = answer.value()["errors"].as_array().into_iter().flatten().map(|error| text(&error["pointer"])).collect();
    assert_eq!((answer.status, pointers), (422, vec![pointer.to_owned()]), "{}", answer.text());
}

/// Forward auth with the key: a proxy's question at the door.
pub fn door(key: &Key, path: &str, headers: &[(&str, &str)]) -> Response {
    let bearer = format!("Bearer {}", key.secret);
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    edge().send("GET", path, &all, None)
}

/// Whether the key opens each of these permissions, asked one by one.
pub fn opens(key: &Key, permissions: &[String]) -> Vec<String> {
    let open = |permission: &&String| {
        let answer = given::ask(edge(), &key.secret, json!({"permissions": permission}));
        if answer["valid"] == false {
            assert_eq!((&answer["code"], &answer["missing"]), (&json!("INSUFFICIENT_PERMISSIONS"), &json!([permission])));
        }
        answer["valid"] == true
    };
    permissions.iter().filter(open).cloned().collect()
}

/// Waits for the key to be refused as expired, by the clock alone.
pub fn wait_until_expired(key: &Key) {
    let end = given::now().plus_ms(20_000);
    while given::code(edge(), &key.secret) != "EXPIRED" {
        assert!(given::now() < end, "the key never expires");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
