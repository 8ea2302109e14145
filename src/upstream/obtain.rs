//! How a connection is had: from a pool where it can be trusted, else a new one; never more than
//! the cap, never two HTTP/2 connections where one would do.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};

use crate::upstream::{
    ConnectError, Inner, Picked, Reuse, Session,
    endpoint::{Speaks, Target},
    http2::Http2Connection,
    resolve,
    transport::Permit,
};

impl Inner {
    /// Waits for the first endpoint that has an address, or for all to have failed.
    pub(super) async fn resolve_any(&self) {
        let limit = self.spec.timeouts.connect;
        let mut running: FuturesUnordered<_> = self
            .places
            .iter()
            .map(|place| {
                resolve::ensure(&place.endpoint, &self.resolver, self.connector.clock(), limit)
            })
            .collect();
        while running.next().await.is_some() {
            if self.places.iter().any(|place| place.endpoint.has_targets()) {
                return;
            }
        }
    }

    pub(super) async fn obtain(
        &self,
        picked: &mut Picked,
        reuse: Reuse,
    ) -> Result<Session, ConnectError> {
        loop {
            // One silent address must not use up the time of its siblings.
            let others = u32::try_from(picked.siblings()).unwrap_or(u32::MAX);
            let share = self.spec.timeouts.connect / others.saturating_add(1);
            let target = Arc::clone(picked.target());
            let result = tokio::time::timeout(share, self.obtain_from(picked, &target, reuse))
                .await
                .unwrap_or(Err(ConnectError::Timeout));
            match result {
                Ok(session) => {
                    target.forgive();
                    return Ok(session);
                }
                Err(error) => {
                    if !error.blames_address() {
                        return Err(error);
                    }
                    self.avoid(&target);
                    if !picked.move_on() {
                        return Err(error);
                    }
                }
            }
        }
    }

    pub(super) fn avoid(&self, target: &Target) {
        let now = self.connector.clock().tick();
        target.avoid_until(now.after(self.spec.avoid_failed));
    }

    async fn obtain_from(
        &self,
        picked: &Picked,
        target: &Arc<Target>,
        reuse: Reuse,
    ) -> Result<Session, ConnectError> {
        if let Some(session) = self.reuse(picked, target, reuse).await {
            return Ok(session);
        }
        if self.speaks(picked, target) != Speaks::Http1 {
            // Whoever may speak HTTP/2 opens one connection at a time, and shares it.
            let opening = target.http2.opening.lock().await;
            if let Some(session) = self.reuse(picked, target, reuse).await {
                return Ok(session);
            }
            if self.speaks(picked, target) != Speaks::Http1 {
                return self.open(picked, target).await;
            }
            drop(opening);
        }
        self.open(picked, target).await
    }

    async fn reuse(&self, picked: &Picked, target: &Arc<Target>, reuse: Reuse) -> Option<Session> {
        let clock = self.connector.clock();
        let speaks = self.speaks(picked, target);
        if speaks != Speaks::Http1
            && let Some((connection, stream)) =
                target.http2.lend(reuse, clock.as_ref(), self.spec.timeouts.idle).await
        {
            return Some(Session::http2(Arc::clone(target), connection, stream, true));
        }
        if speaks == Speaks::Http2 {
            return None;
        }
        let fresher_than = match reuse {
            Reuse::Any => None,
            Reuse::FresherThan(limit) => Some(limit),
        };
        let wire = target.idle.take(clock.tick(), fresher_than)?;
        Some(Session::http1(Arc::clone(target), wire, true))
    }

    async fn open(&self, picked: &Picked, target: &Arc<Target>) -> Result<Session, ConnectError> {
        let place = picked.place();
        let permit = self.permit().await?;
        let fresh =
            self.connector.establish(&place.spec, place.name.as_ref(), target, permit).await?;
        if !fresh.http2 {
            return Ok(Session::http1(Arc::clone(target), Box::new(fresh.wire), false));
        }
        let clock = self.connector.clock().as_ref();
        let connection = Http2Connection::open(fresh.wire, fresh.agreed, clock).await?;
        let stream = connection.stream().await.ok_or(ConnectError::Protocol)?;
        if !target.is_retired() {
            target.http2.add(Arc::clone(&connection));
        }
        Ok(Session::http2(Arc::clone(target), connection, stream, false))
    }

    /// A place among the open connections. An idle connection gives way to one that is needed; an
    /// HTTP/2 one is closed by its own task, which needs a turn.
    async fn permit(&self) -> Result<Permit, ConnectError> {
        let enter = || self.shared.gate.enter(self.spec.connections);
        loop {
            if let Some(permit) = enter() {
                return Ok(permit);
            }
            if !self.evict() {
                return Err(ConnectError::Overloaded);
            }
            for _ in 0..TURNS_TO_CLOSE {
                if let Some(permit) = enter() {
                    return Ok(permit);
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Which HTTP is spoken; that HTTP/1.1 was asked for means no more than that here.
    fn speaks(&self, picked: &Picked, target: &Target) -> Speaks {
        match self.connector.speaks(picked.endpoint(), target) {
            Speaks::Http1Required => Speaks::Http1,
            other => other,
        }
    }

    fn evict(&self) -> bool {
        self.places.iter().any(|place| {
            let targets = place.endpoint.targets();
            targets.iter().any(|target| target.idle.evict() || target.http2.evict())
        })
    }

    pub(super) fn sweep(&self) {
        let now = self.connector.clock().tick();
        for place in &self.places {
            for target in place.endpoint.targets().iter() {
                target.idle.sweep(now);
                target.http2.sweep(now, self.spec.timeouts.idle);
            }
        }
    }
}

/// Turns of the runtime that an evicted connection has to close before the next one is evicted.
const TURNS_TO_CLOSE: usize = 16;
