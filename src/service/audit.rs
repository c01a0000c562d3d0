//! Reading the audit log.

use super::{
    failure::Failure,
    orgs,
    page::{self, Page},
};
use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    ports::Ports,
};

/// A page of the organization's audit log, newest first.
///
/// # Errors
/// [`Failure::NotFound`] without such an organization, [`Failure::ForeignCursor`] for another list's cursor.
pub async fn list(ports: &Ports, org: &str, mut query: AuditQuery, cursor: Option<&str>) -> Result<Page<AuditEntry>, Failure> {
    let organization = orgs::get(ports, org).await?;
    let (list_name, limit) = (query.list_name(organization.id.text().as_str()), query.limit);
    query.after = page::open(&list_name, cursor)?;
    query.limit += 1;
    let entries = ports.ledger.list_audit(&organization.id, &query).await?;
    Ok(Page::cut(entries, limit, &list_name, |entry| page::place(entry.at, &entry.id)))
}
