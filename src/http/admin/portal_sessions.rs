//! Portal sessions, as backends ask for them, watch them and end them.

use serde::Serialize;

use super::{
    conditions::{etag, unless_known, versions},
    page::{page_reply, read_limit},
};
use crate::{
    base::{
        document::{Fault, Faults},
        id::PortalSessionId,
        time::Timestamp,
    },
    http::{body, call::Call, problem::Problem, query::Query, reply::Reply},
    ports::SessionQuery,
    service::portal::{self, Change},
};

#[derive(Serialize)]
struct Link<'a> {
    id: &'a PortalSessionId,
    url: &'a str,
    expires_at: Timestamp,
}

/// Makes a session, and the link that opens it. The address is the only sight of the link.
///
/// # Errors
/// A bad body, 404, or an outage.
pub async fn create_portal_session(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let portal::Created { session, link } = portal::create(call.ports, call.param("org"), &body, call.origin()).await?;
    let url = format!("{}/portal/{}", call.inbound.origin(), link.expose());
    Ok(Reply::json(201, &Link { id: &session.id, url: &url, expires_at: session.expires_at })
        .with("Location", format!("/v1/orgs/{}/portal-sessions/{}", session.org_id, session.id))
        .with("ETag", etag(session.version)))
}

/// A page of sessions, newest first.
///
/// # Errors
/// A bad parameter or cursor, 404, or an outage.
pub async fn list_portal_sessions(call: &Call<'_>) -> Result<Reply, Problem> {
    let (query, cursor) = read_query(call)?;
    let page = portal::list(call.ports, call.param("org"), query, cursor.as_deref()).await?;
    let now = call.ports.clock.now();
    let views: Vec<_> = page.items.iter().map(|session| session.view(now)).collect();
    Ok(page_reply(call, &views, page.next_cursor.as_deref()))
}

fn read_query(call: &Call<'_>) -> Result<(SessionQuery, Option<String>), Vec<Fault>> {
    let mut faults = Faults::default();
    let mut query = Query::read(call.inbound.query());
    let limit = read_limit(&mut query, &mut faults);
    let cursor = query.one("cursor", &mut faults);
    let user = query.one("user", &mut faults);
    query.close(&mut faults);
    faults.conclude(Some((SessionQuery { user, after: None, limit }, cursor)))
}

/// The session.
///
/// # Errors
/// 404, or an outage.
pub async fn get_portal_session(call: &Call<'_>) -> Result<Reply, Problem> {
    let session = portal::get(call.ports, call.param("org"), call.param("session")).await?;
    let reply = Reply::json(200, &session.view(call.ports.clock.now()));
    Ok(unless_known(call, session.version, reply))
}

/// Changes the role. The member's next request has it.
///
/// # Errors
/// A bad body, 404, 409 for a session that is over or a lost race, 412, or an outage.
pub async fn update_portal_session(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let if_version = versions(call);
    let session = portal::update(&change(call, if_version.as_deref()), &body).await?;
    Ok(Reply::json(200, &session.view(call.ports.clock.now())).with("ETag", etag(session.version)))
}

/// Ends the session; whoever is signed in with it is no longer.
///
/// # Errors
/// 404, 412, or an outage.
pub async fn end_portal_session(call: &Call<'_>) -> Result<Reply, Problem> {
    let if_version = versions(call);
    portal::end(&change(call, if_version.as_deref())).await?;
    Ok(Reply::empty(204))
}

fn change<'a>(call: &'a Call<'_>, if_version: Option<&'a [u64]>) -> Change<'a> {
    Change { ports: call.ports, org: call.param("org"), session: call.param("session"), if_version, origin: call.origin() }
}
