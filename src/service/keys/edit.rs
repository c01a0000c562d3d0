//! Editing a key.

use serde_json::Value;

use super::{Changed, change, create::may_impersonate, find_for_change, manageable};
use crate::{
    audit::entry::{Action, Origin},
    key::{
        edit::KeyEdit,
        record::Kind,
        state::{IllegalTransition, Status},
    },
    ports::{Ports, Subject},
    service::{failure::Failure, publish},
};

/// Changes what a PATCH names, as far as the policy lets it.
///
/// # Errors
/// [`Failure::PolicyForbids`], [`Failure::Invalid`], [`Failure::Illegal`] for a key that ended, and for lost races
/// [`Failure::PreconditionFailed`] or [`Failure::Conflict`].
pub async fn update(
    ports: &Ports,
    org: &str,
    key: &str,
    body: &Value,
    if_version: Option<&[u64]>,
    origin: Origin,
) -> Result<Changed, Failure> {
    let organization = manageable(ports, org).await?;
    let before = find_for_change(ports, &organization.id, key, if_version).await?;
    let policy = &organization.policy;
    if !policy.editing {
        return Err(Failure::PolicyForbids { operation: "editing" });
    }
    if before.kind == Kind::Playground {
        return Err(Failure::PolicyForbids { operation: "editing a temporary key" });
    }
    let now = ports.clock.now();
    let edit = KeyEdit::read(body, policy, now).map_err(Failure::Invalid)?;
    may_impersonate(policy, edit.can_impersonate.unwrap_or(false))?;
    // An expired key can only be given more time, where the policy lets expiries be edited.
    let after = edit.apply(&before, now);
    if before.status(now) == Status::Revoked || after.status(now) != Status::Active {
        return Err(IllegalTransition::NotActive { status: before.status(now), step: "edited" }.into());
    }
    if after.version == before.version {
        publish::catch_up(ports, &Subject::Key(before.id.clone())).await;
        return Ok(Changed { key: before, in_force_at: None });
    }
    change::commit_and_publish(ports, &before, after, Action::KeyUpdated, if_version.is_some(), origin, now).await
}
