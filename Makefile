# make demo      install what is missing, build, and watch it work
# make test      every test of the workspace
# make test-sdk  the gateway between official SDKs of providers, installed from npm and PyPI
# make check     what a change must pass: formatting, lints, documentation, dependencies
#
# System packages are installed only if they are missing, with apt-get, as root or through sudo.

# Where the SDKs are installed; not among the sources.
SDKS ?= $(abspath $(or $(CARGO_TARGET_DIR),target))/sdk

.PHONY: demo build test test-sdk check format lint documentation dependencies tools tools-sdk help

.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: tools
	cargo run --release --locked -- demo

build: tools
	cargo build --release --locked

test: tools
	cargo test --locked --workspace

test-sdk: tools-sdk
	TOLLGATE_SDK=$(SDKS) cargo test --locked --test sdk -- --include-ignored

check: format lint documentation dependencies

format:
	cargo fmt --all --check

lint: tools
	cargo clippy --locked --workspace --all-targets -- -D warnings

documentation: tools
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

dependencies:
	@if command -v cargo-deny >/dev/null; then \
		cargo deny check; \
	else \
		echo "cargo-deny is not installed: dependencies were not checked (cargo install cargo-deny)"; \
	fi

# Ends the shell of a recipe, having installed the Debian packages that $$missing names.
define install_missing
[ -z "$$missing" ] && exit 0; \
if ! command -v apt-get >/dev/null; then \
	echo "please install:$$missing"; exit 1; \
fi; \
if [ "$$(id -u)" = 0 ]; then as=""; \
elif command -v sudo >/dev/null; then as="sudo"; \
else echo "please install, as root:$$missing"; exit 1; fi; \
echo "installing:$$missing"; \
$$as apt-get update -qq && \
$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing
endef

# A C compiler and cmake build the cryptographic library.
tools:
	@missing=""; \
	command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v make >/dev/null || missing="$$missing make"; \
	command -v cmake >/dev/null || missing="$$missing cmake"; \
	command -v cargo >/dev/null || { \
		echo "Rust is missing: see https://rustup.rs"; exit 1; }; \
	$(install_missing)

# Node.js too comes from PyPI, where there is none that the SDKs can run on.
tools-sdk: tools
	@missing=""; \
	command -v python3 >/dev/null || missing="$$missing python3"; \
	python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	$(install_missing)
	@tests/sdk/packages/install $(SDKS)
