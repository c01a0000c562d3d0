use crate::{client::Response, given, runtime::shared};
use serde_json::{Value, json};

fn batch(requests: &Value) -> Response {
    shared().edge().operator("POST", "/v1/verify/batch", Some(&json!({"requests": requests})))
}

#[test]
fn a_batch_is_answered_in_order_with_what_each_verify_would_say() {
    let edge = shared().edge();
    let (org, other) = (given::org(edge, json!({"impersonation": true})), given::org(edge, json!({})));
    let (good, revoked, foreign) = (org.key(json!({"can_impersonate": true})), org.key(json!({})), other.key(json!({})));
    assert_eq!(org.revoke(&revoked).status, 200);
    let questions = json!([
        {"key": foreign.secret, "permissions": "leads:read"},
        {"key": "nonsense"},
        {"key": good.secret, "permissions": ["leads:delete"]},
        {"key": revoked.secret, "explain": true},
        {"key": good.secret, "act_as": "user_42", "peek": true},
    ]);
    let answer = batch(&questions);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let results = answer.value()["results"].as_array().unwrap().clone();
    let codes: Vec<&Value> = results.iter().map(|result| &result["code"]).collect();
    assert_eq!(codes, ["VALID", "MALFORMED", "INSUFFICIENT_PERMISSIONS", "REVOKED", "VALID"]);
    for (question, result) in questions.as_array().unwrap().iter().zip(&results) {
        let single = given::ask(edge, question["key"].as_str().unwrap(), question.clone());
        for member in ["valid", "code", "key", "actor", "detail", "missing", "checks"] {
            assert_eq!(result.get(member), single.get(member), "{member} of {question}");
        }
        assert_eq!(result["request_id"].as_str(), answer.header("x-request-id"));
    }
    assert_eq!(results[4]["actor"]["via"]["id"].as_str(), Some(good.id.as_str()));
}

#[test]
fn questions_about_one_key_take_its_tokens_in_order() {
    let org = given::org(shared().edge(), json!({"consistency": {"mode": "strict"}}));
    let (scarce, plenty) = (org.key(json!({"rate_limit": {"limit": 3, "window_seconds": 60}})), org.key(json!({})));
    let questions: Value = (0..100).map(|index| json!({"key": if index % 2 == 0 { &scarce.secret } else { &plenty.secret }})).collect();
    let answer = batch(&questions).value();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 100);
    let of = |odd: usize| results.iter().skip(odd).step_by(2);
    assert!(of(1).all(|result| result["code"] == "VALID"));
    let remaining: Vec<&Value> = of(0).take(3).map(|result| &result["rate_limit"]["remaining"]).collect();
    assert_eq!(remaining, [2, 1, 0]);
    assert!(of(0).skip(3).all(|result| result["code"] == "RATE_LIMITED"));
}

#[test]
fn one_bad_question_refuses_all_and_nothing_is_spent() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    let refused = batch(&json!([{"key": key.secret}, {"key": key.secret, "cost": 0}, {"permissions": "leads:read"}]));
    let problem = refused.value();
    assert_eq!((refused.status, &problem["code"]), (422, &json!("VALIDATION_FAILED")));
    let pointers: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/requests/1/cost", "/requests/2/key"]);
    assert_eq!(given::code(shared().edge(), &key.secret), "VALID", "its token is still there");
    let many: Value = (0..101).map(|_| json!({"key": "x"})).collect();
    assert_eq!(batch(&many).status, 422);
    assert_eq!(batch(&json!([])).value(), json!({"results": []}));
    assert_eq!(batch(&json!("all")).status, 400);
}
