//! Reading and listing keys.

use super::manageable;
use crate::{
    base::{cursor, id::KeyId, time::Timestamp},
    key::{
        query::{KeyQuery, Position, SortField},
        record::KeyRecord,
    },
    ports::{Ports, Subject},
    service::{failure::Failure, page::Page, publish},
    usage::recent::{Recent, Used},
};

/// The key of that id, with what is known of its use.
///
/// # Errors
/// [`Failure::NotFound`] when the organization has no such key.
pub async fn get(ports: &Ports, org: &str, key: &str) -> Result<Used, Failure> {
    let organization = manageable(ports, org).await?;
    let id = KeyId::parse(key).map_err(|_| Failure::NotFound)?;
    let found = ports.ledger.find_used_key(&id).await?.filter(|found| found.key.org_id == organization.id);
    let found = found.ok_or(Failure::NotFound)?;
    publish::catch_up(ports, &Subject::Key(id)).await;
    Ok(found)
}

/// What is known of the use of a key that was just changed. The change is made: whether this can be read does not matter
/// to it.
pub async fn recent(ports: &Ports, key: &KeyRecord) -> Option<Recent> {
    ports.ledger.find_used_key(&key.id).await.ok().flatten()?.recent
}

/// A page of the organization's keys.
///
/// # Errors
/// [`Failure::ForeignCursor`] for a cursor that this list did not hand out.
pub async fn list(ports: &Ports, org: &str, mut query: KeyQuery, cursor: Option<&str>) -> Result<Page<Used>, Failure> {
    let organization = manageable(ports, org).await?;
    let (list_name, limit) = (query.list_name(organization.id.text().as_str()), query.limit);
    if let Some(cursor) = cursor {
        let position = cursor::open(&list_name, cursor)?;
        query.after = Some(Position::parse(&position).ok_or(cursor::ForeignCursor)?);
    }
    query.limit += 1;
    let keys = ports.ledger.list_keys(&organization.id, &query).await?;
    Ok(Page::cut(keys, limit, &list_name, |used| position_of(&used.key, query.sort.field).to_text()))
}

fn position_of(key: &KeyRecord, field: SortField) -> Position {
    let value = match field {
        SortField::CreatedAt => key.created_at.ms().to_string(),
        SortField::LastUsedAt => key.last_used_at.map_or(0, Timestamp::ms).to_string(),
        SortField::Name => key.name.to_string(),
    };
    Position { value, id: key.id.to_string() }
}
