//! A real OpenID provider for the tests of member tokens: it issues them, publishes its keys, rotates them, and fails on
//! demand. See `identity/provider.mjs` for the levers.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::{
    client, given,
    runtime::{self, Fleet, Options},
};

/// What the provider signs with, one key for each.
pub const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// A running provider. It ends when this is dropped or the test process ends, whatever ends it.
pub struct Provider {
    child: Child,
    pub issuer: String,
    pub audience: String,
    resource: String,
    client: Value,
}

/// One fleet that trusts one healthy provider, for all tests that change neither.
pub fn shared() -> &'static (Provider, Fleet) {
    static SHARED: OnceLock<(Provider, Fleet)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let provider = Provider::start();
        let fleet = provider.fleet(1);
        (provider, fleet)
    })
}

/// The claims by which the product knows a member, where the deployment says nothing else.
pub fn member(org: &str, role: &str) -> Value {
    json!({"org_id": org, "role": role, "sub": "user_ann", "name": "Ann Example"})
}

impl Provider {
    /// Starts a provider with keys of its own and waits until it listens.
    pub fn start() -> Self {
        let mut command = Command::new(runtime::node());
        command.current_dir(runtime::root()).arg("tests/edge/identity/provider.mjs");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Node starts");
        let output = child.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let ready: Value = lines
            .find_map(|line| serde_json::from_str(&line).ok())
            .expect("the provider tells its address; is oidc-provider installed? `cargo xtask test` does that");
        // Unread, the pipe would fill up and block the provider.
        std::thread::spawn(move || lines.for_each(|line| eprintln!("[provider] {line}")));
        let text = |name: &str| given::text(&ready[name]);
        Self { child, issuer: text("issuer"), audience: text("audience"), resource: text("resource"), client: ready["client"].clone() }
    }

    /// The settings of a worker that trusts this provider.
    pub fn vars(&self) -> Vec<(String, String)> {
        let jwks_url = format!("{}/jwks", self.issuer);
        [("MEMBER_ISSUER", &self.issuer), ("MEMBER_AUDIENCE", &self.audience), ("MEMBER_JWKS_URL", &jwks_url)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .to_vec()
    }

    /// A fleet that trusts this provider.
    pub fn fleet(&self, edges: u16) -> Fleet {
        Fleet::start(Options { edges, assets: true, vars: self.vars(), ..Options::default() })
    }

    /// A fleet that trusts this provider and finds members by these claims, such as `("MEMBER_ORG_CLAIM", "/custom/org")`.
    pub fn fleet_with_claims(&self, claims: &[(&str, &str)]) -> Fleet {
        let mut vars = self.vars();
        vars.extend(claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Fleet::start(Options { vars, ..Options::default() })
    }

    /// A token issued by the provider with these claims, besides those that every token of it has.
    pub fn token(&self, claims: &Value) -> String {
        self.token_signed_with("RS256", claims)
    }

    /// The same under one of [`ALGORITHMS`].
    pub fn token_signed_with(&self, alg: &str, claims: &Value) -> String {
        let (resource, claims) = (format!("{}{alg}", self.resource), claims.to_string());
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client["id"].as_str().expect("a client")),
            ("client_secret", self.client["secret"].as_str().expect("its secret")),
            ("resource", &resource),
            ("claims", &claims),
        ];
        let issued = client::post_form(&format!("{}/token", self.issuer), &fields);
        assert_eq!(issued.status, 200, "the provider issued nothing: {}", issued.text());
        given::text(&issued.value()["access_token"])
    }

    /// A token that the provider did not issue; `identity/mint.mjs` says what signers there are.
    pub fn mint(&self, header: &Value, claims: &Value, signer: &Value) -> String {
        let minted = self.control("mint", &json!({"header": header, "claims": claims, "signer": signer}));
        given::text(&minted["token"])
    }

    /// The header that the provider itself would give a token under that algorithm.
    pub fn header(&self, alg: &str) -> Value {
        json!({"alg": alg, "typ": "at+jwt", "kid": self.jwk(alg)["kid"]})
    }

    /// These claims with those that make a token of this provider good for now.
    pub fn good_claims(&self, claims: &Value) -> Value {
        let now = given::now().ms() / 1000;
        let mut whole = json!({"iss": self.issuer, "aud": self.audience, "iat": now, "exp": now + 600});
        for (name, value) in claims.as_object().expect("an object") {
            whole[name] = value.clone();
        }
        whole
    }

    /// A public key by its name: an algorithm for the provider's own, else one of `identity/keys.mjs`.
    pub fn jwk(&self, name: &str) -> Value {
        self.look(&format!("keys/{name}"))["jwk"].clone()
    }

    /// The same as PEM.
    pub fn pem(&self, name: &str) -> String {
        given::text(&self.look(&format!("keys/{name}"))["pem"])
    }

    /// The key set that the provider publishes, with `more` keys.
    pub fn key_set(&self, more: &[Value]) -> Value {
        let own = ALGORITHMS.iter().map(|alg| self.jwk(alg));
        json!({"keys": own.chain(more.iter().cloned()).collect::<Vec<_>>()})
    }

    /// New keys under new key ids; the old ones are withdrawn at once.
    pub fn rotate(&self) {
        self.control("rotate", &json!({}));
    }

    /// Whether the key set's address answers 503 from now on.
    pub fn set_down(&self, down: bool) {
        self.serve_jwks(&if down { json!({"status": 503}) } else { json!({}) });
    }

    /// What the key set's address does from now on; `identity/provider.mjs` says what there is.
    pub fn serve_jwks(&self, answer: &Value) {
        self.control("jwks", answer);
    }

    /// How often the key set was asked for, whatever the answer was.
    pub fn jwks_requests(&self) -> u64 {
        self.look("requests")["jwks"].as_u64().expect("a count")
    }

    /// How often something followed a link to the attacker's key set.
    pub fn elsewhere_requests(&self) -> u64 {
        self.look("requests")["elsewhere"].as_u64().expect("a count")
    }

    /// The address of the attacker's key set: it publishes the keys `attacker-RS256` and so on.
    pub fn elsewhere(&self) -> String {
        format!("{}/elsewhere", self.issuer)
    }

    fn look(&self, path: &str) -> Value {
        let answer = client::get(&format!("{}/control/{path}", self.issuer));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.value()
    }

    fn control(&self, lever: &str, wanted: &Value) -> Value {
        let answer = client::post(&format!("{}/control/{lever}", self.issuer), wanted);
        assert_eq!(answer.status, 200, "{lever}: {}", answer.text());
        answer.value()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Header and claims of a token, unverified.
fn read(token: &str) -> (Value, Value) {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut parts =
        token.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).unwrap_or_default());
    (parts.next().expect("a header"), parts.next().expect("claims"))
}

#[test]
fn the_provider_publishes_what_it_signs_with_and_withdraws_it_on_rotation() {
    let provider = Provider::start();
    let published = || client::get(&format!("{}/jwks", provider.issuer)).value()["keys"].as_array().expect("keys").clone();
    let mut seen = Vec::new();
    for alg in ALGORITHMS {
        let (header, claims) = read(&provider.token_signed_with(alg, &member("org_1", "admin")));
        assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!("at+jwt")));
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(provider.issuer), &json!(provider.audience)));
        assert_eq!((&claims["org_id"], &claims["role"], &claims["sub"]), (&json!("org_1"), &json!("admin"), &json!("user_ann")));
        assert!(claims["exp"].as_i64() > claims["iat"].as_i64(), "{claims}");
        assert!(published().contains(&provider.jwk(alg)), "{alg} is not published as it is told");
        assert!(published().iter().any(|key| key["kid"] == header["kid"]), "the key of {header} is not published");
        seen.push(header["kid"].clone());
    }
    provider.rotate();
    assert_eq!(published().len(), ALGORITHMS.len());
    assert!(published().iter().all(|key| !seen.contains(&key["kid"])), "rotation withdraws the old keys");
    let (header, _) = read(&provider.token(&member("org_1", "admin")));
    assert_eq!(header["kid"], provider.jwk("RS256")["kid"], "the new key signs");
}

#[test]
fn the_provider_counts_and_fails_on_demand() {
    let provider = Provider::start();
    let jwks = format!("{}/jwks", provider.issuer);
    assert_eq!(client::get(&jwks).status, 200);
    provider.set_down(true);
    assert_eq!(client::get(&jwks).status, 503);
    provider.serve_jwks(&json!({"status": 200, "body": "x".repeat(70_000), "chunked": true}));
    let served = client::get(&jwks);
    assert_eq!((served.body.len(), served.header("content-length")), (70_000, None));
    provider.serve_jwks(&json!({"status": 302, "headers": {"location": provider.elsewhere()}}));
    assert_eq!(client::get(&jwks).header("location"), Some(provider.elsewhere().as_str()));
    provider.set_down(false);
    assert_eq!(client::get(&jwks).status, 200);
    assert_eq!((provider.jwks_requests(), provider.elsewhere_requests()), (5, 0));
    assert_eq!(client::get(&provider.elsewhere()).value()["keys"][0]["kid"], "attacker-RS256");
    assert_eq!(provider.elsewhere_requests(), 1);
}

#[test]
fn a_minted_token_says_what_it_was_told_to() {
    let provider = Provider::start();
    let claims = provider.good_claims(&member("org_1", "admin"));
    let minted = provider.mint(&provider.header("ES256"), &claims, &json!({"key": "ES256"}));
    assert_eq!(read(&minted), (provider.header("ES256"), claims.clone()));
    let parts = |signer: Value| {
        let token = provider.mint(&json!({"alg": "none"}), &claims, &signer);
        token.split('.').map(str::len).collect::<Vec<_>>()
    };
    assert_eq!(parts(json!({"signature": ""}))[2], 0);
    assert_eq!(parts(json!({"secret": provider.pem("RS256")}))[2], 43, "the 32 bytes of HMAC-SHA256");
    assert_eq!(parts(json!({"key": "ES256"}))[2], 86, "64 bytes: r and s");
    assert!(parts(json!({"key": "ES256", "der": true}))[2] > 86, "DER says more");
    assert_eq!(parts(json!({"key": "weak-RS256"}))[2], 171, "1024 bits");
    assert_eq!(parts(json!({"encrypt_to": "RS256"})).len(), 5);
}
