//! What operations share: schemas, parameters, fields, ways to prove oneself.

use serde_json::{Map, Value, json};

use super::super::problem_catalog::{self as catalog, ProblemKind};
use crate::audit::entry::Action;

const SCHEMAS: [&str; 4] = [
    include_str!("schemas/verify.json"),
    include_str!("schemas/key.json"),
    include_str!("schemas/org.json"),
    include_str!("schemas/log.json"),
];

/// The codes of verdicts, in the order of the checks.
const VERDICTS: [&str; 11] = [
    "VALID",
    "MALFORMED",
    "NOT_FOUND",
    "REVOKED",
    "EXPIRED",
    "ORG_DISABLED",
    "IP_NOT_ALLOWED",
    "INSUFFICIENT_PERMISSIONS",
    "ROUTE_NOT_MAPPED",
    "IMPERSONATION_NOT_ALLOWED",
    "RATE_LIMITED",
];

/// What no operation answers: a method that has none, and the gateway.
const ELSEWHERE: [&ProblemKind; 4] =
    [&catalog::METHOD_NOT_ALLOWED, &catalog::NOT_IMPLEMENTED, &catalog::BAD_GATEWAY, &catalog::GATEWAY_TIMEOUT];

/// What points to a component.
#[must_use]
pub fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// A problem of that kind.
fn example(kind: &ProblemKind) -> Value {
    json!({"summary": kind.title, "value": {
        "type": format!("https://keys.example.com/problems/{}", kind.slug), "title": kind.title, "status": kind.status,
        "detail": kind.advice, "code": kind.code(), "request_id": "req_01m7yggyvg82xjsb6xca3ybd1v"}})
}

/// All components.
///
/// # Errors
/// When a file of schemas is not JSON.
pub fn components() -> Result<Value, serde_json::Error> {
    let mut schemas = Map::new();
    for text in SCHEMAS {
        schemas.extend(serde_json::from_str::<Map<String, Value>>(text)?);
    }
    let mut codes: Vec<&str> = catalog::ALL.iter().map(ProblemKind::code).collect();
    codes.sort_unstable();
    codes.dedup();
    schemas.insert("ProblemCode".to_owned(), words("What a program goes by.", &codes));
    schemas.insert("VerdictCode".to_owned(), words("The first check that failed, or `VALID`.", &VERDICTS));
    schemas.insert("AuditAction".to_owned(), words("What was done.", &actions()));
    Ok(json!({
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "The operator token, a service key, a member token, or a key of the organization itself."},
            "portal": {"type": "apiKey", "in": "cookie", "name": "__Host-latchkey", "description": "A member who is signed in to the portal. Changes need this deployment's own `Origin`."},
            "key": {"type": "http", "scheme": "bearer", "description": "The key that the request is about."},
        },
        "parameters": parameters(),
        "headers": headers(),
        "examples": catalog::ALL.iter().filter(|kind| !ELSEWHERE.contains(kind)).map(|kind| (kind.slug.to_owned(), example(kind))).collect::<Map<_, _>>(),
        "schemas": schemas,
    }))
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({"type": "string", "description": description, "enum": words})
}

fn actions() -> Vec<&'static str> {
    Action::ALL.iter().map(|action| action.as_str()).collect()
}

fn parameters() -> Value {
    let slugs: Vec<&str> = catalog::ALL.iter().map(|kind| kind.slug).collect();
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    let mut all = Map::new();
    let mut add = |component: &str, place: &str, name: &str, description: &str, schema: Value| {
        let mut parameter = json!({"name": name, "in": place, "description": description, "schema": schema});
        if let Some(members) = parameter.as_object_mut().filter(|_| place == "path") {
            members.insert("required".to_owned(), json!(true));
        }
        all.insert(component.to_owned(), parameter);
    };
    add("org", "path", "org", "An organization's id; `org_system` is that of service keys.", text.clone());
    add("key", "path", "key", "A key's id.", text.clone());
    add("session", "path", "session", "A portal session's id.", text.clone());
    add("slug", "path", "slug", "The last part of a problem's type.", json!({"type": "string", "enum": slugs}));
    add("limit", "query", "limit", "How many at most.", json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}));
    add("cursor", "query", "cursor", "The `next_cursor` of the page before.", text.clone());
    add(
        "status",
        "query",
        "status",
        "One or more, separated by commas.",
        json!({"type": "array", "items": words("A status.", &["active", "revoked", "expired"])}),
    );
    add("kind", "query", "kind", "Temporary keys are of kind `playground`.", words("A kind.", &["standard", "playground"]));
    add("q", "query", "q", "Part of a name, or the start of a prefix.", json!({"type": "string", "maxLength": 100}));
    let orders = ["created_at", "-created_at", "last_used_at", "-last_used_at", "name", "-name"];
    add("sort", "query", "sort", "The order, with `-` for descending.", words("An order; `-created_at` if left out.", &orders));
    add("range", "query", "range", "Which series; `24h` if left out.", words("A range.", &["24h", "7d", "30d", "400d"]));
    add("action", "query", "action", "What was done.", reference("schemas", "AuditAction"));
    add("changedId", "query", "key", "The id of what was changed.", text.clone());
    add("actor", "query", "actor", "The id of who did it.", text.clone());
    add("from", "query", "from", "At or after.", time.clone());
    add("to", "query", "to", "Before.", time);
    add("user", "query", "user", "Sessions of the user with this id alone.", text.clone());
    let permissions = json!({"type": "array", "items": {"type": "string"}});
    add("permissions", "query", "permissions", "What is needed: all of these. Repeatable.", permissions);
    add(
        "limited",
        "query",
        "limited",
        "The status of a rate that is used up, for proxies that pass on no 429.",
        json!({"type": "string", "enum": ["403"]}),
    );
    add("ifMatch", "header", "If-Match", "Only if the version is one of these, else 412.", text.clone());
    add("ifNoneMatch", "header", "If-None-Match", "304 if the version is one of these.", text.clone());
    add("actAs", "header", "Latchkey-Act-As", "The user for whom the key acts.", text.clone());
    add("originalMethod", "header", "X-Original-Method", "The method of the request that is asked about.", text.clone());
    add("originalUri", "header", "X-Original-URI", "Its path and query.", text);
    // As people write it, and as the parser takes it.
    for (name, style) in
        [("status", json!({"style": "form", "explode": false})), ("permissions", json!({"style": "form", "explode": true}))]
    {
        if let (Some(parameter), Some(style)) = (all.get_mut(name).and_then(Value::as_object_mut), style.as_object()) {
            parameter.extend(style.clone());
        }
    }
    Value::Object(all)
}

fn headers() -> Value {
    let told = [
        ("X-Request-Id", "The request's id; the log names failures by it.", true),
        ("Cache-Control", "`no-store`, but for descriptions of APIs.", true),
        ("ETag", "The version, in quotes.", true),
        ("Location", "The path of what was made.", true),
        ("Link", "The next page (`rel=\"next\"`), if there is one.", false),
        ("Vary", "`Accept` or `Origin`: what the answer goes by.", true),
        ("WWW-Authenticate", "The challenge (RFC 6750).", true),
        ("Challenge", "The challenge (RFC 6750), if another credential would do.", false),
        ("Accept", "The type that is taken.", true),
        ("Retry-After", "Seconds to wait.", false),
        ("Retry-After-Outage", "Seconds to wait.", true),
        ("RateLimit", "What is left: `\"key\";r=59;t=42`. Without a limit it is not there.", false),
        ("RateLimit-Policy", "The limits: `\"key\";q=60;w=60`.", false),
        ("Latchkey-Code", "The problem's code.", true),
        ("Latchkey-Key-Id", "The key.", true),
        ("Latchkey-Key-Name", "Its name, percent-encoded where it is not printable ASCII.", true),
        ("Latchkey-Org-Id", "Its organization.", true),
        ("Latchkey-Actor-Type", "`key` or `user`.", true),
        ("Latchkey-Actor-Id", "Who the request is made by.", true),
        ("Latchkey-Permissions", "What the key may do, separated by spaces.", true),
    ];
    let header = |(name, description, required): &(&str, &str, bool)| {
        ((*name).to_owned(), json!({"description": description, "required": required, "schema": {"type": "string"}}))
    };
    told.iter().map(header).collect::<Map<_, _>>().into()
}
