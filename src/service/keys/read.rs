//! Reading and listing keys.

use super::{find, manageable};
use crate::{
    base::{cursor, time::Timestamp},
    key::{
        query::{KeyQuery, Position, SortField},
        record::KeyRecord,
    },
    ports::{Ports, Subject},
    service::{failure::Failure, page::Page, publish},
};

/// The key of that id.
///
/// # Errors
/// [`Failure::NotFound`] when the organization has no such key.
pub async fn get(ports: &Ports, org: &str, key: &str) -> Result<KeyRecord, Failure> {
    let organization = manageable(ports, org).await?;
    let key = find(ports, &organization.id, key).await?;
    publish::catch_up(ports, &Subject::Key(key.id.clone())).await;
    Ok(key)
}

/// A page of the organization's keys.
///
/// # Errors
/// [`Failure::ForeignCursor`] for a cursor that this list did not hand out.
pub async fn list(ports: &Ports, org: &str, mut query: KeyQuery, cursor: Option<&str>) -> Result<Page<KeyRecord>, Failure> {
    let organization = manageable(ports, org).await?;
    let (list_name, limit) = (query.list_name(organization.id.text().as_str()), query.limit);
    if let Some(cursor) = cursor {
        let position = cursor::open(&list_name, cursor)?;
        query.after = Some(Position::parse(&position).ok_or(cursor::ForeignCursor)?);
    }
    query.limit += 1;
    let keys = ports.ledger.list_keys(&organization.id, &query).await?;
    Ok(Page::cut(keys, limit, &list_name, |key| position_of(key, query.sort.field).to_text()))
}

fn position_of(key: &KeyRecord, field: SortField) -> Position {
    let value = match field {
        SortField::CreatedAt => key.created_at.ms().to_string(),
        SortField::LastUsedAt => key.last_used_at.map_or(0, Timestamp::ms).to_string(),
        SortField::Name => key.name.to_string(),
    };
    Position { value, id: key.id.to_string() }
}
