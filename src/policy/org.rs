//! An organization: one customer of the platform, with its features and its policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{name, rules::Policy, scope::read_word};
use crate::{
    base::{
        document::{self, Fault, Faults, Field},
        heap,
        id::OrgId,
        time::Timestamp,
    },
    limit::guard::Terms,
};

/// An organization as it is stored and as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// What people call it.
    pub name: String,
    /// Switches that only the platform's operator sets.
    pub features: BTreeMap<String, bool>,
    /// Its rules.
    pub policy: Policy,
    /// Grows by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The body of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgDraft {
    /// What people will call it.
    pub name: String,
    /// Its switches.
    pub features: BTreeMap<String, bool>,
    /// Its rules, defaults filled in.
    pub policy: Policy,
}

const MAX_FEATURES: usize = 100;

impl Organization {
    /// About how many bytes of memory it takes, but for its policy: organizations are few.
    #[must_use]
    pub fn bytes(&self) -> usize {
        heap::shared::<Self>() + heap::block(self.name.len())
    }
}

/// What a draft is read from.
#[derive(Serialize)]
struct Members<'a> {
    name: &'a str,
    features: &'a BTreeMap<String, bool>,
    policy: &'a Policy,
}

impl OrgDraft {
    /// Reads `{"name", "policy"?, "features"?}`.
    ///
    /// # Errors
    /// Every bad field.
    pub fn read(body: &serde_json::Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let draft = Self::read_members(body, &mut faults);
        faults.conclude(draft)
    }

    fn read_members(body: &serde_json::Value, faults: &mut Faults) -> Option<Self> {
        let mut members = Field::new(body, "").object(faults)?;
        let name = members.required("name", faults).and_then(|field| name::read(&field, faults));
        let features = members.optional("features").map(|field| read_features(&field, faults));
        let policy = members.optional("policy").map(|field| Policy::read(&field, faults));
        members.close(faults);
        Some(Self {
            name: name?,
            features: features.unwrap_or_else(|| Some(BTreeMap::new()))?,
            policy: policy.unwrap_or_else(|| Some(Policy::default()))?,
        })
    }

    /// Reads a JSON merge patch (RFC 7396) of an organization's name, features and policy. The result is judged as a
    /// whole, as if it had been written at once.
    ///
    /// # Errors
    /// Every bad field of the result.
    pub fn read_patch(organization: &Organization, patch: &serde_json::Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        if Field::new(patch, "").object(&mut faults).is_none() {
            return faults.conclude(None);
        }
        let Organization { name, features, policy, .. } = organization;
        let mut whole = document::tree(&Members { name, features, policy });
        json_patch::merge(&mut whole, patch);
        Self::read(&whole)
    }

    /// The organization that this draft makes.
    #[must_use]
    pub fn into_organization(self, id: OrgId, now: Timestamp) -> Organization {
        Organization { id, name: self.name, features: self.features, policy: self.policy, version: 1, created_at: now, updated_at: now }
    }

    /// The organization's next version by this draft; the same version if nothing changes.
    #[must_use]
    pub fn apply(self, organization: &Organization, now: Timestamp) -> Organization {
        let Self { name, features, policy } = self;
        let edited = Organization { name, features, policy, ..organization.clone() };
        if edited == *organization { edited } else { Organization { version: edited.version + 1, updated_at: now, ..edited } }
    }
}

fn read_features(field: &Field<'_>, faults: &mut Faults) -> Option<BTreeMap<String, bool>> {
    let members = field.map(faults)?;
    if members.len() > MAX_FEATURES {
        faults.value(&field.pointer, format!("must hold at most {MAX_FEATURES} features"));
    }
    let mut features = BTreeMap::new();
    for (name, switch) in members {
        let name_value = serde_json::Value::from(name);
        let name = read_word(&Field::new(&name_value, switch.pointer.clone()), faults);
        if let (Some(name), Some(on)) = (name, switch.boolean(faults)) {
            features.insert(name, on);
        }
    }
    Some(features)
}

impl Organization {
    /// Whether the feature that the policy requires is missing; then keys can be neither managed nor used.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.policy.requires_feature.as_ref().is_some_and(|feature| !self.features.get(feature).copied().unwrap_or(false))
    }

    /// Whether the change to `next` may take something away from some key. Policies are compared as a whole: what one
    /// of its many members means for each key is not worth being wrong about.
    #[must_use]
    pub fn is_narrowed_by(&self, next: &Self) -> bool {
        self.policy != next.policy || self.features != next.features
    }

    /// What the organization's guard holds.
    ///
    /// # Errors
    /// When the record cannot be written as JSON, which its type rules out.
    pub fn terms(&self) -> Result<Terms, serde_json::Error> {
        Ok(Terms { version: self.version, limit: self.policy.org_rate_limit, record: Some(serde_json::to_string(self)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_organization_is_disabled_while_its_required_feature_is_off() {
        let draft = |features| {
            OrgDraft::read(&json!({"name": "A", "policy": {"requires_feature": "developer_api"}, "features": features})).unwrap()
        };
        let organization = |features| draft(features).into_organization(OrgId::parse("org_system").unwrap(), Timestamp::from_ms(0));
        assert!(organization(json!({})).is_disabled());
        assert!(organization(json!({"developer_api": false})).is_disabled());
        assert!(!organization(json!({"developer_api": true})).is_disabled());
    }

    #[test]
    fn a_patch_changes_what_it_names_and_is_judged_as_a_whole() {
        let organization = crate::testing::fixtures::organization(json!({"routes": [{"path": "/v1/leads/*", "resource": "leads"}]}));
        let patched =
            OrgDraft::read_patch(&organization, &json!({"features": {"beta": true}, "policy": {"playground": {"enabled": true}}}));
        let patched = patched.unwrap().apply(&organization, Timestamp::from_ms(5));
        assert_eq!((patched.version, patched.features.get("beta")), (2, Some(&true)));
        assert!(patched.policy.playground.enabled && patched.policy.playground.name == organization.policy.playground.name);
        assert_eq!(patched.policy.resources, organization.policy.resources);
        let nothing = OrgDraft::read_patch(&organization, &json!({"name": "Acme"})).unwrap().apply(&organization, Timestamp::from_ms(5));
        assert_eq!(nothing, organization);
        let orphaned = OrgDraft::read_patch(&organization, &json!({"policy": {"resources": []}})).unwrap_err();
        assert_eq!(orphaned[0].pointer, "/policy/routes/0/resource");
        for (patch, pointer) in [(json!({"name": null}), "/name"), (json!({"plan": 1}), "/plan"), (json!([]), "")] {
            assert_eq!(OrgDraft::read_patch(&organization, &patch).unwrap_err()[0].pointer, pointer);
        }
    }

    #[test]
    fn a_null_takes_a_member_back_to_its_default() {
        let organization = crate::testing::fixtures::organization(
            json!({"revocation": "reversible", "max_rate_limit": {"limit": 60, "window_seconds": 60}}),
        );
        let draft = OrgDraft::read_patch(&organization, &json!({"policy": {"revocation": null, "max_rate_limit": null}})).unwrap();
        assert_eq!((draft.policy.revocation, draft.policy.max_rate_limit), (crate::policy::rules::Revocation::Permanent, None));
    }

    #[test]
    fn faults_of_all_parts_are_reported_together() {
        let faults =
            OrgDraft::read(&json!({"name": " ", "features": {"X": true, "y": 1}, "policy": {"editing": 1}, "plan": "pro"})).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/features/X", "/features/y", "/policy/editing", "/plan"]);
    }
}
