//! The outbox: which subjects changed and may not be published yet.

use serde::Deserialize;

use super::{D1Ledger, bind, statement::Statement};
use crate::{
    audit::entry::AuditEntry,
    base::{
        id::{KeyId, OrgId},
        json,
    },
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
        let digests = self.digests.and_then(|text| json::read::<Vec<Digest>>(&text).ok()).unwrap_or_default();
        Some(Unpublished { subject, version: self.version, digests })
    }
}

/// The outbox row's part of a batch; `made` is the condition under which it is written: ?1 is the subject, ?4 the audit
/// entry's id.
pub fn insert(subject: &str, version: u64, entry: &AuditEntry, digests: Option<&[Digest]>, made: &str) -> Result<Statement, Outage> {
    let sql = format!("INSERT INTO outbox (subject, version, created_at, digests) SELECT ?1, ?2, ?3, ?5 WHERE ?4 = ?4 AND {made}");
    let values = [
        bind::text(subject),
        bind::integer(version),
        bind::time(entry.at),
        bind::text(&entry.id.text()),
        bind::maybe_json(digests.as_ref())?,
    ];
    Ok(Statement::new(sql, values))
}

impl D1Ledger {
    pub(super) async fn unpublished(&self, limit: u32) -> Result<Vec<Unpublished>, Outage> {
        // Bare columns beside max() come from the row that holds the maximum (SQLite, "Bare columns in an aggregate query").
        // In no order: whatever cannot be published must not keep what came after it waiting.
        let sql = "SELECT subject, max(version) AS version, digests FROM outbox GROUP BY subject ORDER BY random() LIMIT ?1";
        let statement = Statement::new(sql, [bind::integer(limit.into())]);
        Ok(self.rows::<OutboxRow>(statement).await?.into_iter().filter_map(OutboxRow::into_change).collect())
    }

    pub(super) async fn unpublished_of(&self, subject: &Subject) -> Result<Option<Unpublished>, Outage> {
        let sql = "SELECT subject, version, digests FROM outbox WHERE subject = ?1 ORDER BY version DESC LIMIT 1";
        let statement = Statement::new(sql, [bind::text(&subject.id())]);
        Ok(self.rows::<OutboxRow>(statement).await?.into_iter().find_map(OutboxRow::into_change))
    }

    pub(super) async fn drop_outbox_rows(&self, subject: &Subject, version: u64) -> Result<(), Outage> {
        let sql = "DELETE FROM outbox WHERE subject = ?1 AND version <= ?2";
        self.query(Statement::new(sql, [bind::text(&subject.id()), bind::integer(version)])).await.map(drop)
    }
}
