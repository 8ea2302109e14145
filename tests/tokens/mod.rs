//! Access tokens and encrypted payloads from outside: the attacks that other implementations fell
//! for, and keys that change, go away and are asked for in vain.

mod attacks;
mod keys;
