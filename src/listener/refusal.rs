//! The answer to a request that never became an exchange.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, time::timeout};
use tollgate_api::Code;

use super::socket::Socket;

/// Answers with the fault as `application/problem+json` (RFC 9457), and closes the connection.
/// Nothing the caller sent is echoed.
pub(super) async fn answer(mut socket: Socket, code: &Code, unix: Duration, patience: Duration) {
    let answer = render(code, unix);
    if let Ok(Ok(())) = timeout(patience, socket.write_all(&answer)).await {
        socket.close_gently().await;
    }
}

fn render(code: &Code, unix: Duration) -> Vec<u8> {
    let body = problem(code);
    let status = code.status();
    format!(
        "HTTP/1.1 {} {}\r\n\
         Date: {}\r\n\
         Content-Type: application/problem+json\r\n\
         Content-Length: {}\r\n\
         Cache-Control: no-store\r\n\
         Tollgate-Error: {}\r\n\
         Connection: close\r\n\r\n\
         {body}",
        status.as_u16(),
        status.canonical_reason().unwrap_or("Error"),
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + unix),
        body.len(),
        code.name,
    )
    .into_bytes()
}

/// The problem document, with the members that every fault has. Names and titles are constants without
/// any character to escape, which a test of all codes holds.
pub(super) fn problem(code: &Code) -> String {
    format!(
        r#"{{"type":"urn:tollgate:error:{0}","title":"{1}","status":{2},"code":"{0}","error":{{"code":"{0}","message":"{1}"}}}}"#,
        code.name, code.title, code.status
    )
}

#[cfg(test)]
mod tests {
    use tollgate_api::codes;

    use super::*;

    #[test]
    fn every_code_makes_a_problem_document() {
        for code in codes::ALL {
            let parsed: serde_json::Value = serde_json::from_str(&problem(code))
                .unwrap_or_else(|_| panic!("{} makes valid JSON", code.name));
            assert_eq!(parsed["title"], code.title, "the title is unchanged");
            assert_eq!(parsed["error"]["code"], code.name, "no client takes it as a success");
            assert_eq!(parsed["code"], code.name, "the code is unchanged");
            assert_eq!(
                parsed["type"],
                format!("urn:tollgate:error:{}", code.name),
                "the type is that of every other refusal"
            );
            assert_eq!(parsed["status"], code.status, "the status is unchanged");
        }
    }

    #[test]
    fn an_answer_says_that_the_connection_closes_and_how_long_its_body_is() {
        let answer =
            String::from_utf8(render(&codes::HEADER_TIMEOUT, Duration::from_secs(784_111_777)))
                .unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "the status line: {head}");
        assert!(head.contains("Date: Sun, 06 Nov 1994 08:49:37 GMT"), "the date: {head}");
        assert!(head.contains("Connection: close"), "it closes: {head}");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "the length: {head}");
    }
}
