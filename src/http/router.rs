//! From a request to its handler and back.

use std::sync::LazyLock;

use super::{
    admin,
    answer::Answer,
    body,
    call::Call,
    console, cross_origin, files, forward_auth, gate, gateway, health, metrics, portal,
    problem::Problem,
    problem_catalog as catalog, problem_page,
    reply::Reply,
    route_table::{Caller, Operation, ROUTES, Route},
    verify, whoami,
};
use crate::authn::principal::{Grant, Principal};

/// The methods that are known at all (RFC 9110, section 9; RFC 5789). Others are 501.
pub(super) const KNOWN_METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

static PATHS: LazyLock<matchit::Router<Vec<&'static Route>>> = LazyLock::new(|| {
    let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut router = matchit::Router::new();
    for path in paths {
        let routes = ROUTES.iter().filter(|route| route.path == path).collect();
        // The table is constant, and a test inserts every path of it.
        let _ = router.insert(path, routes);
    }
    router
});

/// Answers a request.
pub async fn respond(mut call: Call<'_>) -> Answer {
    let (inbound, config) = (call.inbound, call.config);
    let gateway = config.gateway_at(inbound.origin());
    let outcome = match gateway {
        None => answer(&mut call, inbound.path()).await,
        Some(gateway) => match gateway::own_path(inbound.path()) {
            Some(path) => answer(&mut call, path).await,
            None => gateway::pass(&call, gateway).await,
        },
    };
    let reply = match outcome {
        Ok(Answer::Passed(response)) => return Answer::Passed(response),
        Ok(Answer::Made(reply)) => Ok(reply),
        Err(problem) => Err(problem),
    };
    let reply = reply.unwrap_or_else(|problem| {
        if let Some(cause) = problem.cause() {
            worker::console_error!("{} {cause}", call.request_id);
        }
        problem.into_reply(&gateway::problem_base(inbound.origin(), config), call.request_id)
    });
    let reply = reply.with("X-Request-Id", call.request_id.text().as_str());
    let reply = if reply.says_how_long() { reply } else { reply.with("Cache-Control", "no-store") };
    Answer::Made(if inbound.method() == "HEAD" { reply.without_body() } else { reply })
}

async fn answer(call: &mut Call<'_>, path: &str) -> Result<Answer, Problem> {
    let method = call.inbound.method();
    let (routes, params) = find(path).ok_or_else(|| unknown(method))?;
    call.params = params;
    let Some(route) = routes.iter().find(|route| route.methods.take(method)) else {
        let reply = refuse_method(method, routes)?;
        let shared = routes.iter().any(|route| route.operation.crosses_origins());
        return Ok(Answer::Made(if shared { cross_origin::preflight(call, reply).await } else { reply }));
    };
    if !route.operation.crosses_origins() {
        return carry_out(call, route).await;
    }
    let page = cross_origin::Page::of(call).await;
    page.told(carry_out(call, route).await)
}

async fn carry_out(call: &mut Call<'_>, route: &Route) -> Result<Answer, Problem> {
    call.principal = match route.caller {
        Caller::With(grant) => Some(admit(call, route.operation, Some(grant)).await?),
        Caller::Operator => Some(admit(call, route.operation, None).await?),
        // The handler asks, and its answers are pages.
        Caller::Anyone | Caller::KeyHolder | Caller::LinkHolder | Caller::PortalSession => None,
        Caller::Member(_) | Caller::OperatorSession | Caller::OperatorToken => None,
    };
    let reply = match route.operation {
        Operation::CreateOrg => admin::orgs::create_org(call).await,
        Operation::ListOrgs => admin::orgs::list_orgs(call).await,
        Operation::UpdateOrg => admin::orgs::update_org(call).await,
        Operation::ListPermissions => admin::orgs::list_permissions(call).await,
        Operation::GetOrg => admin::orgs::get_org(call).await,
        Operation::UploadOrgOpenapi => admin::openapi::upload_org_openapi(call).await,
        Operation::DeleteOrgOpenapi => admin::openapi::delete_org_openapi(call).await,
        Operation::CreateKey => admin::keys::create_key(call).await,
        Operation::ListKeys => admin::keys::list_keys(call).await,
        Operation::GetKey => admin::keys::get_key(call).await,
        Operation::UpdateKey => admin::keys::update_key(call).await,
        Operation::DeleteKey => admin::keys::delete_key(call).await,
        Operation::RevokeKey => admin::life::revoke_key(call).await,
        Operation::ReactivateKey => admin::life::reactivate_key(call).await,
        Operation::RotateKey => admin::life::rotate_key(call).await,
        Operation::CompleteRotation => admin::life::complete_rotation(call).await,
        Operation::GetOrgUsage => admin::usage::get_org_usage(call).await,
        Operation::GetKeyUsage => admin::usage::get_key_usage(call).await,
        Operation::ListKeyActivity => admin::usage::list_key_activity(call).await,
        Operation::ImportKeys => admin::import::import_keys(call).await,
        Operation::CreatePlaygroundKey => admin::keys::create_playground_key(call).await,
        Operation::RevokePlaygroundKey => admin::life::revoke_playground_key(call).await,
        Operation::ListAudit => admin::audit::list_audit(call).await,
        Operation::CreatePortalSession => admin::portal_sessions::create_portal_session(call).await,
        Operation::ListPortalSessions => admin::portal_sessions::list_portal_sessions(call).await,
        Operation::GetPortalSession => admin::portal_sessions::get_portal_session(call).await,
        Operation::UpdatePortalSession => admin::portal_sessions::update_portal_session(call).await,
        Operation::EndPortalSession => admin::portal_sessions::end_portal_session(call).await,
        Operation::CreateServiceKey => admin::keys::create_service_key(call).await,
        Operation::VerifyKey => verify::verify_key(call).await,
        Operation::VerifyKeys => verify::verify_keys(call).await,
        Operation::Whoami => whoami::whoami(call).await,
        Operation::ForwardAuth => forward_auth::forward_auth(call).await,
        Operation::OpenPortalLink => portal::open_portal_link(call).await,
        Operation::SignOut => portal::sign_out(call).await,
        Operation::Console(screen) => console::respond(call, screen, route.caller).await,
        Operation::Healthz => health::healthz(call).await,
        Operation::Readyz => health::readyz(call).await,
        Operation::Metrics => metrics::metrics(call).await,
        Operation::ProblemPage => problem_page::problem_page(call).await,
        Operation::Openapi => return files::openapi(call).await,
        Operation::Docs => return files::docs(call).await,
        Operation::OrgDocs => return files::org_docs(call).await,
        Operation::OrgDocsGrant => return files::org_docs_grant(call).await,
        Operation::OrgOpenapi => files::org_openapi(call).await,
    };
    if route.audit.is_some() {
        call.memory.let_go(call.named_org(), call.named_key());
    }
    reply.map(Answer::Made)
}

/// Who calls, judged when all of the request is here. Whoever sends slowly could otherwise be let in, lose what let them in,
/// and finish: a key that was revoked meanwhile would still make itself a successor.
async fn admit(call: &mut Call<'_>, operation: Operation, needs: Option<Grant>) -> Result<Principal, Problem> {
    let limit = body::limit(operation);
    if limit > body::MAX_BODY_BYTES {
        // Nobody unknown has an isolate hold megabytes.
        gate::glance(call, needs).await?;
    }
    call.body = call.inbound.body(limit).await;
    gate::admit(call, needs).await
}

type Found = (&'static [&'static Route], Vec<(String, String)>);

fn find(path: &str) -> Option<Found> {
    let found = PATHS.at(path).ok()?;
    let params = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some((found.value.as_slice(), params))
}

fn unknown(method: &str) -> Problem {
    if KNOWN_METHODS.contains(&method) {
        Problem::new(&catalog::NOT_FOUND, "there is no route with this path")
    } else {
        Problem::new(&catalog::NOT_IMPLEMENTED, "this method is unknown here")
    }
}

fn refuse_method(method: &str, routes: &[&Route]) -> Result<Reply, Problem> {
    let allow = allowed(routes);
    match method {
        "OPTIONS" => Ok(Reply::empty(204).with("Allow", allow)),
        known if KNOWN_METHODS.contains(&known) => {
            Err(Problem::new(&catalog::METHOD_NOT_ALLOWED, format!("this path takes {allow}")).with("Allow", allow))
        }
        _ => Err(unknown(method)),
    }
}

fn allowed(routes: &[&Route]) -> String {
    let taken = KNOWN_METHODS.iter().filter(|method| **method == "OPTIONS" || routes.iter().any(|route| route.methods.take(method)));
    taken.copied().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_own_path() {
        for route in ROUTES {
            let path = route.path.replace("{org}", "org_x").replace("{key}", "key_x").replace("{slug}", "X");
            let path = path.replace("{session}", "prt_x").replace("{link}", "l");
            let (routes, _) = find(&path).unwrap_or_else(|| panic!("{path} is not found"));
            assert!(routes.contains(&route), "{path}");
        }
    }

    #[test]
    fn a_path_lists_its_methods() {
        let (routes, _) = find("/v1/orgs/o/keys").unwrap();
        assert_eq!(allowed(routes), "GET, HEAD, POST, OPTIONS");
        let (routes, _) = find("/v1/orgs/o/keys/import").unwrap();
        assert_eq!(allowed(routes), "POST, OPTIONS", "import is not a key");
    }
}
