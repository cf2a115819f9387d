#!/usr/bin/env bash
# Passes every test. Installs what the tests need on a fresh Debian 12: a JDK and Maven for the Kafka broker, and, where the
# reading room is, Node.js, Python and OpenSSL for the clients in it.
set -euo pipefail
cd "$(dirname "$0")/.."

need=()
command -v g++ >/dev/null || need+=(g++)
command -v java >/dev/null || need+=(openjdk-17-jre-headless)
command -v mvn >/dev/null || need+=(maven)
if [ -d "${MILLSTREAM_SHARED:-../shared}/clients" ]; then
  command -v npm >/dev/null || need+=(nodejs npm)
  python3 -c 'import ensurepip, venv' 2>/dev/null || need+=(python3-venv)
  pkg-config --exists openssl 2>/dev/null || need+=(pkg-config libssl-dev)
fi
if [ ${#need[@]} -gt 0 ]; then
  run=$([ "$(id -u)" = 0 ] || echo sudo)
  $run apt-get update -q
  $run apt-get install -q -y --no-install-recommends "${need[@]}"
fi

# Builds survive the checkout, so that the next run on this machine is a short one.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${HOME:-/tmp}/.cache/millstream/target}
export CARGO_TERM_PROGRESS_WHEN=never

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
cargo build --workspace
cargo test --workspace
cargo run --bin recordings -- --quiet --ratchet
for mode in batch=1 batch=all; do
  cargo run --bin conformance -- --quiet --ratchet tests/conformance/passing.txt --mode $mode
done
cargo run --bin conformance -- --quiet --ratchet tests/conformance/passing-random.txt \
  --dir "${MILLSTREAM_SHARED:-../shared}/conformance-random"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
