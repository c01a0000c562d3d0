//! What a running edge answers, judged by the schemas of the document.

use std::collections::BTreeSet;

use latchkey::http::{
    openapi,
    route_table::{Operation, ROUTES},
};
use serde_json::{Value, json};

use crate::{
    client::Response,
    edge,
    given::{self, Key, Org, text},
    node::run,
    runtime::OPERATOR_TOKEN,
};

/// Answers, each with the operation that gave it.
#[derive(Default)]
struct Heard(Vec<Value>);

/// Fields that HTTP itself adds, or that say what the body is: the document describes the others.
const OF_THE_CONNECTION: [&str; 8] =
    ["cf-cache-status", "content-length", "content-type", "date", "transfer-encoding", "connection", "content-encoding", "server"];
/// What keeps a browser on its guard: pages have it.
const OF_PAGES: [&str; 6] = [
    "content-security-policy",
    "strict-transport-security",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
];

impl Heard {
    fn keep(&mut self, operation: Operation, answer: &Response) {
        let names = answer.headers.iter().map(|(name, _)| name.as_str());
        let fields: BTreeSet<&str> = names.filter(|name| !OF_THE_CONNECTION.contains(name) && !OF_PAGES.contains(name)).collect();
        let media = answer.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default());
        self.0.push(json!({"operation": operation.id(), "status": answer.status, "type": media, "fields": fields, "body": answer.text()}));
    }

    /// What the operator gets, with that status.
    fn ask(&mut self, operation: Operation, status: u16, path: &str, body: Option<&Value>) -> Value {
        let method = ROUTES.iter().find(|route| route.operation == operation).map(|route| route.methods).unwrap();
        let latchkey::http::route_table::Methods::One(method) = method else { panic!("{}: say which method", operation.id()) };
        let answer = edge().operator(method, path, body);
        assert_eq!(answer.status, status, "{} {}", operation.id(), answer.text());
        self.keep(operation, &answer);
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// What somebody else gets who asks.
    fn get(&mut self, operation: Operation, status: u16, path: &str, headers: &[(&str, &str)]) {
        let answer = edge().send("GET", path, headers, None);
        assert_eq!(answer.status, status, "{} {}", operation.id(), answer.text());
        self.keep(operation, &answer);
    }
}

fn of_organizations(heard: &mut Heard) {
    let body = json!({"name": "Acme", "policy": given::policy(json!({})), "features": {"beta": true}});
    let made = heard.ask(Operation::CreateOrg, 201, "/v1/orgs", Some(&body));
    heard.ask(Operation::CreateOrg, 422, "/v1/orgs", Some(&json!({"name": ""})));
    heard.ask(Operation::CreateOrg, 400, "/v1/orgs", Some(&json!([])));
    let org = Org { edge: edge(), id: text(&made["id"]) };
    heard.ask(Operation::ListOrgs, 200, "/v1/orgs?limit=1", None);
    heard.ask(Operation::ListOrgs, 422, "/v1/orgs?limit=0", None);
    heard.ask(Operation::GetOrg, 200, &org.path(""), None);
    heard.ask(Operation::GetOrg, 404, "/v1/orgs/org_01q9gd6e000w3ge1r70w3ge1r7", None);
    heard.ask(Operation::UpdateOrg, 200, &org.path(""), Some(&json!({"features": {"beta": null}})));
    heard.ask(Operation::ListPermissions, 200, &org.path("/permissions"), None);
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    heard.get(Operation::GetOrg, 304, &org.path(""), &[("authorization", &bearer), ("if-none-match", "*")]);
    let answer = edge().json("PATCH", &org.path(""), &[("authorization", &bearer), ("if-match", "\"9\"")], Some(&json!({"name": "New"})));
    assert_eq!(answer.status, 412);
    heard.keep(Operation::UpdateOrg, &answer);
}

fn of_keys(heard: &mut Heard, org: &Org<'_>) -> Key {
    let body = json!({"name": "Zapier", "permissions": ["leads:read"], "ip_allowlist": ["203.0.113.0/24"], "metadata": {"team": ["a"]}});
    let made = heard.ask(Operation::CreateKey, 201, &org.path("/keys"), Some(&body));
    heard.ask(Operation::CreateKey, 403, &org.path("/keys"), Some(&json!({"name": "x", "can_impersonate": true})));
    heard.ask(Operation::ListKeys, 200, &org.path("/keys?limit=1&status=active,revoked&sort=name"), None);
    let path = |rest: &str| org.path(&format!("/keys/{}{rest}", text(&made["key"]["id"])));
    heard.ask(Operation::GetKey, 200, &path(""), None);
    heard.ask(Operation::UpdateKey, 200, &path(""), Some(&json!({"permissions": [], "ip_allowlist": [], "rate_limit": null})));
    heard.ask(Operation::RotateKey, 200, &path("/rotate"), Some(&json!({"overlap_seconds": 60})));
    heard.ask(Operation::RotateKey, 409, &path("/rotate"), Some(&json!({"overlap_seconds": 60})));
    heard.ask(Operation::CompleteRotation, 200, &path("/rotation/complete"), None);
    heard.ask(Operation::CompleteRotation, 409, &path("/rotation/complete"), None);
    heard.ask(Operation::GetKeyUsage, 200, &path("/usage?range=7d"), None);
    heard.ask(Operation::ListKeyActivity, 200, &path("/activity"), None);
    heard.ask(Operation::RevokeKey, 200, &path("/revoke"), Some(&json!({"reason": "left"})));
    heard.ask(Operation::ListKeys, 200, &org.path("/keys?status=revoked"), None);
    heard.ask(Operation::ReactivateKey, 200, &path("/reactivate"), None);
    heard.ask(Operation::DeleteKey, 204, &path(""), None);
    heard.ask(Operation::GetKey, 404, &path(""), None);
    let hash = format!("sha256:{}", latchkey::token::digest::Digest::of(&org.id).hex());
    let import = json!({"keys": [{"name": "Old", "hash": hash, "prefix": "old_"}, {"name": "", "hash": hash, "prefix": "old_"}]});
    heard.ask(Operation::ImportKeys, 200, &org.path("/keys/import"), Some(&import));
    let temporary = heard.ask(Operation::CreatePlaygroundKey, 201, &org.path("/playground-keys"), None);
    let own = org.path(&format!("/playground-keys/{}/revoke", text(&temporary["key"]["id"])));
    heard.ask(Operation::RevokePlaygroundKey, 200, &own, None);
    heard.ask(Operation::CreatePlaygroundKey, 201, &org.path("/playground-keys"), None);
    heard.ask(Operation::CreatePlaygroundKey, 409, &org.path("/playground-keys"), None);
    heard.ask(Operation::CreateServiceKey, 201, "/v1/service-keys", Some(&json!({"name": "Backend", "permissions": ["verify"]})));
    org.key(json!({"name": "Asked"}))
}

fn of_decisions(heard: &mut Heard, key: &Key) {
    heard.ask(Operation::VerifyKey, 200, "/v1/verify", Some(&json!({"key": key.secret, "permissions": {"any": ["leads:read"]}})));
    let question = json!({"key": key.secret, "permissions": "leads:delete", "explain": true});
    heard.ask(Operation::VerifyKey, 200, "/v1/verify", Some(&question));
    heard.ask(Operation::VerifyKey, 422, "/v1/verify", Some(&json!({"key": key.secret, "cost": 0})));
    heard.ask(Operation::VerifyKeys, 200, "/v1/verify/batch", Some(&json!({"requests": [question, {"key": "nonsense"}]})));
    let bearer = format!("Bearer {}", key.secret);
    heard.get(Operation::Whoami, 200, "/v1/whoami", &[("authorization", &bearer)]);
    heard.get(Operation::Whoami, 401, "/v1/whoami", &[]);
    heard.get(Operation::ForwardAuth, 200, "/v1/auth?permissions=leads:read", &[("authorization", &bearer)]);
    heard.get(Operation::ForwardAuth, 403, "/v1/auth?permissions=leads:delete", &[("authorization", &bearer)]);
    heard.get(Operation::ForwardAuth, 401, "/v1/auth", &[("authorization", "Bearer sk_nonsense")]);
}

fn of_the_rest(heard: &mut Heard, org: &Org<'_>) {
    heard.ask(Operation::GetOrgUsage, 200, &org.path("/usage"), None);
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    heard.get(Operation::GetOrgUsage, 200, &org.path("/usage"), &[("authorization", &bearer), ("accept", "text/csv")]);
    heard.ask(Operation::ListAudit, 200, &org.path("/audit?limit=100"), None);
    heard.ask(Operation::ListAudit, 200, &org.path("/audit?limit=1"), None);
    heard.ask(Operation::ListAudit, 422, &org.path("/audit?action=x"), None);
    let sessions = |rest: &str| org.path(&format!("/portal-sessions{rest}"));
    let body = json!({"user": {"id": "user_42", "name": "Ada"}, "role": "owner"});
    let link = heard.ask(Operation::CreatePortalSession, 201, &sessions(""), Some(&body));
    let one = sessions(&format!("/{}", text(&link["id"])));
    heard.ask(Operation::ListPortalSessions, 200, &sessions(""), None);
    heard.ask(Operation::GetPortalSession, 200, &one, None);
    heard.ask(Operation::UpdatePortalSession, 200, &one, Some(&json!({"role": "member"})));
    heard.ask(Operation::EndPortalSession, 204, &one, None);
    heard.ask(Operation::UpdatePortalSession, 409, &one, Some(&json!({"role": "owner"})));
    heard.get(Operation::Healthz, 200, "/healthz", &[]);
    heard.get(Operation::Readyz, 200, "/readyz", &[]);
    heard.ask(Operation::Metrics, 200, "/metrics", None);
    heard.get(Operation::Metrics, 401, "/metrics", &[]);
    heard.get(Operation::Openapi, 200, "/openapi.json", &[]);
    heard.get(Operation::Openapi, 304, "/openapi.json", &[("if-none-match", edge().get("/openapi.json").header("etag").unwrap())]);
    let description = |title| json!({"openapi": "3.1.0", "info": {"title": title}});
    heard.ask(Operation::UploadOrgOpenapi, 201, &org.path("/openapi"), Some(&description("Leads")));
    heard.ask(Operation::UploadOrgOpenapi, 200, &org.path("/openapi"), Some(&description("More leads")));
    heard.ask(Operation::UploadOrgOpenapi, 422, &org.path("/openapi"), Some(&json!({"swagger": "2.0"})));
    let shown = format!("/docs/{}/openapi.json", org.id);
    heard.get(Operation::OrgOpenapi, 200, &shown, &[]);
    heard.get(Operation::OrgOpenapi, 304, &shown, &[("if-none-match", "*")]);
    heard.ask(Operation::DeleteOrgOpenapi, 204, &org.path("/openapi"), None);
    heard.ask(Operation::DeleteOrgOpenapi, 404, &org.path("/openapi"), None);
    let own = format!("{}/openapi.json", edge().base_url);
    heard.ask(Operation::UpdateOrg, 200, &org.path(""), Some(&json!({"policy": {"playground": {"openapi_url": own}}})));
    heard.get(Operation::OrgOpenapi, 200, &format!("/docs/{}/openapi.json", org.id), &[]);
    heard.get(Operation::OrgOpenapi, 404, "/docs/org_x/openapi.json", &[]);
    heard.get(Operation::ProblemPage, 200, "/problems/REVOKED", &[]);
    heard.get(Operation::ProblemPage, 200, "/problems/REVOKED", &[("accept", "application/json")]);
    heard.get(Operation::ProblemPage, 404, "/problems/NONE", &[]);
}

#[test]
fn examples_and_real_answers_are_what_the_document_says() {
    let mut heard = Heard::default();
    of_organizations(&mut heard);
    let playground = json!({"enabled": true, "permissions": ["leads:read"], "max_active_per_member": 1});
    let org = given::org(edge(), json!({"revocation": "reversible", "deletion": true, "playground": playground}));
    let key = of_keys(&mut heard, &org);
    of_decisions(&mut heard, &key);
    of_the_rest(&mut heard, &org);
    let document = openapi::document().unwrap();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values().filter_map(|operation| operation["operationId"].as_str()) {
            let answered = heard.0.iter().any(|answer| operation.starts_with(answer["operation"].as_str().unwrap()));
            assert!(answered, "{operation}: ask for it here");
        }
    }
    let faults = run("tests/openapi/validate.mjs", &[], Some(&json!({"document": document, "answers": heard.0})));
    assert_eq!(faults.trim(), "[]");
}
