//! Every route there is. The router, the documentation and the coverage tests are made from this table.

use super::console::screen::Screen;
use crate::{audit::entry::Action, authn::principal::Grant};

/// What a route does. Each has one handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /v1/orgs`
    CreateOrg,
    /// `GET /v1/orgs`
    ListOrgs,
    /// `GET /v1/orgs/{org}`
    GetOrg,
    /// `PATCH /v1/orgs/{org}`
    UpdateOrg,
    /// `GET /v1/orgs/{org}/permissions`
    ListPermissions,
    /// `PUT /v1/orgs/{org}/openapi`
    UploadOrgOpenapi,
    /// `DELETE /v1/orgs/{org}/openapi`
    DeleteOrgOpenapi,
    /// `POST /v1/orgs/{org}/keys`
    CreateKey,
    /// `GET /v1/orgs/{org}/keys`
    ListKeys,
    /// `GET /v1/orgs/{org}/keys/{key}`
    GetKey,
    /// `PATCH /v1/orgs/{org}/keys/{key}`
    UpdateKey,
    /// `DELETE /v1/orgs/{org}/keys/{key}`
    DeleteKey,
    /// `POST /v1/orgs/{org}/keys/{key}/revoke`
    RevokeKey,
    /// `POST /v1/orgs/{org}/keys/{key}/reactivate`
    ReactivateKey,
    /// `POST /v1/orgs/{org}/keys/{key}/rotate`
    RotateKey,
    /// `POST /v1/orgs/{org}/keys/{key}/rotation/complete`
    CompleteRotation,
    /// `GET /v1/orgs/{org}/usage`
    GetOrgUsage,
    /// `GET /v1/orgs/{org}/keys/{key}/usage`
    GetKeyUsage,
    /// `GET /v1/orgs/{org}/keys/{key}/activity`
    ListKeyActivity,
    /// `POST /v1/orgs/{org}/keys/import`
    ImportKeys,
    /// `POST /v1/orgs/{org}/playground-keys`
    CreatePlaygroundKey,
    /// `POST /v1/orgs/{org}/playground-keys/{key}/revoke`
    RevokePlaygroundKey,
    /// `GET /v1/orgs/{org}/audit`
    ListAudit,
    /// `POST /v1/orgs/{org}/portal-sessions`
    CreatePortalSession,
    /// `GET /v1/orgs/{org}/portal-sessions`
    ListPortalSessions,
    /// `GET /v1/orgs/{org}/portal-sessions/{session}`
    GetPortalSession,
    /// `PATCH /v1/orgs/{org}/portal-sessions/{session}`
    UpdatePortalSession,
    /// `DELETE /v1/orgs/{org}/portal-sessions/{session}`
    EndPortalSession,
    /// `POST /v1/service-keys`
    CreateServiceKey,
    /// `POST /v1/verify`
    VerifyKey,
    /// `POST /v1/verify/batch`
    VerifyKeys,
    /// `GET /v1/whoami`
    Whoami,
    /// `ANY /v1/auth`
    ForwardAuth,
    /// `GET /portal/{link}`
    OpenPortalLink,
    /// `POST /portal/sign-out`
    SignOut,
    /// A page of the console, or something done in it.
    Console(Screen),
    /// `GET /healthz`
    Healthz,
    /// `GET /readyz`
    Readyz,
    /// `GET /metrics`
    Metrics,
    /// `GET /problems/{slug}`
    ProblemPage,
    /// `GET /openapi.json`
    Openapi,
    /// `GET /docs`
    Docs,
    /// `GET /docs/{org}`
    OrgDocs,
    /// `GET /docs/{org}/grant`
    OrgDocsGrant,
    /// `GET /docs/{org}/openapi.json`
    OrgOpenapi,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anyone.
    Anyone,
    /// The holder of the key that the request is about.
    KeyHolder,
    /// A principal with this grant.
    With(Grant),
    /// The operator alone.
    Operator,
    /// The holder of the link that the path is.
    LinkHolder,
    /// A member who is signed in to the portal. The handler asks: its answers are pages.
    PortalSession,
    /// A member who is signed in, with this grant if there is one. The console asks: its answers are pages.
    Member(Option<Grant>),
    /// The operator, signed in to the console.
    OperatorSession,
    /// Whoever has the operator token, to sign in with it.
    OperatorToken,
}

/// The methods of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// This one; GET is also HEAD.
    One(&'static str),
    /// Every one, even those that HTTP does not know: the request is another's.
    Any,
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its methods.
    pub methods: Methods,
    /// Its path, parameters in braces.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// Who may call it.
    pub caller: Caller,
    /// The audit entry that a successful call leaves, if it changes something.
    pub audit: Option<Action>,
}

const fn route(methods: Methods, path: &'static str, operation: Operation, caller: Caller, audit: Option<Action>) -> Route {
    Route { methods, path, operation, caller, audit }
}

const fn screen(methods: Methods, path: &'static str, screen: Screen, caller: Caller, audit: Option<Action>) -> Route {
    route(methods, path, Operation::Console(screen), caller, audit)
}

const GET: Methods = Methods::One("GET");
const POST: Methods = Methods::One("POST");
const PATCH: Methods = Methods::One("PATCH");
const PUT: Methods = Methods::One("PUT");
const DELETE: Methods = Methods::One("DELETE");
const OPENAPI: &str = "/v1/orgs/{org}/openapi";
const KEY: &str = "/v1/orgs/{org}/keys/{key}";

const SESSIONS: &str = "/v1/orgs/{org}/portal-sessions";
const SESSION: &str = "/v1/orgs/{org}/portal-sessions/{session}";
const PORTAL: Caller = Caller::With(Grant::PortalCreate);

const PORTAL_KEY: &str = "/portal/keys/{key}";
const OPERATOR_ORG: &str = "/operator/orgs/{org}";
const ANY_MEMBER: Caller = Caller::Member(None);
const KEYS_READ: Caller = Caller::Member(Some(Grant::KeysRead));
const KEYS_WRITE: Caller = Caller::Member(Some(Grant::KeysWrite));

/// The table.
pub const ROUTES: &[Route] = &[
    route(POST, "/v1/orgs", Operation::CreateOrg, Caller::With(Grant::OrgsWrite), Some(Action::OrgCreated)),
    route(GET, "/v1/orgs", Operation::ListOrgs, Caller::With(Grant::OrgsRead), None),
    route(GET, "/v1/orgs/{org}", Operation::GetOrg, Caller::With(Grant::OrgsRead), None),
    route(PATCH, "/v1/orgs/{org}", Operation::UpdateOrg, Caller::With(Grant::OrgsWrite), Some(Action::OrgUpdated)),
    route(GET, "/v1/orgs/{org}/permissions", Operation::ListPermissions, Caller::With(Grant::KeysRead), None),
    route(PUT, OPENAPI, Operation::UploadOrgOpenapi, Caller::With(Grant::OrgsWrite), Some(Action::OrgUpdated)),
    route(DELETE, OPENAPI, Operation::DeleteOrgOpenapi, Caller::With(Grant::OrgsWrite), Some(Action::OrgUpdated)),
    route(POST, "/v1/orgs/{org}/keys", Operation::CreateKey, Caller::With(Grant::KeysWrite), Some(Action::KeyCreated)),
    route(GET, "/v1/orgs/{org}/keys", Operation::ListKeys, Caller::With(Grant::KeysRead), None),
    route(GET, KEY, Operation::GetKey, Caller::With(Grant::KeysRead), None),
    route(PATCH, KEY, Operation::UpdateKey, Caller::With(Grant::KeysWrite), Some(Action::KeyUpdated)),
    route(DELETE, KEY, Operation::DeleteKey, Caller::With(Grant::KeysWrite), Some(Action::KeyDeleted)),
    route(POST, "/v1/orgs/{org}/keys/{key}/revoke", Operation::RevokeKey, Caller::With(Grant::KeysWrite), Some(Action::KeyRevoked)),
    route(
        POST,
        "/v1/orgs/{org}/keys/{key}/reactivate",
        Operation::ReactivateKey,
        Caller::With(Grant::KeysWrite),
        Some(Action::KeyReactivated),
    ),
    route(POST, "/v1/orgs/{org}/keys/{key}/rotate", Operation::RotateKey, Caller::With(Grant::KeysWrite), Some(Action::KeyRotated)),
    route(
        POST,
        "/v1/orgs/{org}/keys/{key}/rotation/complete",
        Operation::CompleteRotation,
        Caller::With(Grant::KeysWrite),
        Some(Action::KeyRotationCompleted),
    ),
    route(GET, "/v1/orgs/{org}/usage", Operation::GetOrgUsage, Caller::With(Grant::UsageRead), None),
    route(GET, "/v1/orgs/{org}/keys/{key}/usage", Operation::GetKeyUsage, Caller::With(Grant::UsageRead), None),
    route(GET, "/v1/orgs/{org}/keys/{key}/activity", Operation::ListKeyActivity, Caller::With(Grant::UsageRead), None),
    route(POST, "/v1/orgs/{org}/keys/import", Operation::ImportKeys, Caller::With(Grant::KeysWrite), Some(Action::KeyImported)),
    route(
        POST,
        "/v1/orgs/{org}/playground-keys",
        Operation::CreatePlaygroundKey,
        Caller::With(Grant::PlaygroundUse),
        Some(Action::PlaygroundKeyCreated),
    ),
    route(
        POST,
        "/v1/orgs/{org}/playground-keys/{key}/revoke",
        Operation::RevokePlaygroundKey,
        Caller::With(Grant::PlaygroundUse),
        Some(Action::KeyRevoked),
    ),
    route(GET, "/v1/orgs/{org}/audit", Operation::ListAudit, Caller::With(Grant::AuditRead), None),
    route(POST, SESSIONS, Operation::CreatePortalSession, PORTAL, Some(Action::PortalSessionCreated)),
    route(GET, SESSIONS, Operation::ListPortalSessions, PORTAL, None),
    route(GET, SESSION, Operation::GetPortalSession, PORTAL, None),
    route(PATCH, SESSION, Operation::UpdatePortalSession, PORTAL, Some(Action::PortalSessionUpdated)),
    route(DELETE, SESSION, Operation::EndPortalSession, PORTAL, Some(Action::PortalSessionEnded)),
    route(POST, "/v1/service-keys", Operation::CreateServiceKey, Caller::Operator, Some(Action::KeyCreated)),
    route(POST, "/v1/verify", Operation::VerifyKey, Caller::With(Grant::Verify), None),
    route(POST, "/v1/verify/batch", Operation::VerifyKeys, Caller::With(Grant::Verify), None),
    route(GET, "/v1/whoami", Operation::Whoami, Caller::KeyHolder, None),
    route(Methods::Any, "/v1/auth", Operation::ForwardAuth, Caller::KeyHolder, None),
    route(GET, "/portal/{link}", Operation::OpenPortalLink, Caller::LinkHolder, Some(Action::PortalSessionOpened)),
    screen(GET, "/portal", Screen::Portal, ANY_MEMBER, None),
    screen(GET, "/portal/keys/new", Screen::NewKey, KEYS_WRITE, None),
    screen(POST, "/portal/keys", Screen::CreateKey, KEYS_WRITE, Some(Action::KeyCreated)),
    screen(GET, PORTAL_KEY, Screen::ShowKey, KEYS_READ, None),
    screen(POST, PORTAL_KEY, Screen::EditKey, KEYS_WRITE, Some(Action::KeyUpdated)),
    screen(GET, "/portal/keys/{key}/ask", Screen::AskStep, KEYS_WRITE, None),
    screen(POST, "/portal/keys/{key}/revoke", Screen::RevokeKey, KEYS_WRITE, Some(Action::KeyRevoked)),
    screen(POST, "/portal/keys/{key}/reactivate", Screen::ReactivateKey, KEYS_WRITE, Some(Action::KeyReactivated)),
    screen(POST, "/portal/keys/{key}/delete", Screen::DeleteKey, KEYS_WRITE, Some(Action::KeyDeleted)),
    screen(POST, "/portal/keys/{key}/rotate", Screen::RotateKey, KEYS_WRITE, Some(Action::KeyRotated)),
    screen(POST, "/portal/keys/{key}/complete", Screen::CompleteRotation, KEYS_WRITE, Some(Action::KeyRotationCompleted)),
    screen(GET, "/portal/audit", Screen::Audit, Caller::Member(Some(Grant::AuditRead)), None),
    screen(GET, "/portal/permissions", Screen::Permissions, KEYS_READ, None),
    route(POST, "/portal/sign-out", Operation::SignOut, Caller::PortalSession, Some(Action::PortalSessionEnded)),
    screen(GET, "/operator", Screen::OperatorOrgs, Caller::OperatorSession, None),
    screen(POST, "/operator/sign-in", Screen::OperatorSignIn, Caller::OperatorToken, Some(Action::PortalSessionOpened)),
    screen(POST, "/operator/sign-out", Screen::OperatorSignOut, Caller::OperatorSession, Some(Action::PortalSessionEnded)),
    screen(POST, "/operator/orgs", Screen::OperatorCreateOrg, Caller::OperatorSession, Some(Action::OrgCreated)),
    screen(GET, OPERATOR_ORG, Screen::OperatorOrg, Caller::OperatorSession, None),
    screen(POST, OPERATOR_ORG, Screen::OperatorEditOrg, Caller::OperatorSession, Some(Action::OrgUpdated)),
    screen(GET, "/operator/orgs/{org}/audit", Screen::OperatorAudit, Caller::OperatorSession, None),
    route(GET, "/healthz", Operation::Healthz, Caller::Anyone, None),
    route(GET, "/readyz", Operation::Readyz, Caller::Anyone, None),
    route(GET, "/metrics", Operation::Metrics, Caller::With(Grant::UsageRead), None),
    route(GET, "/problems/{slug}", Operation::ProblemPage, Caller::Anyone, None),
    route(GET, "/openapi.json", Operation::Openapi, Caller::Anyone, None),
    route(GET, "/docs", Operation::Docs, Caller::Anyone, None),
    route(GET, "/docs/{org}", Operation::OrgDocs, Caller::Anyone, None),
    route(GET, "/docs/{org}/grant", Operation::OrgDocsGrant, Caller::Anyone, None),
    route(GET, "/docs/{org}/openapi.json", Operation::OrgOpenapi, Caller::Anyone, None),
];

impl Operation {
    /// The operation's id, which is also its handler's name.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::CreateOrg => "create_org",
            Self::ListOrgs => "list_orgs",
            Self::GetOrg => "get_org",
            Self::UpdateOrg => "update_org",
            Self::ListPermissions => "list_permissions",
            Self::UploadOrgOpenapi => "upload_org_openapi",
            Self::DeleteOrgOpenapi => "delete_org_openapi",
            Self::CreateKey => "create_key",
            Self::ListKeys => "list_keys",
            Self::GetKey => "get_key",
            Self::UpdateKey => "update_key",
            Self::DeleteKey => "delete_key",
            Self::RevokeKey => "revoke_key",
            Self::ReactivateKey => "reactivate_key",
            Self::RotateKey => "rotate_key",
            Self::CompleteRotation => "complete_rotation",
            Self::GetOrgUsage => "get_org_usage",
            Self::GetKeyUsage => "get_key_usage",
            Self::ListKeyActivity => "list_key_activity",
            Self::ImportKeys => "import_keys",
            Self::CreatePlaygroundKey => "create_playground_key",
            Self::RevokePlaygroundKey => "revoke_playground_key",
            Self::ListAudit => "list_audit",
            Self::CreatePortalSession => "create_portal_session",
            Self::ListPortalSessions => "list_portal_sessions",
            Self::GetPortalSession => "get_portal_session",
            Self::UpdatePortalSession => "update_portal_session",
            Self::EndPortalSession => "end_portal_session",
            Self::CreateServiceKey => "create_service_key",
            Self::VerifyKey => "verify_key",
            Self::VerifyKeys => "verify_keys",
            Self::Whoami => "whoami",
            Self::ForwardAuth => "forward_auth",
            Self::OpenPortalLink => "open_portal_link",
            Self::SignOut => "sign_out",
            Self::Console(screen) => screen.id(),
            Self::Healthz => "healthz",
            Self::Readyz => "readyz",
            Self::Metrics => "metrics",
            Self::ProblemPage => "problem_page",
            Self::Openapi => "openapi",
            Self::Docs => "docs",
            Self::OrgDocs => "org_docs",
            Self::OrgDocsGrant => "org_docs_grant",
            Self::OrgOpenapi => "org_openapi",
        }
    }
}

impl Methods {
    /// Whether the route takes that method.
    #[must_use]
    pub fn take(self, method: &str) -> bool {
        match self {
            Self::One(known) => known == method || (known == "GET" && method == "HEAD"),
            Self::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_addresses_are_unique() {
        for (index, route) in ROUTES.iter().enumerate() {
            for other in ROUTES.iter().skip(index + 1) {
                assert_ne!(route.operation, other.operation);
                assert!((route.methods, route.path) != (other.methods, other.path), "{}", route.path);
            }
        }
    }

    #[test]
    fn nobody_unknown_changes_anything() {
        for route in ROUTES.iter().filter(|route| route.audit.is_some()) {
            assert!(route.caller != Caller::Anyone, "{}", route.operation.id());
        }
    }
}
