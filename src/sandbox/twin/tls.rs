//! The certificate with which a twin is served, and the authority to be trusted for it.

use std::time::Duration;

use x509_parser::pem::parse_x509_pem;

use super::{File, Kept, OpenError};
use crate::sandbox::{Authority, Pair};

/// The certificate of an earlier twin if it is good for another day, else a new one for these names
/// and addresses. `now` is the time since the Unix epoch.
pub fn tls(kept: &Kept, names: &[&str], now: Duration) -> Result<(Pair, Vec<File>), OpenError> {
    let files = (kept.read(AUTHORITY)?, kept.read(CHAIN)?, kept.read(KEY)?);
    let (authority, pair) = match files {
        (Some(authority), Some(chain), Some(key)) if is_good(&chain, names, now) => {
            (authority, Pair { chain, key })
        }
        _ => {
            let authority = Authority::new("Tollgate sandbox authority", now)?;
            (authority.certificate(), authority.server(names)?)
        }
    };
    let files = [
        (AUTHORITY, &authority, "the authority to be trusted for the twin's address"),
        (CHAIN, &pair.chain, "the twin's own: its certificate"),
        (KEY, &pair.key, "the twin's own: its certificate's private key"),
    ];
    let files = files.map(|(name, text, what)| File { name, text: text.clone(), what });
    Ok((pair, files.into()))
}

fn is_good(chain: &str, names: &[&str], now: Duration) -> bool {
    let Ok((_, pem)) = parse_x509_pem(chain.as_bytes()) else { return false };
    let Ok(certificate) = pem.parse_x509() else { return false };
    let until = certificate.validity().not_after.timestamp();
    let names_are_known =
        certificate.subject_alternative_name().ok().flatten().is_some_and(|found| {
            let known: Vec<String> = found.value.general_names.iter().map(named).collect();
            names.iter().all(|name| known.iter().any(|known| known == name))
        });
    names_are_known && u64::try_from(until).is_ok_and(|until| until > (now + DAY).as_secs())
}

fn named(name: &x509_parser::extensions::GeneralName<'_>) -> String {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use x509_parser::extensions::GeneralName;

    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(|bytes| Ipv4Addr::from(bytes).to_string())
            .or_else(|_| {
                <[u8; 16]>::try_from(*bytes).map(|bytes| Ipv6Addr::from(bytes).to_string())
            })
            .unwrap_or_default(),
        _ => String::new(),
    }
}

const AUTHORITY: &str = "ca.pem";
const CHAIN: &str = "provider/tls.pem";
const KEY: &str = "provider/tls_key.pem";
const DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_kept_while_it_is_good_for_these_names() {
        let folder = std::env::temp_dir().join(format!("tollgate-twin-tls-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let kept = Kept::of(&folder);
        let start = Duration::from_hours(500_000);
        let names = ["localhost", "127.0.0.1", "::1"];
        let (first, files) = tls(&kept, &names, start).unwrap();
        super::super::write(&folder, &files).unwrap();
        let chain = |names: &[&str], now| tls(&kept, names, now).unwrap().0.chain;
        assert_eq!(chain(&names, start), first.chain, "kept");
        assert_eq!(chain(&["127.0.0.1"], start), first.chain, "for fewer names");
        assert_ne!(chain(&["192.0.2.1"], start), first.chain, "another address");
        let end = start + Duration::from_hours(30 * 24);
        assert_ne!(chain(&names, end), first.chain, "at its end");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
