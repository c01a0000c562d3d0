//! The rules on small texts: each of them can fail.

use super::{
    MARKS, house, law,
    source::{modules, references, tokens},
};

fn paths(source: &str) -> Vec<String> {
    references(source).into_iter().map(|reference| reference.segments.join("::")).collect()
}

fn rules(path: &str, text: &str) -> Vec<(usize, String)> {
    law::violations(path, text)
}

fn breaks(path: &str, text: &str) -> bool {
    !rules(path, text).is_empty()
}

#[test]
fn use_trees_unfold() {
    assert_eq!(paths("use crate::{a::{b, c as d}, e, f::*};"), ["crate::a::b", "crate::a::c", "crate::e", "crate::f::*"]);
    assert_eq!(paths("use {crate::a, super::b};"), ["crate::a", "super::b"]);
    assert_eq!(paths("crate::a::f::<T>(x.y).z()"), ["crate::a::f", "T", "x"]);
    assert_eq!(paths("use ::worker::Env;"), ["worker::Env"]);
}

#[test]
fn comments_strings_and_lifetimes_name_nothing() {
    let source = r###"
        // crate::http
        /* crate::http /* nested */ crate::http */
        /// [`crate::http`]
        fn f<'a>(x: &'a str) -> &'static str { "crate::http \" crate::http"; r#"crate::http " "#; b"crate::http"; '"'; '\''; b'"'; crate::base::x }
    "###;
    let named: Vec<String> = paths(source).into_iter().filter(|path| path.starts_with("crate")).collect();
    assert_eq!(named, ["crate::base::x"]);
}

#[test]
fn lines_are_counted_through_strings_and_comments() {
    let lines: Vec<usize> = tokens("a\n/* \n */ b \"\n\" c").into_iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 3, 4]);
}

#[test]
fn a_room_imports_from_the_rooms_before_it_only() {
    assert!(!breaks("src/key/record.rs", "use crate::{base::id, policy::scope};"));
    assert_eq!(
        rules("src/key/record.rs", "use crate::{\n    base::id,\n    service::keys,\n};"),
        [(3, "`key` must not import `service`".to_owned())]
    );
    assert!(breaks("src/base/time.rs", "fn f() -> crate::token::Digest { x }"));
    assert!(breaks("src/service/mod.rs", "use crate::storage::d1;"));
    assert!(breaks("src/service/mod.rs", "use crate::config::Config;"));
}

#[test]
fn neighbors_never_import_each_other() {
    for (room, other) in
        [("storage", "object"), ("object", "http"), ("http", "storage"), ("object", "config"), ("http", "app"), ("storage", "entry")]
    {
        assert!(breaks(&format!("src/{room}/x.rs"), &format!("use crate::{other}::y;")), "{room} {other}");
    }
    assert!(!breaks("src/http/x.rs", "use crate::{config::Config, service::keys};"));
}

#[test]
fn only_app_and_entry_see_all() {
    for room in ["app", "entry"] {
        assert!(!breaks(&format!("src/{room}.rs"), "use crate::{app, config::Config, http::router, object::guard, storage::kv};"));
    }
    assert!(!breaks("src/config.rs", "use crate::{authn::operator, base::id};"));
    assert!(breaks("src/config.rs", "use crate::policy::rules;"));
}

#[test]
fn testing_is_for_tests_only() {
    assert!(breaks("src/key/record.rs", "use crate::testing::fixtures;"));
    assert!(!breaks("src/key/record.rs", "#[cfg(test)]\nmod tests {\n    use crate::testing::fixtures;\n}"));
    assert!(breaks("src/key/record.rs", "#[cfg(test)]\nmod tests {\n    f([1]);\n}\nuse crate::testing::fixtures;"));
    assert!(breaks("src/key/record.rs", "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nuse crate::testing::fixtures;"));
    assert!(!breaks("src/key/record_tests.rs", "use crate::testing::fixtures;"));
    assert!(breaks("src/lib.rs", "pub mod base;\nmod testing;"));
    assert!(!breaks("src/lib.rs", "pub mod base;\n#[cfg(test)]\nmod testing;"));
}

#[test]
fn tests_obey_the_law_too() {
    assert!(breaks("src/key/record.rs", "#[cfg(test)]\nmod tests {\n    use crate::service::keys;\n}"));
    assert!(breaks("src/testing/world.rs", "use crate::storage::kv;"));
}

#[test]
fn super_stays_inside_its_room() {
    assert!(!breaks("src/http/admin/keys.rs", "use super::super::reply;"));
    assert!(!breaks("src/service/keys.rs", "use super::failure; mod tests { use super::super::failure; }"));
    assert!(!breaks("src/service/keys_tests.rs", "use super::super::failure;"));
    assert!(breaks("src/service/keys.rs", "use super::super::http;"));
    assert!(breaks("src/service/keys.rs", "use super::{super::http};"));
    assert!(breaks("src/service/mod.rs", "use super::http;"));
    assert!(breaks("src/app.rs", "use super::http;"));
}

#[test]
fn roots_and_unknown_rooms_cannot_be_imported() {
    for tree in ["use crate::*;", "use crate::{self as root};", "use crate as root;", "use crate::cache::x;"] {
        assert!(breaks("src/http/x.rs", tree), "{tree}");
    }
    assert!(breaks("src/cache/mod.rs", ""));
    assert!(breaks("src/lib.rs", "mod cache;"));
}

#[test]
fn platform_crates_stay_at_the_edge_of_the_crate() {
    for text in [
        "use worker::Env;",
        "use {worker::Env};",
        "fn f(e: &::worker::Env) {}",
        "#[worker::event]",
        "use worker as w;",
        "extern crate worker;",
        "use js_sys::{Date, Math};",
        "type X = web_sys::Request;",
    ] {
        assert!(breaks("src/service/keys.rs", text), "{text}");
        assert!(!breaks("src/http/x.rs", text), "{text}");
    }
    assert!(breaks("src/app.rs", "use wasm_bindgen::JsValue;"));
    assert!(!breaks("src/service/keys.rs", "let worker = x.worker; crate::service::worker::f()"));
}

#[test]
fn vague_names_are_refused() {
    for path in ["src/util.rs", "src/http/helpers/mod.rs", "xtask/src/string_utils.rs", "tests/common/mod.rs"] {
        assert!(house::vague_name(path).is_some(), "{path}");
    }
    assert_eq!(house::vague_name("src/http/utility_bill.rs"), None);
    assert_eq!(modules("pub mod misc { }").first().map(|module| module.text.as_str()), Some("misc"));
    assert_eq!(house::vague_modules("x.rs", "\npub mod misc { }").len(), 1);
}

#[test]
fn unfinished_work_is_found_with_its_line() {
    for mark in MARKS {
        assert_eq!(house::unfinished(&format!("a\n// {mark} b")).first().map(|(line, _)| *line), Some(2), "{mark}");
        assert_eq!(house::unfinished(&format!("x{mark}")).len(), 0, "{mark}");
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let numbered = |names: &[&str]| house::migration_fault(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(numbered(&["0001_ledger.sql", "0002_usage.sql"]), None);
    for names in [
        &["0002_usage.sql"][..],
        &["0001_a.sql", "0003_b.sql"],
        &["0001_a.sql", "0001_b.sql"],
        &["1_a.sql"],
        &["0001_a.txt"],
        &["0001.sql"],
        &[],
    ] {
        assert!(numbered(names).is_some(), "{names:?}");
    }
}
