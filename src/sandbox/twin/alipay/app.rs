//! The application as Alipay knows it, and whether a request comes from it.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    super::Credentials,
    keys,
    refused::{Kind, Refused},
};

/// The application.
pub(super) struct App {
    /// `app_id`.
    pub id: String,
    /// `seller_id`: whom payers pay.
    pub seller: String,
    /// Its keys.
    pub keys: Credentials<AppKey>,
    /// The number of the root certificate.
    pub root: String,
    pub seen: Mutex<Seen>,
}

/// A key of the application's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppKey {
    /// The public key (`SubjectPublicKeyInfo`, DER).
    pub public: Vec<u8>,
    /// The number of its certificate, if it has one.
    pub number: Option<String>,
}

/// Nonces of the last minutes.
#[derive(Default)]
pub(super) struct Seen {
    nonces: HashSet<String>,
    order: VecDeque<(Duration, String)>,
}

impl App {
    /// Whether it is this application.
    pub fn is(&self, id: Option<&str>) -> Result<(), Refused> {
        match id {
            Some(id) if id == self.id => Ok(()),
            Some(id) => {
                let why = format!("`app_id` is {id}, not {}", self.id);
                Err(Refused::new(Kind::Stranger, "invalid-app-id", "无效的AppID参数", why))
            }
            None => {
                let why = "there is no `app_id`";
                Err(Refused::new(Kind::Stranger, "missing-app-id", "缺少AppID参数", why))
            }
        }
    }

    /// Whether the certificates that are named are the application's and the root. Who names none
    /// works with bare keys; who names one names both.
    pub fn names(&self, app: Option<&str>, root: Option<&str>) -> Result<(), Refused> {
        let missing = |code, message, what: &str| {
            Err(Refused::new(Kind::Missing, code, message, format!("there is no `{what}`")))
        };
        let (app, root) = match (app, root) {
            (None, None) => return Ok(()),
            (Some(app), Some(root)) => (app, root),
            (None, Some(_)) => {
                let message = "缺少应用公钥证书序列号";
                return missing("missing-app-cert-sn", message, "app_cert_sn");
            }
            (Some(_), None) => {
                let message = "缺少支付宝根证书序列号";
                return missing("missing-alipay-root-cert-sn", message, "alipay_root_cert_sn");
            }
        };
        let wrong =
            |code, message, why: String| Err(Refused::new(Kind::Invalid, code, message, why));
        let newest = self.keys.newest().and_then(|newest| newest.number);
        match newest {
            None => {
                let why = "the application has no certificate".to_owned();
                wrong("missing-signature-config", "应用未配置对应签名算法的公钥或者证书", why)
            }
            Some(ours) if !self.keys.is_good(|key| key.number.as_deref() == Some(app)) => {
                let why = format!("`app_cert_sn` is {app}, not {ours}");
                wrong("invalid-app-cert-sn", "应用公钥证书序列号有误", why)
            }
            Some(_) if self.root != root => {
                let why = format!("`alipay_root_cert_sn` is {root}, not {}", self.root);
                wrong("invalid-alipay-root-cert-sn", "支付宝根证书序列号有误", why)
            }
            Some(_) => Ok(()),
        }
    }

    /// Whether the text was signed by the application: with the key of the certificate that is named,
    /// or with any of its keys if none is.
    pub fn signed(&self, text: &[u8], signature: &str, named: Option<&str>) -> Result<(), Refused> {
        let fits = |key: &AppKey| {
            (named.is_none() || key.number.as_deref() == named)
                && keys::verify(&key.public, text, signature)
        };
        if self.keys.seen(fits).is_some() {
            return Ok(());
        }
        Err(Refused::signature(String::from_utf8_lossy(text).into_owned()))
    }
}

impl Seen {
    /// Whether this nonce is new. Nonces are forgotten when their time would refuse them anyway.
    pub fn enter(&mut self, now: Duration, window: Duration, nonce: String) -> bool {
        while self.order.len() >= NONCES
            || self.order.front().is_some_and(|(at, _)| *at + 2 * window < now)
        {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.nonces.remove(&oldest);
        }
        let new = self.nonces.insert(nonce.clone());
        if new {
            self.order.push_back((now, nonce));
        }
        new
    }
}

const NONCES: usize = 100_000;
