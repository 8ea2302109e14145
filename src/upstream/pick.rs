//! Choosing where an attempt goes.

use std::{net::SocketAddr, sync::Arc};

use tollgate_api::{Code, Fault, Tick, codes};

use crate::upstream::{
    Place,
    balance::{self, Candidate},
    endpoint::{InFlight, Target},
    spec::{Balance, EndpointSpec},
};

/// Why no endpoint was chosen. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PickError {
    /// Addresses are known, and all of them are unhealthy.
    #[error("every endpoint is unhealthy")]
    NoHealthyEndpoint,
    /// No endpoint's name could be resolved.
    #[error("no endpoint could be resolved")]
    Unresolved,
}

impl PickError {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoHealthyEndpoint => "no_healthy_endpoint",
            Self::Unresolved => "unresolved",
        }
    }

    /// The fault code that the caller is told.
    pub fn code(self) -> &'static Code {
        match self {
            Self::NoHealthyEndpoint => &codes::NO_HEALTHY_ENDPOINT,
            Self::Unresolved => &codes::UPSTREAM_UNRESOLVED,
        }
    }
}

impl From<PickError> for Fault {
    fn from(error: PickError) -> Self {
        Self::new(error.code()).caused_by(error)
    }
}

/// A chosen endpoint and address. Counts as an exchange in flight there until it is dropped.
pub struct Picked {
    index: usize,
    place: Arc<Place>,
    in_flight: InFlight,
    /// Addresses of the endpoint that were tried without success for this attempt.
    given_up: Vec<SocketAddr>,
}

impl Picked {
    /// Its position among the endpoints of the upstream.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The endpoint as it was configured.
    pub fn endpoint(&self) -> &EndpointSpec {
        &self.place.spec
    }

    /// The address that the attempt goes to.
    pub fn address(&self) -> SocketAddr {
        self.target().address()
    }

    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        self.in_flight.target()
    }

    /// How many addresses of the same endpoint are left to try.
    pub(super) fn siblings(&self) -> usize {
        let targets = self.place.endpoint.targets();
        targets.iter().filter(|target| self.is_sibling(target)).count()
    }

    /// Moves on to the next address of the same endpoint.
    pub(super) fn move_on(&mut self) -> bool {
        self.given_up.push(self.address());
        let next = {
            let targets = self.place.endpoint.targets();
            targets.iter().find(|target| self.is_sibling(target)).cloned()
        };
        next.map(|target| self.in_flight = InFlight::new(target)).is_some()
    }

    fn is_sibling(&self, target: &Target) -> bool {
        target.is_healthy()
            && target.address() != self.address()
            && !self.given_up.contains(&target.address())
    }
}

/// Chooses among healthy addresses: those that have not failed lately first, and among them those
/// of endpoints that this request has not tried yet.
pub(super) fn pick(
    places: &[Arc<Place>],
    balance: Balance,
    turn: usize,
    tried: &[usize],
    now: Tick,
) -> Result<Picked, PickError> {
    if let [place] = places
        && let [target] = place.endpoint.targets().as_slice()
    {
        let picked = |target: &Arc<Target>| Picked {
            index: 0,
            place: Arc::clone(place),
            in_flight: InFlight::new(Arc::clone(target)),
            given_up: Vec::new(),
        };
        return target.is_healthy().then(|| picked(target)).ok_or(PickError::NoHealthyEndpoint);
    }
    let rank = |index: usize, target: &Target| {
        u8::from(target.is_avoided(now)) * 2 + u8::from(tried.contains(&index))
    };
    let mut best = u8::MAX;
    let mut known = false;
    let mut chosen: Vec<(usize, Candidate)> = Vec::with_capacity(places.len());
    for (index, place) in places.iter().enumerate().filter(|(_, place)| place.spec.weight > 0) {
        let targets = place.endpoint.targets();
        known |= !targets.is_empty();
        let healthy = targets.iter().filter(|target| target.is_healthy());
        let Some(lowest) = healthy.map(|target| rank(index, target)).min() else { continue };
        if lowest < best {
            best = lowest;
            chosen.clear();
        }
        if lowest == best {
            let load = targets.iter().map(|target| target.in_flight()).sum();
            chosen.push((index, Candidate { weight: place.spec.weight, load }));
        }
    }
    let nobody = if known { PickError::NoHealthyEndpoint } else { PickError::Unresolved };
    let candidates: Vec<_> = chosen.iter().map(|(_, candidate)| *candidate).collect();
    let winner = match balance {
        Balance::RoundRobin => balance::round_robin(turn, &candidates),
        Balance::LeastLoaded => balance::least_loaded(turn, &candidates),
    };
    let (index, place) = winner
        .and_then(|winner| chosen.get(winner))
        .and_then(|(index, _)| places.get(*index).map(|place| (*index, place)))
        .ok_or(nobody)?;
    let targets = place.endpoint.targets();
    let eligible: Vec<_> = targets
        .iter()
        .filter(|target| target.is_healthy() && rank(index, target) == best)
        .collect();
    let loads: Vec<_> =
        eligible.iter().map(|target| Candidate { weight: 1, load: target.in_flight() }).collect();
    let own_turn = if eligible.len() > 1 { place.endpoint.turn() } else { 0 };
    let winner = match balance {
        Balance::RoundRobin => balance::round_robin(own_turn, &loads),
        Balance::LeastLoaded => balance::least_loaded(own_turn, &loads),
    };
    // Health may have changed since the first look: then there is nobody after all.
    let target = winner.and_then(|winner| eligible.get(winner)).ok_or(nobody)?;
    Ok(Picked {
        index,
        place: Arc::clone(place),
        in_flight: InFlight::new(Arc::clone(target)),
        given_up: Vec::new(),
    })
}
