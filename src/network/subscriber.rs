//! Whom an address is counted as: one IPv4 address, or one IPv6 network of 64 bits.
//!
//! The smallest network that a subscriber is given is a /64 (RFC 6177): whoever has one address of it has all 2^64, and
//! could take a fresh one for each request.

use std::net::{IpAddr, Ipv6Addr};

const SUBSCRIBER: u128 = !0 << 64;

/// The name that all addresses of one subscriber share: `203.0.113.9`, or `2001:db8:1:2::/64`.
#[must_use]
pub fn name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() & SUBSCRIBER)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(text: &str) -> String {
        name(text.parse().unwrap())
    }

    #[test]
    fn ipv4_address_is_itself_however_it_is_written() {
        assert_eq!(named("203.0.113.9"), "203.0.113.9");
        assert_eq!(named("::ffff:203.0.113.9"), "203.0.113.9");
        assert_ne!(named("203.0.113.8"), named("203.0.113.9"));
    }

    #[test]
    fn ipv6_address_is_its_first_64_bits() {
        assert_eq!(named("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(named("2001:db8:1:2::"), "2001:db8:1:2::/64");
        assert_ne!(named("2001:db8:1:3::"), named("2001:db8:1:2::"));
        assert_eq!(named("::1"), "::/64");
    }

    proptest! {
        #[test]
        fn two_ipv6_addresses_share_a_name_exactly_if_they_share_64_bits(one in 1u64.., other in 1u64.., host: u64, another: u64) {
            let address = |network: u64, host: u64| IpAddr::V6(Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(host)));
            prop_assert_eq!(name(address(one, host)), name(address(one, another)));
            prop_assert_eq!(name(address(one, host)) == name(address(other, another)), one == other);
        }
    }
}
