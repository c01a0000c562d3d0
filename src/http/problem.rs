//! Problem documents (RFC 9457): the one place where refusals and failures become answers.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    challenge::Challenge,
    problem_catalog::{self as catalog, ProblemKind},
    reply::Reply,
};
use crate::{
    base::{
        document::{Fault, FaultKind},
        id::RequestId,
    },
    decision::verdict::Denial,
    http::inbound::BodyError,
    policy::scope::Permission,
    service::failure::Failure,
};

/// How long to wait before trying again when something outside failed.
const OUTAGE_RETRY_SECONDS: &str = "1";

/// A problem on its way to the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    kind: &'static ProblemKind,
    status: u16,
    detail: String,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    /// The cause for the log; never shown.
    cause: Option<String>,
}

impl Problem {
    /// A problem of that kind.
    #[must_use]
    pub fn new(kind: &'static ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            status: kind.status,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// 401 or 400 with its challenge.
    #[must_use]
    pub fn challenged(kind: &'static ProblemKind, challenge: &Challenge, detail: impl Into<String>) -> Self {
        Self::new(kind, detail).with("WWW-Authenticate", challenge.to_field())
    }

    /// The problem with one more field in its answer.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// The problem with one more member in its document.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// The problem with the fields that it is about.
    #[must_use]
    pub fn naming(mut self, errors: Vec<Fault>) -> Self {
        self.0.errors = errors;
        self
    }

    /// The problem under another status.
    #[must_use]
    pub fn under(mut self, status: u16) -> Self {
        self.0.status = status;
        self
    }

    /// The problem with its cause for the log.
    #[must_use]
    pub fn because(mut self, cause: String) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// The code in its document.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// What its kind is called.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.0.kind.title
    }

    /// What is wrong this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields of its answer.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.0.headers
    }

    /// What the log should say of it.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The document. Its type is an address of this deployment, which answers with a page about it: `base` is what stands
    /// before `/problems/`.
    #[must_use]
    pub fn document<'a>(&'a self, base: &str, request_id: &'a RequestId) -> Document<'a> {
        let Parts { kind, status, detail, errors, members, .. } = self.0.as_ref();
        Document {
            kind: format!("{base}/problems/{}", kind.slug),
            title: kind.title,
            status: *status,
            detail,
            code: kind.code(),
            request_id,
            errors,
            members,
        }
    }

    /// The answer, with that `base` of the document's type.
    #[must_use]
    pub fn into_reply(self, base: &str, request_id: &RequestId) -> Reply {
        let mut reply = Reply::json(self.0.status, &self.document(base, request_id)).of_type("application/problem+json");
        reply.headers.extend(self.0.headers);
        reply
    }
}

/// A problem document (RFC 9457, section 3), written without being built first: refusals are on the hot path.
#[derive(Serialize)]
pub struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a RequestId,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

/// Bad fields: 400 when any has the wrong shape, else 422. All are named either way.
impl From<Vec<Fault>> for Problem {
    fn from(errors: Vec<Fault>) -> Self {
        let shape = errors.iter().any(|fault| fault.kind == FaultKind::Shape);
        let kind = if shape { &catalog::MALFORMED_REQUEST } else { &catalog::VALIDATION_FAILED };
        let named: Vec<String> = errors.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail).trim().to_owned()).collect();
        Self::new(kind, named.join("; ")).naming(errors)
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let kind = match error {
            BodyError::TooLarge(_) => &catalog::BODY_TOO_LARGE,
            BodyError::CutOff => &catalog::MALFORMED_REQUEST,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let said = failure.to_string();
        match failure {
            Failure::Invalid(faults) => faults.into(),
            Failure::ForeignCursor(_) => Self::new(&catalog::MALFORMED_REQUEST, format!("cursor {said}")),
            Failure::NotFound => Self::new(&catalog::NOT_FOUND, said),
            Failure::PolicyForbids { operation } => Self::new(&catalog::POLICY_FORBIDS, said).member("operation", operation),
            Failure::BeyondOwn(excess) => Self::new(&catalog::FORBIDDEN, said).naming(excess),
            Failure::FeatureDisabled => Self::new(&catalog::FEATURE_DISABLED, said),
            Failure::PreconditionFailed { version } => {
                Self::new(&catalog::PRECONDITION_FAILED, said).with("ETag", format!("\"{version}\""))
            }
            Failure::Illegal(_) | Failure::SessionOver(_) => Self::new(&catalog::ILLEGAL_TRANSITION, said),
            Failure::RotationInProgress(_) => Self::new(&catalog::ROTATION_IN_PROGRESS, said),
            Failure::TooManyTemporary => Self::new(&catalog::TOO_MANY_PLAYGROUND_KEYS, said),
            Failure::CredentialTaken | Failure::Conflict => Self::new(&catalog::CONFLICT, said),
            Failure::NotYetInForce { cause } => {
                Self::new(&catalog::NOT_YET_IN_FORCE, said).with("Retry-After", OUTAGE_RETRY_SECONDS).because(cause.to_string())
            }
            Failure::Unavailable(_) | Failure::Damaged(_) => {
                Self::new(&catalog::UNAVAILABLE, "something that the answer depends on cannot be reached")
                    .with("Retry-After", OUTAGE_RETRY_SECONDS)
                    .because(said)
            }
        }
    }
}

/// Refusals of the data plane, with the challenge of RFC 6750. The limit's fields are added by its caller.
impl From<&Denial> for Problem {
    fn from(denial: &Denial) -> Self {
        let said = denial.to_string();
        let bad_token = |kind| Self::challenged(kind, &Challenge::InvalidToken(said.clone()), said.clone());
        match denial {
            Denial::Malformed(_) => bad_token(&catalog::MALFORMED),
            Denial::NotFound => bad_token(&catalog::KEY_NOT_FOUND),
            Denial::Revoked => bad_token(&catalog::REVOKED),
            Denial::Expired => bad_token(&catalog::EXPIRED),
            Denial::OrgDisabled => bad_token(&catalog::ORG_DISABLED),
            Denial::IpNotAllowed => Self::new(&catalog::IP_NOT_ALLOWED, said),
            Denial::InsufficientPermissions { missing } => {
                Self::challenged(&catalog::INSUFFICIENT_PERMISSIONS, &Challenge::InsufficientScope(missing.clone()), said)
                    .member("missing", missing.iter().map(Permission::as_str).collect::<Value>())
            }
            Denial::RouteNotMapped => Self::new(&catalog::ROUTE_NOT_MAPPED, said),
            Denial::ImpersonationNotAllowed => Self::new(&catalog::IMPERSONATION_NOT_ALLOWED, said),
            Denial::RateLimited { .. } | Denial::TooManyUnknown { .. } => {
                Self::new(&catalog::RATE_LIMITED, said).member("retry_after_ms", denial.retry_after_ms())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{base::document::Faults, testing::fixtures};

    #[test]
    fn one_wrong_shape_makes_it_400_and_all_faults_are_named() {
        let mut faults = Faults::default();
        faults.value("/name", "is required");
        let only_values = Problem::from(faults.clone().conclude(None::<()>).unwrap_err());
        assert_eq!(only_values.0.status, 422);
        faults.shape("/cost", "must be a whole number");
        let problem = Problem::from(faults.conclude(None::<()>).unwrap_err());
        let document = json!(problem.document("https://keys.example", &fixtures::request_id()));
        assert_eq!((problem.0.status, document["errors"].as_array().unwrap().len()), (400, 2));
        assert_eq!(document["errors"][1], json!({"pointer": "/cost", "detail": "must be a whole number"}));
        assert_eq!(document["type"], "https://keys.example/problems/MALFORMED_REQUEST");
    }

    #[test]
    fn an_outage_says_nothing_of_its_cause() {
        let failure = Failure::Unavailable(crate::ports::Outage::Ledger { cause: "D1_ERROR: secret table".into() });
        let problem = Problem::from(failure);
        assert!(!json!(problem.document("", &fixtures::request_id())).to_string().contains("D1_ERROR"));
        assert!(problem.cause().unwrap().contains("D1_ERROR"));
    }

    #[test]
    fn a_key_that_is_not_found_is_401_with_the_code_of_the_contract() {
        let problem = Problem::from(&Denial::NotFound);
        assert_eq!(json!(problem.document("", &fixtures::request_id()))["code"], "NOT_FOUND");
        assert_eq!(problem.0.status, 401);
    }
}
