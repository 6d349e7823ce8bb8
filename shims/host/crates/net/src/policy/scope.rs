//! What kind of network an address belongs to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads, from the IANA special-purpose registries (RFC 6890, RFC 8190).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The internet.
    Public,
    /// The person's own network.
    Private,
    /// The cable itself, where devices and cloud machines keep their configuration.
    LinkLocal,
    /// This device.
    Loopback,
    /// Nothing that a player talks to: multicast, reserved.
    Reserved,
}

impl Scope {
    /// The scope of `address`; one that carries an IPv4 address inside (mapped, NAT64, 6to4) has that one's.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| of_v6(v6), of_v4),
        }
    }

    /// For sentences.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Public => "on the internet",
            Self::Private => "inside your own network",
            Self::LinkLocal => "on the link itself",
            Self::Loopback => "on this device",
            Self::Reserved => "of a reserved kind",
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Scope {
    match address.octets() {
        // 0.0.0.0 connects to this device.
        [0 | 127, ..] => Scope::Loopback,
        [169, 254, ..] => Scope::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Scope::Private,
        // Carrier-grade NAT, RFC 6598; benchmarks, RFC 2544.
        [100, 64..=127, ..] | [198, 18 | 19, ..] => Scope::Private,
        [192, 0, 0, _] | [224..=255, ..] => Scope::Reserved,
        _ => Scope::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Scope {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Scope::Loopback,
        [0xfe80..=0xfebf, ..] => Scope::LinkLocal,
        // Unique local, RFC 4193; site-local, deprecated by RFC 3879 and still routed by some.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Scope::Private,
        [0xff00..=0xffff, ..] => Scope::Reserved,
        _ => Scope::Public,
    }
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let words = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible (RFC 4291 2.5.5.1), mapped (2.5.5.2), translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(words(high, low)),
        // 6to4, RFC 3056.
        [0x2002, high, low, ..] => Some(words(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_of_special_addresses_is_known() {
        for (address, scope) in [
            ("1.1.1.1", Scope::Public),
            ("172.32.0.1", Scope::Public),
            ("100.128.0.1", Scope::Public),
            ("2606:4700::1", Scope::Public),
            ("10.0.0.1", Scope::Private),
            ("172.31.255.255", Scope::Private),
            ("192.168.1.1", Scope::Private),
            ("100.64.0.1", Scope::Private),
            ("fd00::1", Scope::Private),
            ("169.254.169.254", Scope::LinkLocal),
            ("fe80::1", Scope::LinkLocal),
            ("127.0.0.1", Scope::Loopback),
            ("127.255.0.1", Scope::Loopback),
            ("0.0.0.0", Scope::Loopback),
            ("::1", Scope::Loopback),
            ("::", Scope::Loopback),
            ("224.0.0.1", Scope::Reserved),
            ("255.255.255.255", Scope::Reserved),
            ("ff02::1", Scope::Reserved),
        ] {
            assert_eq!(Scope::of(address.parse().unwrap()), scope, "{address}");
        }
    }

    #[test]
    fn scope_of_embedded_address_is_that_of_the_address_inside() {
        for address in
            ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:0:7f00:1"]
        {
            assert_eq!(Scope::of(address.parse().unwrap()), Scope::Loopback, "{address}");
        }
        assert_eq!(Scope::of("::ffff:8.8.8.8".parse().unwrap()), Scope::Public);
    }
}
