//! The life of keys, one step per file.

mod change;
mod create;
mod delete;
mod edit;
mod import;
mod playground;
mod read;
mod revoke;
mod rotate;

pub use change::Change;
pub use create::{Created, MadeOnce, create, create_once};
pub use delete::{delete, purge};
pub use edit::update;
pub use import::{Imported, import};
pub use playground::{create_temporary, end_temporary};
pub use read::{get, list, recent};
pub use revoke::{reactivate, revoke};
pub use rotate::{Rotated, complete_rotation, rotate};

use super::{failure::Failure, orgs};
use crate::{
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    key::record::KeyRecord,
    policy::org::Organization,
    ports::Ports,
};

/// A changed key, and since when that holds everywhere, where the change took something away.
pub struct Changed {
    /// The key.
    pub key: KeyRecord,
    /// Since when.
    pub in_force_at: Option<Timestamp>,
}

/// The organization, if its keys can be managed now.
pub(super) async fn manageable(ports: &Ports, org: &str) -> Result<Organization, Failure> {
    let organization = orgs::get(ports, org).await?;
    if organization.is_disabled() { Err(Failure::FeatureDisabled) } else { Ok(organization) }
}

/// A key of another organization is not found: same answer, whether or not it exists.
async fn find(ports: &Ports, org: &OrgId, key: &str) -> Result<KeyRecord, Failure> {
    let id = KeyId::parse(key).map_err(|_| Failure::NotFound)?;
    ports.ledger.find_key(&id).await?.filter(|key| key.org_id == *org).ok_or(Failure::NotFound)
}

#[cfg(test)]
mod create_once_tests;
#[cfg(test)]
mod create_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod list_tests;
