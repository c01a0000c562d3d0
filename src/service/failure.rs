//! Why a use case did not come to its end.

use crate::{
    authn::portal::SessionOver,
    base::{chance::NoEntropy, document::Fault},
    key::{record::StoredRecordError, rotation::RotationInProgress, state::IllegalTransition},
    ports::Outage,
};

/// Why a use case did not come to its end. Nothing was changed, except where a variant says so.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Failure {
    /// Fields of the request are wrong.
    #[error("the request has bad fields")]
    Invalid(Vec<Fault>),
    /// The cursor is not one of this list.
    #[error(transparent)]
    ForeignCursor(#[from] crate::base::cursor::ForeignCursor),
    /// There is no such thing, or it belongs to somebody else.
    #[error("there is no such resource")]
    NotFound,
    /// The organization's policy rules the operation out.
    #[error("the organization's policy does not allow {operation}")]
    PolicyForbids { operation: &'static str },
    /// A key would be given what the key that grants it has not.
    #[error("a key can grant no more than it has itself")]
    BeyondOwn(Vec<Fault>),
    /// The organization lacks the feature that managing its keys needs.
    #[error("the organization's API access is switched off")]
    FeatureDisabled,
    /// The record is no longer at the version that the caller named.
    #[error("the record is now at version {version}")]
    PreconditionFailed { version: u64 },
    /// The key's state does not have that step.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// An overlap is open.
    #[error(transparent)]
    RotationInProgress(#[from] RotationInProgress),
    /// The portal session is over.
    #[error(transparent)]
    SessionOver(#[from] SessionOver),
    /// The credential is a key's already.
    #[error("a key with this hash is there already")]
    CredentialTaken,
    /// The maker has as many temporary keys as are allowed.
    #[error("there are as many active temporary keys as one member may have; revoke one or wait until one expires")]
    TooManyTemporary,
    /// Others changed the record first.
    #[error("the record was changed by somebody else at the same time")]
    Conflict,
    /// The change is kept, but not yet in force everywhere.
    #[error("the change is stored but not yet in force everywhere")]
    NotYetInForce {
        /// What could not be reached; for the log.
        cause: Outage,
    },
    /// Something outside failed.
    #[error(transparent)]
    Unavailable(#[from] Outage),
    /// A stored record cannot be read.
    #[error(transparent)]
    Damaged(#[from] StoredRecordError),
}

impl Failure {
    /// A lost race, told as the caller's own condition would have told it: with one, the version that was read has moved
    /// on; without, somebody else was first.
    #[must_use]
    pub fn lost_race(if_version: Option<&[u64]>, read_version: u64) -> Self {
        if if_version.is_some() { Self::PreconditionFailed { version: read_version + 1 } } else { Self::Conflict }
    }
}

impl From<NoEntropy> for Failure {
    fn from(refusal: NoEntropy) -> Self {
        Self::Unavailable(refusal.into())
    }
}
