//! What each operation takes and answers, beside what its route says already.

use super::super::{
    problem_catalog::{self as catalog, ProblemKind},
    route_table::Operation,
};

/// The areas of the API, in their order.
pub const TAGS: &[(&str, &str)] = &[
    ("Verify", "Is this key good for that?"),
    ("Keys", "Making, reading, editing and deleting keys."),
    ("Life", "Revoking, reactivating and rotating keys."),
    ("Usage", "What keys were used for."),
    ("Organizations", "Your customers, with the rules of their keys."),
    ("Portal", "Ways into the portal for an organization's people."),
    ("Audit", "Who changed what."),
    ("Service", "Health, metrics, and what problems mean."),
];

/// The body of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON of that schema.
    Json(&'static str),
    /// A page of items of that schema.
    Page(&'static str),
    /// JSON of that schema, or a table if `Accept` asks for `text/csv`.
    JsonOrTable(&'static str),
    /// A page for people, or JSON of that schema if `Accept` asks for it.
    JsonOrPage(&'static str),
    /// A page of items of that schema, or a table.
    PageOrTable(&'static str),
    /// Text of that type.
    Text(&'static str),
}

/// An operation.
pub struct Description {
    /// Its tag.
    pub tag: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The schema of its request's body, and whether there must be one.
    pub takes: Option<(&'static str, bool)>,
    /// The status and body of its answer when all is well.
    pub gives: (u16, Body),
    /// Fields of that answer, by the names of their components.
    pub fields: &'static [&'static str],
    /// Its parameters beside those of the path, by the names of their components.
    pub parameters: &'static [&'static str],
    /// Problems beside the usual ones.
    pub problems: &'static [&'static ProblemKind],
}

const PAGED: &[&str] = &["limit", "cursor"];
const CHANGE: &[&str] = &["ifMatch"];
const READ: &[&str] = &["ifNoneMatch"];
const TAG: &[&str] = &["ETag"];
const MADE: &[&str] = &["Location", "ETag"];
const LINK: &[&str] = &["Link"];
const MADE_ABROAD: &[&str] = &["Location", "ETag", "Vary"];
const TAG_ABROAD: &[&str] = &["ETag", "Vary"];
const VARY: &[&str] = &["Vary"];
const RATE: &[&str] = &["RateLimit", "RateLimit-Policy"];
const OFF: &ProblemKind = &catalog::FEATURE_DISABLED;
const FORBIDDEN_BY_POLICY: &[&ProblemKind] = &[&catalog::POLICY_FORBIDS, OFF];
const LATER: &ProblemKind = &catalog::NOT_YET_IN_FORCE;
const STEP: &[&ProblemKind] =
    &[&catalog::POLICY_FORBIDS, OFF, &catalog::CONFLICT, &catalog::ILLEGAL_TRANSITION, &catalog::PRECONDITION_FAILED, LATER];
const ROTATION: &[&ProblemKind] = &[
    &catalog::POLICY_FORBIDS,
    OFF,
    &catalog::ROTATION_IN_PROGRESS,
    &catalog::CONFLICT,
    &catalog::ILLEGAL_TRANSITION,
    &catalog::PRECONDITION_FAILED,
    LATER,
];
const REFUSALS: &[&ProblemKind] = &[
    &catalog::MALFORMED_REQUEST,
    &catalog::UNAUTHENTICATED,
    &catalog::MALFORMED,
    &catalog::KEY_NOT_FOUND,
    &catalog::REVOKED,
    &catalog::EXPIRED,
    &catalog::ORG_DISABLED,
    &catalog::IP_NOT_ALLOWED,
    &catalog::INSUFFICIENT_PERMISSIONS,
    &catalog::ROUTE_NOT_MAPPED,
    &catalog::IMPERSONATION_NOT_ALLOWED,
    &catalog::VALIDATION_FAILED,
    &catalog::RATE_LIMITED,
    &catalog::UNAVAILABLE,
];

/// What the document says of an operation; `None` for pages and forms for people. A new operation cannot do without.
#[must_use]
pub fn describe(operation: Operation) -> Option<Description> {
    use Body::{Empty, Json, JsonOrPage, JsonOrTable, Page, PageOrTable, Text};
    let of = |tag, summary, takes, gives, fields, parameters, problems| {
        Some(Description { tag, summary, takes, gives, fields, parameters, problems })
    };
    match operation {
        Operation::CreateOrg => of("Organizations", "Create an organization", Some(("NewOrg", true)), (201, Json("Org")), MADE, &[], &[]),
        Operation::ListOrgs => of("Organizations", "List organizations", None, (200, Page("Org")), LINK, PAGED, &[]),
        Operation::GetOrg => of("Organizations", "Read an organization", None, (200, Json("Org")), TAG, READ, &[]),
        Operation::UpdateOrg => {
            let problems = &[&catalog::POLICY_FORBIDS, &catalog::CONFLICT, &catalog::PRECONDITION_FAILED, LATER];
            of("Organizations", "Change an organization", Some(("OrgChange", true)), (200, Json("Org")), TAG, CHANGE, problems)
        }
        Operation::UploadOrgOpenapi => {
            let taken = Some(("Document", true));
            of("Organizations", "Upload the description of an API", taken, (200, Json("Upload")), &[], &[], &[&catalog::CONFLICT])
        }
        Operation::DeleteOrgOpenapi => {
            of("Organizations", "Take away an uploaded description", None, (204, Empty), &[], &[], &[&catalog::CONFLICT])
        }
        Operation::ListPermissions => of("Organizations", "Read the catalog of permissions", None, (200, Json("Catalog")), &[], &[], &[]),
        Operation::CreateKey => {
            of("Keys", "Create a key", Some(("NewKey", true)), (201, Json("KeyWithSecret")), MADE, &[], FORBIDDEN_BY_POLICY)
        }
        Operation::ListKeys => {
            let parameters = &["limit", "cursor", "status", "kind", "q", "sort"];
            of("Keys", "List keys", None, (200, Page("Key")), LINK, parameters, &[OFF])
        }
        Operation::GetKey => of("Keys", "Read a key", None, (200, Json("Key")), TAG, READ, &[OFF]),
        Operation::UpdateKey => of("Keys", "Edit a key", Some(("KeyChange", true)), (200, Json("Key")), TAG, CHANGE, STEP),
        Operation::DeleteKey => {
            let problems = &[&catalog::POLICY_FORBIDS, OFF, &catalog::CONFLICT, &catalog::PRECONDITION_FAILED, LATER];
            of("Keys", "Delete a key for good", None, (204, Empty), &[], CHANGE, problems)
        }
        Operation::RevokeKey => of("Life", "Revoke a key", Some(("Revocation", false)), (200, Json("Key")), TAG, CHANGE, STEP),
        Operation::ReactivateKey => of("Life", "Bring a revoked key back", Some(("Nothing", false)), (200, Json("Key")), TAG, CHANGE, STEP),
        Operation::RotateKey => {
            of("Life", "Give a key a new secret", Some(("Rotation", true)), (200, Json("KeyWithSecret")), TAG, CHANGE, ROTATION)
        }
        Operation::CompleteRotation => {
            of("Life", "End a rotation's overlap", Some(("Nothing", false)), (200, Json("Key")), TAG, CHANGE, STEP)
        }
        Operation::GetOrgUsage => {
            of("Usage", "Count the requests of an organization", None, (200, JsonOrTable("Usage")), VARY, &["range"], &[OFF])
        }
        Operation::GetKeyUsage => of("Usage", "Count the requests of a key", None, (200, JsonOrTable("Usage")), VARY, &["range"], &[OFF]),
        Operation::ListKeyActivity => {
            of("Usage", "List the last requests of a key", None, (200, PageOrTable("Deed")), VARY, &[], &[OFF, &catalog::VALIDATION_FAILED])
        }
        Operation::ImportKeys => {
            of("Keys", "Take over keys that were issued elsewhere", Some(("Import", true)), (200, Json("ImportResults")), &[], &[], &[OFF])
        }
        Operation::CreatePlaygroundKey => {
            let problems = &[&catalog::POLICY_FORBIDS, OFF, &catalog::TOO_MANY_PLAYGROUND_KEYS];
            of("Keys", "Create a temporary key", Some(("Nothing", false)), (201, Json("KeyWithSecret")), MADE_ABROAD, &[], problems)
        }
        Operation::RevokePlaygroundKey => {
            of("Keys", "Revoke one's own temporary key", Some(("Revocation", false)), (200, Json("Key")), TAG_ABROAD, CHANGE, STEP)
        }
        Operation::ListAudit => {
            let parameters = &["limit", "cursor", "action", "changedId", "actor", "from", "to"];
            of("Audit", "List changes", None, (200, Page("AuditEntry")), LINK, parameters, &[])
        }
        Operation::CreatePortalSession => {
            of("Portal", "Ask for a portal link", Some(("NewPortalSession", true)), (201, Json("PortalLink")), MADE, &[], &[])
        }
        Operation::ListPortalSessions => {
            of("Portal", "List portal sessions", None, (200, Page("PortalSession")), LINK, &["limit", "cursor", "user"], &[])
        }
        Operation::GetPortalSession => of("Portal", "Read a portal session", None, (200, Json("PortalSession")), TAG, READ, &[]),
        Operation::UpdatePortalSession => {
            let problems = &[&catalog::CONFLICT, &catalog::ILLEGAL_TRANSITION, &catalog::PRECONDITION_FAILED];
            of(
                "Portal",
                "Change a session's role",
                Some(("PortalSessionChange", true)),
                (200, Json("PortalSession")),
                TAG,
                CHANGE,
                problems,
            )
        }
        Operation::EndPortalSession => {
            of("Portal", "End a portal session", None, (204, Empty), &[], CHANGE, &[&catalog::PRECONDITION_FAILED])
        }
        Operation::CreateServiceKey => of(
            "Keys",
            "Create a key for a backend",
            Some(("NewKey", true)),
            (201, Json("KeyWithSecret")),
            MADE,
            &[],
            &[&catalog::POLICY_FORBIDS],
        ),
        Operation::VerifyKey => of("Verify", "Verify a key", Some(("Question", true)), (200, Json("Verdict")), &[], &[], &[]),
        Operation::VerifyKeys => of("Verify", "Verify up to 100 keys", Some(("Questions", true)), (200, Json("Verdicts")), &[], &[], &[]),
        Operation::Whoami => of("Verify", "Ask about one's own key", None, (200, Json("Verdict")), &[], &[], REFUSALS),
        Operation::ForwardAuth => {
            let fields = &[
                "Latchkey-Key-Id",
                "Latchkey-Key-Name",
                "Latchkey-Org-Id",
                "Latchkey-Actor-Type",
                "Latchkey-Actor-Id",
                "Latchkey-Permissions",
                "RateLimit",
                "RateLimit-Policy",
            ];
            let parameters = &["permissions", "limited", "actAs", "originalMethod", "originalUri"];
            of("Verify", "Check a request for a proxy", None, (200, Empty), fields, parameters, REFUSALS)
        }
        Operation::Healthz => of("Service", "Whether the worker runs", None, (200, Json("Health")), &[], &[], &[]),
        Operation::Readyz => {
            of("Service", "Whether what it depends on answers", None, (200, Json("Readiness")), &[], &[], &[&catalog::UNAVAILABLE])
        }
        Operation::Metrics => of("Service", "Counts for monitoring", None, (200, Text("application/openmetrics-text")), &[], &[], &[]),
        Operation::ProblemPage => {
            of("Service", "What a problem means", None, (200, JsonOrPage("ProblemKind")), VARY, &[], &[&catalog::NOT_FOUND])
        }
        Operation::Openapi => of("Service", "This document", None, (200, Json("Document")), &["ETag"], READ, &[&catalog::UNAVAILABLE]),
        Operation::OrgOpenapi => of(
            "Service",
            "An organization's own document",
            None,
            (200, Json("Document")),
            TAG,
            READ,
            &[&catalog::NOT_FOUND, &catalog::RATE_LIMITED, &catalog::UNAVAILABLE],
        ),
        Operation::OpenPortalLink
        | Operation::SignOut
        | Operation::Console(_)
        | Operation::Docs
        | Operation::OrgDocs
        | Operation::OrgDocsGrant => None,
    }
}

/// The fields of a rate, which refusals for it carry.
pub const RATE_FIELDS: &[&str] = RATE;
