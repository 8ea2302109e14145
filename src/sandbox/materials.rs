//! Keys and certificates of the demonstration: what `conf/demo.yaml` refers to, and what the other
//! side of each of them is.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use tollgate_api::Entropy;

use super::{Authority, CipherDialect, JweDialect, MakeError, Pair, RsaPair};

/// Everything that is made before anything starts.
pub struct Materials {
    authority: String,
    gateway: Pair,
    /// The token issuer's certificate.
    pub issuer: Pair,
    /// The card acquirer's certificate.
    pub acquirer: Pair,
    /// The wallet's certificate.
    pub wallet: Pair,
    /// The certificate of every provider's twin.
    pub twin: Pair,
    /// The certificate of the institution's own service.
    pub institution: Pair,
    ours: RsaPair,
    theirs: RsaPair,
    shared: [u8; 32],
    api_key: String,
}

impl Materials {
    /// Makes all of it; this takes a moment. `now` is the time since the Unix epoch.
    pub fn make(now: Duration, entropy: &dyn Entropy) -> Result<Self, MakeError> {
        let authority = Authority::new("Tollgate demo authority", now)?;
        let (mut shared, mut api_key) = ([0; 32], [0; 15]);
        entropy.fill(&mut shared);
        entropy.fill(&mut api_key);
        Ok(Self {
            gateway: authority.server(GATEWAY)?,
            issuer: authority.server(&["id.example", "localhost", "127.0.0.1"])?,
            acquirer: authority.server(&["acquirer.example", "localhost", "127.0.0.1"])?,
            wallet: authority.server(&["wallet.example", "localhost", "127.0.0.1"])?,
            twin: authority.server(&["localhost", "127.0.0.1"])?,
            institution: authority.server(&["localhost", "127.0.0.1"])?,
            authority: authority.certificate(),
            ours: RsaPair::generate()?,
            theirs: RsaPair::generate()?,
            shared,
            api_key: STANDARD.encode(api_key),
        })
    }

    /// The authority that signed every certificate, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// How the card acquirer speaks. `None` if its keys cannot be used.
    pub fn acquirer_dialect(&self) -> Option<JweDialect> {
        JweDialect::new(
            "encrypted",
            (&self.theirs.private, "acquirer-2026"),
            (&self.ours.public, "ours-2026"),
        )
    }

    /// How the wallet speaks. `None` if its key cannot be used.
    pub fn wallet_dialect(&self) -> Option<CipherDialect> {
        CipherDialect::new(&self.shared)
    }

    /// What the wallet wants to see in `X-Api-Key`.
    pub fn wallet_api_key(&self) -> &str {
        &self.api_key
    }

    /// Writes what the gateway needs into a folder. Only the owner can read what is secret.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("tls"))?;
        fs::create_dir_all(folder.join("keys"))?;
        for (path, text) in [
            ("ca.pem", self.authority.as_str()),
            ("tls/gateway.pem", &self.gateway.chain),
            ("tls/gateway.key", &self.gateway.key),
            ("keys/acquirer.pem", &self.theirs.public),
            ("keys/ours.key", &self.ours.private),
            ("keys/wallet.key", &STANDARD.encode(self.shared)),
            ("keys/wallet.api-key", &self.api_key),
        ] {
            write_private(&folder.join(path), text)?;
        }
        Ok(())
    }
}

/// Writes a file that only its owner can read, in the place of one that may be there.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// By which names the gateway is called.
const GATEWAY: &[&str] = &[
    "pay.example",
    "localhost",
    "127.0.0.1",
    "::1",
    "wechat-pay.raw.localhost",
    "alipay.raw.localhost",
    "stripe.raw.localhost",
];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tollgate_api::{Clock, SystemClock, SystemEntropy};

    use super::*;

    #[test]
    fn every_file_is_written_and_only_its_owner_can_read_it() {
        let folder =
            std::env::temp_dir().join(format!("tollgate-materials-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let materials = Materials::make(SystemClock::new().unix(), &SystemEntropy).unwrap();
        for turn in 0..2 {
            materials.write(&folder).unwrap();
            for path in [
                "ca.pem",
                "tls/gateway.key",
                "keys/ours.key",
                "keys/wallet.key",
                "keys/wallet.api-key",
            ] {
                let mode = fs::metadata(folder.join(path)).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{path}, written {turn} times before");
            }
        }
        assert!(materials.acquirer_dialect().is_some(), "the acquirer can use its keys");
        assert!(materials.wallet_dialect().is_some(), "the wallet can use its key");
        fs::remove_dir_all(&folder).unwrap();
    }
}
