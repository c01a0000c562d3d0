use serde_json::json;

use super::*;
use crate::testing::fixtures;

fn holder(org: &OrgId, permissions: &[&str]) -> KeyHolder {
    let granted: Vec<Permission> = permissions.iter().map(|text| Permission::parse(text).unwrap()).collect();
    KeyHolder { key: KeyRecord { org_id: org.clone(), permissions: granted.clone().into(), ..fixtures::key() }, granted }
}

fn service(permissions: &[&str]) -> Principal {
    Principal::of_key(holder(&OrgId::reserved(), permissions))
}

fn own_key(permissions: &[&str]) -> Principal {
    Principal::of_key(holder(&fixtures::org_id(), permissions))
}

fn member(role: &str) -> Principal {
    let grants = Grant::of_role(&fixtures::policy(json!({})).roles, role);
    Principal::Member(Member { org: fixtures::org_id(), user_id: "user_42".into(), name: "Ada".into(), role: role.into(), grants })
}

const OTHER: &str = "org_01q9gd6e000w3ge1r70w3ge1r8";
const SYSTEM: &str = "org_system";

/// What a principal may do with its own organization, with another, with the reserved one, and without any.
fn granted(principal: &Principal) -> Vec<(Grant, [Access; 4])> {
    let places = [Some(fixtures::ORG), Some(OTHER), Some(SYSTEM), None];
    Grant::ALL.into_iter().map(|grant| (grant, places.map(|place| principal.access(Some(grant), place)))).collect()
}

#[test]
fn the_operator_may_do_everything_everywhere() {
    assert!(granted(&Principal::Operator).iter().all(|(_, places)| places.iter().all(|access| *access == Access::Granted)));
    assert_eq!(Principal::Operator.access(None, Some(SYSTEM)), Access::Granted);
}

#[test]
fn a_service_key_may_do_what_it_is_permitted_in_every_organization_but_its_own() {
    for grant in Grant::ALL {
        let permission = grant.of_service();
        for (other, places) in granted(&service(&[permission.as_str()])) {
            let allowed = if other.of_service() == permission { Access::Granted } else { Access::Forbidden };
            assert_eq!(places, [allowed, allowed, Access::Forbidden, allowed], "{permission} {other:?}");
        }
    }
    let mightiest: Vec<_> = Grant::ALL.into_iter().map(Grant::of_service).collect();
    let mightiest = service(&mightiest.iter().map(Permission::as_str).collect::<Vec<_>>());
    assert_eq!(mightiest.access(None, None), Access::Forbidden, "what is the operator's alone");
    assert_eq!(mightiest.access(Some(Grant::KeysWrite), Some(SYSTEM)), Access::Forbidden);
}

#[test]
fn a_member_may_do_what_the_role_gives_in_one_organization() {
    for (role, expected) in [
        ("owner", vec![Grant::KeysRead, Grant::KeysWrite, Grant::PlaygroundUse, Grant::AuditRead, Grant::UsageRead]),
        ("admin", vec![Grant::KeysRead, Grant::KeysWrite, Grant::PlaygroundUse, Grant::AuditRead, Grant::UsageRead]),
        ("developer", vec![Grant::KeysRead, Grant::KeysWrite, Grant::PlaygroundUse, Grant::UsageRead]),
        ("member", vec![Grant::KeysRead]),
        ("nobody", vec![]),
    ] {
        for (grant, places) in granted(&member(role)) {
            let allowed = if expected.contains(&grant) { Access::Granted } else { Access::Forbidden };
            assert_eq!(places[..3], [allowed, Access::Unknown, Access::Unknown], "{role} {grant:?}");
        }
        assert_eq!(member(role).access(None, Some(fixtures::ORG)), Access::Forbidden);
    }
    assert_eq!(member("owner").access(Some(Grant::OrgsRead), None), Access::Forbidden, "not even * is about all organizations");
}

#[test]
fn an_organizations_own_key_manages_keys_by_its_api_keys_permissions_alone() {
    for (permissions, expected) in [
        (vec!["api_keys:read"], vec![Grant::KeysRead]),
        (vec!["api_keys:write"], vec![Grant::KeysWrite, Grant::PlaygroundUse]),
        (vec!["keys:write", "orgs:write", "verify", "leads:read"], vec![]),
    ] {
        for (grant, places) in granted(&own_key(&permissions)) {
            let allowed = if expected.contains(&grant) { Access::Granted } else { Access::Forbidden };
            assert_eq!(places[..3], [allowed, Access::Unknown, Access::Unknown], "{permissions:?} {grant:?}");
        }
    }
}

#[test]
fn everybody_is_recorded_by_their_own_kind() {
    let recorded = |principal: Principal| serde_json::to_value(principal.actor()).unwrap();
    assert_eq!(recorded(Principal::Operator), json!({"type": "operator", "id": "operator", "name": "Operator"}));
    assert_eq!(recorded(service(&[])), json!({"type": "service", "id": fixtures::KEY, "name": "Zapier production"}));
    assert_eq!(recorded(own_key(&[])), json!({"type": "key", "id": fixtures::KEY, "name": "Zapier production"}));
    assert_eq!(recorded(member("owner")), json!({"type": "member", "id": "user_42", "name": "Ada"}));
}

#[test]
fn the_catalog_of_service_keys_offers_every_grant() {
    let policy = fixtures::system_organization().policy;
    for grant in Grant::ALL {
        assert!(policy.resources.contains(&grant.of_service()), "{grant:?}");
    }
    assert_eq!(policy.default_rate_limit, None, "a backend is not limited by default");
    assert!(Grant::of_role(&policy.roles, "owner").is_empty(), "it has no members");
}
