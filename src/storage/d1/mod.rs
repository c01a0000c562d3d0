//! The truth in D1.
//!
//! A change is one batch, which D1 runs as one transaction: the change, its audit entry and its outbox row commit
//! together or not at all.

mod audit;
mod bind;
mod descriptions;
mod keys;
mod list;
mod metrics;
mod orgs;
mod outbox;
mod rolls;
mod row;
mod sessions;
mod statement;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use worker::Env;

use self::statement::Statement;
use super::{
    bindings::{d1_batch, d1_query},
    deadline::{text_within, within},
};
use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    base::{
        id::{KeyId, OrgId},
        json,
        time::Timestamp,
    },
    key::{query::KeyQuery, record::KeyRecord},
    policy::org::Organization,
    ports::{Added, Admission, Ledger, OrgQuery, Outage, Subject, Unpublished, Written},
    token::digest::Digest,
    usage::recent::Used,
};

const LIMIT_MS: u64 = 10_000;

/// The ledger. The binding is looked up when it is used.
pub struct D1Ledger {
    env: Env,
}

impl D1Ledger {
    /// The ledger of this deployment.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env }
    }

    /// Runs one statement and reads its rows.
    async fn rows<T: DeserializeOwned>(&self, statement: Statement) -> Result<Vec<T>, Outage> {
        json::read(&self.query(statement).await?).map_err(outage)
    }

    /// Runs one statement; its rows come as JSON.
    async fn query(&self, statement: Statement) -> Result<String, Outage> {
        let statement = serde_json::to_string(&statement).map_err(outage)?;
        text_within(LIMIT_MS, d1_query(&self.env, &statement)).await.map_err(outage)
    }

    /// Runs statements in one transaction. Whether the first one, which says what the change was made on, gave its row.
    async fn batch(&self, statements: Vec<Statement>) -> Result<bool, Outage> {
        let statements = serde_json::to_string(&statements).map_err(outage)?;
        let rows = within(LIMIT_MS, d1_batch(&self.env, &statements)).await.map_err(outage)?;
        Ok(rows.as_f64().is_some_and(|rows| rows > 0.0))
    }
}

#[async_trait(?Send)]
impl Ledger for D1Ledger {
    async fn find_org(&self, id: &OrgId) -> Result<Option<Organization>, Outage> {
        self.org_by_id(id).await
    }

    async fn list_orgs(&self, query: &OrgQuery) -> Result<Vec<Organization>, Outage> {
        self.page_of_orgs(query).await
    }

    async fn create_org(&self, organization: &Organization, audit: &AuditEntry) -> Result<(), Outage> {
        self.insert_org(organization, audit).await
    }

    async fn update_org(&self, organization: &Organization, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage> {
        self.replace_org(organization, read_version, audit).await
    }

    async fn find_key(&self, id: &KeyId) -> Result<Option<KeyRecord>, Outage> {
        self.key_where("k.id = ?1", id.text().as_str()).await
    }

    async fn find_key_by_digest(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage> {
        self.key_where("k.id = (SELECT key_id FROM secrets WHERE sha256 = ?1)", &digest.hex()).await
    }

    async fn find_used_key(&self, id: &KeyId) -> Result<Option<Used>, Outage> {
        self.used_key(&id.text()).await
    }

    async fn list_keys(&self, org: &OrgId, query: &KeyQuery) -> Result<Vec<Used>, Outage> {
        self.page_of_keys(org, query).await
    }

    async fn create_key(&self, key: &KeyRecord, admission: Admission, audit: &AuditEntry) -> Result<Added, Outage> {
        self.insert_key(key, admission, audit).await
    }

    async fn update_key(&self, key: &KeyRecord, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage> {
        self.replace_key(key, read_version, audit).await
    }

    async fn delete_key(&self, key: &KeyRecord, audit: &AuditEntry) -> Result<Written, Outage> {
        self.remove_key(key, audit).await
    }

    async fn list_stale_temporary(&self, moment: Timestamp, limit: u32) -> Result<Vec<KeyRecord>, Outage> {
        self.stale_temporary(moment, limit).await
    }

    async fn has_imports(&self, before: Option<Timestamp>) -> Result<bool, Outage> {
        self.any_imported(before).await
    }

    async fn list_audit(&self, org: &OrgId, query: &AuditQuery) -> Result<Vec<AuditEntry>, Outage> {
        self.page_of_audit(org, query).await
    }

    async fn list_unpublished(&self, limit: u32) -> Result<Vec<Unpublished>, Outage> {
        self.unpublished(limit).await
    }

    async fn find_unpublished(&self, subject: &Subject) -> Result<Option<Unpublished>, Outage> {
        self.unpublished_of(subject).await
    }

    async fn note_published(&self, subject: &Subject, version: u64) -> Result<(), Outage> {
        self.drop_outbox_rows(subject, version).await
    }

    async fn check(&self) -> Result<(), Outage> {
        // The newest table: with it, all migrations before are there.
        let sql = "SELECT count(*) AS tables FROM sqlite_schema WHERE name IN ('keys', 'description_parts')";
        let rows: Vec<Schema> = self.rows(Statement::new(sql, [])).await?;
        if rows.iter().any(|row| row.tables == 2) { Ok(()) } else { Err(outage("the migrations have not been applied")) }
    }
}

#[derive(serde::Deserialize)]
struct Schema {
    tables: u32,
}

fn outage(cause: impl std::fmt::Display) -> Outage {
    Outage::Ledger { cause: cause.to_string() }
}
