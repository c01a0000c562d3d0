//! The steps of a key's life that are not edits: revoke, reactivate, rotate.

use serde::Serialize;

use super::{
    conditions::{etag, versions},
    keys::changed_key,
};
use crate::{
    base::time::Timestamp,
    http::{body, call::Call, problem::Problem, reply::Reply},
    key::view::KeyView,
    service::keys::{self, Change},
    usage::recent,
};

#[derive(Serialize)]
struct RotatedKey<'a> {
    key: KeyView<'a>,
    secret: &'a str,
    in_force_at: Option<Timestamp>,
}

/// Revokes a key; the answer comes when no edge accepts it any more.
///
/// # Errors
/// A bad body, 404, 412, or an outage.
pub async fn revoke_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::optional_json(call)?;
    let if_version = versions(call);
    let changed = keys::revoke(&change(call, if_version.as_deref()), body.as_ref()).await?;
    Ok(changed_key(call, &changed).await)
}

/// Ends a temporary key that the caller made.
///
/// # Errors
/// As [`revoke_key`], and 404 for any other key.
pub async fn revoke_playground_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::optional_json(call)?;
    let if_version = versions(call);
    let changed = keys::end_temporary(&change(call, if_version.as_deref()), body.as_ref()).await?;
    Ok(changed_key(call, &changed).await)
}

/// Brings a revoked key back.
///
/// # Errors
/// 409 where the policy or the key's state does not have the step, 404, 412, or an outage.
pub async fn reactivate_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::optional_json(call)?;
    let if_version = versions(call);
    let changed = keys::reactivate(&change(call, if_version.as_deref()), body.as_ref()).await?;
    Ok(changed_key(call, &changed).await)
}

/// Gives a key a new secret; the answer is the only one that shows it.
///
/// # Errors
/// A bad body, 404, 409 in an open overlap or for a key that ended, 412, or an outage.
pub async fn rotate_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let if_version = versions(call);
    let rotated = keys::rotate(&change(call, if_version.as_deref()), &body).await?;
    let known = keys::recent(call.ports, &rotated.key).await;
    let view = recent::shown(&rotated.key, known.as_ref(), call.ports.clock.now());
    let answer = RotatedKey { key: view, secret: rotated.secret.expose(), in_force_at: rotated.in_force_at };
    Ok(Reply::json(200, &answer).with("ETag", etag(rotated.key.version)))
}

/// Ends the overlap of a rotation; the answer comes when no edge accepts the older secret any more.
///
/// # Errors
/// 409 when none is open, 404, 412, or an outage.
pub async fn complete_rotation(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::optional_json(call)?;
    let if_version = versions(call);
    let changed = keys::complete_rotation(&change(call, if_version.as_deref()), body.as_ref()).await?;
    Ok(changed_key(call, &changed).await)
}

/// The change of the key that the path names.
pub(super) fn change<'a>(call: &'a Call<'_>, if_version: Option<&'a [u64]>) -> Change<'a> {
    Change { ports: call.ports, org: call.param("org"), key: call.param("key"), if_version, author: call.author() }
}
