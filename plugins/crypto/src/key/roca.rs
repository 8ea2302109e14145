//! The fingerprint of CVE-2017-15361 (ROCA).
//!
//! Affected chips made primes of the form k·M + (65537^a mod M), so the modulus is a power of 65537
//! modulo each small prime. A random modulus passes all of these tests with a chance below 2^-27.

/// Whether the modulus (big endian) carries the fingerprint.
pub(super) fn is_affected(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn remainder(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |rest, &byte| (rest << 8 | u32::from(byte)) % prime)
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == value {
            return true;
        }
        power = power * 65_537 % prime;
        if power == 1 {
            return false;
        }
    }
}

/// The primes of the published detector in which powers of 65537 do not cover everything, and a few more.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_powers_of_65537_is_affected() {
        assert!(is_affected(&[1]), "65537^0");
        assert!(is_affected(&[1, 0, 1]), "65537^1");
        assert!(is_affected(&[1, 0, 2, 0, 1]), "65537^2");
    }

    #[test]
    fn other_numbers_are_not() {
        assert!(!is_affected(&[1, 0, 3]), "65539");
        assert!(!is_affected(&[0x7f; 256]), "an arbitrary 2047-bit number");
        assert!(!is_affected(&[]), "zero");
    }
}
