use super::*;
use crate::{
    base::{
        actor::Actor,
        document::{Faults, Field},
    },
    key::{record::KeyRecord, state::Revoking},
    policy::{org::Organization, scope::Requirement},
    testing::fixtures::{self, NOW},
};
use serde_json::{Value, json};

/// A key for which every check would fail, so that removing causes one by one shows the order.
struct Case {
    key: KeyRecord,
    organization: Organization,
    ask: Ask,
}

impl Case {
    fn good() -> Self {
        let organization = fixtures::organization(json!({}));
        let key = fixtures::key_of(&organization, json!({"name": "a", "permissions": ["leads:read"]}));
        Self { key, organization, ask: Ask::plain() }
    }

    fn decide(&self) -> Result<(), &'static str> {
        let facts = Facts { key: &self.key, secret: &self.key.secrets[0], organization: &self.organization };
        decide(&facts, &self.ask, NOW).map_err(|denial| denial.code())
    }
}

fn requirement(value: Value) -> Requirement {
    Requirement::read(&Field::new(&value, ""), &mut Faults::default()).unwrap()
}

#[test]
fn a_good_key_passes() {
    assert_eq!(Case::good().decide(), Ok(()));
}

type Mend = fn(&mut Case);

#[test]
fn checks_are_made_in_the_order_of_the_contract() {
    let mut case = Case::good();
    let Revoking::Now(revoked) = case.key.clone().revoke(Actor::operator(), None, NOW) else { panic!() };
    case.key = KeyRecord { expires_at: Some(NOW), ip_allowlist: vec!["10.0.0.0/8".parse_range()], ..revoked };
    case.organization.policy.requires_feature = Some("developer_api".into());
    case.ask = Ask { requirement: requirement(json!("leads:delete")), act_as: Some("user_42".into()), ..Ask::plain() };
    let steps: [(&str, Mend); 6] = [
        ("REVOKED", |case| case.key.revocation = None),
        ("EXPIRED", |case| case.key.expires_at = None),
        ("ORG_DISABLED", |case| case.organization.policy.requires_feature = None),
        ("IP_NOT_ALLOWED", |case| case.key.ip_allowlist.clear()),
        ("INSUFFICIENT_PERMISSIONS", |case| case.ask.requirement = Requirement::nothing()),
        ("IMPERSONATION_NOT_ALLOWED", |case| case.ask.act_as = None),
    ];
    for (code, mend) in steps {
        assert_eq!(case.decide(), Err(code));
        mend(&mut case);
    }
    assert_eq!(case.decide(), Ok(()));
}

trait ParseRange {
    fn parse_range(&self) -> crate::network::cidr::AddressRange;
}

impl ParseRange for str {
    fn parse_range(&self) -> crate::network::cidr::AddressRange {
        crate::network::cidr::AddressRange::parse(self).unwrap()
    }
}

#[test]
fn a_key_with_an_allowlist_needs_a_known_address() {
    let mut case = Case::good();
    case.key.ip_allowlist = vec!["203.0.113.0/24".parse_range()];
    for (ip, expected) in [(None, Err("IP_NOT_ALLOWED")), (Some("203.0.114.1"), Err("IP_NOT_ALLOWED")), (Some("203.0.113.1"), Ok(()))] {
        case.ask.ip = ip.map(|text| text.parse().unwrap());
        assert_eq!(case.decide(), expected, "{ip:?}");
    }
}

#[test]
fn expiry_is_half_open_for_key_and_secret() {
    for (end, expected) in [(NOW.plus_ms(1), Ok(())), (NOW, Err("EXPIRED")), (NOW.plus_ms(-1), Err("EXPIRED"))] {
        let mut by_key = Case::good();
        by_key.key.expires_at = Some(end);
        assert_eq!(by_key.decide(), expected);
        let mut by_secret = Case::good();
        by_secret.key.secrets[0].expires_at = Some(end);
        assert_eq!(by_secret.decide(), expected);
    }
}

#[test]
fn a_permission_that_left_the_catalog_stops_counting() {
    let mut case = Case::good();
    case.ask.requirement = requirement(json!("leads:read"));
    assert_eq!(case.decide(), Ok(()));
    case.organization.policy.resources = Default::default();
    assert_eq!(case.decide(), Err("INSUFFICIENT_PERMISSIONS"));
}

#[test]
fn impersonation_needs_the_key_and_the_policy() {
    for (key, policy, expected) in
        [(true, true, Ok(())), (true, false, Err("IMPERSONATION_NOT_ALLOWED")), (false, true, Err("IMPERSONATION_NOT_ALLOWED"))]
    {
        let mut case = Case::good();
        case.key.can_impersonate = key;
        case.organization.policy.impersonation = policy;
        case.ask.act_as = Some("user_42".into());
        assert_eq!(case.decide(), expected);
    }
}

#[test]
fn an_explanation_names_the_decisive_check_and_skips_what_follows() {
    let denial = Denial::IpNotAllowed;
    let outcomes: Vec<Outcome> = explain(Some(&denial), &Ask::plain()).into_iter().map(|report| report.outcome).collect();
    use Outcome::{Failed, Passed, Skipped};
    assert_eq!(outcomes, [Passed, Passed, Passed, Passed, Passed, Failed, Skipped, Skipped, Skipped]);
    let all: Vec<Outcome> = explain(None, &Ask::plain()).into_iter().map(|report| report.outcome).collect();
    assert_eq!(all, [Passed, Passed, Passed, Passed, Passed, Passed, Passed, Skipped, Passed]);
}
