use crate::{
    client::Response,
    given,
    given::Org,
    runtime::{Fleet, Options, shared},
};
use serde_json::{Value, json};

fn list(org: &Org<'_>, query: &str) -> Response {
    let answer = org.edge.operator("GET", &org.path(&format!("/keys{query}")), None);
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer
}

fn names(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|key| given::text(&key["name"])).collect()
}

fn named(edge: &crate::client::Edge, names: &[&str]) -> (Org<'static>, Vec<given::Key>) {
    let org = given::org(edge, json!({}));
    let org = Org { edge: shared().edge(), id: org.id };
    let keys = names.iter().map(|name| org.key(json!({"name": name}))).collect();
    (org, keys)
}

#[test]
fn lists_are_newest_first_and_sort_on_request() {
    let (org, _) = named(shared().edge(), &["bravo", "Alpha", "charlie"]);
    assert_eq!(names(&list(&org, "").value()), ["charlie", "Alpha", "bravo"]);
    assert_eq!(names(&list(&org, "?sort=created_at").value()), ["bravo", "Alpha", "charlie"]);
    assert_eq!(names(&list(&org, "?sort=name").value()), ["Alpha", "bravo", "charlie"]);
    assert_eq!(names(&list(&org, "?sort=-name").value()), ["charlie", "bravo", "Alpha"]);
    assert_eq!(list(&org, "?sort=-last_used_at").value()["items"].as_array().unwrap().len(), 3);
}

#[test]
fn pages_neither_skip_nor_repeat_while_keys_are_being_added() {
    for sort in ["created_at", "-created_at", "name", "-name", "last_used_at", "-last_used_at"] {
        let (org, made) = named(shared().edge(), &["e", "same", "b", "same", "d", "same", "a"]);
        let mut seen = Vec::new();
        let mut next = Some(org.path(&format!("/keys?sort={sort}&limit=2")));
        while let Some(path) = next {
            let page = org.edge.operator("GET", &path, None);
            let body = page.value();
            assert!(body["items"].as_array().unwrap().len() <= 2);
            seen.extend(body["items"].as_array().unwrap().iter().map(|key| given::text(&key["id"])));
            org.key(json!({"name": "later"}));
            // The link and the cursor say the same.
            next = body["next_cursor"].as_str().map(|cursor| {
                let link = page.header("link").expect("a link");
                let address = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect("a next link");
                assert!(address.contains(&format!("cursor={cursor}")));
                address.strip_prefix(org.edge.base_url.as_str()).expect("an address of this edge").to_owned()
            });
            assert!(seen.len() < 40, "the list does not end");
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), seen.len(), "{sort} repeats");
        assert!(made.iter().all(|key| seen.contains(&key.id)), "{sort} skips");
    }
}

#[test]
fn filters_narrow_the_list() {
    let (org, keys) = named(shared().edge(), &["Zapier", "zapier two", "100% sure", "other"]);
    org.revoke(&keys[0]);
    assert_eq!(names(&list(&org, "?status=revoked").value()), ["Zapier"]);
    assert_eq!(list(&org, "?status=active").value()["items"].as_array().unwrap().len(), 3);
    assert_eq!(list(&org, "?status=active,revoked").value()["items"].as_array().unwrap().len(), 4);
    assert_eq!(list(&org, "?status=active&status=revoked").value()["items"].as_array().unwrap().len(), 4);
    assert_eq!(names(&list(&org, "?status=expired").value()), [""; 0]);
    assert_eq!(names(&list(&org, "?q=ZAPIER&sort=name").value()), ["Zapier", "zapier two"]);
    assert_eq!(names(&list(&org, "?q=100%25").value()), ["100% sure"], "a percent sign is not a wildcard");
    assert_eq!(names(&list(&org, &format!("?q={}", given::text(&keys[3].record["prefix"]))).value()), ["other"]);
    assert_eq!(names(&list(&org, "?kind=playground").value()), [""; 0]);
}

#[test]
fn bad_parameters_are_named() {
    let org = given::org(shared().edge(), json!({}));
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=x", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("status=gone", "/status"),
        ("kind=x", "/kind"),
        ("sort=prefix", "/sort"),
        ("limt=5", "/limt"),
    ] {
        let refused = org.edge.operator("GET", &org.path(&format!("/keys?{query}")), None);
        assert_eq!((refused.status, &refused.value()["errors"][0]["pointer"]), (422, &json!(pointer)), "{query}");
    }
}

#[test]
fn a_cursor_is_good_in_its_own_list_only() {
    let (org, _) = named(shared().edge(), &["a", "b"]);
    let cursor = given::text(&list(&org, "?limit=1").value()["next_cursor"]);
    let other = given::org(shared().edge(), json!({}));
    let tampered = format!("{}{}", if cursor.starts_with('A') { 'B' } else { 'A' }, &cursor[1..]);
    for path in [
        org.path(&format!("/keys?cursor={tampered}")),
        org.path("/keys?cursor=x"),
        org.path(&format!("/keys?sort=name&cursor={cursor}")),
        other.path(&format!("/keys?cursor={cursor}")),
        org.path(&format!("/audit?cursor={cursor}")),
    ] {
        let refused = org.edge.operator("GET", &path, None);
        assert_eq!((refused.status, given::text(&refused.value()["code"])), (400, "MALFORMED_REQUEST".into()), "{path}");
    }
}

#[test]
fn the_audit_log_pages_and_filters() {
    let (org, keys) = named(shared().edge(), &["a", "b", "c"]);
    org.revoke(&keys[1]);
    let page = |query: &str| {
        let answer = org.edge.operator("GET", &org.path(&format!("/audit{query}")), None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.value()
    };
    let actions = |page: &Value| page["items"].as_array().unwrap().iter().map(|entry| given::text(&entry["action"])).collect::<Vec<_>>();
    assert_eq!(actions(&page(&format!("?key={}", keys[1].id))), ["key.revoked", "key.created"]);
    assert_eq!(actions(&page("?action=org.created")), ["org.created"]);
    assert_eq!(actions(&page("?actor=somebody")), [""; 0]);
    assert_eq!(actions(&page("?to=2020-01-01T00:00:00Z")), [""; 0]);
    assert_eq!(actions(&page("?from=2020-01-01T00:00:00Z")).len(), 5);
    let first = page("?limit=3");
    let second = page(&format!("?limit=3&cursor={}", given::text(&first["next_cursor"])));
    assert_eq!((actions(&first).len(), actions(&second).len(), &second["next_cursor"]), (3, 2, &Value::Null));
    let bad = org.edge.operator("GET", &org.path("/audit?from=yesterday&action=x"), None);
    assert_eq!((bad.status, bad.value()["errors"].as_array().unwrap().len()), (422, 2));
}

#[test]
fn a_page_reads_as_many_rows_of_few_keys_as_of_many() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let import = |org: &Org<'_>, from: usize| {
        let item = |n: usize| {
            let hash = format!("sha256:{}", latchkey::token::digest::Digest::of(&format!("{} {n}", org.id)).hex());
            json!({"name": format!("Key {}", n % 7), "hash": hash, "prefix": format!("k{n}"), "permissions": ["leads:read"]})
        };
        let body = json!({"keys": (from..from + 100).map(item).collect::<Vec<_>>()});
        assert_eq!(edge.operator("POST", &org.path("/keys/import"), Some(&body)).status, 200);
    };
    let (few, many) = (given::org(edge, json!({})), given::org(edge, json!({})));
    import(&few, 0);
    (0..8).for_each(|hundred| import(&many, hundred * 100));
    for org in [&few, &many] {
        let page = edge.operator("GET", &org.path("/keys?limit=30"), None).value();
        for key in page["items"].as_array().unwrap() {
            edge.operator("POST", &org.path(&format!("/keys/{}/revoke", given::text(&key["id"]))), None);
        }
    }
    for filter in ["", "&status=active", "&status=revoked", "&status=revoked,expired", "&kind=standard"] {
        for sort in ["created_at", "-created_at", "name", "-name", "last_used_at", "-last_used_at"] {
            let rows = |org: &Org<'_>| {
                let first = edge.operator("GET", &org.path(&format!("/keys?sort={sort}{filter}")), None).value();
                let cursor = given::text(&first["next_cursor"]);
                edge.faults(&json!({}));
                assert_eq!(edge.operator("GET", &org.path(&format!("/keys?sort={sort}{filter}&cursor={cursor}")), None).status, 200);
                edge.calls("db.rows_read")
            };
            let (of_few, of_many) = (rows(&few), rows(&many));
            assert!(of_many <= of_few * 2, "{sort}{filter}: {of_few} rows of 100 keys, {of_many} of 800");
        }
    }
}
