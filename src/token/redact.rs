//! Texts that somebody sent, on their way into a log: whatever could be a credential is taken out.
//!
//! In scope: the credential that came with the text, and what looks like one of any kind. Out of scope: texts that Latchkey
//! made itself.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands in place of a credential.
const REDACTED: &str = "[redacted]";

/// Words of letters and digits that are so long are no names. Keys have 44 characters and more, digests 64, tokens of identity
/// providers hundreds; a UUID has 36, an id of Latchkey 30.
const MIN_TOKEN_CHARS: usize = 40;

/// The text without `credential` and without anything that looks like a credential, percent-encoded or not. A text with
/// nothing of the kind stays as it is.
#[must_use]
pub fn redacted(text: &str, credential: &str) -> String {
    let clean = without(text, credential);
    let plain = decoded(&clean);
    let clean_plain = without(&plain, credential);
    if clean_plain == plain { clean } else { clean_plain }
}

/// The same of a text that was cut after `limit` characters: what the cut went through may be half a credential.
#[must_use]
pub fn redacted_path(path: &str, limit: usize, credential: &str) -> String {
    if path.chars().count() < limit {
        return redacted(path, credential);
    }
    let whole = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or_default();
    format!("{}[cut]", redacted(whole, credential))
}

fn without(text: &str, credential: &str) -> String {
    let text = if credential.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(text.replace(credential, REDACTED)) };
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(start) = rest.find(is_of_tokens) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|char| !is_of_tokens(char)).unwrap_or(from.len()));
        clean.push_str(before);
        clean.push_str(if looks_like_a_token(word) { REDACTED } else { word });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// The characters of keys, digests and tokens (base 62 and 64, RFC 6750, section 2.1), without the slash.
fn is_of_tokens(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_' | '~' | '+' | '=')
}

fn looks_like_a_token(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    word.len() >= MIN_TOKEN_CHARS && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// The text percent-decoded as often as that changes it. Each time it becomes shorter.
fn decoded(text: &str) -> String {
    let mut plain = text.to_owned();
    loop {
        let next = percent_decode_str(&plain).decode_utf8_lossy().into_owned();
        if next == plain {
            return plain;
        }
        plain = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures;
    use proptest::prelude::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIn0.c2lnbmF0dXJl";

    fn encoded(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02x}")).collect()
    }

    #[test]
    fn what_is_no_credential_stays_as_it_is() {
        for text in [
            "/v1/leads/7",
            "/v1/%7Eada/caf%C3%A9",
            "/v1/leads/550e8400-e29b-41d4-a716-446655440000",
            "/v1/orgs/org_01q9gd6e000w3ge1r70w3ge1r7/keys/key_01q9gd6e000w3ge1r70w3ge1r7",
            "/help/how-to-configure-the-keys-of-your-own-organization",
            "user_42",
            "",
        ] {
            assert_eq!(redacted(text, "sk_other"), text);
        }
    }

    #[test]
    fn every_kind_of_credential_is_taken_out() {
        let key = fixtures::credential();
        let digest = crate::token::digest::Digest::of(&key).hex();
        let operator = format!("lko_{}", "0a".repeat(32));
        for secret in [key.as_str(), &digest, &operator, JWT] {
            assert_eq!(redacted(&format!("/files/{secret}/x"), ""), "/files/[redacted]/x");
            assert_eq!(redacted(&format!("/files/{}/x", encoded(secret)), ""), "/files/[redacted]/x");
        }
        // Of a shape that nothing tells: only that it came with the request.
        for text in ["/files/old-key/x", "/files/%6fld-key/x", "/files/%256fld-key/x"] {
            assert_eq!(redacted(text, "old-key"), "/files/[redacted]/x");
        }
    }

    #[test]
    fn what_a_cut_went_through_is_dropped() {
        assert_eq!(redacted_path("/files/old-k", 12, "old-key"), "/files/[cut]");
        assert_eq!(redacted_path("/files/old-k", 13, "old-key"), "/files/old-k");
        assert_eq!(redacted_path("aaaa", 4, "b"), "[cut]");
    }

    proptest! {
        #[test]
        fn the_credential_is_never_left(before in "[ -~]{0,20}", after in "[ -~]{0,20}", credential in "[a-zA-Z0-9_-]{6,60}", twice: bool) {
            let mut hidden = encoded(&credential);
            if twice {
                hidden = encoded(&hidden);
            }
            for text in [format!("{before}{credential}{after}"), format!("{before}{hidden}{after}")] {
                let clean = redacted(&text, &credential);
                prop_assert!(!clean.contains(&credential) && !decoded(&clean).contains(&credential), "{}", clean);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", credential in "\\PC*", limit in 0usize..20) {
            let _ = redacted_path(&text, limit, &credential);
        }
    }
}
