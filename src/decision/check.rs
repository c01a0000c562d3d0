//! The ordered list of checks behind a decision, for people who ask why.

use serde::Serialize;

/// A check, in the order in which all are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Shape and checksum.
    Format,
    /// Whether there is such a key.
    Existence,
    /// Whether somebody ended it.
    Revocation,
    /// Whether its time is over.
    Expiry,
    /// Whether its organization may use keys.
    Organization,
    /// Whether the address is allowed.
    Address,
    /// Whether it is permitted.
    Permissions,
    /// Whether it may act for a user.
    Impersonation,
    /// Whether its rate allows it.
    Rate,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was made and is met.
    Passed,
    /// It was made and decides.
    Failed,
    /// It was not made, because an earlier one decided or nothing asked for it.
    Skipped,
}

/// A check and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Which.
    pub check: Check,
    /// How.
    pub outcome: Outcome,
    /// Why, in a sentence.
    pub detail: String,
}

impl Check {
    /// All checks, in order.
    pub const ALL: [Self; 9] = [
        Self::Format,
        Self::Existence,
        Self::Revocation,
        Self::Expiry,
        Self::Organization,
        Self::Address,
        Self::Permissions,
        Self::Impersonation,
        Self::Rate,
    ];
}
