//! The audit log: who did what, and what it changed.

use askama::Template;
use serde_json::Value;

use super::{
    entrance::Visitor,
    form::{self, Form},
    moments::Moment,
    texts::{find, t},
};
use crate::{
    audit::{
        entry::{Action, AuditEntry},
        query::AuditQuery,
    },
    base::time::Timestamp,
    http::{call::Call, markup, problem::Problem, reply::Reply},
    service::audit,
};

const LINES: u32 = 50;
const MAX_VALUE_CHARS: usize = 300;

/// An entry as a line of the log.
#[derive(Template)]
#[template(path = "console/audit_line.html")]
pub struct Line {
    at: Moment,
    actor: String,
    actor_id: String,
    actor_href: String,
    done: &'static str,
    target: String,
    prefix: Option<String>,
    changes: Vec<(String, String, String)>,
    ip: String,
    user_agent: String,
    request_id: String,
}

impl Line {
    /// The line of an entry as HTML, in the log at that path.
    #[must_use]
    pub fn html(entry: &AuditEntry, path: &str) -> String {
        let side = |change: &Value, name: &str| change.get(name).map(shown).unwrap_or_default();
        let line = Self {
            at: Moment::second(entry.at),
            actor: entry.actor.name.clone(),
            actor_id: entry.actor.id.clone(),
            actor_href: form::address(path, &[("actor", &entry.actor.id)]),
            done: done(entry.action),
            target: entry.target.name.clone(),
            prefix: entry.target.prefix.clone(),
            changes: entry.changes.iter().map(|(field, change)| (field.clone(), side(change, "from"), side(change, "to"))).collect(),
            ip: entry.ip.clone().unwrap_or_default(),
            user_agent: entry.user_agent.clone().unwrap_or_default(),
            request_id: entry.request_id.to_string(),
        };
        markup::render(&line)
    }
}

fn done(action: Action) -> &'static str {
    find(&format!("action.{}", action.as_str())).unwrap_or_else(|| action.as_str())
}

/// A value as people read it: text as it is, lists of texts in a line, nothing as a dash.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_string()) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    if text.chars().count() > MAX_VALUE_CHARS { text.chars().take(MAX_VALUE_CHARS).chain(['…']).collect() } else { text }
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage<'a> {
    lines: Vec<String>,
    path: &'a str,
    actions: Vec<(&'static str, &'static str, bool)>,
    from: &'a str,
    to: &'a str,
    key: &'a str,
    actor: &'a str,
    is_filtered: bool,
    next: Option<String>,
    first: Option<String>,
}

/// The organization's log.
///
/// # Errors
/// A foreign cursor, or an outage.
pub async fn portal_audit(call: &Call<'_>, visitor: &Visitor) -> Result<Reply, Problem> {
    let content = read(call, call.param("org"), "/portal/audit").await?;
    Ok(visitor.page(200, "/portal/audit", t("nav.audit"), None, &Ready(content)))
}

/// Content that was rendered before.
#[derive(Template)]
#[template(source = "{{ self.0|safe }}", ext = "html")]
pub struct Ready(pub String);

/// The log of an organization as a page at that path.
///
/// # Errors
/// As [`portal_audit`].
pub async fn read(call: &Call<'_>, org: &str, path: &str) -> Result<String, Problem> {
    let query = Form::of_query(call);
    let (action, key, actor, from, to) = (query.one("action"), query.one("key"), query.one("actor"), query.one("from"), query.one("to"));
    let action = Action::parse(action).map(Action::as_str).unwrap_or_default();
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let asked = AuditQuery {
        action: some(action),
        target: some(key),
        actor: some(actor),
        from: start_of(from),
        // The last day is meant as a whole.
        to: start_of(to).map(|at| at.plus_ms(86_400_000)),
        after: None,
        limit: LINES,
    };
    let page = audit::list(call.ports, org, asked, query.some("cursor")).await?;
    let filters = [("action", action), ("key", key), ("actor", actor), ("from", from), ("to", to)];
    let next = page.next_cursor.as_deref().map(|cursor| {
        let pairs: Vec<(&str, &str)> = filters.into_iter().chain([("cursor", cursor)]).collect();
        form::address(path, &pairs)
    });
    let content = AuditPage {
        lines: page.items.iter().map(|entry| Line::html(entry, path)).collect(),
        path,
        actions: Action::ALL.iter().map(|known| (known.as_str(), done(*known), known.as_str() == action)).collect(),
        from,
        to,
        key,
        actor,
        is_filtered: filters.iter().any(|(_, text)| !text.is_empty()),
        next,
        first: query.some("cursor").map(|_| form::address(path, &filters)),
    };
    Ok(markup::render(&content))
}

fn start_of(day: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{day}T00:00:00Z")).ok()
}
