//! Origins of pages, as browsers write them (RFC 6454, section 6.2).
//!
//! In scope: whether a text is one. Out of scope: which of them may do what.

use std::net::Ipv6Addr;

/// Whether the text is a scheme of the web and a host in small letters, with a port unless it is the scheme's own, and
/// nothing behind. A text that browsers write in another way would match none of theirs. Nothing in one ends a directive or
/// a field.
#[must_use]
pub fn is_web_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let own_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return false,
    };
    let (name, port) = match authority.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number != own_port && number.to_string() == port);
    is_host(name) && port.is_none_or(is_port)
}

/// Whether what such an origin's pages are told stays between browser and server, or on this machine.
#[must_use]
pub fn is_private(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").map(|host| host.split(':').next().unwrap_or_default());
    host.is_none_or(|host| matches!(host, "localhost" | "127.0.0.1"))
}

fn is_host(name: &str) -> bool {
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_would_write() {
        for good in [
            "https://docs.example.com",
            "https://docs.example.com:8443",
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://a",
            "http://my_app.internal",
            "http://[::1]:8787",
            "https://[2001:db8::1]",
        ] {
            assert!(is_web_origin(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "'self'",
            "docs.example.com",
            "https:docs.example.com",
            "https://",
            "https://*",
            "https://*.example.com",
            "https://Docs.example.com",
            "HTTPS://docs.example.com",
            "https://docs.example.com/",
            "https://docs.example.com?",
            "https://docs.example.com#x",
            "https://user@docs.example.com",
            "https://docs.example.com:443",
            "http://docs.example.com:80",
            "https://docs.example.com:",
            "https://docs.example.com:0",
            "https://docs.example.com:080",
            "https://docs.example.com:65536",
            "https://docs..example.com",
            "https://-docs.example.com",
            "https://docs.example.com; script-src *",
            "https://docs.example.com,https://b.example",
            "https://docs.example.com\n",
            "https://[::1",
            "https://[::g]",
            "https://[0::1]",
            "https://größe.example",
            "ftp://docs.example.com",
        ] {
            assert!(!is_web_origin(bad), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_private_on_this_machine_alone() {
        for (origin, private) in [
            ("https://a.example", true),
            ("http://localhost:3000", true),
            ("http://127.0.0.1", true),
            ("http://a.example", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(is_private(origin), private, "{origin}");
        }
    }
}
