//! Organizations.

use serde::Serialize;

use super::{
    conditions::{etag, unless_known, versions},
    page::{page_reply, read_limit},
};
use crate::{
    base::{
        document::{Fault, Faults},
        time::Timestamp,
    },
    http::{body, call::Call, problem::Problem, query::Query, reply::Reply},
    policy::{catalog::Catalog, org::Organization, scope::Permission},
    service::orgs,
};

/// An organization, and since when a narrowing of it holds everywhere.
#[derive(Serialize)]
struct ChangedOrg<'a> {
    #[serde(flatten)]
    organization: &'a Organization,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Offered<'a> {
    resources: &'a Catalog,
    permissions: Vec<Permission>,
}

/// Makes an organization.
///
/// # Errors
/// A bad body, or an outage.
pub async fn create_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let organization = orgs::create(call.ports, &body, call.origin()).await?;
    let location = format!("/v1/orgs/{}", organization.id);
    Ok(Reply::json(201, &organization).with("Location", location).with("ETag", etag(organization.version)))
}

/// A page of organizations, newest first.
///
/// # Errors
/// A bad parameter or cursor, or an outage.
pub async fn list_orgs(call: &Call<'_>) -> Result<Reply, Problem> {
    let (limit, cursor) = read_query(call)?;
    let page = orgs::list(call.ports, limit, cursor.as_deref()).await?;
    Ok(page_reply(call, &page.items, page.next_cursor.as_deref()))
}

fn read_query(call: &Call<'_>) -> Result<(u32, Option<String>), Vec<Fault>> {
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let limit = read_limit(&mut query, &mut faults);
    let cursor = query.one("cursor", &mut faults);
    query.close(&mut faults);
    faults.conclude(Some((limit, cursor)))
}

/// The organization with its whole policy.
///
/// # Errors
/// 404, or an outage.
pub async fn get_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let organization = orgs::get(call.ports, call.param("org")).await?;
    Ok(unless_known(call, organization.version, Reply::json(200, &organization)))
}

/// Changes name, features or policy by a JSON merge patch.
///
/// # Errors
/// A result that is not allowed, 404, 409, 412, or an outage.
pub async fn update_org(call: &Call<'_>) -> Result<Reply, Problem> {
    let patch = body::json(call)?;
    let if_version = versions(call);
    let changed = orgs::update(call.ports, call.param("org"), &patch, if_version.as_deref(), call.origin()).await?;
    let answer = ChangedOrg { organization: &changed.organization, in_force_at: changed.in_force_at };
    Ok(Reply::json(200, &answer).with("ETag", etag(changed.organization.version)))
}

/// The catalog: what keys of the organization can be permitted.
///
/// # Errors
/// 404, or an outage.
pub async fn list_permissions(call: &Call<'_>) -> Result<Reply, Problem> {
    let organization = orgs::get(call.ports, call.param("org")).await?;
    let catalog = &organization.policy.resources;
    Ok(Reply::json(200, &Offered { resources: catalog, permissions: catalog.permissions().collect() }))
}
