use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    authn::principal::Principal,
    base::actor::ActorType,
    key::record::KeyRecord,
    testing::{
        fixtures::{self, NOW},
        world::World,
    },
};

/// A deployment with the organization of service keys and one key of it.
fn backend(permissions: &[&str], changes: Value) -> World {
    let organization = fixtures::system_organization();
    let mut body = json!({"name": "Backend", "permissions": permissions});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let key = fixtures::key_of(&organization, body);
    World::with(organization, &key)
}

/// A deployment with a key that manages its organization's keys.
fn own_key(permissions: &[&str], changes: Value) -> World {
    let organization = fixtures::organization(json!({"resources": [
        {"name": "leads", "actions": ["read"]}, {"name": "api_keys", "actions": ["read", "write"]}
    ]}));
    let mut body = json!({"name": "Manager", "permissions": permissions});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let key = fixtures::key_of(&organization, body);
    World::with(organization, &key)
}

fn prove(world: &World, needs: Option<Grant>) -> Result<Authentication, Failure> {
    let token = Plaintext::new(fixtures::credential());
    block_on(by_key(&world.ports(), &world.memory, &token, Ask { ip: Some("203.0.113.9".parse().unwrap()), ..Ask::plain() }, needs))
}

fn principal(world: &World, needs: Option<Grant>) -> Principal {
    match prove(world, needs).unwrap() {
        Authentication::Authenticated(principal) => *principal,
        _ => panic!("not authenticated"),
    }
}

#[test]
fn a_key_of_the_reserved_organization_is_a_backend_and_any_other_is_its_organizations_own() {
    let backend = principal(&backend(&["verify"], json!({})), Some(Grant::Verify));
    assert_eq!((backend.actor().kind, backend.access(Some(Grant::Verify), None)), (ActorType::Service, Access::Granted));
    let own = principal(&own_key(&["api_keys:write"], json!({})), Some(Grant::KeysWrite));
    assert_eq!((own.actor().kind, own.access(Some(Grant::KeysWrite), Some(fixtures::ORG))), (ActorType::Key, Access::Granted));
}

#[test]
fn a_call_costs_a_token_if_the_key_permits_it_and_none_if_not() {
    let world = own_key(&["api_keys:read"], json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    for (needs, allowed) in [
        (Some(Grant::KeysWrite), Access::Forbidden),
        (None, Access::Forbidden),
        (Some(Grant::AuditRead), Access::Forbidden),
        (Some(Grant::KeysRead), Access::Granted),
    ] {
        assert_eq!(principal(&world, needs).access(needs, Some(fixtures::ORG)), allowed, "{needs:?}");
    }
    assert!(matches!(prove(&world, Some(Grant::KeysRead)).unwrap(), Authentication::Limited(_)), "the one token is spent");
}

#[test]
fn a_key_that_is_no_longer_good_proves_nobody() {
    for key in [fixtures::revoked(fixtures::key()), KeyRecord { expires_at: Some(NOW), ..fixtures::key() }] {
        let world = World::with(fixtures::organization(json!({})), &key);
        assert!(matches!(prove(&world, Some(Grant::KeysRead)).unwrap(), Authentication::Failed));
    }
    let elsewhere = backend(&["verify"], json!({"ip_allowlist": ["198.51.100.1"]}));
    assert!(matches!(prove(&elsewhere, Some(Grant::Verify)).unwrap(), Authentication::ElsewhereOnly));
    let organization = fixtures::organization(json!({"requires_feature": "api"}));
    let disabled = World::with(organization, &fixtures::key());
    assert!(matches!(prove(&disabled, Some(Grant::KeysRead)), Err(Failure::FeatureDisabled)));
}

#[test]
fn a_proxy_is_trusted_by_a_service_key_for_it_alone() {
    let trusted = |world: &World| {
        let token = Plaintext::new(fixtures::credential());
        block_on(is_trusted_proxy(&world.ports(), &world.memory, &token, Ask::plain())).unwrap()
    };
    assert!(trusted(&backend(&["forward_auth"], json!({}))));
    assert!(!trusted(&backend(&["verify", "keys:write"], json!({}))));
    assert!(!trusted(&own_key(&["api_keys:read"], json!({}))));
    // A customer whose catalog has a resource of that name is no proxy either.
    let organization = fixtures::organization(json!({"resources": [{"name": "forward_auth", "actions": ["forward_auth"]}]}));
    let key = fixtures::key_of(&organization, json!({"name": "a", "permissions": ["forward_auth:forward_auth"]}));
    assert!(!trusted(&World::with(organization, &key)));
}

#[test]
fn a_role_gives_what_the_policy_gives_it_now() {
    let world = World::of(fixtures::organization(json!({"roles": {"lead": ["keys:*"], "guest": []}})));
    let member = |role: &str, org: OrgId| {
        let ports = world.ports();
        let member = as_member(&ports, org, role.to_owned(), "user_42".to_owned(), "Ada".to_owned());
        match block_on(member).unwrap() {
            Authentication::Authenticated(principal) => Some(principal.access(Some(Grant::KeysWrite), Some(fixtures::ORG))),
            _ => None,
        }
    };
    assert_eq!(member("lead", fixtures::org_id()), Some(Access::Granted));
    assert_eq!(member("guest", fixtures::org_id()), Some(Access::Forbidden));
    assert_eq!(member("owner", fixtures::org_id()), Some(Access::Forbidden), "the policy names its own roles");
    assert_eq!(member("lead", OrgId::reserved()), None, "an organization that is not here has no members");
    world.ledger.set_org(fixtures::organization(json!({"roles": {"lead": ["keys:read"], "owner": ["*"]}})));
    assert_eq!(member("lead", fixtures::org_id()), Some(Access::Forbidden), "at once");
}
