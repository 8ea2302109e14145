//! What every plugin of the registry promises, checked on each of them through the configuration
//! they are written in. A plugin is covered by being in the table; its example is what it is tried
//! with, and whatever that example refers to is found by trying ([`bench`]).

mod bench;
mod placement;
mod promises;
mod secrets;
mod settings;
