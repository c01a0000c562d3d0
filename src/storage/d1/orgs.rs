//! Rows of organizations.

use serde::Deserialize;

use super::{D1Ledger, audit, bind, outage, outbox};
use crate::{
    audit::entry::AuditEntry,
    base::{id::OrgId, time::Timestamp},
    policy::org::Organization,
    ports::Outage,
};

#[derive(Deserialize)]
struct OrgRow {
    id: String,
    name: String,
    features: String,
    policy: String,
    version: u64,
    created_at: i64,
    updated_at: i64,
}

impl OrgRow {
    fn into_organization(self) -> Result<Organization, Outage> {
        Ok(Organization {
            id: OrgId::parse(&self.id).map_err(outage)?,
            name: self.name,
            features: serde_json::from_str(&self.features).map_err(outage)?,
            policy: serde_json::from_str(&self.policy).map_err(outage)?,
            version: self.version,
            created_at: Timestamp::from_ms(self.created_at),
            updated_at: Timestamp::from_ms(self.updated_at),
        })
    }
}

impl D1Ledger {
    pub(super) async fn org_by_id(&self, id: &OrgId) -> Result<Option<Organization>, Outage> {
        let statement =
            self.database()?.prepare("SELECT id, name, features, policy, version, created_at, updated_at FROM organizations WHERE id = ?1");
        let rows: Vec<OrgRow> = self.rows(statement.bind(&[bind::text(id.as_str())]).map_err(outage)?).await?;
        rows.into_iter().next().map(OrgRow::into_organization).transpose()
    }

    pub(super) async fn insert_org(&self, organization: &Organization, entry: &AuditEntry) -> Result<(), Outage> {
        let database = self.database()?;
        let insert = database
            .prepare("INSERT INTO organizations (id, name, features, policy, version, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .bind(&[
                bind::text(organization.id.as_str()),
                bind::text(&organization.name),
                bind::json(&organization.features)?,
                bind::json(&organization.policy)?,
                bind::integer(organization.version),
                bind::time(organization.created_at),
                bind::time(organization.updated_at),
            ])
            .map_err(outage)?;
        let audit = audit::insert(&database, entry, "true")?;
        let outbox = outbox::insert(&database, organization.id.as_str(), organization.version, entry.at, entry.id.as_str(), "true")?;
        self.batch(&database, vec![insert, audit, outbox]).await.map(drop)
    }
}
