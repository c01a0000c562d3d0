use std::{collections::BTreeSet, fs};

use latchkey::http::{
    openapi,
    problem_catalog::ALL,
    route_table::{Methods, Operation, ROUTES},
};
use serde_json::Value;

use crate::node::{file, run};

#[test]
fn the_file_that_is_served_is_the_one_that_the_code_makes() {
    let served = fs::read_to_string(file("assets/openapi.json")).unwrap();
    assert!(served == openapi::text().unwrap(), "make it anew: cargo run --example openapi > assets/openapi.json");
}

#[test]
fn every_route_is_described_or_named_as_a_page_for_people() {
    let document = openapi::document().unwrap();
    let left_out = document["x-pages-for-people"].as_array().unwrap();
    for route in ROUTES {
        let method = match route.methods {
            Methods::One(method) => method,
            Methods::Any => "ANY",
        };
        let for_people = matches!(
            route.operation,
            Operation::Console(_)
                | Operation::OpenPortalLink
                | Operation::SignOut
                | Operation::Docs
                | Operation::OrgDocs
                | Operation::OrgDocsGrant
        );
        let named = left_out.contains(&Value::from(format!("{method} {}", route.path)));
        assert_eq!(named, for_people, "{method} {}", route.path);
        if !for_people {
            let method = if method == "ANY" { "get".to_owned() } else { method.to_lowercase() };
            assert_eq!(document["paths"][route.path][&method]["operationId"], route.operation.id(), "{method} {}", route.path);
        }
    }
}

/// The problems that examples of the document name, by where they stand.
fn problems_told(document: &Value) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values().filter(|operation| operation.is_object()) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let examples = response["content"]["application/problem+json"]["examples"].as_object();
                for slug in examples.into_iter().flat_map(|examples| examples.keys()) {
                    let kind = ALL.iter().find(|kind| kind.slug == slug).unwrap_or_else(|| panic!("{path}: {slug}"));
                    assert_eq!(&kind.status.to_string(), status, "{path}: {slug}");
                    told.insert(slug.clone());
                }
            }
        }
    }
    told
}

#[test]
fn every_problem_is_told_by_some_operation_and_every_code_is_listed() {
    let document = openapi::document().unwrap();
    let told = problems_told(&document);
    let codes = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    // A method that no route has, and what the gateway alone answers: the document's text names them.
    let elsewhere = ["METHOD_NOT_ALLOWED", "NOT_IMPLEMENTED", "BAD_GATEWAY", "GATEWAY_TIMEOUT"];
    for kind in ALL {
        assert_eq!(!told.contains(kind.slug), elsewhere.contains(&kind.slug), "{}", kind.slug);
        assert!(codes.contains(&Value::from(kind.code())), "{}", kind.code());
        if elsewhere.contains(&kind.slug) {
            assert!(document["info"]["description"].as_str().unwrap().contains(kind.slug), "{}", kind.slug);
        }
    }
}

#[test]
fn redocly_finds_nothing() {
    run("node_modules/@redocly/cli/bin/cli.js", &["lint", "assets/openapi.json", "--config", "tests/openapi/redocly.yaml"], None);
}

#[test]
fn spectral_finds_nothing() {
    let arguments = ["lint", "assets/openapi.json", "--ruleset", "tests/openapi/spectral.yaml", "--fail-severity", "hint"];
    run("node_modules/@stoplight/spectral-cli/dist/index.js", &arguments, None);
}
