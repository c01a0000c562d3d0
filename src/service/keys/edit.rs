//! Editing a key.

use serde_json::Value;

use super::{Change, Changed, change::Loaded, create::may_impersonate};
use crate::{
    audit::entry::Action,
    key::{
        edit::KeyEdit,
        record::Kind,
        state::{IllegalTransition, Status},
    },
    service::failure::Failure,
};

/// Changes what a PATCH names, as far as the policy lets it.
///
/// # Errors
/// [`Failure::PolicyForbids`], [`Failure::Invalid`], [`Failure::Illegal`] for a key that ended, and for lost races
/// [`Failure::PreconditionFailed`] or [`Failure::Conflict`].
pub async fn update(change: &Change<'_>, body: &Value) -> Result<Changed, Failure> {
    let loaded = change.load().await?;
    let Loaded { organization, key: before, .. } = &loaded;
    let policy = &organization.policy;
    if !policy.editing {
        return Err(Failure::PolicyForbids { operation: "editing" });
    }
    if before.kind == Kind::Playground {
        return Err(Failure::PolicyForbids { operation: "editing a temporary key" });
    }
    let now = change.ports.clock.now();
    let edit = KeyEdit::read(body, policy, before.created_at, now).map_err(Failure::Invalid)?;
    may_impersonate(policy, edit.can_impersonate.unwrap_or(false))?;
    // An expired key can only be given more time, where the policy lets expiries be edited.
    let after = edit.apply(before, now);
    if before.status(now) == Status::Revoked || after.status(now) != Status::Active {
        return Err(IllegalTransition::NotActive { status: before.status(now), step: "edited" }.into());
    }
    change.author.may_grant(&after, Some(before))?;
    if after.version == before.version {
        let in_force_at = change.in_force(&loaded).await?;
        return Ok(Changed { key: loaded.key, in_force_at });
    }
    change.make(organization, before, after, Action::KeyUpdated, now).await
}
