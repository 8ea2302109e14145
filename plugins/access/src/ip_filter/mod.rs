//! Allows and refuses callers by address.
//!
//! The address is the caller's as the gateway established it: the peer's, or the one that a trusted
//! proxy vouched for. IPv4 addresses in IPv6 notation count as the IPv4 addresses they are.

mod config;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use tollgate_api::{Exchange, Flow, Hooks, Needs, Plugin, Step, codes, setting::Cidr};

pub use config::IpFilter;

/// The plugin, ready to run.
struct AddressCheck {
    allow: Vec<Cidr>,
    deny: Vec<Cidr>,
}

impl Plugin for AddressCheck {
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        if self.admits(exchange.client) {
            Step::Now(Ok(Flow::Continue))
        } else {
            Step::Now(Err((&codes::ADDRESS_DENIED).into()))
        }
    }
}

impl AddressCheck {
    fn admits(&self, client: IpAddr) -> bool {
        let is_in = |networks: &[Cidr]| networks.iter().any(|network| network.contains(client));
        !is_in(&self.deny) && (self.allow.is_empty() || is_in(&self.allow))
    }
}
