//! Active health checks: whether an address answers as it should, decided with hysteresis.

use std::{sync::Arc, time::Duration};

use pingora::http::RequestHeader;

use crate::upstream::{
    Place,
    connect::Connector,
    endpoint::Target,
    spec::{HealthKind, HealthSpec},
    transport::Gate,
};

/// Whether an address is healthy, and how sure we are. Starts healthy: an address is innocent until
/// checked, or a restart would be an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    healthy: bool,
    /// Results in a row that contradict `healthy`.
    against: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self { healthy: true, against: 0 }
    }
}

impl Health {
    pub(super) fn is_healthy(self) -> bool {
        self.healthy
    }

    /// What one more result makes of it.
    #[must_use]
    pub(super) fn after(self, passed: bool, spec: &HealthSpec) -> Self {
        if passed == self.healthy {
            return Self { against: 0, ..self };
        }
        let needed = if self.healthy { spec.unhealthy_after } else { spec.healthy_after };
        let against = self.against.saturating_add(1);
        if against >= needed {
            Self { healthy: passed, against: 0 }
        } else {
            Self { against, ..self }
        }
    }
}

/// Checks one address once, on a connection of its own, within the timeout.
pub(super) async fn check(
    connector: &Connector,
    place: &Place,
    target: &Arc<Target>,
    spec: &HealthSpec,
) -> bool {
    tokio::time::timeout(spec.timeout, attempt(connector, place, target, spec))
        .await
        .unwrap_or(false)
}

async fn attempt(
    connector: &Connector,
    place: &Place,
    target: &Arc<Target>,
    spec: &HealthSpec,
) -> bool {
    // Checks are not counted among the connections of the upstream: a full pool is not ill health.
    let gate = Arc::new(Gate::default());
    let HealthKind::Http { path, expect, host } = &spec.kind else {
        return Connector::reach(target.address()).await.is_ok();
    };
    let Some(permit) = gate.enter(1) else { return false };
    let single = connector.single(&place.spec, place.name.as_ref(), target, permit);
    let Ok(mut client) = single.await else { return false };
    let host = host.clone().unwrap_or_else(|| place.spec.authority());
    let Some(request) = request(path, &host) else { return false };
    client.set_read_timeout(Some(spec.timeout));
    client.set_write_timeout(Some(spec.timeout));
    if client.write_request_header(Box::new(request)).await.is_err()
        || client.finish_request_body().await.is_err()
    {
        return false;
    }
    for _ in 0..MAX_INFORMATIONAL {
        if client.read_response_header().await.is_err() {
            return false;
        }
        let Some(status) = client.response_header().map(|head| head.status) else { return false };
        if !status.is_informational() {
            return if expect.is_empty() {
                status.is_success()
            } else {
                expect.contains(&status.as_u16())
            };
        }
    }
    false
}

fn request(path: &str, host: &str) -> Option<RequestHeader> {
    let mut request = RequestHeader::build("GET", path.as_bytes(), None).ok()?;
    request.insert_header(http::header::HOST, host).ok()?;
    request.insert_header(http::header::USER_AGENT, "tollgate-health").ok()?;
    Some(request)
}

/// How soon connections that died while idle are noticed.
pub(super) const TEND_EVERY: Duration = Duration::from_secs(5);
const MAX_INFORMATIONAL: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(healthy_after: u32, unhealthy_after: u32) -> HealthSpec {
        HealthSpec { healthy_after, unhealthy_after, ..HealthSpec::new(HealthKind::Tcp) }
    }

    #[test]
    fn health_flips_only_after_enough_results_in_a_row() {
        let spec = spec(2, 3);
        let mut health = Health::default();
        let results = [
            (false, true),
            (false, true),
            (true, true),
            (false, true),
            (false, true),
            (false, false),
            (true, false),
            (false, false),
            (true, false),
            (true, true),
        ];
        for (step, (passed, expected)) in results.into_iter().enumerate() {
            health = health.after(passed, &spec);
            assert_eq!(health.is_healthy(), expected, "after result {step}");
        }
    }
}
