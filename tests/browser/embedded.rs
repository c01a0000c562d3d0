//! Test tokens in the docs of another site.

use serde_json::{Value, json};

use crate::{
    chromium::play,
    docs::{link, with_playground},
    edge,
    given::{Org, text},
    provider,
    runtime::OPERATOR_TOKEN,
};

fn given(org: &Org<'_>) -> Value {
    json!({"base": org.edge.base_url, "org": org.id, "link": link(org), "operator": OPERATOR_TOKEN})
}

fn keys(org: &Org<'_>) -> Vec<(String, String)> {
    let list = org.edge.operator("GET", &org.path("/keys"), None).value();
    list["items"].as_array().unwrap().iter().map(|key| (text(&key["status"]), text(&key["created_by"]["id"]))).collect()
}

#[test]
fn another_sites_docs_get_a_token_when_the_member_says_so() {
    let org = with_playground(edge());
    play("embedded.mjs", "window", &given(&org));
    assert_eq!(keys(&org), [("revoked".to_owned(), "user_42".to_owned())]);
}

#[test]
fn another_sites_docs_get_a_token_by_the_members_own_token() {
    let (provider, fleet) = provider::shared();
    let org = with_playground(fleet.edge());
    let mut given = given(&org);
    given["token"] = json!(provider.token(&provider::member(&org.id, "developer")));
    play("embedded.mjs", "token", &given);
    assert_eq!(keys(&org), [("revoked".to_owned(), "user_ann".to_owned())]);
}

#[test]
fn a_site_that_is_not_listed_gets_nothing_whatever_the_member_does() {
    let org = with_playground(edge());
    let mut given = given(&org);
    given["token"] = json!(OPERATOR_TOKEN);
    play("embedded.mjs", "unlisted", &given);
    assert_eq!(keys(&org), []);
}
