//! Tokens that somebody made up, bent or stole from elsewhere: each is 401, and none is repeated to its sender.

use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    given,
    provider::{self, ALGORITHMS, Provider, member},
    runtime::Fleet,
};

/// A provider and a fleet that knows its keys, with an organization to attack.
struct Target<'a> {
    provider: &'a Provider,
    edge: &'a Edge,
    path: String,
    claims: Value,
}

fn target<'a>(provider: &'a Provider, fleet: &'a Fleet) -> Target<'a> {
    let org = given::org(fleet.edge(), json!({}));
    let target = Target { provider, edge: fleet.edge(), path: org.path("/keys"), claims: provider.good_claims(&member(&org.id, "owner")) };
    // Every hostile token below is one of these with one thing changed: what is refused is that one thing.
    for alg in ALGORITHMS {
        target.assert_good(&target.signed(alg, |_| {}));
    }
    target
}

impl Target<'_> {
    /// A token with the provider's own signature, and a header changed before it was signed.
    fn signed(&self, alg: &str, change: impl Fn(&mut Value)) -> String {
        let mut header = self.provider.header(alg);
        change(&mut header);
        self.provider.mint(&header, &self.claims, &json!({"key": alg}))
    }

    /// A token with the provider's own header, and another signature.
    fn signed_by(&self, alg: &str, signer: &Value) -> String {
        self.provider.mint(&self.provider.header(alg), &self.claims, signer)
    }

    fn with_header(&self, header: &Value, signer: &Value) -> String {
        self.provider.mint(header, &self.claims, signer)
    }

    /// A token that is good but for these claims; null leaves one out.
    fn claiming(&self, changes: &Value) -> String {
        let mut claims = self.claims.clone();
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => drop(claims.as_object_mut().expect("an object").shift_remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        self.provider.mint(&self.provider.header("ES256"), &claims, &json!({"key": "ES256"}))
    }

    fn ask(&self, token: &str) -> Response {
        self.edge.bearer(token, "GET", &self.path, None)
    }

    fn assert_good(&self, token: &str) {
        let answer = self.ask(token);
        assert_eq!(answer.status, 200, "the good token to start from is refused: {}", answer.text());
    }

    fn assert_refused(&self, what: &str, token: &str) {
        let answer = self.ask(token);
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert_eq!(answer.value()["code"], "INVALID_TOKEN", "{what}: {}", answer.text());
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("error=\"invalid_token\""), "{what}: the challenge is {challenge:?}");
        assert_not_repeated(what, &answer, token);
        // A token that is bad is bad for everything, and in either field.
        let access = self.edge.send("GET", &self.path, &[("cf-access-jwt-assertion", token)], None);
        assert_eq!(access.status, 401, "{what}, in the field of Access: {}", access.text());
        assert_not_repeated(what, &access, token);
    }

    fn assert_all_refused(&self, tokens: &[(&str, String)]) {
        for (what, token) in tokens {
            self.assert_refused(what, token);
        }
        assert_eq!(self.provider.elsewhere_requests(), 0, "no link in a token is followed");
        self.assert_good(&self.signed("RS256", |_| {}));
    }
}

/// No nine characters of the token in a row are anywhere in the answer.
fn assert_not_repeated(what: &str, answer: &Response, token: &str) {
    let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>();
    let said = headers + &answer.text();
    let repeated = token.as_bytes().windows(9).find(|part| said.as_bytes().windows(9).any(|there| there == *part));
    let repeated = repeated.map(String::from_utf8_lossy);
    assert_eq!(repeated, None, "{what}: a part of the token is in the answer {said}");
}

#[test]
fn a_token_without_a_true_signature_is_refused() {
    let (provider, fleet) = provider::shared();
    let target = target(provider, fleet);
    let good = target.signed("RS256", |_| {});
    let (unsigned, signature) = good.rsplit_once('.').expect("three parts");
    let other = target.signed("RS256", |header| header["typ"] = json!("JWT"));
    let other_payload = target.claiming(&json!({"role": "admin"}));
    let [header, _, rest] = other_payload.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let stolen_payload = good.split('.').nth(1).expect("a payload");
    let none = |alg: &str, typ: &str| target.with_header(&json!({"alg": alg, "typ": typ}), &json!({"signature": ""}));
    target.assert_all_refused(&[
        ("alg none", none("none", "JWT")),
        ("alg None", none("None", "JWT")),
        ("alg NONE", none("NONE", "at+jwt")),
        ("alg none under a known key", target.signed("RS256", |header| header["alg"] = json!("none"))),
        ("alg none with a known key's id and no signature", {
            let kid = provider.jwk("RS256")["kid"].clone();
            target.with_header(&json!({"alg": "none", "kid": kid}), &json!({"signature": ""}))
        }),
        ("no alg", target.signed("RS256", |header| drop(header.as_object_mut().expect("an object").shift_remove("alg")))),
        ("an empty signature", format!("{unsigned}.")),
        ("no signature", unsigned.to_owned()),
        ("the signature of another token", format!("{}.{signature}", other.rsplit_once('.').expect("three parts").0)),
        ("the claims of another token", format!("{header}.{stolen_payload}.{rest}")),
        ("a signature cut short", good[..good.len() - 4].to_owned()),
        ("a longer signature", format!("{good}AAAA")),
        ("an ECDSA signature of zeros", target.signed_by("ES256", &json!({"signature": "A".repeat(86)}))),
        ("an EdDSA signature of zeros", target.signed_by("EdDSA", &json!({"signature": "A".repeat(86)}))),
        ("an RSA signature of zeros", target.signed_by("RS256", &json!({"signature": "A".repeat(342)}))),
        ("an ECDSA signature in DER", target.signed_by("ES256", &json!({"key": "ES256", "der": true}))),
        ("four parts", format!("{good}.{signature}")),
        ("encrypted, not signed", target.signed_by("RS256", &json!({"encrypt_to": "RS256"}))),
        ("five parts of a signed one", format!("{good}..")),
        ("padding", format!("{good}==")),
    ]);
}

#[test]
fn an_algorithm_is_good_only_with_the_key_that_it_is_published_for() {
    let (provider, fleet) = provider::shared();
    let target = target(provider, fleet);
    let jwk = provider.jwk("RS256");
    let hmac = |secret: String| {
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": jwk["kid"]});
        target.with_header(&header, &json!({"secret": secret}))
    };
    // The header says one algorithm, the key is published for another; the signature is true for the one or the other.
    let crossed = |alg: &str, key: &str, signer: Value| {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": provider.jwk(key)["kid"]});
        target.with_header(&header, &signer)
    };
    let mut tokens = vec![
        ("HS256 with the public key's PEM", hmac(provider.pem("RS256"))),
        ("HS256 with the public key's PEM without its last line break", hmac(provider.pem("RS256").trim_end().to_owned())),
        ("HS256 with the public key's JWK", hmac(jwk.to_string())),
        ("HS256 with the public key's modulus", hmac(given::text(&jwk["n"]))),
        ("HS256 with nothing", hmac(String::new())),
        ("ES256 under the RSA key's id", crossed("ES256", "RS256", json!({"key": "ES256"}))),
        ("RS256 under the ECDSA key's id", crossed("RS256", "ES256", json!({"key": "RS256"}))),
        ("EdDSA under the ECDSA key's id", crossed("EdDSA", "ES256", json!({"key": "EdDSA"}))),
        ("ES256 under the Ed25519 key's id", crossed("ES256", "EdDSA", json!({"key": "ES256"}))),
        ("RS256 said of an ECDSA signature", crossed("RS256", "ES256", json!({"key": "ES256"}))),
        ("ES256 said of an RSA signature", crossed("ES256", "RS256", json!({"key": "RS256"}))),
        ("a lower-case algorithm", crossed("rs256", "RS256", json!({"key": "RS256"}))),
    ];
    for alg in ["PS256", "RS384", "RS512"] {
        tokens.push((alg, crossed(alg, "RS256", json!({"key": "RS256", "alg": alg}))));
    }
    for (what, alg) in [("a PSS signature", "PS256"), ("SHA-384", "RS384")] {
        tokens.push((what, target.signed_by("RS256", &json!({"key": "RS256", "alg": alg}))));
    }
    for alg in ALGORITHMS {
        tokens.push(("another's key under a known id", target.signed_by(alg, &json!({"key": format!("attacker-{alg}")}))));
    }
    target.assert_all_refused(&tokens);
}

#[test]
fn a_header_cannot_bring_its_own_key_or_ask_for_what_is_not_understood() {
    let (provider, fleet) = provider::shared();
    let target = target(provider, fleet);
    let (elsewhere, attacker) = (provider.elsewhere(), provider.jwk("attacker-RS256"));
    let by_attacker = |changes: Value, kid: &Value| {
        let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": kid});
        for (name, value) in changes.as_object().expect("an object") {
            header[name] = value.clone();
        }
        target.with_header(&header, &json!({"key": "attacker-RS256"}))
    };
    let mut tokens = Vec::new();
    for (id, kid) in [("under its own id", &attacker["kid"]), ("under a known id", &provider.jwk("RS256")["kid"])] {
        for (link, changes) in [
            ("jku", json!({"jku": elsewhere})),
            ("x5u", json!({"x5u": elsewhere})),
            ("jwk", json!({"jwk": attacker})),
            ("x5c", json!({"x5c": [provider.pem("attacker-RS256").lines().filter(|line| !line.starts_with('-')).collect::<String>()]})),
        ] {
            tokens.push((format!("{link} {id}"), by_attacker(changes, kid)));
        }
    }
    for (what, changes) in [
        ("crit of something unknown", json!({"crit": ["urn:example:must"], "urn:example:must": true})),
        ("crit of something known", json!({"crit": ["exp"], "exp": 9_999_999_999_i64})),
        ("crit that is empty", json!({"crit": []})),
        ("crit that is no list", json!({"crit": "b64"})),
        ("b64 false", json!({"b64": false})),
        ("b64 false and critical", json!({"b64": false, "crit": ["b64"]})),
        ("a key id that is a number", json!({"kid": 7})),
        ("a key id that is a list", json!({"kid": [provider.jwk("RS256")["kid"]]})),
        ("an unknown key id", json!({"kid": "../../etc/passwd"})),
        ("an algorithm that is a list", json!({"alg": ["RS256"]})),
        ("an algorithm that is null", json!({"alg": null})),
    ] {
        let token = target.signed("RS256", |header| {
            for (name, value) in changes.as_object().expect("an object") {
                header[name] = value.clone();
            }
        });
        tokens.push((what.to_owned(), token));
    }
    for (what, header) in [("no JSON", json!("{")), ("a list", json!([])), ("text", json!("RS256")), ("nothing", json!(""))] {
        tokens.push((format!("a header that is {what}"), target.with_header(&header, &json!({"key": "RS256"}))));
    }
    let tokens: Vec<_> = tokens.iter().map(|(what, token)| (what.as_str(), token.clone())).collect();
    target.assert_all_refused(&tokens);
}

/// What each claim must not be. Null is a claim that is missing.
fn bad_claims(provider: &Provider, now: i64) -> Vec<(&'static str, Vec<Value>)> {
    let issuer = &provider.issuer;
    let audience = &provider.audience;
    vec![
        ("exp", vec![json!(null), json!(now - 120), json!(0), json!(-1), json!((now + 600).to_string()), json!(true), json!([now + 600])]),
        ("nbf", vec![json!(now + 120), json!(now.to_string()), json!(false), json!({})]),
        ("iat", vec![json!(now + 600), json!(now.to_string()), json!([])]),
        (
            "iss",
            vec![
                json!(null),
                json!(""),
                json!("https://evil.example"),
                json!(format!("{issuer}/")),
                json!(format!("{issuer}.evil.example")),
                json!(issuer.to_uppercase()),
                json!([issuer]),
                json!(1),
            ],
        ),
        (
            "aud",
            vec![
                json!(null),
                json!(""),
                json!("https://other.example"),
                json!(format!("{audience}/")),
                json!([]),
                json!(["https://other.example"]),
                json!([1, 2]),
                json!({"0": audience}),
            ],
        ),
        ("org_id", vec![json!(null), json!(1), json!(true), json!(["org_x"]), json!({"id": "org_x"})]),
        ("role", vec![json!(null), json!(1), json!(true), json!(["owner"]), json!({"owner": true})]),
        ("sub", vec![json!(null), json!(42), json!(false), json!(["user_ann"]), json!({"id": "user_ann"})]),
        ("name", vec![json!(42), json!(true), json!(["Ann"]), json!({"first": "Ann"})]),
    ]
}

#[test]
fn a_claim_that_is_missing_wrong_or_of_the_wrong_type_is_a_refusal() {
    let (provider, fleet) = provider::shared();
    let target = target(provider, fleet);
    let mut tokens = Vec::new();
    for (claim, values) in bad_claims(provider, given::now().ms() / 1000) {
        for value in values {
            let what = if value.is_null() { format!("{claim} is missing") } else { format!("{claim}: {value}") };
            tokens.push((what, target.claiming(&json!({claim: value}))));
        }
    }
    // `null` in the token itself, which is not the same as a claim that is missing.
    for claim in ["exp", "iss", "aud", "org_id", "role", "sub"] {
        let mut claims = target.claims.clone();
        claims[claim] = Value::Null;
        tokens.push((format!("{claim}: null"), provider.mint(&provider.header("ES256"), &claims, &json!({"key": "ES256"}))));
    }
    for (what, claims) in [("no JSON", json!("{")), ("a list", json!([])), ("text", json!("owner")), ("nothing", json!(""))] {
        tokens.push((format!("claims that are {what}"), provider.mint(&provider.header("ES256"), &claims, &json!({"key": "ES256"}))));
    }
    let tokens: Vec<_> = tokens.iter().map(|(what, token)| (what.as_str(), token.clone())).collect();
    target.assert_all_refused(&tokens);
}

#[test]
fn a_token_that_is_strange_in_size_or_text_breaks_nothing() {
    let (provider, fleet) = provider::shared();
    let target = target(provider, fleet);
    for (what, token) in [
        ("a very long name", target.claiming(&json!({"name": "A".repeat(9_000)}))),
        ("a name of control characters", target.claiming(&json!({"name": "Ann\r\nSet-Cookie: a=b\u{0}"}))),
        ("an empty user", target.claiming(&json!({"sub": ""}))),
        ("an empty organization", target.claiming(&json!({"org_id": ""}))),
        ("deep claims", target.claiming(&json!({"deep": nested(200)}))),
        ("an end beyond all calendars", target.claiming(&json!({"exp": 1e300}))),
        ("an end with a fraction", target.claiming(&json!({"exp": 99_999_999_999.5}))),
        ("dots only", "..".to_owned()),
        ("a thousand dots", ".".repeat(1_000)),
        ("a long header", target.signed("RS256", |header| header["pad"] = json!("x".repeat(9_000)))),
    ] {
        let answer = target.ask(&token);
        assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
        assert_not_repeated(what, &answer, &token);
    }
    target.assert_good(&target.signed("ES256", |_| {}));
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}
