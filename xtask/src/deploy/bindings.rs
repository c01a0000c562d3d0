//! What wrangler.toml binds, and where it is served: names that the worker looks for, ids that are not the local ones.

use toml::{Table, Value};

use super::finding::Finding;

const LOCAL_KV: &str = "00000000000000000000000000000001";
const LOCAL_D1: &str = "00000000-0000-0000-0000-000000000001";
const OBJECTS: [(&str, &str); 2] = [("KEY_GUARD", "KeyGuard"), ("ORG_GUARD", "OrgGuard")];
const LIMITERS: [&str; 3] = ["UNKNOWN_KEYS", "FAILED_CREDENTIALS", "DOCS"];

/// Looks at each binding that the worker has, and at its addresses.
pub fn check(config: &Table) -> Vec<Finding> {
    let mut findings = vec![kv(config), d1(config)];
    findings.extend(objects(config));
    findings.extend(LIMITERS.map(|name| limiter(config, name)));
    findings.push(cron(config));
    findings.push(addresses(config));
    findings.extend(gateway(config));
    if config.contains_key("env") {
        findings.push(Finding::hint("[env.…] is not looked at: only what stands at the top of the file is", ""));
    }
    findings
}

fn kv(config: &Table) -> Finding {
    let how = "npx wrangler kv namespace create KV\nand put the id that it prints under [[kv_namespaces]], as `id`";
    match entry(config, "kv_namespaces", "binding", "KV").map(|kv| text(kv, "id")) {
        None => Finding::wrong("no KV namespace is bound as KV", how),
        Some(LOCAL_KV) => Finding::wrong("the id of KV is the one for local storage", how),
        Some(id) if !is_hex(id, 32) => Finding::wrong(format!("the id of KV is not 32 hexadecimal digits: {id:?}"), how),
        Some(_) => Finding::good("KV"),
    }
}

fn d1(config: &Table) -> Finding {
    let how = "npx wrangler d1 create latchkey\nand put the id that it prints under [[d1_databases]], as `database_id`";
    let Some(database) = entry(config, "d1_databases", "binding", "DB") else {
        return Finding::wrong("no D1 database is bound as DB", how);
    };
    let id = text(database, "database_id");
    let is_uuid = id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && is_hex(&id.replace('-', ""), 32);
    match id {
        LOCAL_D1 => Finding::wrong("the id of the D1 database is the one for local storage", how),
        _ if !is_uuid => Finding::wrong(format!("the id of the D1 database is not a UUID: {id:?}"), how),
        _ if text(database, "database_name") != "latchkey" => {
            Finding::wrong("the D1 database is not called latchkey here", "its `database_name` is what the commands of this project use")
        }
        _ if text(database, "migrations_dir") != "migrations" => {
            Finding::wrong("the D1 database has another `migrations_dir` than migrations", "its tables would not be made")
        }
        _ => Finding::good("D1"),
    }
}

fn objects(config: &Table) -> Vec<Finding> {
    let bindings = config.get("durable_objects").and_then(Value::as_table).cloned().unwrap_or_default();
    let made: Vec<&Value> =
        tables(config, "migrations").filter_map(|table| table.get("new_sqlite_classes")?.as_array()).flatten().collect();
    OBJECTS
        .map(|(name, class)| match entry(&bindings, "bindings", "name", name) {
            Some(object) if text(object, "class_name") == class && made.contains(&&Value::from(class)) => Finding::good(name),
            Some(object) if text(object, "class_name") == class => {
                Finding::wrong(format!("no [[migrations]] makes the class {class}"), "new_sqlite_classes must name it, under the tag v1")
            }
            _ => {
                Finding::wrong(format!("{name} is not bound to the class {class}"), "take [[durable_objects.bindings]] from the repository")
            }
        })
        .into()
}

fn limiter(config: &Table, name: &str) -> Finding {
    let nobody = "a flood from one address is not held back: docs/deploy.md, \"Floods\"";
    let Some(limiter) = entry(config, "ratelimits", "name", name) else {
        return Finding::hint(format!("{name} is not bound"), nobody);
    };
    let period = limiter.get("simple").and_then(|simple| simple.get("period")).and_then(Value::as_integer);
    match period {
        Some(60) => Finding::good(name),
        _ => Finding::wrong(format!("the period of {name} is not 60"), "it stands in src/ports.rs, too: callers are told to wait as long"),
    }
}

fn cron(config: &Table) -> Finding {
    let crons = config.get("triggers").and_then(|triggers| triggers.get("crons")).and_then(Value::as_array);
    match crons {
        Some(crons) if crons.contains(&Value::from("* * * * *")) => Finding::good("cron trigger, each minute"),
        _ => Finding::wrong(
            "no cron trigger fires each minute",
            "[triggers]\ncrons = [\"* * * * *\"]\nwithout it an interrupted change stays interrupted",
        ),
    }
}

fn addresses(config: &Table) -> Finding {
    let all = patterns(config);
    let how = "`routes` and `workers_dev` stand above the first line that starts with [ : docs/deploy.md, \"Custom domain\"";
    match (all.is_empty(), config.get("workers_dev").and_then(Value::as_bool)) {
        (true, Some(false)) => Finding::wrong("it has no address: no routes, and workers_dev is off", how),
        (true, _) => Finding::hint("its address will be latchkey.YOUR-SUBDOMAIN.workers.dev", how),
        (false, Some(false)) => Finding::good(format!("served at {}", all.join(", "))),
        (false, _) => Finding::hint(format!("served at {} and at workers.dev", all.join(", ")), "workers_dev = false closes the second"),
    }
}

fn gateway(config: &Table) -> Option<Finding> {
    let host = config.get("vars")?.get("GATEWAY_HOST")?.as_str()?;
    let name = host.split(':').next().unwrap_or_default();
    let is_served = patterns(config).iter().any(|pattern| pattern.split('/').next() == Some(name));
    let how = format!("routes = [{{ pattern = \"{name}\", custom_domain = true }}], besides the host of Latchkey itself");
    Some(if is_served { Finding::good(format!("gateway at {host}")) } else { Finding::wrong(format!("no route brings {name} here"), how) })
}

fn patterns(config: &Table) -> Vec<&str> {
    let one = config.get("route").into_iter();
    let many = config.get("routes").and_then(Value::as_array).into_iter().flatten();
    one.chain(many).filter_map(|route| route.as_str().or_else(|| route.get("pattern")?.as_str())).collect()
}

fn tables<'a>(config: &'a Table, list: &str) -> impl Iterator<Item = &'a Table> {
    config.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn entry<'a>(config: &'a Table, list: &str, member: &str, name: &str) -> Option<&'a Table> {
    tables(config, list).find(|table| text(table, member) == name)
}

fn text<'a>(table: &'a Table, member: &str) -> &'a str {
    table.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{deploy::finding::Weight, project};

    const KV: &str = "0f2ac74b498b48028cb68387c421e279";
    const D1: &str = "6ee5b1f6-9b2a-4c1e-8f7a-3b1de7c9a001";

    /// What is wrong with this repository's file once `from` is replaced by `to`, beside its local ids.
    fn wrong(from: &str, to: &str) -> Vec<String> {
        let text = fs::read_to_string(project::root().join("wrangler.toml")).unwrap();
        let text = text.replace(LOCAL_KV, KV).replace(LOCAL_D1, D1);
        assert!(text.contains(from), "{from}");
        let found = check(&text.replacen(from, to, 1).parse().unwrap());
        found.into_iter().filter(|finding| finding.weight == Weight::Wrong).map(|finding| finding.what).collect()
    }

    #[test]
    fn the_file_of_the_repository_lacks_two_ids_and_nothing_else() {
        let text = fs::read_to_string(project::root().join("wrangler.toml")).unwrap();
        let found: Vec<_> = check(&text.parse().unwrap()).into_iter().filter(|finding| finding.weight == Weight::Wrong).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|finding| finding.how.contains("npx wrangler")));
        assert_eq!(wrong("", ""), Vec::<String>::new());
    }

    #[test]
    fn each_thing_that_is_missing_is_named() {
        for (from, to, expected) in [
            ("binding = \"KV\"", "binding = \"CACHE\"", "no KV namespace is bound as KV"),
            (KV, "my-namespace", "the id of KV is not 32"),
            ("binding = \"DB\"", "binding = \"D1\"", "no D1 database is bound as DB"),
            (D1, "latchkey", "is not a UUID"),
            ("database_name = \"latchkey\"", "database_name = \"keys\"", "is not called latchkey"),
            ("class_name = \"KeyGuard\"", "class_name = \"Guard\"", "KEY_GUARD is not bound"),
            ("new_sqlite_classes = [\"KeyGuard\", ", "new_sqlite_classes = [", "no [[migrations]] makes the class KeyGuard"),
            ("period = 60", "period = 10", "the period of UNKNOWN_KEYS"),
            ("crons = [\"* * * * *\"]", "crons = [\"0 * * * *\"]", "no cron trigger"),
            ("main =", "workers_dev = false\nmain =", "it has no address"),
            ("[triggers]", "[vars]\nGATEWAY_HOST = \"api.example.com\"\n\n[triggers]", "no route brings api.example.com here"),
        ] {
            let found = wrong(from, to);
            assert!(found.len() == 1 && found[0].contains(expected), "{to}: {found:?}");
        }
    }

    #[test]
    fn a_custom_domain_serves_the_gateway_too() {
        let routes = "routes = [{ pattern = \"keys.example.com\", custom_domain = true }, { pattern = \"api.example.com/*\" }]\nmain =";
        assert_eq!(wrong("main =", routes), Vec::<String>::new());
        let text = format!("{routes} 1\n[vars]\nGATEWAY_HOST = \"api.example.com\"");
        assert_eq!(gateway(&text.parse().unwrap()), Some(Finding::good("gateway at api.example.com")));
    }
}
