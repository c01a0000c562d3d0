//! `POST /v1/verify`: is this key good for that?

use serde_json::Value;

use super::{body, call::Call, decision::Document, problem::Problem, reply::Reply};
use crate::{
    base::{
        document::{Fault, Faults, Field},
        secret::Plaintext,
    },
    decision::facts::Ask,
    network::address,
    policy::scope::Requirement,
    service::verify,
};

const MAX_COST: u64 = 1_000_000_000;
const MAX_USER_CHARS: usize = 200;

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
    let question = Question::read(&body::json(call)?)?;
    let decision = verify::verify(call.ports, call.memory, question.key.expose(), &question.ask).await?;
    Ok(Reply::json(200, &Document::of(&decision, &question.ask, question.explain, call.request_id)))
}

impl Question {
    fn read(body: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let question = Self::read_members(body, &mut faults);
        faults.conclude(question)
    }

    fn read_members(body: &Value, faults: &mut Faults) -> Option<Self> {
        let mut members = Field::new(body, "").object(faults)?;
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
    use serde_json::json;

    #[test]
    fn a_key_is_enough() {
        let question = Question::read(&json!({"key": "x"})).unwrap_or_else(|_| panic!());
        assert_eq!((question.ask, question.explain), (Ask::plain(), false));
    }

    #[test]
    fn every_bad_field_is_named() {
        let body = json!({"permissions": "a b", "ip": "1.2.3", "act_as": "é", "cost": 0, "peek": 1, "explain": "yes", "token": "x"});
        let faults = Question::read(&body).err().unwrap();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/key", "/permissions", "/ip", "/act_as", "/cost", "/peek", "/explain", "/token"]);
    }
}
