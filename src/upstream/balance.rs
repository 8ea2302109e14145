//! Choosing among endpoints: pure arithmetic over weights and loads, no lock and no memory.

/// What a choice depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Above zero.
    pub(super) weight: u32,
    /// Exchanges in flight.
    pub(super) load: usize,
}

/// The candidate whose turn it is. Over as many turns as the weights add up to, each is chosen
/// exactly as often as its weight says, and never in a row where that can be avoided.
///
/// Turns step through the sum of weights by a stride that shares no divisor with it and lies near
/// the golden section: every slot is met once per cycle, neighbours far apart.
pub(super) fn round_robin(turn: usize, candidates: &[Candidate]) -> Option<usize> {
    let total: u64 = candidates.iter().map(|candidate| u64::from(candidate.weight)).sum();
    if total == 0 {
        return None;
    }
    let mut slot = (turn as u64 % total) * stride(total) % total;
    candidates.iter().position(|candidate| {
        let weight = u64::from(candidate.weight);
        let found = slot < weight;
        slot = slot.saturating_sub(weight);
        found
    })
}

/// The candidate with the least load for its weight; equals take turns.
pub(super) fn least_loaded(turn: usize, candidates: &[Candidate]) -> Option<usize> {
    let count = candidates.len();
    (0..count)
        .map(|step| (turn.wrapping_add(step)) % count)
        .filter_map(|index| candidates.get(index).map(|candidate| (index, candidate)))
        .filter(|(_, candidate)| candidate.weight > 0)
        .min_by(|(_, a), (_, b)| {
            // load_a / weight_a against load_b / weight_b, without division.
            (a.load as u128 * u128::from(b.weight)).cmp(&(b.load as u128 * u128::from(a.weight)))
        })
        .map(|(index, _)| index)
}

fn stride(total: u64) -> u64 {
    // 0.618 in integers; totals are bounded by endpoints times weight, far from overflow.
    let near = (total * 618 / 1_000).max(1);
    (near..=total).find(|stride| gcd(*stride, total) == 1).unwrap_or(1)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(weights: &[u32]) -> Vec<Candidate> {
        weights.iter().map(|weight| Candidate { weight: *weight, load: 0 }).collect()
    }

    proptest! {
        #[test]
        fn weights_are_exact_over_a_cycle_wherever_it_starts(
            given in proptest::collection::vec(0..20_u32, 1..8), start in 0..1_000_usize,
        ) {
            let total: u32 = given.iter().sum();
            let candidates = weights(&given);
            let mut counts = vec![0; given.len()];
            for turn in 0..total as usize {
                counts[round_robin(start + turn, &candidates).unwrap()] += 1;
            }
            prop_assert_eq!(counts, given);
        }
    }

    #[test]
    fn equal_weights_never_come_twice_in_a_row() {
        for count in 2..10 {
            let candidates = weights(&vec![1; count]);
            for turn in 0..count * 3 {
                assert_ne!(
                    round_robin(turn, &candidates),
                    round_robin(turn + 1, &candidates),
                    "{count} endpoints, turn {turn}"
                );
            }
        }
    }

    #[test]
    fn nobody_is_chosen_from_nobody() {
        assert_eq!(round_robin(3, &[]), None, "no candidate");
        assert_eq!(round_robin(3, &weights(&[0, 0])), None, "all drained");
        assert_eq!(least_loaded(3, &[]), None, "no candidate");
        assert_eq!(least_loaded(3, &weights(&[0])), None, "drained");
    }

    #[test]
    fn the_least_loaded_is_chosen_by_load_for_weight() {
        let candidate = |weight, load| Candidate { weight, load };
        assert_eq!(
            least_loaded(0, &[candidate(1, 2), candidate(1, 0), candidate(1, 1)]),
            Some(1),
            "the idle one"
        );
        assert_eq!(
            least_loaded(0, &[candidate(1, 3), candidate(4, 8)]),
            Some(1),
            "eight on weight four is less than three on weight one"
        );
        assert_eq!(
            least_loaded(1, &[candidate(0, 0), candidate(1, 9)]),
            Some(1),
            "drained is left out"
        );
    }

    #[test]
    fn equally_loaded_endpoints_take_turns() {
        let candidates = weights(&[1, 1, 1]);
        let chosen: Vec<_> = (0..3).filter_map(|turn| least_loaded(turn, &candidates)).collect();
        assert_eq!(chosen, [0, 1, 2], "the turn breaks ties");
    }
}
