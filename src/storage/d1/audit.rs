//! Rows of the audit log: the entry's part of a batch, and pages of entries.

use serde::Deserialize;
use serde_json::Value;

use super::{
    D1Ledger, bind, outage,
    statement::{Statement, Values},
};
use crate::{
    audit::{
        entry::{Action, AuditEntry},
        query::AuditQuery,
    },
    base::{
        actor::{Actor, ActorType},
        id::{AuditId, OrgId, RequestId},
        json,
        time::Timestamp,
    },
    ports::Outage,
};

const COLUMNS: &str = "id, org_id, at, actor_type, actor_id, actor_name, action, target, target_id, changes, ip, user_agent, request_id";

/// Inserts the entry if, and only if, the change that it tells of was made: `made` is the condition, in terms of ?1,
/// the entry's id.
pub fn insert(entry: &AuditEntry, made: &str) -> Result<Statement, Outage> {
    let insert = format!("INSERT INTO audit ({COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE {made}");
    Ok(Statement::new(insert, values(entry)?))
}

/// Inserts those of the entries that are not there yet: who tells of them tells until it is heard.
pub fn insert_new(entries: &[AuditEntry]) -> Result<Statement, Outage> {
    let lines: Vec<_> = entries.iter().map(values).collect::<Result<_, _>>()?;
    let told: Vec<String> = (0..COLUMNS.split(',').count()).map(|column| format!("value ->> {column}")).collect();
    let sql = format!("INSERT OR IGNORE INTO audit ({COLUMNS}) SELECT {} FROM json_each(?1)", told.join(", "));
    Ok(Statement::new(sql, [bind::json(&lines)?]))
}

/// An entry by its columns.
fn values(entry: &AuditEntry) -> Result<Vec<Value>, Outage> {
    let org = entry.org_id.as_ref().map(|org| org.text()).ok_or_else(|| outage("an audit entry without an organization"))?;
    Ok(vec![
        bind::text(&entry.id.text()),
        bind::text(&org),
        bind::time(entry.at),
        bind::text(entry.actor.kind.as_str()),
        bind::text(&entry.actor.id),
        bind::text(&entry.actor.name),
        bind::text(entry.action.as_str()),
        bind::json(&entry.target)?,
        bind::text(&entry.target.id),
        bind::json(&entry.changes)?,
        bind::maybe_text(entry.ip.as_deref()),
        bind::maybe_text(entry.user_agent.as_deref()),
        bind::text(&entry.request_id.text()),
    ])
}

#[derive(Deserialize)]
struct AuditRow {
    id: String,
    at: i64,
    actor_type: String,
    actor_id: String,
    actor_name: String,
    action: String,
    target: String,
    changes: String,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: String,
}

impl AuditRow {
    fn into_entry(self, org: &OrgId) -> Result<AuditEntry, Outage> {
        let kind = ActorType::parse(&self.actor_type).ok_or_else(|| outage("an actor of an unknown kind"))?;
        Ok(AuditEntry {
            id: AuditId::parse(&self.id).map_err(outage)?,
            org_id: Some(org.clone()),
            at: Timestamp::from_ms(self.at),
            actor: Actor { kind, id: self.actor_id, name: self.actor_name },
            action: Action::parse(&self.action).ok_or_else(|| outage("an unknown action"))?,
            target: json::read(&self.target).map_err(outage)?,
            changes: json::read(&self.changes).map_err(outage)?,
            ip: self.ip,
            user_agent: self.user_agent,
            request_id: RequestId::parse(&self.request_id).map_err(outage)?,
        })
    }
}

impl D1Ledger {
    pub(super) async fn page_of_audit(&self, org: &OrgId, query: &AuditQuery) -> Result<Vec<AuditEntry>, Outage> {
        let rows: Vec<AuditRow> = self.rows(statement(org, query)).await?;
        rows.into_iter().map(|row| row.into_entry(org)).collect()
    }
}

fn statement(org: &OrgId, query: &AuditQuery) -> Statement {
    let mut values = Values::default();
    let mut conditions = vec![format!("org_id = {}", values.add(bind::text(&org.text())))];
    for (column, filter) in [("action", &query.action), ("target_id", &query.target), ("actor_id", &query.actor)] {
        if let Some(text) = filter {
            conditions.push(format!("{column} = {}", values.add(bind::text(text))));
        }
    }
    for (bound, moment) in [("at >=", query.from), ("at <", query.to)] {
        if let Some(moment) = moment {
            conditions.push(format!("{bound} {}", values.add(bind::time(moment))));
        }
    }
    if let Some((at, id)) = &query.after {
        let (at, id) = (values.add(bind::time(*at)), values.add(bind::text(id)));
        conditions.push(format!("(at, id) < ({at}, {id})"));
    }
    let limit = values.add(bind::integer(query.limit.into()));
    let columns = "id, at, actor_type, actor_id, actor_name, action, target, changes, ip, user_agent, request_id";
    let sql = format!("SELECT {columns} FROM audit WHERE {} ORDER BY at DESC, id DESC LIMIT {limit}", conditions.join(" AND "));
    Statement::new(sql, values)
}
