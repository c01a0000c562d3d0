//! The audit entry's part of a batch.

use worker::{D1Database, D1PreparedStatement};

use super::{bind, outage};
use crate::{audit::entry::AuditEntry, ports::Outage};

/// Inserts the entry if, and only if, the change that it tells of was made: `made` is the condition, in terms of ?1,
/// the entry's id.
pub fn insert(database: &D1Database, entry: &AuditEntry, made: &str) -> Result<D1PreparedStatement, Outage> {
    let actor_type = serde_json::to_value(entry.actor.kind).map_err(outage)?;
    let org = entry.org_id.as_ref().map(|org| org.as_str()).ok_or_else(|| outage("an audit entry without an organization"))?;
    let values = [
        bind::text(entry.id.as_str()),
        bind::text(org),
        bind::time(entry.at),
        bind::maybe_text(actor_type.as_str()),
        bind::text(&entry.actor.id),
        bind::text(&entry.actor.name),
        bind::text(entry.action.as_str()),
        bind::json(&entry.target)?,
        bind::text(&entry.target.id),
        bind::json(&entry.changes)?,
        bind::maybe_text(entry.ip.as_deref()),
        bind::maybe_text(entry.user_agent.as_deref()),
        bind::text(entry.request_id.as_str()),
    ];
    let insert = format!(
        "INSERT INTO audit (id, org_id, at, actor_type, actor_id, actor_name, action, target, target_id, changes, ip, user_agent, request_id) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE {made}"
    );
    database.prepare(insert).bind(&values).map_err(outage)
}
