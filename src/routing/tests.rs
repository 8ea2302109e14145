//! Table tests of the whole room, by what a caller or an operator would notice.

mod hosts;
mod patterns;
mod tables;
mod targets;
