//! What an answer must prove itself by. WeChat Pay signs every answer but files, and which paths hand
//! out files is a closed list: nothing in an answer can make it pass unsigned.

use http::{Method, StatusCode};
use tollgate_api::Request;

use super::UnsignedAnswers;

/// How an answer is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// By its signature.
    Signature,
    /// By the digest that an earlier, signed answer announced.
    Digest,
    /// Not at all: WeChat Pay neither signs it nor announces a digest, and the configuration says that
    /// it may pass all the same.
    Nothing,
}

impl Expected {
    /// What the answer to this request must prove itself by, if it is a file.
    pub fn of(request: &Request, unsigned: &[UnsignedAnswers]) -> Self {
        let path = request.path.as_str();
        if request.method != Method::GET {
            Self::Signature
        } else if ANNOUNCED.contains(&path) {
            Self::Digest
        } else if unsigned.iter().any(|kind| kind.includes(path)) {
            Self::Nothing
        } else {
            Self::Signature
        }
    }

    /// The same for an answer of this status: only a 200 is a file.
    pub fn of_status(self, status: StatusCode) -> Self {
        if status == StatusCode::OK { self } else { Self::Signature }
    }
}

impl UnsignedAnswers {
    fn includes(self, path: &str) -> bool {
        match self {
            Self::ComplaintImages => path
                .strip_prefix("/v3/merchant-service/images/")
                .is_some_and(|id| !id.is_empty() && !id.contains('/') && id != "upload"),
            Self::Invoices => path == "/v3/new-tax-control-fapiao/download",
            Self::Statements => matches!(path, "/v3/statements" | "/v3/global/statements"),
        }
    }
}

/// Files whose digest a signed answer announces together with their address.
const ANNOUNCED: [&str; 3] = [
    "/v3/billdownload/file",
    "/v3/transferdownload/elecvoucherfile",
    "/v3/transferdownload/signfile",
];

#[cfg(test)]
mod tests {
    use tollgate_api::testing;

    use super::*;

    #[test]
    fn only_listed_paths_and_only_answers_of_status_200_are_files() {
        use Expected::{Digest, Nothing, Signature};
        let all = [
            UnsignedAnswers::ComplaintImages,
            UnsignedAnswers::Invoices,
            UnsignedAnswers::Statements,
        ];
        for (method, path, allowed, expected) in [
            ("GET", "/v3/billdownload/file", &[][..], Digest),
            ("POST", "/v3/billdownload/file", &[], Signature),
            ("GET", "/v3/billdownload/file/", &[], Signature),
            ("GET", "/v3/billdownload/File", &[], Signature),
            ("GET", "/v3/transferdownload/signfile", &[], Digest),
            ("GET", "/v3/pay/transactions/id/1", &all, Signature),
            ("GET", "/v3/merchant-service/images/abc", &[], Signature),
            ("GET", "/v3/merchant-service/images/abc", &all, Nothing),
            ("GET", "/v3/merchant-service/images/upload", &all, Signature),
            ("GET", "/v3/merchant-service/images/a/b", &all, Signature),
            ("GET", "/v3/statements", &all[..2], Signature),
            ("GET", "/v3/global/statements", &all, Nothing),
        ] {
            let mut request = testing::exchange().request;
            (request.method, request.path) = (method.parse().unwrap(), path.to_owned());
            let found = Expected::of(&request, allowed);
            assert_eq!(found, expected, "{method} {path}");
            let error = found.of_status(StatusCode::NOT_FOUND);
            assert_eq!(error, Signature, "an error at {path} is signed");
        }
    }
}
