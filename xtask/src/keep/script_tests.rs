use super::script::{Restore, write};

fn plan() -> Restore {
    Restore { tables: vec!["outbox".into(), "keys".into()], missing: Vec::new(), now_ms: 5, undo_endings: false, tell_guards: true }
}

fn script(plan: &Restore, dump: &str) -> String {
    let mut file = Vec::new();
    write(plan, dump.as_bytes(), &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

#[test]
fn what_is_there_is_remembered_before_it_is_dropped_and_forgotten_at_the_end() {
    let script = script(&plan(), "CREATE TABLE keys (id);\n");
    let at = |text: &str| script.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(at("CREATE TABLE restore_keys") < at("DROP TABLE \"keys\"") && at("DROP TABLE \"keys\"") < at("CREATE TABLE keys (id)"));
    assert!(at("CREATE TABLE keys (id)") < at("DROP TABLE restore_keys"));
}

#[test]
fn the_census_of_a_dump_is_left_out_and_counted_anew() {
    let script =
        script(&plan(), "INSERT INTO \"key_census\" (\"kind\") VALUES('standard');\nINSERT INTO \"keys\" (\"id\") VALUES('key_census');\n");
    assert!(!script.contains("VALUES('standard')") && script.contains("VALUES('key_census')"));
    assert!(script.contains("INSERT INTO key_census"));
}

#[test]
fn an_older_backup_gets_the_migrations_that_came_since_before_anything_is_settled() {
    let plan = Restore { missing: vec![("0007_new.sql".into(), "CREATE TABLE new (a);".into())], ..plan() };
    let script = script(&plan, "");
    assert!(script.contains("VALUES ('0007_new.sql')"));
    assert!(script.find("CREATE TABLE new").unwrap() < script.find("DELETE FROM key_census").unwrap());
}

#[test]
fn endings_are_undone_and_guards_left_alone_only_when_asked_for() {
    assert!(script(&plan(), "").contains("revocation, updated_at, last_change) ="));
    let plan = Restore { undo_endings: true, tell_guards: false, ..plan() };
    let script = script(&plan, "");
    assert!(!script.contains("revocation, updated_at, last_change) =") && script.contains("DELETE FROM outbox;"));
}
