//! Tells the program which commit it is built from, for `tapeout --version`: nothing where there is no Git or no repository, and in builds for
//! development, which would be built anew for every commit.

#![allow(clippy::print_stdout)] // It is how a build script speaks to cargo.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // "release" is also what profiles that inherit from it are called here.
    if option("PROFILE").as_deref() != Some("release") {
        return;
    }
    // A crate from a registry or an archive may lie within somebody else's repository.
    let is_ours = git(&["ls-files", "--error-unmatch", "build.rs"]).is_some();
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]).filter(|_| is_ours) else { return };
    println!("cargo::rustc-env=TAPEOUT_COMMIT={commit}");
    // What HEAD is, and what the branch is that it names: in a file of its own, or among packed ones; the log changes with each.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD", "packed-refs"].map(str::to_owned).into_iter().chain(branch) {
        if let Some(path) = git(&["rev-parse", "--git-path", &name]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn option(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods)] // It is how cargo speaks to a build script.
    std::env::var(name).ok()
}

/// What Git says here, without the end of the line.
fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").args(arguments).output().ok().filter(|said| said.status.success())?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}
