//! How many connections a listener holds, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Limits, TurnedAway};

/// Counts the connections of one socket. The map of addresses is bounded by the cap on connections.
#[derive(Default)]
pub(super) struct Admission(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Admission {
    /// Counts a connection in, unless a limit is reached.
    pub(super) fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
        limits: &Limits,
    ) -> Result<Permit, TurnedAway> {
        let address = limits.connections_per_address.map(|_| network(peer));
        let mut counts = self.0.lock();
        if counts.total >= limits.connections {
            return Err(TurnedAway::Listener);
        }
        if let Some((address, cap)) = address.zip(limits.connections_per_address) {
            let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
            if of_address >= cap {
                return Err(TurnedAway::Address);
            }
            counts.by_address.insert(address, of_address + 1);
        }
        counts.total += 1;
        Ok(Permit { admission: self.clone(), address })
    }
}

/// A connection that is counted until this is dropped.
pub(super) struct Permit {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.0.lock();
        counts.total = counts.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        match counts.by_address.get_mut(&address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.by_address.remove(&address);
            }
        }
    }
}

/// What counts as one address: whoever has an IPv6 address has a whole /64 network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, per_address: Option<usize>) -> Limits {
        Limits { connections, connections_per_address: per_address, ..Limits::default() }
    }

    #[test]
    fn a_listener_admits_as_many_as_it_may_and_again_after_one_left() {
        let admission = Arc::new(Admission::default());
        let limits = limits(2, None);
        let peer = IpAddr::from([127, 0, 0, 1]);
        let first = admission.admit(peer, &limits).ok();
        let _second = admission.admit(peer, &limits).ok();
        assert_eq!(
            admission.admit(peer, &limits).err(),
            Some(TurnedAway::Listener),
            "the third is one too many"
        );
        drop(first);
        assert!(admission.admit(peer, &limits).is_ok(), "a place became free");
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_their_limit_and_others_do_not() {
        let admission = Arc::new(Admission::default());
        let limits = limits(100, Some(1));
        let permit = admission.admit("2001:db8::1".parse().unwrap(), &limits).ok();
        assert_eq!(
            admission.admit("2001:db8::2".parse().unwrap(), &limits).err(),
            Some(TurnedAway::Address),
            "the same /64"
        );
        assert!(
            admission.admit("2001:db8:0:1::1".parse().unwrap(), &limits).is_ok(),
            "another /64"
        );
        assert!(admission.admit("192.0.2.1".parse().unwrap(), &limits).is_ok(), "IPv4");
        assert_eq!(
            admission.admit("::ffff:192.0.2.1".parse().unwrap(), &limits).err(),
            None,
            "its permit was dropped at once"
        );
        drop(permit);
        assert!(admission.0.lock().by_address.is_empty(), "no address is remembered needlessly");
    }
}
