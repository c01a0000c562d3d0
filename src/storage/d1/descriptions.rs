//! Descriptions of organizations' own APIs: rows of D1, and documents that are published elsewhere.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{D1Ledger, audit, bind, outage, statement::Statement};
use crate::{
    audit::entry::AuditEntry,
    base::id::OrgId,
    ports::{Outage, Written, docs::Descriptions},
    storage::{bindings::fetch_description, deadline::text_fetched_within},
    token::digest::Digest,
};

/// How long a description may take to come.
const LIMIT_MS: u64 = 10_000;

/// How many bytes of a description a row has: in base64 still less than a statement may have.
const PART_BYTES: usize = 32 * 1024;

/// The condition that a batch's change was made, in terms of an organization and an audit entry.
const MADE: &str = "EXISTS (SELECT 1 FROM descriptions WHERE org_id = ?1 AND last_change = ?2)";

#[derive(Deserialize)]
struct DigestRow {
    sha256: String,
}

#[derive(Deserialize)]
struct PartRow {
    base64: String,
}

#[async_trait(?Send)]
impl Descriptions for D1Ledger {
    async fn fetch(&self, url: &str, max_bytes: usize) -> Result<String, Outage> {
        let fetched = text_fetched_within(LIMIT_MS, |signal| fetch_description(url, max_bytes, signal)).await;
        fetched.map_err(|cause| Outage::Description { cause })
    }

    async fn find_digest(&self, org: &OrgId) -> Result<Option<Digest>, Outage> {
        let sql = "SELECT sha256 FROM descriptions WHERE org_id = ?1 AND sha256 IS NOT NULL";
        let rows: Vec<DigestRow> = self.rows(Statement::new(sql, [bind::text(&org.text())])).await?;
        rows.first().map(|row| Digest::from_hex(&row.sha256).map_err(outage)).transpose()
    }

    async fn find(&self, org: &OrgId) -> Result<Option<String>, Outage> {
        let sql = "SELECT base64 FROM description_parts WHERE org_id = ?1 ORDER BY part";
        let rows: Vec<PartRow> = self.rows(Statement::new(sql, [bind::text(&org.text())])).await?;
        let mut bytes = Vec::new();
        for row in &rows {
            STANDARD.decode_vec(&row.base64, &mut bytes).map_err(outage)?;
        }
        let text = String::from_utf8(bytes).map_err(outage)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// One transaction: the parts are those of the change that found what it had read, and of no other.
    async fn replace(&self, org: &OrgId, read: Option<&Digest>, text: Option<&str>, entry: &AuditEntry) -> Result<Written, Outage> {
        let (org, change) = (bind::text(&org.text()), bind::text(&entry.id.text()));
        let hex = |digest: &Digest| digest.hex();
        let sql = "INSERT INTO descriptions (org_id, sha256, last_change) \
             SELECT ?1, ?3, ?2 WHERE (SELECT sha256 FROM descriptions WHERE org_id = ?1) IS ?4 \
             ON CONFLICT (org_id) DO UPDATE SET sha256 = excluded.sha256, last_change = excluded.last_change RETURNING org_id";
        let digest = bind::maybe_text(text.map(Digest::of).as_ref().map(hex).as_deref());
        let values = [org.clone(), change.clone(), digest, bind::maybe_text(read.map(hex).as_deref())];
        let mut batch = vec![
            Statement::new(sql, values),
            Statement::new(format!("DELETE FROM description_parts WHERE org_id = ?1 AND {MADE}"), [org.clone(), change.clone()]),
        ];
        for (part, number) in text.unwrap_or_default().as_bytes().chunks(PART_BYTES).zip(0..) {
            let sql = format!("INSERT INTO description_parts (org_id, part, base64) SELECT ?1, ?3, ?4 WHERE {MADE}");
            batch.push(Statement::new(sql, [org.clone(), change.clone(), bind::integer(number), bind::text(&STANDARD.encode(part))]));
        }
        batch.push(audit::insert(entry, "EXISTS (SELECT 1 FROM descriptions WHERE org_id = ?2 AND last_change = ?1)")?);
        Ok(if self.batch(batch).await? { Written::Done } else { Written::LostRace })
    }
}
