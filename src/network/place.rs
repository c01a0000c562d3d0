//! Where an address is, roughly: the network that a person cannot be told from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a person's connection is one of many in: 256 addresses of IPv4, a site of IPv6 (RFC 6177).
const IPV4: u32 = !0 << 8;
const IPV6: u128 = !0 << 80;

/// The network of an address: `203.0.113.0/24`, or `2001:db8:1::/48`.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("{}/24", Ipv4Addr::from_bits(address.to_bits() & IPV4)),
        IpAddr::V6(address) => format!("{}/48", Ipv6Addr::from_bits(address.to_bits() & IPV6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_names_a_person_is_gone() {
        for (address, known) in [
            ("203.0.113.9", "203.0.113.0/24"),
            ("::ffff:203.0.113.255", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
        ] {
            assert_eq!(network(address.parse().unwrap()), known);
        }
    }
}
