//! A range of addresses in an allowlist: one address, or a network in CIDR notation (RFC 4632, RFC 4291).

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::address;

/// A network; a single address is a network of one. IPv4-mapped IPv6 networks are kept as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange(IpNet);

/// Why a text is not an allowlist entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// Neither an address nor a network.
    #[error("must be an IPv4 or IPv6 address, or a network such as 203.0.113.0/24; no zones, no leading zeros")]
    Syntax,
    /// The address has bits set behind the network's length.
    #[error("has bits set behind the prefix length; write the network's first address, {0}")]
    HostBits(IpNet),
}

/// An IPv4-mapped IPv6 address has the IPv4 address in its last 32 bits.
const MAPPED_PREFIX_BITS: u8 = 96;

impl AddressRange {
    /// Reads `203.0.113.9`, `203.0.113.0/24`, `2001:db8::/32` and the like.
    ///
    /// # Errors
    /// [`BadRange`] with what would be right.
    pub fn parse(text: &str) -> Result<Self, BadRange> {
        let Some((host, length)) = text.split_once('/') else {
            return address::parse(text).map(|single| Self(single.into())).map_err(|_| BadRange::Syntax);
        };
        // `+8` and `08` parse as numbers, but are not prefix lengths.
        if length.starts_with('+') || (length.len() > 1 && length.starts_with('0')) {
            return Err(BadRange::Syntax);
        }
        let host: IpAddr = host.parse().map_err(|_| BadRange::Syntax)?;
        let length: u8 = length.parse().map_err(|_| BadRange::Syntax)?;
        let written = IpNet::new(host, length).map_err(|_| BadRange::Syntax)?;
        let network = unmapped(written.trunc());
        if written.trunc() == written { Ok(Self(network)) } else { Err(BadRange::HostBits(network)) }
    }

    /// Whether `address` lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether every address of `other` lies in this range.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }
}

fn unmapped(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(MAPPED_PREFIX_BITS)) {
        (IpAddr::V4(first), Some(length)) if network.addr().is_ipv6() => Ipv4Net::new(first, length).map_or(network, IpNet::V4),
        _ => network,
    }
}

impl std::fmt::Display for AddressRange {
    /// A range of one address is written without its length.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { write!(f, "{}", self.0.addr()) } else { write!(f, "{}", self.0) }
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn range(text: &str) -> AddressRange {
        AddressRange::parse(text).unwrap()
    }

    #[test]
    fn membership() {
        let inside = |network: &str, address: &str| range(network).contains(address.parse().unwrap());
        assert!(inside("203.0.113.0/24", "203.0.113.255"));
        assert!(!inside("203.0.113.0/24", "203.0.114.0"));
        assert!(inside("203.0.113.9", "::ffff:203.0.113.9"));
        assert!(inside("::ffff:203.0.113.0/120", "203.0.113.7"));
        assert!(inside("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!inside("2001:db8::/32", "203.0.113.9"));
        assert!(inside("0.0.0.0/0", "1.2.3.4"));
        assert!(!inside("::/0", "1.2.3.4"));
    }

    #[test]
    fn host_bits_are_refused_with_the_network_that_was_meant() {
        let refusal = AddressRange::parse("203.0.113.9/24").unwrap_err();
        assert!(refusal.to_string().contains("203.0.113.0/24"), "{refusal}");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "/",
            "203.0.113.0/",
            "203.0.113.0/33",
            "203.0.113.0/+8",
            "203.0.113.0/08",
            "203.0.113.0/24/1",
            "203.0.113.00/24",
            "fe80::%1/64",
            "::/129",
            "a/8",
        ] {
            assert_eq!(AddressRange::parse(text), Err(BadRange::Syntax), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_range_reads_back_and_contains_its_first_address(bits: u128, four: bool, length in 0u8..=128) {
            let (address, length) = if four {
                (IpAddr::V4(Ipv4Addr::from_bits(bits as u32)), length.min(32))
            } else {
                (IpAddr::V6(Ipv6Addr::from_bits(bits)), length)
            };
            let first = IpNet::new(address, length).unwrap().trunc();
            let range = range(&first.to_string());
            prop_assert!(range.contains(first.addr()));
            prop_assert_eq!(AddressRange::parse(&range.to_string()), Ok(range));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9a-f:./%+ ]{0,40}") {
            let _ = AddressRange::parse(&text);
        }
    }
}
