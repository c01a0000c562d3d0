//! The steps of a key's life that a person can take, and when each is there to be taken.

use crate::{
    base::time::Timestamp,
    key::{
        record::{KeyRecord, Kind},
        state::Status,
    },
    policy::rules::{Policy, Revocation},
};

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// End it.
    Revoke,
    /// Bring it back.
    Reactivate,
    /// Remove it for good.
    Delete,
    /// Give it a new secret.
    Rotate,
    /// End the older secret now.
    Complete,
}

impl Step {
    const ALL: [Self; 5] = [Self::Rotate, Self::Complete, Self::Reactivate, Self::Revoke, Self::Delete];

    /// The word for it in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Rotate => "rotate",
            Self::Complete => "complete",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// Whether it takes something away.
    #[must_use]
    pub fn is_grave(self) -> bool {
        matches!(self, Self::Revoke | Self::Delete)
    }

    /// Whether the key's state and the policy have the step. Who may take it is the role's question.
    #[must_use]
    pub fn is_there(self, key: &KeyRecord, policy: &Policy, now: Timestamp) -> bool {
        let status = key.status(now);
        let is_standard = key.kind == Kind::Standard;
        match self {
            Self::Revoke => status == Status::Active,
            Self::Reactivate => {
                let is_over = key.expires_at.is_some_and(|end| now >= end);
                status == Status::Revoked && policy.revocation == Revocation::Reversible && is_standard && !is_over
            }
            Self::Delete => policy.deletion,
            Self::Rotate => status == Status::Active && is_standard && key.overlap_until(now).is_none(),
            Self::Complete => status == Status::Active && key.overlap_until(now).is_some(),
        }
    }

    /// The steps of a key that are there.
    #[must_use]
    pub fn all_of(key: &KeyRecord, policy: &Policy, now: Timestamp) -> Vec<Self> {
        Self::ALL.into_iter().filter(|step| step.is_there(key, policy, now)).collect()
    }

    /// Those that a row of the list offers: what ends a key, or brings it back.
    #[must_use]
    pub fn of_row(key: &KeyRecord, policy: &Policy, now: Timestamp) -> Vec<Self> {
        let steps = Self::all_of(key, policy, now);
        let is_active = key.status(now) == Status::Active;
        let fits = |step: &Self| match step {
            Self::Revoke | Self::Reactivate => true,
            Self::Delete => !is_active,
            Self::Rotate | Self::Complete => false,
        };
        steps.into_iter().filter(fits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::actor::Actor,
        key::state::Revoking,
        testing::fixtures::{self, NOW},
    };
    use serde_json::json;

    fn words(key: &KeyRecord, policy: serde_json::Value) -> Vec<&'static str> {
        Step::all_of(key, &fixtures::policy(policy), NOW).into_iter().map(Step::word).collect()
    }

    #[test]
    fn a_step_is_there_when_state_and_policy_have_it() {
        let key = fixtures::key();
        let open = json!({"revocation": "reversible", "deletion": true});
        assert_eq!(words(&key, json!({})), ["rotate", "revoke"]);
        assert_eq!(words(&key, open.clone()), ["rotate", "revoke", "delete"]);
        let Revoking::Now(revoked) = key.clone().revoke(Actor::operator(), None, NOW) else { panic!("it was revoked before") };
        assert_eq!(words(&revoked, json!({})), Vec::<&str>::new());
        assert_eq!(words(&revoked, open.clone()), ["reactivate", "delete"]);
        let over = KeyRecord { expires_at: Some(NOW), ..revoked };
        assert_eq!(words(&over, open), ["delete"]);
        let temporary = KeyRecord { kind: Kind::Playground, ..key };
        assert_eq!(words(&temporary, json!({})), ["revoke"]);
    }

    #[test]
    fn every_step_has_its_words() {
        for step in Step::ALL {
            assert_eq!(Step::parse(step.word()), Some(step));
            for name in ["verb", "title", "text", "submit", "busy"] {
                assert!(crate::http::console::texts::find(&format!("step.{}.{name}", step.word())).is_some(), "{step:?} {name}");
            }
        }
    }
}
