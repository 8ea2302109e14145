//! Networks and single addresses: `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

use super::text::{TextError, text_setting};

/// A network in CIDR notation, or one address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cidr(IpNet);

impl Cidr {
    /// Whether the address lies inside. An IPv4 address that arrived over an IPv6 socket
    /// (`::ffff:192.0.2.7`) counts as the IPv4 address it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// The network.
    pub fn network(&self) -> IpNet {
        self.0
    }
}

impl FromStr for Cidr {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse::<IpNet>().map_err(|_| {
                TextError::new("expected an address or a network such as `10.0.0.0/8`")
            })?,
        };
        if network.addr() != network.network() {
            return Err(TextError::new("expected a network whose host bits are zero")
                .hint(format!("`{}` or `{}`?", network.trunc(), network.addr())));
        }
        match network.addr() {
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
                Err(TextError::new("expected an IPv4 network in its own notation")
                    .hint("`::ffff:192.0.2.7` is `192.0.2.7`"))
            }
            _ => Ok(Self(network)),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            return self.0.addr().fmt(out);
        }
        self.0.fmt(out)
    }
}

text_setting!(Cidr, "cidr", "an address or a network such as `10.0.0.0/8`");
