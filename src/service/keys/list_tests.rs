//! Pages of keys: in every order, none is skipped and none is shown twice, while others are being added.

use std::collections::BTreeSet;

use pollster::block_on;
use serde_json::json;

use super::*;
use crate::{
    key::{
        query::{KeyQuery, Sort},
        record::Kind,
        state::Status,
    },
    service::page::Page,
    testing::{
        fixtures::{self, NOW, author},
        wire::{Call, Times},
        world::World,
    },
};

fn query(sort: &str) -> KeyQuery {
    KeyQuery { statuses: Vec::new(), kind: None, search: None, sort: Sort::parse(sort).unwrap(), after: None, limit: 3, now: NOW }
}

fn page(world: &World, query: KeyQuery, cursor: Option<&str>) -> Result<Page<KeyRecord>, Failure> {
    let Page { items, next_cursor } = block_on(list(&world.ports(), &fixtures::org_id().text(), query, cursor))?;
    Ok(Page { items: items.into_iter().map(|used| used.key).collect(), next_cursor })
}

/// A key with that name; its creation and last use are a function of `number`, with ties.
fn add(world: &World, name: &str, number: i64) -> KeyId {
    let made = block_on(create(&world.ports(), fixtures::org_id().text().as_str(), &json!({"name": name}), author())).unwrap().key;
    let last_used_at = (number % 3 > 0).then(|| NOW.plus_ms(number % 3));
    world.ledger.set_key(KeyRecord { created_at: NOW.plus_ms(number / 2), last_used_at, ..made.clone() });
    made.id
}

fn world() -> (World, BTreeSet<String>) {
    let world = World::of(fixtures::organization(json!({})));
    let names = ["b", "a", "B", "A", "a", "é", "Z", "z", "aa", "_", "0"];
    let ids = (0..).zip(names).map(|(number, name)| add(&world, name, number).to_string()).collect();
    (world, ids)
}

const ORDERS: [&str; 6] = ["created_at", "-created_at", "name", "-name", "last_used_at", "-last_used_at"];

/// Walks all pages; `meanwhile` runs after each.
fn walk(world: &World, sort: &str, mut meanwhile: impl FnMut(usize)) -> Vec<KeyRecord> {
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    for number in 0..100 {
        let page = page(world, query(sort), cursor.as_deref()).unwrap();
        seen.extend(page.items);
        meanwhile(number);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return seen;
        }
    }
    panic!("the list has no end");
}

fn ids(keys: &[KeyRecord]) -> Vec<String> {
    keys.iter().map(|key| key.id.to_string()).collect()
}

#[test]
fn pages_show_every_key_once_in_each_order() {
    let (world, all) = world();
    for sort in ORDERS {
        let seen = ids(&walk(&world, sort, |_| ()));
        assert_eq!(seen.len(), all.len(), "{sort}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all, "{sort}");
    }
}

#[test]
fn pages_neither_skip_nor_repeat_while_keys_are_being_added() {
    for sort in ORDERS {
        let (world, before) = world();
        let seen = ids(&walk(&world, sort, |number| {
            // Before, between and after what was shown.
            for name in ["!", "az", "zz"].into_iter().take(usize::from(number < 4) * 3) {
                add(&world, name, 3 + i64::try_from(number).unwrap());
            }
        }));
        let shown: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(shown.len(), seen.len(), "{sort} repeats");
        assert!(before.is_subset(&shown), "{sort} skips");
    }
}

#[test]
fn descending_is_ascending_backwards_ties_included() {
    let (world, _) = world();
    for sort in ["created_at", "name", "last_used_at"] {
        let mut backwards = ids(&walk(&world, &format!("-{sort}"), |_| ()));
        backwards.reverse();
        assert_eq!(ids(&walk(&world, sort, |_| ())), backwards, "{sort}");
    }
}

#[test]
fn names_sort_without_regard_to_case_and_unused_keys_count_as_the_oldest() {
    let (world, _) = world();
    let names: Vec<String> = walk(&world, "name", |_| ()).into_iter().map(|key| key.name.to_lowercase()).collect();
    assert_eq!(names, ["0", "_", "a", "a", "a", "aa", "b", "b", "z", "z", "é"]);
    let used: Vec<bool> = walk(&world, "last_used_at", |_| ()).iter().map(|key| key.last_used_at.is_some()).collect();
    assert!(used.is_sorted());
}

#[test]
fn last_page_has_no_cursor_even_when_it_is_full() {
    let world = World::of(fixtures::organization(json!({})));
    for number in 0..6 {
        add(&world, "k", number);
    }
    let first = page(&world, query("name"), None).unwrap();
    assert_eq!(first.items.len(), 3);
    let second = page(&world, query("name"), first.next_cursor.as_deref()).unwrap();
    assert_eq!((second.items.len(), second.next_cursor), (3, None));
}

#[test]
fn cursor_of_another_list_is_refused() {
    let (world, _) = world();
    let cursor = page(&world, query("name"), None).unwrap().next_cursor.unwrap();
    let others = [
        query("-name"),
        query("created_at"),
        KeyQuery { statuses: vec![Status::Active], ..query("name") },
        KeyQuery { kind: Some(Kind::Standard), ..query("name") },
        KeyQuery { search: Some("a".into()), ..query("name") },
    ];
    for other in others {
        assert!(matches!(page(&world, other.clone(), Some(&cursor)), Err(Failure::ForeignCursor(_))), "{other:?}");
    }
    assert!(page(&world, KeyQuery { limit: 1, now: NOW.plus_ms(9), ..query("name") }, Some(&cursor)).is_ok(), "length and time are free");
    for text in ["", "x", cursor.get(1..).unwrap()] {
        assert!(matches!(page(&world, query("name"), Some(text)), Err(Failure::ForeignCursor(_))), "{text}");
    }
}

#[test]
fn cursor_of_another_organization_is_refused() {
    let (world, _) = world();
    world.ledger.set_org(Organization { id: OrgId::parse("org_system").unwrap(), ..fixtures::organization(json!({})) });
    let cursor = page(&world, query("name"), None).unwrap().next_cursor.unwrap();
    let other = block_on(list(&world.ports(), "org_system", query("name"), Some(&cursor)));
    assert!(matches!(other, Err(Failure::ForeignCursor(_))));
    assert_eq!(block_on(list(&world.ports(), "org_system", query("name"), None)).unwrap().items, []);
}

#[test]
fn truth_failing_is_an_outage_not_an_empty_page() {
    let (world, _) = world();
    world.wire.fail(Call::ListKeys, Times::ForEver);
    assert!(matches!(page(&world, query("name"), None), Err(Failure::Unavailable(_))));
}
