#!/usr/bin/env bash
# exmex 0.21.0, feature `value`: a variable whose name begins like a binary operator is taken apart. `ifmap + 1` is read as the operator
# `if` and the variable `map`, `order` as `or` and `der`, `maximum` as `max` and `imum`: the tokenizer asks of unary operators whether a
# letter follows, but not of binary ones. Some of it is refused with a message about operators, some of it is read as something else.
# Names in braces, `{ifmap} + 1`, are taken as they are.
#
# Seen: `ifmap + 1` is refused; `x maximum` has the variables imum and x; `{ifmap} + 1` has the variable ifmap
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
exmex = { version = "=0.21.0", default-features = false, features = ["value"] }
TOML
cat >"$folder/src/main.rs" <<'RUST'
use exmex::prelude::*;

fn names(text: &str) -> Result<Vec<String>, String> {
    exmex::parse_val::<i32, f64>(text).map(|it| it.var_names().to_vec()).map_err(|error| error.to_string())
}

fn main() {
    for text in ["ifmap + 1", "x maximum", "{ifmap} + 1"] {
        println!("{text}: {:?}", names(text));
    }
    assert!(names("ifmap + 1").is_err());
    assert_eq!(names("x maximum"), Ok(vec!["imum".to_owned(), "x".to_owned()]));
    assert_eq!(names("{ifmap} + 1"), Ok(vec!["ifmap".to_owned()]));
}
RUST
CARGO_TERM_COLOR=never cargo run --quiet --manifest-path "$folder/Cargo.toml"
