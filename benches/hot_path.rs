//! The work that every request pays for: reading its target, finding its route, proving its token,
//! taking from its limit. Run with `cargo bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::{hint::black_box, num::NonZeroU32, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{HeaderMap, Method};
use tollgate::{
    routing::{Host, Input, PathPattern, RouteId, RouteMatch, Table, Target},
    state::MemoryRateLimiters,
};
use tollgate_api::{Quota, RateLimiters, Step, SystemClock};
use tollgate_crypto::{
    Algorithm, KeyKind, KeySet, PrivateKey, SigningKey, TokenHeader, VerificationKey, sign, verify,
};

fn target(criterion: &mut Criterion) {
    criterion.bench_function("target/canonical", |bencher| {
        bencher.iter(|| Target::parse(black_box("/v1/payments/123456?expand=refunds")).unwrap());
    });
    criterion.bench_function("target/encoded", |bencher| {
        bencher.iter(|| Target::parse(black_box("/v1/p%61yments/123456")).unwrap());
    });
}

/// The cost must not depend on the number of routes.
fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for count in [10, 1_000, 100_000] {
        let routes = (0..count).map(|at| {
            let path = PathPattern::parse(&format!("/v1/tenant-{at}/payments/{{id}}")).unwrap();
            (RouteId(at), RouteMatch { methods: vec![Method::POST], ..RouteMatch::new(path) })
        });
        let table = Table::build(routes.collect()).unwrap();
        let host = Host::parse("pay.example").unwrap();
        let target = Target::parse(format!("/v1/tenant-{}/payments/123456", count / 2)).unwrap();
        let headers = HeaderMap::new();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                table.find(black_box(&Input {
                    listener: "partners",
                    host: &host,
                    target: &target,
                    method: &Method::POST,
                    headers: &headers,
                }))
            });
        });
    }
    group.finish();
}

/// What the cache of verified tokens saves.
fn token(criterion: &mut Criterion) {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let public =
        VerificationKey::new(key.public_key().clone(), Some("k".into()), &[Algorithm::Es256])
            .unwrap();
    let keys = KeySet::new(vec![public]).unwrap();
    let signing = SigningKey::new(key, Algorithm::Es256, Some("k".into())).unwrap();
    let claims = serde_json::json!({"iss": "https://id.example", "aud": "payments", "exp": 4_102_444_800_u64});
    let token = sign(claims.as_object().unwrap(), &signing, &TokenHeader::default()).unwrap();
    criterion.bench_function("token/verify ES256", |bencher| {
        bencher.iter(|| verify(black_box(&token), &keys, &[Algorithm::Es256]).unwrap());
    });
    criterion.bench_function("token/digest", |bencher| {
        bencher.iter(|| tollgate_crypto::sha256(black_box(token.as_bytes())));
    });
}

fn limit(criterion: &mut Criterion) {
    let limiters = MemoryRateLimiters::new(Arc::new(SystemClock::new()));
    let limiter = limiters.limiter("bench");
    let many = NonZeroU32::MAX;
    let quota = [Quota { limit: many, period: Duration::from_secs(1), burst: many }];
    criterion.bench_function("limit/take", |bencher| {
        bencher.iter(|| {
            let step = limiter.take(black_box(b"client"), &quota, NonZeroU32::MIN);
            // The engine in memory never waits.
            let Step::Now(decision) = step else { unreachable!("it decides at once") };
            decision.unwrap()
        });
    });
}

criterion_group!(benches, target, route, token, limit);
criterion_main!(benches);
