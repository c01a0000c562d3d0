//! A page of an organization's keys: one statement, walking the index of the order that was asked for.

use serde_json::Value;

use super::{
    D1Ledger, bind,
    row::{KeyRow, SELECT_USED},
    statement::{Statement, Values},
};
use crate::{
    base::id::OrgId,
    key::{
        query::{KeyQuery, SortField},
        state::Status,
    },
    ports::Outage,
    usage::recent::Used,
};

impl D1Ledger {
    pub(super) async fn page_of_keys(&self, org: &OrgId, query: &KeyQuery) -> Result<Vec<Used>, Outage> {
        let rows: Vec<KeyRow> = self.rows(statement(org, query)).await?;
        rows.into_iter().map(KeyRow::into_used).collect()
    }
}

fn statement(org: &OrgId, query: &KeyQuery) -> Statement {
    let mut values = Values::default();
    let mut conditions = vec![format!("k.org_id = {}", values.add(bind::text(&org.text())))];
    if !query.statuses.is_empty() {
        let now = values.add(bind::time(query.now));
        let states: Vec<String> = query.statuses.iter().map(|status| state(*status, &now)).collect();
        conditions.push(format!("({})", states.join(" OR ")));
        if !query.statuses.contains(&Status::Active) {
            // Implied, and word for word the condition of the index of ended keys, which SQLite then walks.
            conditions.push("(k.revoked_at IS NOT NULL OR k.expires_at IS NOT NULL)".to_owned());
        }
    }
    if let Some(kind) = query.kind {
        conditions.push(format!("k.kind = {}", values.add(bind::text(kind.as_str()))));
    }
    if let Some(search) = &query.search {
        let escaped = search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let inside = values.add(bind::text(&format!("%{escaped}%")));
        let start = values.add(bind::text(&format!("{escaped}%")));
        conditions.push(format!("(k.name LIKE {inside} ESCAPE '\\' OR k.prefix LIKE {start} ESCAPE '\\')"));
    }
    let column = match query.sort.field {
        SortField::CreatedAt => "k.created_at",
        SortField::LastUsedAt => "k.last_used_at",
        SortField::Name => "k.name",
    };
    let (direction, beyond) = if query.sort.descending { ("DESC", "<") } else { ("ASC", ">") };
    if let Some(position) = &query.after {
        let value = match query.sort.field {
            SortField::Name => bind::text(&position.value),
            SortField::CreatedAt | SortField::LastUsedAt => Value::from(position.value.parse().unwrap_or(0_i64)),
        };
        let (value, id) = (values.add(value), values.add(bind::text(&position.id)));
        conditions.push(format!("({column}, k.id) {beyond} ({value}, {id})"));
    }
    let limit = values.add(bind::integer(query.limit.into()));
    let sql = format!("{SELECT_USED} WHERE {} ORDER BY {column} {direction}, k.id {direction} LIMIT {limit}", conditions.join(" AND "));
    Statement::new(sql, values)
}

fn state(status: Status, now: &str) -> String {
    match status {
        Status::Active => format!("(k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > {now}))"),
        Status::Revoked => "k.revoked_at IS NOT NULL".to_owned(),
        // The plus keeps SQLite from walking the index of keys that were not revoked.
        Status::Expired => format!("(+k.revoked_at IS NULL AND k.expires_at <= {now})"),
    }
}
