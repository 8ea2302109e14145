//! Providers' own security dialects, seen from both sides of the gateway.

mod stripe;
