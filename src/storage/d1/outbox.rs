//! The outbox: which subjects changed and may not be published yet.

use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement};

use super::{D1Ledger, bind, outage};
use crate::{
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    ports::{Outage, Subject},
};

#[derive(Deserialize)]
struct OutboxRow {
    subject: String,
}

/// The outbox row's part of a batch; `made` is the condition under which it is written, in terms of ?4, the audit
/// entry's id.
pub fn insert(
    database: &D1Database,
    subject: &str,
    version: u64,
    at: Timestamp,
    change: &str,
    made: &str,
) -> Result<D1PreparedStatement, Outage> {
    let statement = format!("INSERT INTO outbox (subject, version, created_at) SELECT ?1, ?2, ?3 WHERE ?4 = ?4 AND {made}");
    database.prepare(statement).bind(&[bind::text(subject), bind::integer(version), bind::time(at), bind::text(change)]).map_err(outage)
}

impl D1Ledger {
    pub(super) async fn unpublished(&self, limit: u32) -> Result<Vec<Subject>, Outage> {
        let statement = self.database()?.prepare("SELECT subject FROM outbox GROUP BY subject ORDER BY min(id) LIMIT ?1");
        let rows: Vec<OutboxRow> = self.rows(statement.bind(&[bind::integer(limit.into())]).map_err(outage)?).await?;
        Ok(rows.iter().filter_map(|row| subject(&row.subject)).collect())
    }

    pub(super) async fn has_outbox_row(&self, subject: &Subject) -> Result<bool, Outage> {
        let statement = self.database()?.prepare("SELECT subject FROM outbox WHERE subject = ?1 LIMIT 1");
        let rows: Vec<OutboxRow> = self.rows(statement.bind(&[bind::text(subject.id())]).map_err(outage)?).await?;
        Ok(!rows.is_empty())
    }

    pub(super) async fn drop_outbox_rows(&self, subject: &Subject, version: u64) -> Result<(), Outage> {
        let statement = self.database()?.prepare("DELETE FROM outbox WHERE subject = ?1 AND version <= ?2");
        let statement = statement.bind(&[bind::text(subject.id()), bind::integer(version)]).map_err(outage)?;
        self.rows::<OutboxRow>(statement).await.map(drop)
    }
}

fn subject(id: &str) -> Option<Subject> {
    KeyId::parse(id).map(Subject::Key).or_else(|_| OrgId::parse(id).map(Subject::Org)).ok()
}
