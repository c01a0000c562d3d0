//! Reading the audit log.

use super::{failure::Failure, orgs};
use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    base::{
        cursor::{self, ForeignCursor},
        time::Timestamp,
    },
    ports::Ports,
};

/// A page of the log.
pub struct Page {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// A page of the organization's audit log.
///
/// # Errors
/// [`Failure::NotFound`] without such an organization, [`Failure::ForeignCursor`] for another list's cursor.
pub async fn list(ports: &Ports, org: &str, mut query: AuditQuery, cursor: Option<&str>) -> Result<Page, Failure> {
    let organization = orgs::get(ports, org).await?;
    let list_name = query.list_name(organization.id.as_str());
    if let Some(cursor) = cursor {
        query.after = Some(position(&cursor::open(&list_name, cursor)?)?);
    }
    let page_length = query.limit as usize;
    query.limit += 1;
    let mut entries = ports.ledger.list_audit(&organization.id, &query).await?;
    let more = entries.len() > page_length;
    entries.truncate(page_length);
    let last = entries.last().filter(|_| more);
    let next_cursor = last.map(|entry| cursor::seal(&list_name, &format!("{} {}", entry.at.ms(), entry.id)));
    Ok(Page { entries, next_cursor })
}

fn position(text: &str) -> Result<(Timestamp, String), ForeignCursor> {
    let (at, id) = text.split_once(' ').ok_or(ForeignCursor)?;
    Ok((Timestamp::from_ms(at.parse().map_err(|_| ForeignCursor)?), id.to_owned()))
}
