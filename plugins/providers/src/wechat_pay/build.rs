//! From settings to the plugin, or everything that is wrong with them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tollgate_api::{
    Build, Built, Caller, Offload, SettingError, Side, State,
    setting::{FileRef, SecretRef},
};
use tollgate_crypto::{Secret, sha256};

use super::{
    Variant, WechatPay,
    calls::{Calls, WINDOW},
    config::{Download, DownloadSettings},
    fields::Fields,
    files::Files,
    merchant::{Merchant, MerchantKey},
    notifications::Notifications,
    platform::{COOLDOWN, Downloads, PlatformKey, PlatformKeys, Reporter, Source, Store},
    resource::{self, ResourceKey},
};
use crate::{
    notification::Deliveries,
    signing::Signatory,
    verification::{Replay, Verifier},
};

/// Builds the plugin.
pub(super) fn plugin(mut settings: WechatPay, build: &mut Build<'_>) -> Built {
    let mut errors = Vec::new();
    if !is_merchant_id(&settings.merchant_id) {
        let expected = "expected the merchant's number: 1 to 32 letters, digits, `_` or `-`";
        errors.push(SettingError::new("/merchant_id", expected));
    }
    let variant = settings.algorithm;
    let secret = resource_key(variant, &settings.api_v3_key, build, &mut errors);
    let fixed = fixed_keys(&settings, build, &mut errors);
    let download = settings.platform_keys.download.take().and_then(Download::settings);
    if fixed.is_empty() && download.is_none() && errors.is_empty() {
        errors
            .push(SettingError::new("/platform_keys", "expected a key to verify with").with_hint(
            "add `public_keys`, `certificates` or `download: true`; the merchant platform shows \
                 which of them the merchant has",
        ));
    }
    let caller = download.as_ref().and_then(|it| downloader(it, build, &mut errors));
    let needs_key = build.side == Side::Upstream || download.is_some();
    let merchant = merchant(&settings, needs_key, build, &mut errors);
    if let Some((_, MerchantKey::Rsa(ours))) = &merchant {
        for key in fixed.iter().filter(|key| key.is(ours.public_key())) {
            let expected =
                format!("expected WeChat Pay's own keys: `{}` is the merchant's", key.id);
            errors.push(SettingError::new("/platform_keys", expected).with_hint(
                "its public key or certificate is shown on the merchant platform, under API security",
            ));
        }
    }
    let encrypt = std::mem::take(&mut settings.encrypt_fields);
    let decrypt = std::mem::take(&mut settings.decrypt_fields);
    check_side(&settings, !encrypt.is_empty(), !decrypt.is_empty(), build.side, &mut errors);
    let encrypt = Fields::new(encrypt, "/encrypt_fields", &mut errors);
    let decrypt = Fields::new(decrypt, "/decrypt_fields", &mut errors);
    let (Some((resource_key, print)), true) = (secret, errors.is_empty()) else {
        return Err(errors);
    };
    let place = Place { merchant_id: settings.merchant_id.clone(), variant, print };
    let source = caller.zip(merchant.as_ref()).map(|(caller, (merchant, _))| Source {
        caller,
        merchant: merchant.clone(),
        resource_key: resource_key.clone(),
        fixed: fixed.clone(),
        clock: build.clock.clone(),
    });
    let downloads = source.zip(download).map(|(it, how)| downloads(&place, it, &how, build));
    let keys = Arc::new(PlatformKeys { clock: build.clock.clone(), fixed, downloads });
    let mut verifier = Verifier { clock: build.clock.clone(), window: Some(WINDOW), replay: None };
    if let (Side::Upstream, Some((merchant, key))) = (build.side, merchant) {
        let sets = &*build.stores.replay_sets;
        verifier.replay = Some(Replay::new(sets, &place.name("answers"), WINDOW));
        return Ok(Arc::new(Calls {
            merchant,
            key,
            keys,
            verifier,
            encrypt: Arc::new(encrypt),
            decrypt: Arc::new(decrypt),
            files: place.shared(build.state, "files", || Files::new(build.clock.clone())),
            unsigned_answers: settings.unsigned_answers,
            unsigned_errors: settings.unsigned_errors,
            offload: Offload::shared(build.state),
        }));
    }
    // Only a route comes here: on an upstream a missing key was an error. A repeated notification is
    // recognised by its event, whose number outlives any nonce.
    let name = place.name("events");
    let deliveries = place.shared(build.state, "deliveries", || Deliveries::new(build, &name));
    Ok(Arc::new(Notifications {
        merchant_id: settings.merchant_id,
        variant,
        keys,
        verifier,
        resource_key,
        deliveries,
    }))
}

/// What is shared by all that speak for one merchant. The `APIv3` key belongs to the name, so that a
/// merchant's sandbox never lends its keys to the merchant.
struct Place {
    merchant_id: String,
    variant: Variant,
    print: u64,
}

impl Place {
    fn name(&self, what: &str) -> String {
        format!("wechat_pay/{}/{what}", self.merchant_id)
    }

    fn shared<T: Send + Sync + 'static>(
        &self,
        state: &State,
        what: &str,
        create: impl FnOnce() -> T,
    ) -> Arc<T> {
        let fingerprint = self.print ^ u64::from(self.variant == Variant::Sm2);
        state.get_or_create(&self.name(what), fingerprint, create)
    }
}

fn downloads(
    place: &Place,
    source: Source,
    how: &DownloadSettings,
    build: &mut Build<'_>,
) -> Downloads {
    let store = place.shared(build.state, "certificates", || Store::new(build.clock.clone()));
    let source = Arc::new(source);
    let reporter =
        Arc::new(Reporter { instance: build.name.to_owned(), measures: build.measures.clone() });
    store.join(&source, &reporter);
    let every = how.every.as_std();
    // Plugins that share the certificates declare the same job; it runs once.
    let fingerprint = place.print ^ every.as_secs();
    let name = format!("{}/{fingerprint:016x}", place.name("certificates"));
    let shared = store.clone();
    // Often enough to repeat a failed download after the cooldown.
    build.jobs.every(name, fingerprint, COOLDOWN.min(every), move || {
        let shared = shared.clone();
        async move { shared.refresh(every).await }
    });
    Downloads { store, _source: source, _reporter: reporter }
}

fn resource_key(
    variant: Variant,
    reference: &SecretRef,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<(ResourceKey, u64)> {
    let made = build.sources.secret(reference).and_then(|secret| {
        let key = ResourceKey::new(variant, &secret)?;
        Ok((key, print(&secret)))
    });
    made.map_err(|expected| errors.push(SettingError::new("/api_v3_key", expected))).ok()
}

/// A name for the key that does not give it away: it has 256 bits.
fn print(secret: &Secret) -> u64 {
    let digest = sha256(&[b"tollgate wechat_pay\0", resource::trimmed(secret)].concat());
    digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

fn fixed_keys(
    settings: &WechatPay,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Vec<Arc<PlatformKey>> {
    let variant = settings.algorithm;
    let keys = &settings.platform_keys;
    let mut found = Vec::new();
    for (at, key) in keys.public_keys.iter().enumerate() {
        let pointer = format!("/platform_keys/public_keys/{at}");
        if !is_key_id(&key.id) {
            let expected = "expected the identifier of the key, such as `PUB_KEY_ID_…`";
            errors.push(SettingError::new(format!("{pointer}/id"), expected));
        }
        let made = build
            .sources
            .file(&FileRef { file: key.key.clone() })
            .and_then(|text| PlatformKey::public(variant, key.id.clone(), &text));
        match made {
            Ok(key) => found.push((format!("{pointer}/id"), key)),
            Err(expected) => {
                errors.push(SettingError::new(format!("{pointer}/key"), expected));
            }
        }
    }
    for (at, file) in keys.certificates.iter().enumerate() {
        let pointer = format!("/platform_keys/certificates/{at}");
        let made = build
            .sources
            .file(&FileRef { file: file.0.clone() })
            .and_then(|text| PlatformKey::certificate(variant, &text));
        match made {
            Ok(key) => found.push((pointer, key)),
            Err(expected) => errors.push(SettingError::new(pointer, expected)),
        }
    }
    let mut ids = BTreeSet::new();
    for (pointer, key) in &found {
        if !ids.insert(&key.id) {
            errors.push(SettingError::new(pointer, "expected every key to be given once"));
        }
    }
    found.into_iter().map(|(_, key)| Arc::new(key)).collect()
}

fn downloader(
    settings: &DownloadSettings,
    build: &Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<Arc<dyn Caller>> {
    if settings.every.as_std() < Duration::from_mins(1) {
        let pointer = "/platform_keys/download/every";
        errors.push(SettingError::new(pointer, "expected at least `1m`"));
    }
    let pointer = "/platform_keys/download";
    let caller = match &settings.upstream {
        Some(name) => build.callers.named(name).ok_or_else(|| {
            let expected = match build.side {
                Side::Route => "expected the name of an upstream",
                Side::Upstream => "expected this upstream itself, which need not be named",
            };
            SettingError::new(format!("{pointer}/upstream"), expected)
        }),
        None => build.callers.own().ok_or_else(|| {
            SettingError::new(pointer, "expected the upstream to download through")
                .with_hint("write `download: { upstream: … }` with the name of an upstream")
        }),
    };
    caller.map_err(|error| errors.push(error)).ok()
}

fn merchant(
    settings: &WechatPay,
    needed: bool,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<(Arc<Merchant>, MerchantKey)> {
    let serial = settings.certificate_serial.as_deref();
    if let Some(serial) = serial
        && !is_serial(serial)
    {
        let expected = "expected the serial number of the certificate: hexadecimal digits";
        errors.push(
            SettingError::new("/certificate_serial", expected)
                .with_hint("`openssl x509 -in apiclient_cert.pem -noout -serial` prints it"),
        );
    }
    let why = match build.side {
        Side::Upstream => "to sign calls",
        Side::Route => "to sign the download of certificates",
    };
    if needed && serial.is_none() {
        let expected = format!("expected the serial number of the merchant's certificate {why}");
        errors.push(SettingError::new("/certificate_serial", expected));
    }
    let Some(reference) = &settings.private_key else {
        if needed {
            let expected = format!("expected the merchant's private key {why}");
            errors.push(SettingError::new("/private_key", expected));
        }
        return None;
    };
    let variant = settings.algorithm;
    let key = build.sources.secret(reference).and_then(|secret| {
        let key = MerchantKey::read(variant, secret.expose())?;
        Ok((key.signing()?, key))
    });
    let key = key.map_err(|expected| errors.push(SettingError::new("/private_key", expected)));
    let (signing, key) = key.ok()?;
    let merchant = Merchant {
        id: settings.merchant_id.clone(),
        certificate_serial: serial?.to_ascii_uppercase(),
        variant,
        signatory: Signatory::new(signing, build.state),
        clock: build.clock.clone(),
        entropy: build.entropy.clone(),
    };
    Some((Arc::new(merchant), key))
}

/// What concerns calls has no effect on a route, so whoever writes it there expects something else.
fn check_side(
    settings: &WechatPay,
    encrypts: bool,
    decrypts: bool,
    side: Side,
    errors: &mut Vec<SettingError>,
) {
    let unsigned = !settings.unsigned_answers.is_empty();
    let errors_too = settings.unsigned_errors != super::UnsignedErrors::default();
    let all = [
        ("/encrypt_fields", encrypts),
        ("/decrypt_fields", decrypts),
        ("/unsigned_answers", unsigned),
        ("/unsigned_errors", errors_too),
    ];
    for (pointer, given) in all {
        if given && side == Side::Route {
            let expected = "expected nothing here on a route: it concerns calls";
            let hint = "it belongs to the `wechat_pay` of an upstream";
            errors.push(SettingError::new(pointer, expected).with_hint(hint));
        }
    }
}

fn is_merchant_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=32).contains(&id.len()) && id.bytes().all(plain)
}

fn is_serial(serial: &str) -> bool {
    (1..=40).contains(&serial.len()) && serial.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_key_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=128).contains(&id.len()) && id.bytes().all(plain)
}
