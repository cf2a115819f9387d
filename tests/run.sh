#!/usr/bin/env bash
# Passes every test. Installs what the tests need on a fresh Debian 12: a JDK and Maven for the Kafka broker and Kafka Connect,
# PostgreSQL, Node.js, Python and Go for clients of the schema registry, and, where the reading room is, OpenSSL for the clients in it.
set -euo pipefail
cd "$(dirname "$0")/.."

# What stands in the reading room is judged by it: ksqlDB's cases, recorded answers, clients. Without it that is not run, and the
# end of this says so; under CI it must be there.
room=${MILLSTREAM_SHARED:-../shared}
not_run=()
for what in cases clients conformance conformance-random recordings; do
  [ -d "$room/$what" ] || not_run+=("$what: there is no $room/$what")
done
if [ -n "${CI:-}" ] && [ ${#not_run[@]} -gt 0 ]; then
  printf 'CI needs the reading room (MILLSTREAM_SHARED): %s\n' "${not_run[@]}" >&2
  exit 1
fi

need=()
command -v g++ >/dev/null || need+=(g++)
command -v java >/dev/null || need+=(openjdk-17-jre-headless)
command -v mvn >/dev/null || need+=(maven)
command -v npm >/dev/null || need+=(nodejs npm)
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need+=(postgresql)
command -v curl >/dev/null || need+=(curl)
python3 -c 'import ensurepip, venv' 2>/dev/null || need+=(python3-venv)
if [ -d "$room/clients" ]; then
  pkg-config --exists openssl 2>/dev/null || need+=(pkg-config libssl-dev)
fi
if [ ${#need[@]} -gt 0 ]; then
  run=$([ "$(id -u)" = 0 ] || echo sudo)
  $run apt-get update -q
  $run apt-get install -q -y --no-install-recommends "${need[@]}"
fi

tools=${HOME:-/tmp}/.cache/millstream/tools
# A client of schema registries wants a newer Go than Debian 12 has; its modules come from the same place.
go=1.26.8
if ! command -v go >/dev/null; then
  if [ ! -x "$tools/go/bin/go" ]; then
    release=golang.org/toolchain@v0.0.1-go$go.linux-$(dpkg --print-architecture)
    mkdir -p "$tools"
    curl -fsSL "https://proxy.golang.org/${release/@//@v/}.zip" -o "$tools/go.zip"
    python3 -m zipfile -e "$tools/go.zip" "$tools"
    chmod -R u+x "$tools/$release/bin" "$tools/$release/pkg/tool"
    rm -rf "$tools/go" "$tools/go.zip"
    mv "$tools/$release" "$tools/go"
  fi
  export PATH=$tools/go/bin:$PATH
fi

# Builds survive the checkout, so that the next run on this machine is a short one.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${HOME:-/tmp}/.cache/millstream/target}
export CARGO_TERM_PROGRESS_WHEN=never

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
cargo build --workspace
# Once for a machine, beside the tests, which often wait.
deny=0.20.2
export PATH=$tools/bin:$PATH
installs=
if ! cargo deny --version 2>/dev/null | grep -qwF "$deny"; then
  env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    nice -n 19 cargo install --quiet --locked cargo-deny --version "$deny" --root "$tools" &
  installs=$!
  trap 'kill "$installs" 2>/dev/null || true' EXIT
fi

cargo test --workspace
[ ! -d "$room/recordings" ] || cargo run --bin recordings -- --quiet
if [ -d "$room/conformance" ]; then
  for mode in batch=1 batch=all; do
    cargo run --bin conformance -- --quiet --dir "$room/conformance" --ratchet tests/conformance/passing.txt --mode $mode
  done
fi
[ ! -d "$room/conformance-random" ] ||
  cargo run --bin conformance -- --quiet --dir "$room/conformance-random" --ratchet tests/conformance/passing-random.txt
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

# Licences and sources of all dependencies, one version of arrow; and known holes, where the list of them can be fetched.
[ -z "$installs" ] || wait "$installs"
deny() { cargo deny --config .ci/deny.toml --log-level error "$@"; }
deny check --hide-inclusion-graph bans licenses sources
if deny fetch db 2>/dev/null; then
  deny check --hide-inclusion-graph advisories
else
  not_run+=("advisories: the list of known holes cannot be fetched")
fi

if [ ${#not_run[@]} -gt 0 ]; then
  printf '\n########## NOT RUN ##########\n'
  printf '%s\n' "${not_run[@]}"
fi
