use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn catalog() -> Catalog {
    serde_json::from_value(json!(["a", "b", "c"].map(|name| json!({"name": name, "title": name, "description": "", "actions": ["read"]}))))
        .unwrap()
}

fn read(paths: &[(&str, &str)]) -> Result<Routes, Vec<(String, String)>> {
    let list: Value = paths.iter().map(|(path, resource)| json!({"path": path, "resource": resource})).collect();
    let mut faults = Faults::default();
    let routes = Routes::read(&Field::new(&list, "/routes"), &catalog(), &mut faults);
    faults.conclude(routes).map_err(|faults| faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect())
}

#[test]
fn the_most_exact_route_wins_whatever_the_order() {
    let mut routes = [("/v1/*", "a"), ("/v1/leads/*", "b"), ("/v1/leads/export", "c"), ("/v1/*/notes", "a"), ("/v1/leads/notes", "c")];
    for _ in 0..routes.len() {
        routes.rotate_left(1);
        let read = read(&routes).unwrap();
        for (path, resource) in [
            ("/v1", Some("a")),
            ("/v1/", Some("a")),
            ("/v1/calls/7", Some("a")),
            ("/v1/leads", Some("b")),
            ("/v1/leads/", Some("b")),
            ("/v1/leads/7?x=/v1/calls", Some("b")),
            ("/v1/leads/7/8/9", Some("b")),
            ("/v1/leads/export", Some("c")),
            ("/v1/leads/export/", Some("b")),
            ("/v1/leads/notes", Some("c")),
            ("/v1/leads/7/notes", Some("b")),
            ("/v1/%6ceads/7", Some("b")),
            ("/v1/calls/notes", Some("a")),
            ("/v2/leads", None),
            ("/V1/leads", None),
            ("/", None),
        ] {
            assert_eq!(read.resource_of(path), resource, "{path}");
        }
    }
}

#[test]
fn without_an_end_that_is_open_only_the_path_itself_matches() {
    let routes = read(&[("/", "a"), ("/v1/*/notes", "b")]).unwrap();
    for (path, resource) in
        [("/", Some("a")), ("/x", None), ("/v1/7/notes", Some("b")), ("/v1/7/notes/", None), ("/v1/notes", None), ("/v1/7/8/notes", None)]
    {
        assert_eq!(routes.resource_of(path), resource, "{path}");
    }
    assert_eq!(read(&[("/*", "a")]).unwrap().resource_of("/"), Some("a"));
    assert_eq!(read(&[]).unwrap().resource_of("/"), None);
}

#[test]
fn what_readers_could_disagree_about_matches_nothing() {
    let routes = read(&[("/*", "a")]).unwrap();
    for path in [
        "",
        "v1",
        "*",
        "http://x/v1",
        "/v1//leads",
        "//v1",
        "/v1/../admin",
        "/v1/.",
        "/v1/./leads",
        "/v1/..;/admin",
        "/v1/.;x=1/leads",
        "/v1/%2e%2e/admin",
        "/v1/%2E./admin",
        "/v1/leads%2fadmin",
        "/v1/leads%2Fadmin",
        "/v1/leads%5cadmin",
        "/v1\\leads",
        "/v1/%252e%252e/x",
        "/v1/x%252fy",
        "/v1/leads%00",
        "/v1/leads%0a",
        "/v1/leads\u{7f}",
        "/v1/%zz",
        "/v1/%",
        "/v1/%2",
        "/v1/\u{e9}",
        "/v1/leads#x",
        "/v1/a, /v1/b",
        "/v1/a b",
    ] {
        assert_eq!(routes.resource_of(path), None, "{path}");
    }
    assert_eq!(routes.resource_of(&format!("/{}", "x".repeat(MAX_PATH_BYTES))), None);
    for path in ["/v1/100%25", "/v1/a.b", "/v1/...", "/v1/x;y=1", "/v1/%C3%A9", "/v1/a%20b", "/v1/~a:b@c", "/v1/x?y=/../z#q"] {
        assert_eq!(routes.resource_of(path), Some("a"), "{path}");
    }
}

#[test]
fn routes_that_contradict_each_other_are_refused() {
    let refusal = |paths: &[(&str, &str)]| read(paths).unwrap_err();
    assert_eq!(
        refusal(&[("/a", "a"), ("/b", "b"), ("/a", "b")]),
        [("/routes/2/path".to_owned(), "is the path of an earlier route".to_owned())]
    );
    for (one, other, both) in
        [("/a/*/c", "/*/b/c", "/a/b/c"), ("/a/*/c", "/a/b/*", "/a/b/c"), ("/*/b", "/a/*", "/a/b"), ("/*/x/*", "/a/*", "/a/x/*")]
    {
        for (first, second) in [(one, other), (other, one)] {
            let faults = refusal(&[(first, "a"), (second, "b")]);
            let said = format!("and {first} both match {both}: add a route for that path");
            assert_eq!(faults, [("/routes/1/path".to_owned(), said)]);
            assert_eq!(read(&[(first, "a"), (second, "b"), (both, "c")]).unwrap().resource_of(both), Some("c"));
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for path in ["", "a", "*", "/a*", "/a/**", "/a//b", "/a/../b", "/a?b", "/a#b", "/%61", "/a;b", "/a\\b", "/é", "/a/ \n"] {
        assert_eq!(read(&[(path, "a")]).unwrap_err()[0].0, "/routes/0/path", "{path}");
    }
    assert_eq!(read(&[("/a", "z")]).unwrap_err()[0].0, "/routes/0/resource");
}

#[test]
fn they_are_stored_as_they_were_given() {
    let routes = read(&[("/v1/leads/*", "b"), ("/v2/*/notes", "a")]).unwrap();
    let stored = serde_json::to_string(&routes).unwrap();
    assert_eq!(stored, r#"[{"path":"/v1/leads/*","resource":"b"},{"path":"/v2/*/notes","resource":"a"}]"#);
    let back: Routes = serde_json::from_str(&stored).unwrap();
    assert_eq!((back.resource_of("/v1/leads/7"), back.resource_of("/v2/x/notes")), (Some("b"), Some("a")));
}

/// What the patterns say, word for word and one by one.
fn matches(pattern: &str, path: &str) -> bool {
    let (fixed, has_rest) = pattern.strip_suffix("/*").map_or((pattern, false), |fixed| (fixed, true));
    let (fixed, path): (Vec<&str>, Vec<&str>) = (fixed.split('/').collect(), path.split('/').collect());
    (if has_rest { path.len() >= fixed.len() } else { path.len() == fixed.len() })
        && fixed.iter().zip(&path).all(|(wanted, is)| *wanted == "*" || wanted == is)
}

proptest! {
    #[test]
    fn a_path_gets_the_one_route_that_all_other_matches_contain(
        patterns in prop::collection::vec("(/[xy*]){1,4}", 1..8),
        paths in prop::collection::vec("(/[xyz]){1,5}", 20),
    ) {
        let named: Vec<(&str, &str)> = patterns.iter().map(|pattern| (pattern.as_str(), "a")).collect();
        let Ok(routes) = read(&named) else { return Ok(()) };
        for path in paths {
            let matching: Vec<&String> = patterns.iter().filter(|pattern| matches(pattern, &path)).collect();
            let found = routes.root.find(&segments(&path).unwrap()).map(|index| &patterns[index]);
            prop_assert_eq!(found.is_some(), !matching.is_empty(), "{}", path);
            let Some(found) = found else { continue };
            let found = Pattern::parse(found).unwrap();
            for other in matching {
                let other = Pattern::parse(other).unwrap();
                prop_assert!(found.meet(&other).is_some_and(|both| both == found), "{} for {}", other, path);
            }
        }
    }
}

proptest! {
    /// The gateway writes the address anew (WHATWG URL): what is read here must be what is read behind it.
    #[test]
    fn no_path_that_is_read_is_another_after_it_was_written_anew(path in r#"(/([a-z.;:@!$&'()*+,=~_|\^\[\]{}"<>`?#\\-]|%[0-9a-fA-F]{2}|%2[eEfF]|%5[cC]|\.){0,5}){1,5}"#) {
        let path = path.split(['?', '#']).next().unwrap();
        let Some(read) = segments(path) else { return Ok(()) };
        let anew = url::Url::parse(&format!("https://origin.example{path}")).unwrap();
        prop_assert_eq!(Some(read), segments(anew.path()), "{} became {}", path, anew.path());
    }
}
