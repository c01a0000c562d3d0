//! Rows of organizations.

use serde::Deserialize;

use super::{D1Ledger, audit, bind, outage, outbox, statement::Statement};
use crate::{
    audit::entry::AuditEntry,
    base::{id::OrgId, json, time::Timestamp},
    policy::org::Organization,
    ports::{OrgQuery, Outage, Written},
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
            features: json::read(&self.features).map_err(outage)?,
            policy: json::read(&self.policy).map_err(outage)?,
            version: self.version,
            created_at: Timestamp::from_ms(self.created_at),
            updated_at: Timestamp::from_ms(self.updated_at),
        })
    }
}

const SELECT: &str = "SELECT id, name, features, policy, version, created_at, updated_at FROM organizations";

impl D1Ledger {
    pub(super) async fn org_by_id(&self, id: &OrgId) -> Result<Option<Organization>, Outage> {
        let statement = Statement::new(format!("{SELECT} WHERE id = ?1"), [bind::text(&id.text())]);
        let rows: Vec<OrgRow> = self.rows(statement).await?;
        rows.into_iter().next().map(OrgRow::into_organization).transpose()
    }

    pub(super) async fn page_of_orgs(&self, query: &OrgQuery) -> Result<Vec<Organization>, Outage> {
        // The organization of service keys is nobody's customer.
        let customers = "id <> 'org_system'";
        let order = "ORDER BY created_at DESC, id DESC LIMIT";
        let limit = bind::integer(query.limit.into());
        let statement = match &query.after {
            None => Statement::new(format!("{SELECT} WHERE {customers} {order} ?1"), [limit]),
            Some((at, id)) => {
                let sql = format!("{SELECT} WHERE {customers} AND (created_at, id) < (?1, ?2) {order} ?3");
                Statement::new(sql, [bind::time(*at), bind::text(id), limit])
            }
        };
        let rows: Vec<OrgRow> = self.rows(statement).await?;
        rows.into_iter().map(OrgRow::into_organization).collect()
    }

    pub(super) async fn insert_org(&self, organization: &Organization, entry: &AuditEntry) -> Result<(), Outage> {
        let sql =
            "INSERT INTO organizations (id, name, features, policy, version, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = [
            bind::text(&organization.id.text()),
            bind::text(&organization.name),
            bind::json(&organization.features)?,
            bind::json(&organization.policy)?,
            bind::integer(organization.version),
            bind::time(organization.created_at),
            bind::time(organization.updated_at),
        ];
        let insert = Statement::new(sql, values);
        let audit = audit::insert(entry, "true")?;
        let outbox = outbox::insert(&organization.id.text(), organization.version, entry, None, "true")?;
        self.batch(vec![insert, audit, outbox]).await.map(drop)
    }

    /// As for keys: the other statements are made only if the update was.
    pub(super) async fn replace_org(&self, organization: &Organization, read_version: u64, entry: &AuditEntry) -> Result<Written, Outage> {
        let sql = "UPDATE organizations SET name = ?3, features = ?4, policy = ?5, version = ?6, updated_at = ?7, last_change = ?8 \
             WHERE id = ?1 AND version = ?2 RETURNING id";
        let values = [
            bind::text(&organization.id.text()),
            bind::integer(read_version),
            bind::text(&organization.name),
            bind::json(&organization.features)?,
            bind::json(&organization.policy)?,
            bind::integer(organization.version),
            bind::time(organization.updated_at),
            bind::text(&entry.id.text()),
        ];
        let update = Statement::new(sql, values);
        let audit = audit::insert(entry, "EXISTS (SELECT 1 FROM organizations WHERE id = ?9 AND last_change = ?1)")?;
        let made = "EXISTS (SELECT 1 FROM organizations WHERE id = ?1 AND last_change = ?4)";
        let outbox = outbox::insert(&organization.id.text(), organization.version, entry, None, made)?;
        let made = self.batch(vec![update, audit, outbox]).await?;
        Ok(if made { Written::Done } else { Written::LostRace })
    }
}
