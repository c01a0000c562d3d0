//! A form that is sent more than once.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    service::author::Author,
    testing::{
        fixtures::{self, NOW, author},
        wire::{Call, Times},
        world::World,
    },
};

const TOKEN: &str = "1900000000000.req_1";

fn world() -> World {
    World::of(fixtures::organization(json!({})))
}

fn send(world: &World, author: Author, body: &Value, token: &str) -> Result<MadeOnce, Failure> {
    block_on(create_once(&world.ports(), fixtures::ORG, body, author, token))
}

fn id(made: Result<MadeOnce, Failure>) -> (bool, KeyId) {
    match made.unwrap() {
        MadeOnce::Now(created) => (true, created.key.id),
        MadeOnce::Before(key) => (false, key.id),
    }
}

#[test]
fn the_same_form_makes_one_key_whenever_it_comes() {
    let world = world();
    let (first, key) = id(send(&world, author(), &json!({"name": "a"}), TOKEN));
    world.clock.set(NOW.plus_ms(60_000));
    // What it says the second time does not matter: the form was used.
    for body in [json!({"name": "a"}), json!({"name": ""})] {
        assert_eq!(id(send(&world, author(), &body, TOKEN)), (false, key.clone()));
    }
    assert!(first && world.ledger.audit().len() == 1);
    assert_ne!(id(send(&world, author(), &json!({"name": "a"}), "1900000000000.req_2")).1, key, "another form is another key");
}

#[test]
fn a_form_that_made_nothing_is_not_used_up() {
    let world = world();
    assert!(matches!(send(&world, author(), &json!({"name": ""}), TOKEN), Err(Failure::Invalid(_))));
    world.wire.fail(Call::CreateKey, Times::Exactly(1));
    assert!(matches!(send(&world, author(), &json!({"name": "a"}), TOKEN), Err(Failure::Unavailable(_))));
    assert!(id(send(&world, author(), &json!({"name": "a"}), TOKEN)).0);
}

#[test]
fn nobody_can_take_the_id_of_somebody_elses_form() {
    let world = world();
    let mut other = author();
    "somebody else".clone_into(&mut other.origin.actor.id);
    let mine = id(send(&world, author(), &json!({"name": "a"}), TOKEN));
    let theirs = id(send(&world, other, &json!({"name": "a"}), TOKEN));
    assert!(mine.0 && theirs.0 && mine.1 != theirs.1);
}

#[test]
fn a_token_of_any_shape_makes_a_key() {
    let world = world();
    for token in ["", "x", "-1.", "99999999999999999999.a", "9900000000000.b", "0.c"] {
        assert!(id(send(&world, author(), &json!({"name": "a"}), token)).0, "{token}");
    }
}
