//! Why a request is refused. A refusal is a value, not an error: the decision was reached.

use crate::{policy::scope::Permission, token::format::Malformed};

/// Why a request is refused, in the order in which the checks are made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// Not a key's shape, or a wrong checksum.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// Its address sent so many unknown credentials that this one was not looked up: it may well be a key.
    #[error("too many unknown keys came from this address")]
    TooManyUnknown {
        /// When it is worth trying again, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// No such key.
    #[error("no such key")]
    NotFound,
    /// Somebody ended it.
    #[error("the key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// The organization lacks a feature that its keys need.
    #[error("the organization's API access is switched off")]
    OrgDisabled,
    /// Not from an allowed address.
    #[error("the key may not be used from this address")]
    IpNotAllowed,
    /// Not permitted.
    #[error("the key lacks a permission: {}", list(missing))]
    InsufficientPermissions {
        /// What it lacks.
        missing: Vec<Permission>,
    },
    /// The organization's routes do not say what it needs.
    #[error("no route of the organization maps this method and path")]
    RouteNotMapped,
    /// It may not act for a user.
    #[error("the key may not act for a user")]
    ImpersonationNotAllowed,
    /// Too many requests.
    #[error("the key's rate limit is used up")]
    RateLimited {
        /// When it is worth trying again, in milliseconds from now; `None` when the cost exceeds the limit itself.
        retry_after_ms: Option<u64>,
    },
}

impl Denial {
    /// The stable code of the contract.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "MALFORMED",
            Self::NotFound => "NOT_FOUND",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::OrgDisabled => "ORG_DISABLED",
            Self::IpNotAllowed => "IP_NOT_ALLOWED",
            Self::InsufficientPermissions { .. } => "INSUFFICIENT_PERMISSIONS",
            Self::RouteNotMapped => "ROUTE_NOT_MAPPED",
            Self::ImpersonationNotAllowed => "IMPERSONATION_NOT_ALLOWED",
            Self::RateLimited { .. } | Self::TooManyUnknown { .. } => "RATE_LIMITED",
        }
    }

    /// Whether waiting is the cure, or would be if the cost were lower.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::TooManyUnknown { .. })
    }

    /// Of a limit, when it is worth trying again, in milliseconds from now; `None` for never, and for other refusals.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_ms } => *retry_after_ms,
            Self::TooManyUnknown { retry_after_ms } => Some(*retry_after_ms),
            _ => None,
        }
    }
}

/// The code of a request that passed.
pub const VALID: &str = "VALID";

fn list(permissions: &[Permission]) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
}
