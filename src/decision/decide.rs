//! The checks that cost nothing, in their order. The first that fails decides.
//!
//! The rate is checked after them and elsewhere, because only a request that passed every free check spends a token.

use super::{
    check::{Check, CheckReport, Outcome},
    facts::{Ask, Facts, Target},
    verdict::Denial,
};
use crate::{
    base::time::Timestamp,
    policy::scope::{Permission, Requirement},
};

/// Makes the free checks on a key that exists.
///
/// # Errors
/// The denial of the first check that fails.
pub fn decide(facts: &Facts<'_>, ask: &Ask, now: Timestamp) -> Result<(), Denial> {
    FREE_CHECKS.iter().try_for_each(|(_, check)| check(facts, ask, now))
}

type FreeCheck = fn(&Facts<'_>, &Ask, Timestamp) -> Result<(), Denial>;

const FREE_CHECKS: [(Check, FreeCheck); 6] = [
    (Check::Revocation, not_revoked),
    (Check::Expiry, not_expired),
    (Check::Organization, organization_enabled),
    (Check::Address, address_allowed),
    (Check::Permissions, permitted),
    (Check::Impersonation, may_act_as),
];

fn not_revoked(facts: &Facts<'_>, _: &Ask, _: Timestamp) -> Result<(), Denial> {
    if facts.key.revocation.is_some() { Err(Denial::Revoked) } else { Ok(()) }
}

fn not_expired(facts: &Facts<'_>, _: &Ask, now: Timestamp) -> Result<(), Denial> {
    let over = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
    if over(facts.key.expires_at) || over(facts.secret.expires_at) { Err(Denial::Expired) } else { Ok(()) }
}

fn organization_enabled(facts: &Facts<'_>, _: &Ask, _: Timestamp) -> Result<(), Denial> {
    if facts.organization.is_disabled() { Err(Denial::OrgDisabled) } else { Ok(()) }
}

fn address_allowed(facts: &Facts<'_>, ask: &Ask, _: Timestamp) -> Result<(), Denial> {
    let allowlist = &facts.key.ip_allowlist;
    let allowed = allowlist.is_empty() || ask.ip.is_some_and(|ip| allowlist.iter().any(|range| range.contains(ip)));
    if allowed { Ok(()) } else { Err(Denial::IpNotAllowed) }
}

fn permitted(facts: &Facts<'_>, ask: &Ask, _: Timestamp) -> Result<(), Denial> {
    let mut missing = ask.requirement.missing(&|permission| facts.grants(permission));
    if let Some(target) = &ask.target {
        missing.extend(facts.missing_at(target)?);
    }
    if missing.is_empty() { Ok(()) } else { Err(Denial::InsufficientPermissions { missing }) }
}

fn may_act_as(facts: &Facts<'_>, ask: &Ask, _: Timestamp) -> Result<(), Denial> {
    let may = facts.key.can_impersonate && facts.organization.policy.impersonation;
    if ask.act_as.is_none() || may { Ok(()) } else { Err(Denial::ImpersonationNotAllowed) }
}

impl Facts<'_> {
    /// Whether the key holds a permission that its organization still offers.
    #[must_use]
    pub fn grants(&self, permission: &Permission) -> bool {
        self.key.permissions.contains(permission) && self.organization.policy.resources.contains(permission)
    }

    /// What the key lacks at the target.
    fn missing_at(&self, target: &Target) -> Result<Vec<Permission>, Denial> {
        let policy = &self.organization.policy;
        if target.is_free_without_routes && policy.routes.list().is_empty() {
            return Ok(Vec::new());
        }
        let mut needed = Vec::new();
        for path in &target.paths {
            for method in &target.methods {
                needed.push(Requirement::One(policy.permission_for(method, path).ok_or(Denial::RouteNotMapped)?));
            }
        }
        // Of a request that nobody can tell method and path of, nothing is known.
        if needed.is_empty() {
            Err(Denial::RouteNotMapped)
        } else {
            Ok(Requirement::All(needed).missing(&|permission| self.grants(permission)))
        }
    }

    /// The permissions that count, in the order in which they were granted.
    #[must_use]
    pub fn granted(&self) -> Vec<Permission> {
        self.key.permissions.iter().filter(|permission| self.grants(permission)).cloned().collect()
    }
}

/// The list of all checks for a decision that ended with `denial`, or with none.
#[must_use]
pub fn explain(denial: Option<&Denial>, ask: &Ask) -> Vec<CheckReport> {
    let decisive = denial.map(decisive_check);
    let mut decided = false;
    let report = |check: Check| {
        let outcome = match decisive {
            Some(failed) if failed == check => Outcome::Failed,
            _ if decided => Outcome::Skipped,
            _ if check == Check::Impersonation && ask.act_as.is_none() => Outcome::Skipped,
            _ => Outcome::Passed,
        };
        decided |= outcome == Outcome::Failed;
        let detail = match (outcome, denial) {
            (Outcome::Failed, Some(denial)) => denial.to_string(),
            (Outcome::Skipped, _) if decided => "an earlier check decided".to_owned(),
            (Outcome::Skipped, _) => "the request does not ask to act for a user".to_owned(),
            _ => passed_detail(check).to_owned(),
        };
        CheckReport { check, outcome, detail }
    };
    Check::ALL.into_iter().map(report).collect()
}

fn decisive_check(denial: &Denial) -> Check {
    match denial {
        Denial::Malformed(_) => Check::Format,
        // Not the rate: whether there is such a key is what was not found out.
        Denial::NotFound | Denial::TooManyUnknown { .. } => Check::Existence,
        Denial::Revoked => Check::Revocation,
        Denial::Expired => Check::Expiry,
        Denial::OrgDisabled => Check::Organization,
        Denial::IpNotAllowed => Check::Address,
        Denial::InsufficientPermissions { .. } | Denial::RouteNotMapped => Check::Permissions,
        Denial::ImpersonationNotAllowed => Check::Impersonation,
        Denial::RateLimited { .. } => Check::Rate,
    }
}

fn passed_detail(check: Check) -> &'static str {
    match check {
        Check::Format => "the credential can be one that was issued or imported here",
        Check::Existence => "the key is known",
        Check::Revocation => "the key is not revoked",
        Check::Expiry => "the key has not expired",
        Check::Organization => "the organization may use its keys",
        Check::Address => "the address is allowed",
        Check::Permissions => "every permission that is asked for is granted",
        Check::Impersonation => "the key may act for a user",
        Check::Rate => "the rate allows it",
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
