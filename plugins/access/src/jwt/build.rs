//! From settings to the plugin, or everything that is wrong with them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::HeaderName;
use tollgate_api::{Build, Built, SettingError, fields, setting::FileRef};
use tollgate_crypto::{Algorithm, KeySet, PublicKey, Sha256, VerificationKey, to_hex};

use super::{
    TokenCheck,
    cache::TokenCache,
    challenge::{Challenges, is_quotable, is_scope},
    checks::Checks,
    claim_rule::EXPECTED,
    config::{AccessTokenType, FromClaim, Jwt, KeySettings},
    headers::ClaimHeaders,
    keys::{Keys, Reporter},
};

/// Builds the plugin.
pub(super) fn plugin(settings: Jwt, build: &mut Build<'_>) -> Built {
    let mut errors = Vec::new();
    check_ranges(&settings, &mut errors);
    let audiences = audiences(&settings, &mut errors);
    let headers = claim_headers(&settings, &mut errors);
    let source = source(&settings, build, &mut errors);
    let Jwt { issuer, scopes, claims, realm, .. } = settings;
    let mut required = Vec::new();
    for (name, rule) in claims {
        match rule.allowed() {
            Some(allowed) => required.push((name, allowed)),
            None => errors.push(SettingError::new(pointer(&["claims", &name]), EXPECTED)),
        }
    }
    let Some(source) = source.filter(|_| errors.is_empty()) else {
        return Err(errors);
    };
    let (refresh, cooldown) = (settings.refresh.as_std(), settings.cooldown.as_std());
    let keys = source.keys;
    if source.is_remote {
        let keys = keys.clone();
        let fingerprint = fingerprint(refresh, cooldown);
        // Routes that share keys declare the same job; it runs once.
        let name = format!("jwks/{}/{fingerprint:016x}", source.id);
        // Often enough to repeat a failed fetch after the cooldown.
        build.jobs.every(name, fingerprint, cooldown.min(refresh), move || {
            let keys = keys.clone();
            async move { keys.refresh(refresh).await }
        });
    }
    let reporter =
        Arc::new(Reporter { instance: build.name.to_owned(), measures: build.measures.clone() });
    keys.report_to(&reporter);
    let kept_apart = if build.shadow { "/shadow" } else { "" };
    let cache = (settings.cache > 0).then(|| {
        build.state.get_or_create(
            &format!("jwt/tokens/{}{kept_apart}", source.id),
            settings.cache as u64,
            || TokenCache::new(settings.cache),
        )
    });
    Ok(Arc::new(TokenCheck {
        clock: build.clock.clone(),
        reporter,
        keys,
        cache,
        challenges: Challenges::new(realm, &scopes),
        checks: Checks {
            algorithms: algorithms(&settings.algorithms),
            access_token_only: settings.access_token_type == AccessTokenType::Required,
            issuer,
            audiences,
            scopes,
            claims: required,
            skew: settings.clock_skew.as_std(),
        },
        headers,
        forward_token: settings.forward_token,
        keep_stale: settings.keep_stale.as_std(),
        cooldown,
    }))
}

fn check_ranges(settings: &Jwt, errors: &mut Vec<SettingError>) {
    let mut refuse = |pointer: &str, expected: &str| {
        errors.push(SettingError::new(pointer, expected));
    };
    if settings.issuer.is_empty() {
        refuse("/issuer", "expected the exact `iss` of the tokens");
    }
    if settings.clock_skew.as_std() > LARGEST_SKEW {
        refuse("/clock_skew", "expected at most `5m`");
    }
    if settings.cooldown.as_std() < Duration::from_secs(1) {
        refuse("/cooldown", "expected at least `1s`");
    }
    if settings.refresh.as_std() < Duration::from_secs(1) {
        refuse("/refresh", "expected at least `1s`");
    }
    if settings.keep_stale.as_std() < settings.refresh.as_std() {
        refuse("/keep_stale", "expected at least as long as `refresh`");
    }
    if settings.cache > LARGEST_CACHE {
        refuse("/cache", "expected at most 1000000 tokens");
    }
    if !is_quotable(&settings.realm) {
        refuse("/realm", "expected printable ASCII without `\"` and `\\`");
    }
    for (index, scope) in settings.scopes.iter().enumerate() {
        if !is_scope(scope) {
            refuse(
                &format!("/scopes/{index}"),
                "expected one scope: printable ASCII without spaces, `\"` and `\\`",
            );
        }
    }
}

fn audiences(settings: &Jwt, errors: &mut Vec<SettingError>) -> Vec<String> {
    let expected = "expected exactly one of `audience` and `audiences`";
    let audiences = match (&settings.audience, settings.audiences.as_slice()) {
        (Some(audience), []) => vec![audience.clone()],
        (None, audiences @ [_, ..]) => audiences.to_vec(),
        (Some(_), [_, ..]) => {
            errors.push(SettingError::new("/audiences", expected));
            return Vec::new();
        }
        (None, []) => {
            errors.push(SettingError::new("", expected).with_hint(
                "a token that was issued for another service must not be accepted here",
            ));
            return Vec::new();
        }
    };
    if audiences.iter().any(String::is_empty) {
        let pointer = if settings.audience.is_some() { "/audience" } else { "/audiences" };
        errors.push(SettingError::new(pointer, "expected an `aud` that is not empty"));
    }
    audiences
}

fn claim_headers(settings: &Jwt, errors: &mut Vec<SettingError>) -> ClaimHeaders {
    let mut mapping: Vec<(HeaderName, String)> = Vec::new();
    for (field, FromClaim { claim }) in &settings.claims_to_headers {
        let at = pointer(&["claims_to_headers", field]);
        let Ok(name) = field.parse::<HeaderName>() else {
            errors.push(SettingError::new(at, "expected a header name such as `X-Client-Id`"));
            continue;
        };
        if let Some(hint) = fields::reserved(&name) {
            errors.push(
                SettingError::new(at, format!("expected a field other than `{field}`"))
                    .with_hint(hint),
            );
        } else if name == http::header::AUTHORIZATION {
            errors.push(
                SettingError::new(at, "expected a field other than `Authorization`")
                    .with_hint("to pass the token itself on, set `forward_token: true`"),
            );
        } else if mapping.iter().any(|(other, _)| *other == name) {
            errors.push(SettingError::new(at, "expected each header name once, in any case"));
        } else if claim.is_empty() {
            errors.push(SettingError::new(at, "expected the name of a claim"));
        } else {
            mapping.push((name, claim.clone()));
        }
    }
    ClaimHeaders::new(mapping)
}

struct Source {
    keys: Arc<Keys>,
    /// Digest of where the keys come from, or what they are.
    id: String,
    is_remote: bool,
}

fn source(settings: &Jwt, build: &mut Build<'_>, errors: &mut Vec<SettingError>) -> Option<Source> {
    if settings.trust.is_some() && settings.jwks.is_none() {
        errors.push(
            SettingError::new("/trust", "expected only together with `jwks`")
                .with_hint("it says whom to trust when the keys are fetched from a URL"),
        );
    }
    let given = [
        ("/jwks", settings.jwks.is_some()),
        ("/jwks_file", settings.jwks_file.is_some()),
        ("/keys", !settings.keys.is_empty()),
    ];
    let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
    let expected = "expected exactly one of `jwks`, `jwks_file` and `keys`";
    if given.next().is_none() {
        errors.push(SettingError::new("", expected).with_hint(
            "`jwks: https://…` where the issuer publishes its keys; files for keys of your own",
        ));
        return None;
    }
    if let Some((second, _)) = given.next() {
        errors.push(SettingError::new(second, expected));
        return None;
    }
    if let Some(url) = &settings.jwks {
        return remote(&url.to_string(), settings.trust.as_ref(), build, errors);
    }
    let (set, id) = match &settings.jwks_file {
        Some(file) => {
            let file = FileRef { file: file.clone() };
            let document = build.sources.file(&file);
            let read = document.and_then(|document| {
                let set = KeySet::from_jwks(&document).map_err(|error| error.to_string())?;
                Ok((set, digest(&[&document])))
            });
            read.map_err(|error| errors.push(SettingError::new("/jwks_file", error))).ok()?
        }
        None => single_keys(&settings.keys, build, errors)?,
    };
    let accepted = algorithms(&settings.algorithms);
    let serves = |key: &VerificationKey| key.algorithms().iter().any(|one| accepted.contains(one));
    if !set.keys().iter().any(serves) {
        errors.push(SettingError::new(
            "/algorithms",
            "expected at least one algorithm that one of the keys serves",
        ));
        return None;
    }
    Some(Source { keys: Arc::new(Keys::fixed(set)), id, is_remote: false })
}

fn remote(
    url: &str,
    trust: Option<&PathBuf>,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<Source> {
    let mut refuse = |pointer, error| errors.push(SettingError::new(pointer, error));
    let bundle =
        match trust.map(|file| build.sources.file(&FileRef { file: file.clone() })).transpose() {
            Ok(bundle) => bundle,
            Err(error) => {
                refuse("/trust", error);
                return None;
            }
        };
    let fetcher = match build.fetch.fetcher(url, bundle.as_deref()) {
        Ok(fetcher) => fetcher,
        Err(error) => {
            refuse(if bundle.is_some() { "/trust" } else { "/jwks" }, error);
            return None;
        }
    };
    let id = digest(&[url.as_bytes(), bundle.as_deref().unwrap_or_default()]);
    let clock = build.clock.clone();
    let keys =
        build.state.get_or_create(&format!("jwt/keys/{id}"), 0, || Keys::published(fetcher, clock));
    Some(Source { keys, id, is_remote: true })
}

fn single_keys(
    keys: &[KeySettings],
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<(KeySet, String)> {
    let before = errors.len();
    let mut found = Vec::new();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for (index, settings) in keys.iter().enumerate() {
        let mut refuse = |member: &str, error: String| {
            errors.push(SettingError::new(format!("/keys/{index}/{member}"), error));
        };
        let pem = match build.sources.file(&FileRef { file: settings.file.clone() }) {
            Ok(pem) => pem,
            Err(error) => {
                refuse("file", error);
                continue;
            }
        };
        let key = std::str::from_utf8(&pem)
            .map_err(|_| "expected PEM".to_owned())
            .and_then(|pem| PublicKey::from_pem(pem).map_err(|error| error.to_string()));
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                refuse("file", error);
                continue;
            }
        };
        let algorithm = Algorithm::from(settings.algorithm);
        match VerificationKey::new(key, settings.kid.clone(), &[algorithm]) {
            Ok(key) => found.push(key),
            Err(error) => refuse("algorithm", error.to_string()),
        }
        let kid = settings.kid.clone().unwrap_or_default();
        parts.extend([pem.to_vec(), kid.into_bytes(), algorithm.name().as_bytes().to_vec()]);
    }
    if errors.len() > before {
        return None;
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let set = KeySet::new(found);
    set.map(|set| (set, digest(&parts)))
        .map_err(|error| errors.push(SettingError::new("/keys", error.to_string())))
        .ok()
}

/// Those that are named, or all. Which of them a token may use its key decides.
fn algorithms(named: &[super::config::AlgorithmName]) -> Vec<Algorithm> {
    if named.is_empty() {
        return Algorithm::ALL.to_vec();
    }
    named.iter().copied().map(Algorithm::from).collect()
}

fn digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let whole = to_hex(&digest.finish());
    whole.get(..32).map(str::to_owned).unwrap_or(whole)
}

fn fingerprint(refresh: Duration, cooldown: Duration) -> u64 {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    // Both are below 2^39 milliseconds; they are mixed, not packed.
    millis(refresh).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ millis(cooldown)
}

/// A JSON pointer (RFC 6901).
fn pointer(names: &[&str]) -> String {
    names.iter().fold(String::new(), |pointer, name| {
        format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
    })
}

const LARGEST_SKEW: Duration = Duration::from_mins(5);
const LARGEST_CACHE: usize = 1_000_000;
