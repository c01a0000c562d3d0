//! Organizations.

use crate::{
    http::{body, call::Call, problem::Problem, reply::Reply},
    service::orgs,
};

/// Makes an organization.
///
/// # Errors
/// A bad body, or an outage.
pub async fn create_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call).await?;
    let organization = orgs::create(call.ports, &body, call.origin()).await?;
    Ok(Reply::json(201, &organization).with("Location", format!("/v1/orgs/{}", organization.id)))
}

/// The organization with its whole policy.
///
/// # Errors
/// 404, or an outage.
pub async fn get_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let organization = orgs::get(call.ports, call.param("org")).await?;
    Ok(Reply::json(200, &organization))
}
