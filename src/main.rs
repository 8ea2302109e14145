//! The `tollgate` binary: allocator, cryptographic provider, arguments, exit code.

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all, so that no other provider is ever picked.
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if installed.is_err() {
        return ExitCode::from(70);
    }
    tollgate::cli::run(tollgate::cli::Arguments::parse())
}
