//! Every fault code the gateway and its plugins use. The names are a contract with callers.

use crate::fault::{Blame, Code};

macro_rules! codes {
    ($($(#[$doc:meta])* $id:ident = ($name:literal, $blame:ident, $status:literal, $title:literal);)*) => {
        $($(#[$doc])* pub static $id: Code = Code::new($name, Blame::$blame, $status, $title);)*

        /// All codes, for the reference documentation.
        pub static ALL: &[&Code] = &[$(&$id),*];
    };
}

codes! {
    /// The head could not be parsed, or broke a rule of HTTP.
    MALFORMED_REQUEST = ("malformed_request", Caller, 400, "The request is not valid HTTP");
    /// No Host, two hosts, or a host that is not a name or address.
    INVALID_HOST = ("invalid_host", Caller, 400, "The request does not name one valid host");
    /// The path could be read in two ways.
    AMBIGUOUS_PATH = ("ambiguous_path", Caller, 400, "The request path is ambiguous");
    /// A query parameter that a route matches on occurs twice, or a header that must be single.
    AMBIGUOUS_REQUEST = ("ambiguous_request", Caller, 400, "The request carries a field more than once that may occur only once");
    /// `Connection` nominates a field that must not be dropped.
    INVALID_CONNECTION_HEADER = ("invalid_connection_header", Caller, 400, "The Connection header nominates a field that cannot be removed");
    /// The head is larger than the listener allows.
    HEADERS_TOO_LARGE = ("headers_too_large", Caller, 431, "The request header is too large");
    /// The target is longer than allowed.
    TARGET_TOO_LONG = ("target_too_long", Caller, 414, "The request target is too long");
    /// The head did not arrive in time.
    HEADER_TIMEOUT = ("header_timeout", Caller, 408, "The request header did not arrive in time");
    /// No route matches.
    ROUTE_NOT_FOUND = ("route_not_found", Caller, 404, "No route matches the request");
    /// A route matches, but not with this method.
    METHOD_NOT_ALLOWED = ("method_not_allowed", Caller, 405, "The method is not allowed for this resource");
    /// CONNECT is not offered.
    CONNECT_REFUSED = ("connect_refused", Caller, 405, "CONNECT is not supported");
    /// Protocol upgrades are not offered.
    UPGRADE_REFUSED = ("upgrade_refused", Caller, 400, "Protocol upgrades are not supported");
    /// An `Expect` other than `100-continue`.
    EXPECTATION_FAILED = ("expectation_failed", Caller, 417, "The expectation cannot be met");
    /// The host does not belong to the certificate or connection.
    MISDIRECTED_REQUEST = ("misdirected_request", Caller, 421, "The request was sent to the wrong listener");
    /// The body is larger than the route allows.
    BODY_TOO_LARGE = ("body_too_large", Caller, 413, "The request body is too large");
    /// The body did not arrive in time.
    BODY_TIMEOUT = ("body_timeout", Caller, 408, "The request body did not arrive in time");
    /// The body's framing broke, or it ended early.
    BODY_INCOMPLETE = ("body_incomplete", Caller, 400, "The request body is incomplete");
    /// The caller went away before its body ended.
    CALLER_INCOMPLETE = ("caller_incomplete", Caller, 400, "The caller left before its request was complete");
    /// The caller went away before it was answered.
    CALLER_GONE = ("caller_gone", Caller, 408, "The caller left before it was answered");
    /// The body is coded (`Content-Encoding`), but must be read.
    UNSUPPORTED_ENCODING = ("unsupported_encoding", Caller, 415, "The content coding of the request is not supported");
    /// The body has the wrong media type.
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", Caller, 415, "The media type of the request is not supported");
    /// The body must be JSON, and is not, or has duplicate members.
    INVALID_JSON = ("invalid_json", Caller, 400, "The request body is not valid JSON");
    /// The body must be a form, and is not, or a field of it occurs twice.
    INVALID_FORM = ("invalid_form", Caller, 400, "The request body is not a valid form");

    /// No token.
    TOKEN_MISSING = ("token_missing", Caller, 401, "An access token is required");
    /// The token is not a well-formed JWT.
    TOKEN_MALFORMED = ("token_malformed", Caller, 401, "The access token is malformed");
    /// The signature is wrong, or its algorithm is not allowed.
    TOKEN_SIGNATURE_INVALID = ("token_signature_invalid", Caller, 401, "The access token's signature is not valid");
    /// No key for the token's `kid`.
    TOKEN_KEY_UNKNOWN = ("token_key_unknown", Caller, 401, "The access token was signed with an unknown key");
    /// `exp` has passed.
    TOKEN_EXPIRED = ("token_expired", Caller, 401, "The access token has expired");
    /// `nbf` or `iat` lies in the future.
    TOKEN_NOT_YET_VALID = ("token_not_yet_valid", Caller, 401, "The access token is not valid yet");
    /// The issuer is not the expected one.
    TOKEN_ISSUER_INVALID = ("token_issuer_invalid", Caller, 401, "The access token was issued by somebody else");
    /// The audience does not include us.
    TOKEN_AUDIENCE_INVALID = ("token_audience_invalid", Caller, 401, "The access token is meant for somebody else");
    /// A required claim is absent or differs.
    TOKEN_CLAIM_INVALID = ("token_claim_invalid", Caller, 401, "The access token lacks a required claim");
    /// `typ` is not that of an access token (RFC 9068).
    TOKEN_TYPE_INVALID = ("token_type_invalid", Caller, 401, "The token is not an access token");
    /// A scope is lacking.
    INSUFFICIENT_SCOPE = ("insufficient_scope", Caller, 403, "The access token lacks a required scope");
    /// Keys to verify with cannot be had.
    KEYS_UNAVAILABLE = ("keys_unavailable", Gateway, 503, "Access tokens cannot be verified at the moment");
    /// The client address is not allowed.
    ADDRESS_DENIED = ("address_denied", Caller, 403, "The client address is not allowed");
    /// Too many requests.
    RATE_LIMITED = ("rate_limited", Caller, 429, "Too many requests");
    /// A rule's expression could not be evaluated over this request.
    EXPRESSION_FAILED = ("expression_failed", Caller, 400, "The request lacks a value that a rule needs");

    /// A body or field could not be decrypted. Says nothing about why.
    DECRYPTION_FAILED = ("decryption_failed", Caller, 400, "The request could not be decrypted");
    /// A field that is needed is absent or of the wrong type; `errors` in the answer may name it.
    FIELD_INVALID = ("field_invalid", Caller, 422, "A required field of the request is missing or has the wrong type");

    /// A signed message (a provider's notification, say) carries no signature, or lacks a field of it.
    SIGNATURE_MISSING = ("signature_missing", Caller, 401, "The request is not signed, or a part of its signature is missing");
    /// A field of the signature has the wrong form, or is there twice.
    SIGNATURE_MALFORMED = ("signature_malformed", Caller, 401, "The signature of the request is malformed");
    /// The signature names an algorithm that is not the configured one.
    SIGNATURE_ALGORITHM_REFUSED = ("signature_algorithm_refused", Caller, 401, "The signature of the request uses an algorithm that is not accepted");
    /// The signature names a key that is not known or no longer accepted.
    SIGNATURE_KEY_UNKNOWN = ("signature_key_unknown", Caller, 401, "The request was signed with an unknown key");
    /// The time in the signature lies too far from now.
    SIGNATURE_EXPIRED = ("signature_expired", Caller, 401, "The signature of the request is too old, or from the future");
    /// The signature does not fit the message.
    SIGNATURE_INVALID = ("signature_invalid", Caller, 401, "The signature of the request is not valid");
    /// The very same signed message was received before.
    SIGNATURE_REPLAYED = ("signature_replayed", Caller, 401, "The signed request was received before");
    /// A notification is about another merchant, application or account.
    NOTIFICATION_MISDIRECTED = ("notification_misdirected", Caller, 403, "The notification is meant for somebody else");
    /// The same notification is being delivered at this moment.
    NOTIFICATION_IN_PROGRESS = ("notification_in_progress", Caller, 409, "The same notification is being delivered; send it again later");
    /// The keys that a provider signs with cannot be had.
    PROVIDER_KEYS_UNAVAILABLE = ("provider_keys_unavailable", Gateway, 503, "The provider's signatures cannot be verified at the moment");
    /// The provider of this upstream has no such operation.
    OPERATION_UNSUPPORTED = ("operation_unsupported", Caller, 422, "The provider does not offer this operation");
    /// An unsafe request to a provider needs an idempotency key and has none, or an unusable one.
    IDEMPOTENCY_KEY_INVALID = ("idempotency_key_invalid", Caller, 400, "The request needs one valid idempotency key");
    /// The caller asks to act on an account that it was not given.
    ACCOUNT_DENIED = ("account_denied", Caller, 403, "The caller may not act on this account");
    /// A file is asked for whose checksum the gateway was not told in a signed answer.
    CHECKSUM_UNKNOWN = ("checksum_unknown", Caller, 409, "The file cannot be verified: ask for its download address first");

    /// The provider's answer could not be decrypted.
    UPSTREAM_DECRYPTION_FAILED = ("upstream_decryption_failed", Upstream, 502, "The provider's answer could not be decrypted");
    /// The provider's answer carries no signature, or lacks a field of it.
    UPSTREAM_SIGNATURE_MISSING = ("upstream_signature_missing", Upstream, 502, "The provider's answer is not signed, or a part of its signature is missing");
    /// A field of the signature has the wrong form, or is there twice.
    UPSTREAM_SIGNATURE_MALFORMED = ("upstream_signature_malformed", Upstream, 502, "The signature of the provider's answer is malformed");
    /// The signature names an algorithm that is not the configured one.
    UPSTREAM_SIGNATURE_ALGORITHM_REFUSED = ("upstream_signature_algorithm_refused", Upstream, 502, "The signature of the provider's answer uses an algorithm that is not accepted");
    /// The signature names a key that is not known or no longer accepted.
    UPSTREAM_SIGNATURE_KEY_UNKNOWN = ("upstream_signature_key_unknown", Upstream, 502, "The provider's answer was signed with an unknown key");
    /// The time in the signature lies too far from now.
    UPSTREAM_SIGNATURE_EXPIRED = ("upstream_signature_expired", Upstream, 502, "The signature of the provider's answer is too old, or from the future");
    /// The very same signed answer was received before.
    UPSTREAM_SIGNATURE_REPLAYED = ("upstream_signature_replayed", Upstream, 502, "The provider's signed answer was received before");
    /// The provider answered, and what its answer must be checked against cannot be had.
    UPSTREAM_UNVERIFIABLE = ("upstream_unverifiable", Gateway, 502, "The provider answered, and its answer cannot be verified at the moment");
    /// The provider answered, and the memory for held answers is used up.
    ANSWER_LOST = ("answer_lost", Gateway, 502, "The provider answered, and the gateway had no room for its answer");
    /// A file of the provider has another checksum than it announced.
    UPSTREAM_CHECKSUM_MISMATCH = ("upstream_checksum_mismatch", Upstream, 502, "The provider's file does not have the announced checksum");
    /// The provider's answer fails verification.
    UPSTREAM_SIGNATURE_INVALID = ("upstream_signature_invalid", Upstream, 502, "The provider's answer could not be verified");
    /// The provider's answer lacks what it must have.
    UPSTREAM_INVALID_ANSWER = ("upstream_invalid_answer", Upstream, 502, "The provider's answer is not valid");
    /// The answer is coded although identity was asked for.
    UPSTREAM_ENCODING = ("upstream_encoding", Upstream, 502, "The content coding of the provider's answer is not supported");
    /// The answer exceeds the cap for held answers.
    RESPONSE_TOO_LARGE = ("response_too_large", Upstream, 502, "The provider's answer is too large");
    /// No connection could be made; nothing was sent.
    UPSTREAM_UNREACHABLE = ("upstream_unreachable", Upstream, 502, "The provider cannot be reached");
    /// TLS to the provider failed; nothing was sent.
    UPSTREAM_TLS_FAILED = ("upstream_tls_failed", Upstream, 502, "No trusted connection to the provider could be made");
    /// Connecting took too long; nothing was sent.
    UPSTREAM_CONNECT_TIMEOUT = ("upstream_connect_timeout", Upstream, 504, "The provider did not accept a connection in time");
    /// No answer in time: what the provider did is unknown.
    UPSTREAM_TIMEOUT = ("upstream_timeout", Upstream, 504, "The provider did not answer in time");
    /// The connection broke after something was sent: what the provider did is unknown.
    UPSTREAM_BROKEN = ("upstream_broken", Upstream, 502, "The connection to the provider broke");
    /// Every endpoint is unhealthy.
    NO_HEALTHY_ENDPOINT = ("no_healthy_endpoint", Upstream, 503, "No healthy endpoint of the provider is available");
    /// No endpoint's name could be resolved.
    UPSTREAM_UNRESOLVED = ("upstream_unresolved", Upstream, 503, "The provider's address cannot be resolved");
    /// No `send_to` rule applies.
    NO_UPSTREAM = ("no_upstream", Caller, 422, "No provider is configured for this request");

    /// A bug or a panic.
    INTERNAL = ("internal", Gateway, 500, "The gateway failed");
    /// Memory for held bodies, connections or another bound is exhausted.
    OVERLOADED = ("overloaded", Gateway, 503, "The gateway is overloaded");
    /// The process ended before the exchange did.
    CUT_OFF = ("cut_off", Gateway, 503, "The gateway was stopped before the request was complete");
    /// A store that a decision needs is unavailable.
    STORE_UNAVAILABLE = ("store_unavailable", Gateway, 503, "A store that the gateway needs is unavailable");
    /// An encryption key has reached its use limit.
    KEY_EXHAUSTED = ("key_exhausted", Configuration, 500, "An encryption key has reached the end of its life");
    /// An encryption operation failed.
    ENCRYPTION_FAILED = ("encryption_failed", Gateway, 500, "The gateway could not encrypt a message");
}
