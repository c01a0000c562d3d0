//! The description that an organization uploads of its own API.

use crate::{
    http::{body, call::Call, problem::Problem, reply::Reply},
    service::docs,
};

/// Puts a description in the place of the one before.
///
/// # Errors
/// What is no OpenAPI 3.0 or 3.1, 404, 409, or an outage.
pub async fn upload_org_openapi(call: &Call<'_>) -> Result<Reply, Problem> {
    let document = body::json(call)?;
    let text = String::from_utf8_lossy(call.body.as_deref().unwrap_or_default());
    let uploaded = docs::upload(call.ports, call.param("org"), &text, &document, call.origin()).await?;
    if !uploaded.is_first {
        return Ok(Reply::json(200, &uploaded));
    }
    Ok(Reply::json(201, &uploaded).with("Location", format!("/docs/{}/openapi.json", call.param("org"))))
}

/// Takes the description away.
///
/// # Errors
/// 404, 409, or an outage.
pub async fn delete_org_openapi(call: &Call<'_>) -> Result<Reply, Problem> {
    docs::remove(call.ports, call.param("org"), call.origin()).await?;
    Ok(Reply::empty(204))
}
