//! What guards roll up: the use of keys, all counts of organizations.

use async_trait::async_trait;
use serde_json::Value;

use super::{
    D1Ledger, audit, bind,
    row::{KeyRow, SELECT_BUSIEST},
    statement::Statement,
};
use crate::{
    audit::entry::AuditEntry,
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    ports::{BusiestQuery, Outage, Rolls},
    usage::{
        book::Uses,
        count::Counts,
        recent::{Recent, Used},
        summary::Range,
    },
};

/// Beyond it, whoever reads numbers of JSON loses some. What is compared and summed here stays full.
const FULL: u64 = 1 << 53;

/// So many audit entries are added by one statement.
const ENTRIES: usize = 200;

#[async_trait(?Send)]
impl Rolls for D1Ledger {
    async fn note_key(&self, key: &KeyId, org: &OrgId, uses: &Uses, recent: &Recent, entries: &[AuditEntry]) -> Result<(), Outage> {
        let mut statements = vec![note_recent(key, org, recent)?];
        if let Some(at) = uses.last_used_at {
            let sql = "UPDATE keys SET last_used_at = ?2 WHERE id = ?1 AND last_used_at < ?2";
            statements.push(Statement::new(sql, [bind::text(&key.text()), bind::time(at)]));
        }
        let secrets: Vec<[Value; 2]> = uses.secrets.iter().map(|(id, at)| [bind::text(id), bind::time(*at)]).collect();
        if !secrets.is_empty() {
            let sql = "UPDATE secrets SET last_used_at = used.value ->> 1 FROM json_each(?2) AS used \
                 WHERE secrets.key_id = ?1 AND secrets.id = used.value ->> 0 AND coalesce(secrets.last_used_at, 0) < used.value ->> 1";
            statements.push(Statement::new(sql, [bind::text(&key.text()), bind::json(&secrets)?]));
        }
        for some in entries.chunks(ENTRIES) {
            statements.push(audit::insert_new(some)?);
        }
        self.batch(statements).await.map(drop)
    }

    async fn note_org(&self, org: &OrgId, totals: &Counts) -> Result<(), Outage> {
        let counts: Vec<[Value; 2]> = totals.codes().map(|(code, count)| [bind::text(code), bind::integer(count.min(FULL))]).collect();
        let sql = "INSERT INTO org_totals (org_id, code, count) SELECT ?1, value ->> 0, value ->> 1 FROM json_each(?2) WHERE true \
             ON CONFLICT (org_id, code) DO UPDATE SET count = excluded.count WHERE excluded.count > count";
        self.batch(vec![Statement::new(sql, [bind::text(&org.text()), bind::json(&counts)?])]).await.map(drop)
    }

    async fn list_busiest(&self, org: &OrgId, query: &BusiestQuery) -> Result<Vec<(Used, u64)>, Outage> {
        let bound = match query.range {
            Range::Day => "requests_24h",
            Range::Week => "requests_7d",
            Range::Month | Range::Long => "requests_30d",
        };
        let sql = format!(
            "WITH busiest AS (SELECT key_id, recent, {bound} AS bound FROM key_usage WHERE org_id = ?1 AND as_of > ?2 AND {bound} > 0 \
             ORDER BY bound DESC, key_id LIMIT ?3 OFFSET ?4) {SELECT_BUSIEST} ORDER BY busiest.bound DESC, k.id"
        );
        let values =
            [bind::text(&org.text()), bind::time(query.since), bind::integer(query.limit.into()), bind::integer(query.skip.into())];
        let rows: Vec<KeyRow> = self.rows(Statement::new(sql, values)).await?;
        rows.into_iter().map(KeyRow::into_busy).collect()
    }

    async fn purge(&self, moment: Timestamp, limit: u32) -> Result<(), Outage> {
        // Walks the whole table, some rows at a time: an index by time would be written with each key's use. Row 1 tells how
        // far it is, row 2 how far it gets now; at the end there is no row 2, and it begins anew.
        let ahead = "SELECT org_id, key_id FROM key_usage WHERE (org_id, key_id) > (coalesce((SELECT org_id FROM key_usage_walk WHERE id = 1), ''), \
             coalesce((SELECT key_id FROM key_usage_walk WHERE id = 1), '')) ORDER BY org_id, key_id LIMIT ?1";
        let walk = format!(
            "INSERT INTO key_usage_walk (id, org_id, key_id) SELECT 2, org_id, key_id FROM ({ahead}) ORDER BY org_id DESC, key_id DESC LIMIT 1"
        );
        let delete = format!("DELETE FROM key_usage WHERE as_of < ?2 AND (org_id, key_id) IN ({ahead})");
        let limit = bind::integer(limit.into());
        let statements = [
            Statement::new(walk, [limit.clone()]),
            Statement::new(delete, [limit, bind::time(moment)]),
            Statement::new("DELETE FROM key_usage_walk WHERE id = 1", []),
            Statement::new("UPDATE key_usage_walk SET id = 1 WHERE id = 2", []),
        ];
        self.batch(statements.into()).await.map(drop)
    }
}

/// A late word changes nothing, and nothing is noted of a key that is gone.
fn note_recent(key: &KeyId, org: &OrgId, recent: &Recent) -> Result<Statement, Outage> {
    let requests = |range| bind::integer(recent.total(range, recent.as_of).requests.min(FULL));
    let sql = "INSERT INTO key_usage (org_id, key_id, as_of, requests_24h, requests_7d, requests_30d, recent) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM keys WHERE id = ?2) \
         ON CONFLICT (org_id, key_id) DO UPDATE SET as_of = excluded.as_of, requests_24h = excluded.requests_24h, \
         requests_7d = excluded.requests_7d, requests_30d = excluded.requests_30d, recent = excluded.recent \
         WHERE excluded.as_of >= key_usage.as_of";
    let values = [
        bind::text(&org.text()),
        bind::text(&key.text()),
        bind::time(recent.as_of),
        requests(Range::Day),
        requests(Range::Week),
        requests(Range::Month),
        bind::json(recent)?,
    ];
    Ok(Statement::new(sql, values))
}
