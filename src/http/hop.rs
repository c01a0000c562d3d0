//! Which fields of a message go no further than here.
//!
//! In scope: names. Out of scope: which fields are set in their place.

/// What is about one connection, whatever else the message says (RFC 9110, section 7.6.1; RFC 9112, appendix C.2.2), and what
/// is said to a proxy (RFC 9110, section 11.7).
const OF_ONE_HOP: [&str; 7] = ["connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "transfer-encoding"];

/// The fields of one message that end with its connection.
pub struct Hop {
    named: Vec<String>,
    is_handshake: bool,
}

impl Hop {
    /// By the message's `Connection` and `Upgrade`; repeated fields come joined by commas.
    #[must_use]
    pub fn read(connection: Option<&str>, upgrade: Option<&str>) -> Self {
        let named = connection.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
        let is_handshake = upgrade.is_some_and(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"));
        Self { named: named.filter(|name| !name.is_empty()).collect(), is_handshake }
    }

    /// Whether the field ends here.
    #[must_use]
    pub fn ends(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            // The handshake of a WebSocket is passed on, and answered by the origin (RFC 6455, section 4.2.2).
            "upgrade" => !self.is_handshake,
            name => OF_ONE_HOP.contains(&name) || self.named.iter().any(|named| named == name),
        }
    }
}

/// Whether a reader could take the field for one of Latchkey's own: many write `-` where a name has something else than a
/// letter or a digit.
#[must_use]
pub fn is_latchkeys(name: &str) -> bool {
    let own = b"latchkey-";
    let read = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    name.len() >= own.len() && name.bytes().zip(own).all(|(byte, own)| read(byte) == *own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_connection_ends_with_it() {
        let hop = Hop::read(Some("close, X-Own ,\tLatchkey-Key-Id,,"), None);
        for name in [
            "Connection",
            "Keep-Alive",
            "Proxy-Connection",
            "Proxy-Authorization",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "x-own",
            "Close",
            "latchkey-key-id",
        ] {
            assert!(hop.ends(name), "{name}");
        }
        for name in ["Host", "Content-Length", "Cookie", "Sec-WebSocket-Key", "X-Own-Too", ""] {
            assert!(!hop.ends(name), "{name}");
        }
        assert!(!Hop::read(None, None).ends("x-own"));
    }

    #[test]
    fn only_the_handshake_of_a_web_socket_is_passed_on() {
        assert!(!Hop::read(Some("Upgrade"), Some("WebSocket")).ends("Upgrade"));
        for upgrade in ["h2c", "websocket, h2c", ""] {
            assert!(Hop::read(Some("Upgrade"), Some(upgrade)).ends("Upgrade"), "{upgrade}");
        }
    }

    #[test]
    fn nobody_writes_latchkeys_fields_in_another_way() {
        for name in ["Latchkey-Key-Id", "latchkey_key_id", "LATCHKEY-ANYTHING", "Latchkey.Key.Id", "latchkey-", "latchkey_"] {
            assert!(is_latchkeys(name), "{name}");
        }
        for name in ["latchkey", "latchkeys-id", "x-latchkey-key-id", "latch-key-id", ""] {
            assert!(!is_latchkeys(name), "{name}");
        }
    }
}
