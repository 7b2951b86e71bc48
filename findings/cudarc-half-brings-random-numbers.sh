#!/usr/bin/env bash
# cudarc 0.19.10: its feature `f16`, which is there for the element types of half 2.x, also turns on half's `rand_distr`. A program
# that wants to name half-precision buffers builds rand 0.9, rand_distr 0.5 and what they need, though it draws no random number; next
# to rand 0.10 it has two of them. Without `f16` there is neither. (Buffers of 16-bit codes as `u16` do without the feature.)
#
# Seen, with `f16`:        half -> rand 0.9.x, rand_distr 0.5.x
# Seen, without `f16`:     neither
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
touch "$folder/src/lib.rs"
export CARGO_TERM_COLOR=never

# The packages of a crate that depends on cudarc with these features besides those that loading it needs.
packages() {
  cat >"$folder/Cargo.toml" <<TOML
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies.cudarc]
version = "=0.19.10"
default-features = false
features = ["std", "driver", "dynamic-loading", "cuda-13000"$1]
TOML
  rm -f "$folder/Cargo.lock"
  cargo tree --quiet --manifest-path "$folder/Cargo.toml" --edges normal --prefix none | sort -u
}

with=$(packages ', "f16"')
without=$(packages '')
echo "with f16:"; grep -E '^(half|rand|rand_distr) ' <<<"$with"
echo "without f16:"; grep -E '^(half|rand|rand_distr) ' <<<"$without" || echo "none of half, rand, rand_distr"
grep -qE '^rand v0\.9\.' <<<"$with" && grep -qE '^rand_distr v0\.5\.' <<<"$with"
if grep -qE '^(rand|rand_distr) ' <<<"$without"; then exit 1; fi
