//! Temporary keys for docs readers.

use serde_json::Value;

use super::{Change, Changed, Created, create, manageable, revoke, revoke::read_nothing};
use crate::{
    audit::entry::Action,
    base::id::KeyId,
    key::{draft::KeyDraft, record::Kind},
    ports::{Admission, Ports},
    service::{author::Author, failure::Failure},
};

/// Makes a temporary key with the policy's name, permissions and lifetime.
///
/// # Errors
/// [`Failure::PolicyForbids`] where there are none, [`Failure::TooManyTemporary`] at the cap of its maker.
pub async fn create_temporary(ports: &Ports, org: &str, body: Option<&Value>, author: Author) -> Result<Created, Failure> {
    let organization = manageable(ports, org).await?;
    read_nothing(body).map_err(Failure::Invalid)?;
    let policy = &organization.policy;
    if !policy.playground.enabled {
        return Err(Failure::PolicyForbids { operation: "temporary keys" });
    }
    let now = ports.clock.now();
    let draft = KeyDraft::playground(policy, now);
    let admission = Admission::FewerTemporary { max: policy.playground.max_active_per_member, now };
    let id = KeyId::new(now, ports.entropy.as_ref())?;
    create::issue(ports, organization, draft, id, Kind::Playground, admission, Action::PlaygroundKeyCreated, author, now).await
}

/// Ends a temporary key of the caller's own. Others' keys, and keys that are not temporary, are not found here.
///
/// # Errors
/// As a revocation.
pub async fn end_temporary(change: &Change<'_>, body: Option<&Value>) -> Result<Changed, Failure> {
    let organization = manageable(change.ports, change.org).await?;
    let key = change.load_key(&organization).await?;
    let maker = &change.author.origin.actor;
    if key.kind != Kind::Playground || (key.created_by.kind, &key.created_by.id) != (maker.kind, &maker.id) {
        return Err(Failure::NotFound);
    }
    revoke::revoke(change, body).await
}
