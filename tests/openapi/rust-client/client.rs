//! A client that was generated from the document: makes a key, verifies it, revokes it, verifies it again.
//!
//! As `../client.ts`, in Rust: takes the address of an edge, a token and an organization, and prints what became of the key
//! as JSON.

use std::{env, error::Error as StdError};

use generated::{
    Client, Error,
    types::{NewKey, Permissions, Problem, Question, Requirement, Revocation, Verdict},
};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::json;

#[allow(clippy::all, clippy::pedantic, missing_docs, unused, reason = "written by a generator")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

type Outcome<T> = Result<T, Box<dyn StdError>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [base_url, token, org] = arguments.as_slice() else { return Err("wanted: address, token, organization".into()) };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
    let client = Client::new_with_client(base_url, reqwest::Client::builder().no_proxy().default_headers(headers).build()?);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(life(&client, org))
}

async fn life(client: &Client, org: &str) -> Outcome<()> {
    let new = NewKey::builder().name("Generated").permissions(Permissions(vec!["leads:read".to_owned()]));
    let made = client.create_key().org(org).body(new).send().await.map_err(told)?.into_inner();
    let before = ask(client, &made.secret).await?;
    let done = Revocation::builder().reason("done".to_owned());
    let revoked = client.revoke_key().org(org).key(&*made.key.id).body(done).send().await.map_err(told)?.into_inner();
    let after = ask(client, &made.secret).await?;
    let unknown = match client.get_key().org(org).key("key_none").send().await {
        Err(Error::ErrorResponse(problem)) => (problem.status().as_u16(), problem.code),
        other => return Err(format!("of a key that is not there: {other:?}").into()),
    };
    let report =
        json!({"made": made.key.status, "before": before.code, "revoked": revoked.status, "after": after.code, "unknown": unknown});
    println!("{report}");
    Ok(())
}

async fn ask(client: &Client, secret: &str) -> Outcome<Verdict> {
    // Alternatives without names are numbered: a permission is the first, an object with `all` the last.
    let all = vec![Requirement::Variant0("leads:read".to_owned())];
    let question = Question::builder().key(secret).permissions(Requirement::Variant3 { all });
    Ok(client.verify_key().body(question).send().await.map_err(told)?.into_inner())
}

/// A problem by its code and what it says for people.
fn told(error: Error<Problem>) -> String {
    match error {
        Error::ErrorResponse(problem) => format!("{}: {}", problem.code, problem.detail),
        other => other.to_string(),
    }
}
