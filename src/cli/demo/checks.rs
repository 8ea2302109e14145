//! What steps of the walk have in common: tokens, patience, and the promises of every answer.

use std::time::Duration;

use http::StatusCode;

use super::{call::Answered, page::Page, stage::Stage};

/// Asks until the answer is yes, or patience ends.
pub(super) async fn until(mut ask: impl AsyncFnMut() -> bool) -> bool {
    tokio::time::timeout(PATIENCE, async {
        while !ask().await {
            tokio::time::sleep(POLL).await;
        }
    })
    .await
    .is_ok()
}

/// A token for this client; that there is none is a broken promise.
pub(super) async fn token(
    stage: &Stage,
    page: &mut Page,
    client: &str,
    audience: Option<&str>,
) -> Option<String> {
    match stage.token(client, audience).await {
        Ok(token) => Some(token),
        Err(error) => {
            page.promise("the issuer gives a token", false, &error);
            None
        }
    }
}

/// The answer has this status.
pub(super) fn status(page: &mut Page, answer: &Answered, wanted: StatusCode) {
    page.promise(&format!("status {}", wanted.as_u16()), answer.status == wanted, &answer.status);
}

/// The gateway names the fault, in the header and in a problem document (RFC 9457).
pub(super) fn code(page: &mut Page, answer: &Answered, wanted: &str) {
    let code = answer.header("tollgate-error");
    page.promise(&format!("Tollgate-Error: {wanted}"), code == wanted, &code);
}

const POLL: Duration = Duration::from_millis(20);
/// A busy machine may serve a dozen payments a second.
const PATIENCE: Duration = Duration::from_mins(2);
