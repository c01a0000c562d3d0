//! `POST /v1/verify` and `POST /v1/verify/batch`: is this key good for that?

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::Serialize;

use super::{
    body,
    call::Call,
    decision::Document,
    problem::Problem,
    reply::Reply,
    witness::{self, Sighting, Surface},
};
use crate::{
    base::{
        document::{Faults, Field},
        secret::Plaintext,
    },
    decision::facts::Ask,
    network::address,
    policy::scope::Requirement,
    service::verify::{self, Decision},
};

const MAX_COST: u64 = 1_000_000_000;
const MAX_USER_CHARS: usize = 200;
const MAX_QUESTIONS: usize = 100;

/// The body of a question.
struct Question {
    key: Plaintext,
    ask: Ask,
    explain: bool,
}

/// Answers 200 whatever the verdict, once the caller itself is allowed.
///
/// # Errors
/// A bad body, or no decision.
pub async fn verify_key(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let mut faults = Faults::default();
    let question = Question::read(&Field::new(&body, ""), &mut faults);
    let question = faults.conclude(question)?;
    let decision = question.decide(call, None).await?;
    Ok(Reply::json(200, &question.told(&decision, call)))
}

/// Answers 200 with a result for each question, in their order.
///
/// # Errors
/// A bad body, or no decision about one of them.
pub async fn verify_keys(call: &Call<'_>) -> Result<Reply, Problem> {
    let body = body::json(call)?;
    let mut faults = Faults::default();
    let questions = read_questions(&Field::new(&body, ""), &mut faults);
    let questions = faults.conclude(questions)?;
    // Of questions about one key an earlier one takes its token first; keys do not wait for each other.
    let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, question) in questions.iter().enumerate() {
        by_key.entry(question.key.expose()).or_default().push(index);
    }
    let decided = try_join_all(by_key.into_values().map(|indices| decide_each(call, &questions, indices))).await?;
    let mut decisions: Vec<(usize, Decision)> = decided.into_iter().flatten().collect();
    decisions.sort_unstable_by_key(|(index, _)| *index);
    let results = questions.iter().zip(&decisions).map(|(question, (_, decision))| question.told(decision, call));
    Ok(Reply::json(200, &Results { results: results.collect() }))
}

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<Document<'a>>,
}

async fn decide_each(call: &Call<'_>, questions: &[Question], indices: Vec<usize>) -> Result<Vec<(usize, Decision)>, Problem> {
    let mut decisions = Vec::new();
    for index in indices {
        if let Some(question) = questions.get(index) {
            decisions.push((index, question.decide(call, Some(index)).await?));
        }
    }
    Ok(decisions)
}

fn read_questions(body: &Field<'_>, faults: &mut Faults) -> Option<Vec<Question>> {
    let mut members = body.object(faults)?;
    let requests = members.required("requests", faults);
    members.close(faults);
    let requests = requests?;
    let items = requests.list(faults)?;
    if items.len() > MAX_QUESTIONS {
        faults.value(&requests.pointer, format!("must hold at most {MAX_QUESTIONS} requests"));
        return None;
    }
    Some(items.iter().filter_map(|item| Question::read(item, faults)).collect())
}

impl Question {
    /// The decision; `index` is the question's place in a batch.
    async fn decide(&self, call: &Call<'_>, index: Option<usize>) -> Result<Decision, Problem> {
        let (credential, ask) = (self.key.expose(), &self.ask);
        let decision = verify::verify(call.ports, call.memory, credential, ask).await?;
        let surface = if index.is_none() { Surface::Verify } else { Surface::VerifyBatch };
        witness::tell(call, &Sighting { surface, index, credential, ask, decision: &decision });
        Ok(decision)
    }

    fn told<'a>(&'a self, decision: &'a Decision, call: &'a Call<'_>) -> Document<'a> {
        Document::of(decision, &self.ask, self.explain, call.request_id)
    }

    fn read(body: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let mut members = body.object(faults)?;
        let key = members.required("key", faults).and_then(|field| field.text(faults).map(str::to_owned));
        let requirement = members.optional("permissions").map(|field| Requirement::read(&field, faults));
        let ip = members.optional("ip").filter(|field| !field.value.is_null()).and_then(|field| field.parsed(address::parse, faults));
        let act_as = members.optional("act_as").filter(|field| !field.value.is_null()).and_then(|field| read_user(&field, faults));
        let cost = members.optional("cost").map(|field| field.integer(1..=MAX_COST, faults));
        let peek = members.optional("peek").map(|field| field.boolean(faults));
        let explain = members.optional("explain").map(|field| field.boolean(faults));
        members.close(faults);
        let ask = Ask {
            requirement: requirement.unwrap_or_else(|| Some(Requirement::nothing()))?,
            ip,
            act_as,
            cost: u32::try_from(cost.unwrap_or(Some(1))?).ok()?,
            peek: peek.unwrap_or(Some(false))?,
            ..Ask::plain()
        };
        Some(Self { key: Plaintext::new(key?), ask, explain: explain.unwrap_or(Some(false))? })
    }
}

fn read_user(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let user = field.text(faults)?;
    if is_user_id(user) {
        return Some(user.to_owned());
    }
    faults.value(&field.pointer, "must be 1 to 200 visible ASCII characters");
    None
}

/// A user id travels in headers: visible ASCII only.
pub(super) fn is_user_id(text: &str) -> bool {
    (1..=MAX_USER_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read<T>(body: &Value, read: fn(&Field<'_>, &mut Faults) -> Option<T>) -> Result<T, Vec<String>> {
        let mut faults = Faults::default();
        let read = read(&Field::new(body, ""), &mut faults);
        faults.conclude(read).map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    #[test]
    fn a_key_is_enough() {
        let question = read(&json!({"key": "x"}), Question::read).unwrap_or_else(|_| panic!());
        assert_eq!((question.ask, question.explain), (Ask::plain(), false));
    }

    #[test]
    fn every_bad_field_is_named() {
        let body = json!({"permissions": "a b", "ip": "1.2.3", "act_as": "é", "cost": 0, "peek": 1, "explain": "yes", "token": "x"});
        let pointers = ["/key", "/permissions", "/ip", "/act_as", "/cost", "/peek", "/explain", "/token"];
        assert_eq!(read(&body, Question::read).err().unwrap(), pointers);
        let batch = json!({"requests": [{"key": "x"}, body, 7], "key": "x"});
        let pointers = pointers.map(|pointer| format!("/requests/1{pointer}"));
        let expected: Vec<String> = ["/key".to_owned()].into_iter().chain(pointers).chain(["/requests/2".to_owned()]).collect();
        assert_eq!(read(&batch, read_questions).err().unwrap(), expected);
    }

    #[test]
    fn a_batch_holds_up_to_100_requests() {
        for (count, expected) in [(0, Ok(0)), (100, Ok(100)), (101, Err(vec!["/requests".to_owned()]))] {
            let batch = json!({"requests": vec![json!({"key": "x"}); count]});
            assert_eq!(read(&batch, read_questions).map(|questions| questions.len()), expected);
        }
        assert_eq!(read(&json!({}), read_questions).err().unwrap(), ["/requests"]);
        assert_eq!(read(&json!([]), read_questions).err().unwrap(), [""]);
    }
}
