//! Table tests of the whole room, by what a caller or an operator would notice.

mod hosts;
mod normaliser;
mod oracle;
mod patterns;
mod scale;
mod tables;
mod targets;
