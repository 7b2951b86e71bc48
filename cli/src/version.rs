//! What `tapeout --version` says: the version, the commit, and the versions of what is registered.

use tapeout::core::Catalog;

/// The version of the program with its commit, and those of the environments, which say whether two programs give the same numbers.
pub(crate) fn of(catalog: &Catalog) -> String {
    let commit = option_env!("TAPEOUT_COMMIT").map_or_else(String::new, |commit| format!(" ({commit})"));
    let envs: Vec<String> = catalog.envs().iter().map(|env| format!("{} {}", env.id, env.version)).collect();
    format!("tapeout {}{commit}\nenvironments: {}", env!("CARGO_PKG_VERSION"), envs.join(", "))
}
