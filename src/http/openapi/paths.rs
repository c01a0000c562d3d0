//! Paths, and what each operation may answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    super::{
        problem_catalog::{self as catalog, ProblemKind},
        route_table::{Caller, Methods, Operation, ROUTES, Route},
    },
    components::reference,
    operations::{self, Body, Description},
};

/// The methods under which a route for every method is described.
const EVERY_METHOD: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The methods of a route, in a word.
#[must_use]
pub fn word(methods: Methods) -> &'static str {
    match methods {
        Methods::One(method) => method,
        Methods::Any => "ANY",
    }
}

/// All paths, in the order of the route table.
///
/// # Errors
/// When the examples are not JSON.
pub fn paths() -> Result<Value, serde_json::Error> {
    let examples: Value = serde_json::from_str(include_str!("../../../assets/openapi/examples.json"))?;
    let mut paths = Map::new();
    for route in ROUTES {
        let Some(described) = operations::describe(route.operation) else { continue };
        let methods: &[&str] = match &route.methods {
            Methods::One(method) => &[method],
            Methods::Any => &EVERY_METHOD,
        };
        let path = paths.entry(route.path).or_insert_with(|| parameters_of(route.path));
        for (index, method) in methods.iter().enumerate() {
            let mut id = route.operation.id().to_owned();
            if index > 0 {
                id = format!("{id}_{}", method.to_lowercase());
            }
            let named = examples.get(route.operation.id()).cloned().unwrap_or_default();
            let operation = operation(route, &described, &id, &named, *method == "HEAD");
            if let Some(methods) = path.as_object_mut() {
                methods.insert(method.to_lowercase(), operation);
            }
        }
    }
    Ok(Value::Object(paths))
}

fn parameters_of(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let list: Vec<Value> = names.map(|name| reference("parameters", name)).collect();
    if list.is_empty() { json!({}) } else { json!({ "parameters": list }) }
}

fn operation(route: &Route, described: &Description, id: &str, examples: &Value, without_body: bool) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(id));
    operation.insert("tags".to_owned(), json!([described.tag]));
    operation.insert("summary".to_owned(), json!(described.summary));
    operation.insert("description".to_owned(), json!(described_for(route)));
    if !described.parameters.is_empty() {
        operation.insert("parameters".to_owned(), described.parameters.iter().map(|name| reference("parameters", name)).collect());
    }
    if let Some((schema, required)) = described.takes {
        let content = media(&reference("schemas", schema), examples.get("request"));
        operation.insert("requestBody".to_owned(), json!({"required": required, "content": {"application/json": content}}));
    }
    operation.insert("responses".to_owned(), responses(route, described, examples, without_body));
    operation.insert("security".to_owned(), security(route.caller));
    if let Some(action) = route.audit {
        operation.insert("x-audit-action".to_owned(), json!(action.as_str()));
    }
    Value::Object(operation)
}

fn described_for(route: &Route) -> String {
    let who = match route.caller {
        Caller::With(grant) => format!("For callers with `{}`.", grant.as_str()),
        Caller::Operator => "For the operator alone.".to_owned(),
        Caller::KeyHolder => "For whoever holds the key that it is about.".to_owned(),
        _ => "For anyone.".to_owned(),
    };
    match route.audit {
        Some(action) => format!("{who} Leaves `{}` in the audit log.", action.as_str()),
        None => who,
    }
}

/// What may prove the caller. The cookie is a member's, and members have grants in their own organization alone.
fn security(caller: Caller) -> Value {
    match caller {
        Caller::With(grant) if grant.is_for_members() => json!([{"bearer": []}, {"portal": []}]),
        Caller::With(_) | Caller::Operator => json!([{"bearer": []}]),
        Caller::KeyHolder => json!([{"key": []}]),
        _ => json!([]),
    }
}

fn responses(route: &Route, described: &Description, examples: &Value, without_body: bool) -> Value {
    let mut responses = BTreeMap::new();
    let (status, body) = described.gives;
    let mut good = json!({"description": described.summary, "headers": fields(described.fields)});
    if let (Some(content), false) = (content(body, examples.get("response")), without_body)
        && let Some(good) = good.as_object_mut()
    {
        good.insert("content".to_owned(), content);
    }
    responses.insert(status, good);
    if route.operation == Operation::UploadOrgOpenapi {
        // The first of its kind (RFC 9110, section 9.3.4).
        let content = content(body, examples.get("response"));
        responses.insert(201, json!({"description": described.summary, "headers": fields(&["Location"]), "content": content}));
    }
    if described.parameters.contains(&"ifNoneMatch") {
        responses.insert(304, json!({"description": "The caller has this version already.", "headers": fields(&["ETag"])}));
    }
    let mut by_status: BTreeMap<u16, Vec<&ProblemKind>> = BTreeMap::new();
    for kind in usual(route, described).into_iter().chain(described.problems.iter().copied()) {
        let kinds = by_status.entry(kind.status).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    responses.extend(by_status.iter().map(|(status, kinds)| (*status, refusal(route, *status, kinds, without_body))));
    responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect::<Map<_, _>>().into()
}

/// What every route of that kind may answer.
fn usual(route: &Route, described: &Description) -> Vec<&'static ProblemKind> {
    let mut kinds = Vec::new();
    if matches!(route.caller, Caller::With(_) | Caller::Operator) {
        kinds.extend([&catalog::MALFORMED_REQUEST, &catalog::UNAUTHENTICATED, &catalog::INVALID_TOKEN, &catalog::FORBIDDEN]);
        kinds.extend([&catalog::RATE_LIMITED, &catalog::UNAVAILABLE]);
    }
    if route.path.contains("{org}") {
        kinds.push(&catalog::NOT_FOUND);
    }
    if described.takes.is_some() {
        kinds.extend([
            &catalog::MALFORMED_REQUEST,
            &catalog::BODY_TOO_LARGE,
            &catalog::UNSUPPORTED_MEDIA_TYPE,
            &catalog::VALIDATION_FAILED,
        ]);
    }
    if described.parameters.iter().any(|name| !name.starts_with("if")) {
        kinds.push(&catalog::VALIDATION_FAILED);
    }
    kinds
}

fn refusal(route: &Route, status: u16, kinds: &[&ProblemKind], without_body: bool) -> Value {
    let told: Vec<String> = kinds.iter().map(|kind| format!("`{}`: {}.", kind.code(), kind.title)).collect();
    let forward_auth = route.operation == Operation::ForwardAuth;
    let mut names: Vec<&str> = Vec::new();
    match status {
        401 => names.push("WWW-Authenticate"),
        400 | 403 => names.push("Challenge"),
        412 => names.push("ETag"),
        415 => names.push("Accept"),
        429 => names.extend(["Retry-After", "RateLimit", "RateLimit-Policy"]),
        503 => names.push("Retry-After-Outage"),
        _ => {}
    }
    if route.caller == Caller::KeyHolder {
        names.push("Latchkey-Code");
    }
    if route.operation.crosses_origins() {
        names.push("Vary");
    }
    if forward_auth && status == 403 {
        names.extend(operations::RATE_FIELDS);
    }
    let mut response = json!({"description": told.join(" "), "headers": fields(&names)});
    if !without_body && let Some(response) = response.as_object_mut() {
        let examples: Map<String, Value> = kinds.iter().map(|kind| (kind.slug.to_owned(), reference("examples", kind.slug))).collect();
        let problem = json!({"schema": reference("schemas", "Problem"), "examples": examples});
        response.insert("content".to_owned(), json!({"application/problem+json": problem}));
    }
    response
}

fn content(body: Body, example: Option<&Value>) -> Option<Value> {
    let table = || json!({"schema": {"type": "string"}});
    let page = |schema| {
        json!({"type": "object", "required": ["items", "next_cursor"], "properties": {
            "items": {"type": "array", "items": reference("schemas", schema)}, "next_cursor": {"type": ["string", "null"]}}})
    };
    match body {
        Body::Empty => None,
        Body::Json(schema) => Some(json!({"application/json": media(&reference("schemas", schema), example)})),
        Body::Page(schema) => Some(json!({"application/json": media(&page(schema), example)})),
        Body::JsonOrTable(schema) => Some(json!({"application/json": media(&reference("schemas", schema), example), "text/csv": table()})),
        Body::JsonOrPage(schema) => {
            Some(json!({"application/json": media(&reference("schemas", schema), example), "text/html": {"schema": {"type": "string"}}}))
        }
        Body::PageOrTable(schema) => Some(json!({"application/json": media(&page(schema), example), "text/csv": table()})),
        Body::Text(kind) => Some(json!({ kind: media(&json!({"type": "string"}), example) })),
    }
}

fn media(schema: &Value, example: Option<&Value>) -> Value {
    match example {
        Some(example) => json!({"schema": schema, "examples": {"one": {"value": example}}}),
        None => json!({ "schema": schema }),
    }
}

fn fields(names: &[&str]) -> Value {
    let all = ["X-Request-Id", "Cache-Control"].iter().chain(names);
    // Two components are about one field each that another component has under the same name, but not as surely.
    let name = |component: &str| {
        match component {
            "Challenge" => "WWW-Authenticate",
            "Retry-After-Outage" => "Retry-After",
            name => name,
        }
        .to_owned()
    };
    all.map(|component| (name(component), reference("headers", component))).collect::<Map<_, _>>().into()
}
