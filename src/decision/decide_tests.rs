use super::*;
use crate::{
    base::{
        actor::Actor,
        document::{Faults, Field},
    },
    key::{record::KeyRecord, state::Revoking},
    policy::{
        org::Organization,
        route::{Route, Routes},
        scope::{Permission, Requirement},
    },
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
    case.key = KeyRecord { expires_at: Some(NOW), ip_allowlist: Box::new(["10.0.0.0/8".parse_range()]), ..revoked };
    case.organization.policy.requires_feature = Some("developer_api".into());
    case.ask = Ask { requirement: requirement(json!("leads:delete")), act_as: Some("user_42".into()), ..Ask::plain() };
    let steps: [(&str, Mend); 6] = [
        ("REVOKED", |case| case.key.revocation = None),
        ("EXPIRED", |case| case.key.expires_at = None),
        ("ORG_DISABLED", |case| case.organization.policy.requires_feature = None),
        ("IP_NOT_ALLOWED", |case| case.key.ip_allowlist = Box::default()),
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
    case.key.ip_allowlist = Box::new(["203.0.113.0/24".parse_range()]);
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

/// A policy that maps `/v1/leads/*` to `leads`, with the key of [`Case::good`], which may read.
fn routed(methods: &[&str], paths: &[&str]) -> Case {
    let mut case = Case::good();
    case.organization.policy.routes = vec![Route { path: "/v1/leads/*".into(), resource: "leads".into() }].into();
    case.ask.target = Some(target(methods, paths));
    case
}

fn target(methods: &[&str], paths: &[&str]) -> Target {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Target { methods: owned(methods), paths: owned(paths), is_free_without_routes: true }
}

#[test]
fn routes_say_what_method_and_path_need() {
    for (methods, paths, expected) in [
        (&["GET"][..], &["/v1/leads/7?x=y"][..], Ok(())),
        (&["HEAD"], &["/v1/leads"], Ok(())),
        (&["DELETE"], &["/v1/leads/7"], Err("INSUFFICIENT_PERMISSIONS")),
        (&["OPTIONS"], &["/v1/leads/7"], Err("ROUTE_NOT_MAPPED")),
        (&["get"], &["/v1/leads/7"], Err("ROUTE_NOT_MAPPED")),
        (&["GET"], &["/v1/calls"], Err("ROUTE_NOT_MAPPED")),
        (&["GET"], &["/v1/leads/../calls"], Err("ROUTE_NOT_MAPPED")),
        // One of what is told twice may be the client's own word.
        (&["GET", "GET"], &["/v1/leads/7", "/v1/leads/8"], Ok(())),
        (&["GET", "DELETE"], &["/v1/leads/7"], Err("INSUFFICIENT_PERMISSIONS")),
        (&["GET"], &["/v1/leads/7", "/v1/calls"], Err("ROUTE_NOT_MAPPED")),
        (&["GET"], &[], Err("ROUTE_NOT_MAPPED")),
        (&[], &["/v1/leads/7"], Err("ROUTE_NOT_MAPPED")),
    ] {
        assert_eq!(routed(methods, paths).decide(), expected, "{methods:?} {paths:?}");
    }
}

#[test]
fn what_a_route_needs_is_named() {
    let mut case = routed(&["DELETE"], &["/v1/leads/7"]);
    let facts = Facts { key: &case.key, secret: &case.key.secrets[0], organization: &case.organization };
    let missing = vec![Permission::of("leads", "delete")];
    assert_eq!(decide(&facts, &case.ask, NOW), Err(Denial::InsufficientPermissions { missing: missing.clone() }));
    case.key.permissions = missing.into();
    assert_eq!(case.decide(), Ok(()));
}

#[test]
fn without_any_routes_a_proxy_asks_for_a_good_key_and_the_gateway_lets_nothing_through() {
    let mut case = routed(&["GET"], &["/v1/calls"]);
    case.organization.policy.routes = Routes::default();
    assert_eq!(case.decide(), Ok(()));
    case.ask.target = Some(Target { is_free_without_routes: false, ..target(&["GET"], &["/v1/calls"]) });
    assert_eq!(case.decide(), Err("ROUTE_NOT_MAPPED"));
}
