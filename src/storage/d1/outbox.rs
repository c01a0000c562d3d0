//! The outbox: which subjects changed and may not be published yet.

use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement};

use super::{D1Ledger, bind, outage};
use crate::{
    audit::entry::AuditEntry,
    base::id::{KeyId, OrgId},
    ports::{Outage, Subject, Unpublished},
    token::digest::Digest,
};

#[derive(Deserialize)]
struct OutboxRow {
    subject: String,
    version: u64,
    digests: Option<String>,
}

impl OutboxRow {
    fn into_change(self) -> Option<Unpublished> {
        let subject = KeyId::parse(&self.subject).map(Subject::Key).or_else(|_| OrgId::parse(&self.subject).map(Subject::Org)).ok()?;
        let digests = self.digests.and_then(|text| serde_json::from_str::<Vec<Digest>>(&text).ok()).unwrap_or_default();
        Some(Unpublished { subject, version: self.version, digests })
    }
}

/// The outbox row's part of a batch; `made` is the condition under which it is written: ?1 is the subject, ?4 the audit
/// entry's id.
pub fn insert(
    database: &D1Database,
    subject: &str,
    version: u64,
    entry: &AuditEntry,
    digests: Option<&[Digest]>,
    made: &str,
) -> Result<D1PreparedStatement, Outage> {
    let statement = format!("INSERT INTO outbox (subject, version, created_at, digests) SELECT ?1, ?2, ?3, ?5 WHERE ?4 = ?4 AND {made}");
    let values = [
        bind::text(subject),
        bind::integer(version),
        bind::time(entry.at),
        bind::text(entry.id.as_str()),
        bind::maybe_json(digests.as_ref())?,
    ];
    database.prepare(statement).bind(&values).map_err(outage)
}

impl D1Ledger {
    pub(super) async fn unpublished(&self, limit: u32) -> Result<Vec<Unpublished>, Outage> {
        // Bare columns beside max() come from the row that holds the maximum (SQLite, "Bare columns in an aggregate query").
        // In no order: whatever cannot be published must not keep what came after it waiting.
        let sql = "SELECT subject, max(version) AS version, digests FROM outbox GROUP BY subject ORDER BY random() LIMIT ?1";
        let statement = self.database()?.prepare(sql).bind(&[bind::integer(limit.into())]).map_err(outage)?;
        Ok(self.rows::<OutboxRow>(statement).await?.into_iter().filter_map(OutboxRow::into_change).collect())
    }

    pub(super) async fn unpublished_of(&self, subject: &Subject) -> Result<Option<Unpublished>, Outage> {
        let sql = "SELECT subject, version, digests FROM outbox WHERE subject = ?1 ORDER BY version DESC LIMIT 1";
        let statement = self.database()?.prepare(sql).bind(&[bind::text(subject.id())]).map_err(outage)?;
        Ok(self.rows::<OutboxRow>(statement).await?.into_iter().find_map(OutboxRow::into_change))
    }

    pub(super) async fn drop_outbox_rows(&self, subject: &Subject, version: u64) -> Result<(), Outage> {
        let statement = self.database()?.prepare("DELETE FROM outbox WHERE subject = ?1 AND version <= ?2");
        let statement = statement.bind(&[bind::text(subject.id()), bind::integer(version)]).map_err(outage)?;
        self.rows::<OutboxRow>(statement).await.map(drop)
    }
}
