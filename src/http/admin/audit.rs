//! The audit log of an organization.

use super::page::{page_reply, read_limit};
use crate::{
    audit::{entry::Action, query::AuditQuery},
    base::{
        document::{Fault, Faults},
        time::Timestamp,
    },
    http::{call::Call, problem::Problem, query::Query, reply::Reply},
    service::audit,
};

/// A page of entries, newest first.
///
/// # Errors
/// A bad filter or cursor, 404, or an outage.
pub async fn list_audit(call: &Call<'_>) -> Result<Reply, Problem> {
    let (query, cursor) = read_query(call)?;
    let page = audit::list(call.ports, call.param("org"), query, cursor.as_deref()).await?;
    Ok(page_reply(call, &page.items, page.next_cursor.as_deref()))
}

fn read_query(call: &Call<'_>) -> Result<(AuditQuery, Option<String>), Vec<Fault>> {
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let limit = read_limit(&mut query, &mut faults);
    let cursor = query.one("cursor", &mut faults);
    let action = query.one("action", &mut faults);
    if action.as_deref().is_some_and(|word| Action::ALL.iter().all(|known| known.as_str() != word)) {
        let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        faults.value("/action", format!("must be one of {}", known.join(", ")));
    }
    let target = query.one("key", &mut faults);
    let actor = query.one("actor", &mut faults);
    let from = read_time(&mut query, "from", &mut faults);
    let to = read_time(&mut query, "to", &mut faults);
    query.close(&mut faults);
    faults.conclude(Some((AuditQuery { action, target, actor, from, to, after: None, limit }, cursor)))
}

fn read_time(query: &mut Query, name: &'static str, faults: &mut Faults) -> Option<Timestamp> {
    let text = query.one(name, faults)?;
    match Timestamp::parse(&text) {
        Ok(moment) => Some(moment),
        Err(refusal) => {
            faults.value(&format!("/{name}"), refusal.to_string());
            None
        }
    }
}
