//! The cookies of sessions in a browser (RFC 6265bis).
//!
//! `__Host-` binds it to this very host over TLS: no neighbor under the same domain can set or overwrite it. Browsers
//! therefore drop it on plain HTTP, where the development server lives. Some make an exception of the machine itself
//! (Chromium keeps and sends it there), some don't. So there, and only there, a second cookie without that prefix comes
//! along.

use crate::base::{secret::Plaintext, time::Timestamp};

/// A cookie by its two names.
#[derive(Clone, Copy, Debug)]
pub struct SessionCookie {
    name: &'static str,
    local_name: &'static str,
}

/// Of an organization's member. It is a credential of the API too.
pub const MEMBER: SessionCookie = SessionCookie { name: "__Host-latchkey", local_name: "latchkey-dev" };

/// Of the operator. It is good for the operator's pages alone.
pub const OPERATOR: SessionCookie = SessionCookie { name: "__Host-latchkey-operator", local_name: "latchkey-operator-dev" };

impl SessionCookie {
    /// The token that the `Cookie` field of a request to `origin` carries.
    #[must_use]
    pub fn read(self, field: Option<&str>, origin: &str) -> Option<Plaintext> {
        let value = |name: &str| pairs(field?).find(|(known, _)| *known == name).map(|(_, value)| Plaintext::new(value.to_owned()));
        value(self.name).or_else(|| if is_local(origin) { value(self.local_name) } else { None })
    }

    /// The `Set-Cookie` fields for a session that lasts until `end`.
    #[must_use]
    pub fn set(self, token: &Plaintext, origin: &str, end: Timestamp, now: Timestamp) -> Vec<String> {
        let seconds = (end.ms() - now.ms()).max(0) / 1000;
        self.fields(token.expose(), origin, seconds)
    }

    /// The `Set-Cookie` fields that take the cookie away.
    #[must_use]
    pub fn clear(self, origin: &str) -> Vec<String> {
        self.fields("", origin, 0)
    }

    fn fields(self, value: &str, origin: &str, seconds: i64) -> Vec<String> {
        let Self { name, local_name } = self;
        let mut fields = vec![format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}")];
        if is_local(origin) {
            fields.push(format!("{local_name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}"));
        }
        fields
    }
}

fn pairs(field: &str) -> impl Iterator<Item = (&str, &str)> {
    field.split(';').filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
}

/// Plain HTTP to the machine itself: what is sent there crosses no network.
fn is_local(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("http://") else { return false };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "https://keys.example.com";
    const LOCAL: &str = "http://localhost:8787";

    fn token(field: &str, origin: &str) -> Option<String> {
        MEMBER.read(Some(field), origin).map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_cookie_has_the_attributes_of_the_contract() {
        let now = Timestamp::from_ms(0);
        let token = Plaintext::new("abc".into());
        let live = MEMBER.set(&token, LIVE, Timestamp::from_ms(61_999), now);
        assert_eq!(live, ["__Host-latchkey=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=61"]);
        let local = MEMBER.set(&token, LOCAL, Timestamp::from_ms(61_999), now);
        assert_eq!(local, [live[0].clone(), "latchkey-dev=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=61".into()]);
        assert_eq!(MEMBER.clear(LIVE), ["__Host-latchkey=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"]);
        assert_eq!(MEMBER.clear(LOCAL).len(), 2);
    }

    #[test]
    fn the_cookie_without_the_prefix_counts_on_the_machine_itself_only() {
        for local in [LOCAL, "http://127.0.0.1:1", "http://[::1]:8787", "http://[::1]", "http://localhost"] {
            assert_eq!(token("latchkey-dev=abc", local).as_deref(), Some("abc"), "{local}");
        }
        for other in [
            LIVE,
            "https://localhost:8787",
            "http://localhost.example.com",
            "http://10.0.0.1:8787",
            "http://evil.example:80",
            "http://127.0.0.1.example",
        ] {
            assert_eq!(token("latchkey-dev=abc", other), None, "{other}");
            assert_eq!(MEMBER.set(&Plaintext::new("abc".into()), other, Timestamp::from_ms(1), Timestamp::from_ms(0)).len(), 1, "{other}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_by_its_whole_name() {
        assert_eq!(token("a=b; __Host-latchkey=abc; latchkey-dev=def", LOCAL).as_deref(), Some("abc"));
        assert_eq!(token("a=b;\t__Host-latchkey=abc", LIVE).as_deref(), Some("abc"));
        for other in ["__host-latchkey=abc", "x__Host-latchkey=abc", "__Host-latchkey", "__Host-latchkeys=abc", "a=__Host-latchkey=abc"] {
            assert_eq!(token(other, LIVE), None, "{other}");
        }
        assert_eq!(MEMBER.read(None, LIVE), None);
    }

    #[test]
    fn a_member_and_the_operator_have_cookies_of_their_own() {
        let field = "__Host-latchkey=member; __Host-latchkey-operator=operator";
        let of = |cookie: SessionCookie| cookie.read(Some(field), LIVE).map(|token| token.expose().to_owned());
        assert_eq!((of(MEMBER).as_deref(), of(OPERATOR).as_deref()), (Some("member"), Some("operator")));
        assert_eq!(OPERATOR.read(Some("__Host-latchkey=member"), LIVE), None);
    }
}
