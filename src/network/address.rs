//! One address, IPv4-mapped IPv6 brought to IPv4.

use std::net::IpAddr;

/// The text is not an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IPv4 or IPv6 address without a port or zone")]
pub struct NotAnAddress;

/// Reads an address. Leading zeros in IPv4 (which some read as octal) and zone ids are refused.
///
/// # Errors
/// [`NotAnAddress`] for anything else.
pub fn parse(text: &str) -> Result<IpAddr, NotAnAddress> {
    text.parse::<IpAddr>().map(|address| address.to_canonical()).map_err(|_| NotAnAddress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(parse("::ffff:203.0.113.9"), parse("203.0.113.9"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "203.0.113", "203.0.113.09", "203.0.113.9:80", "fe80::1%eth0", "[::1]", " 203.0.113.9", "host"] {
            assert_eq!(parse(text), Err(NotAnAddress), "{text}");
        }
    }
}
