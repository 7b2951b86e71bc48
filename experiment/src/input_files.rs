//! Files that the settings of an environment name.
//!
//! A resolved spec names them by their full paths, so that a run goes on wherever it is resumed from, with a checksum each: a file that was
//! edited since is refused, and so a run stays a function of its spec. A log says by the same checksums which files its designs ran.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::checksum::digest;
use crate::spec::EnvSpec;
use crate::spec_error::SpecFault;

/// `env` with the full paths of what `settings` name, and the checksums of these files. A name that is no path from here is looked for in
/// `folder`, where the spec is.
///
/// # Errors
/// [`SpecFault`] if a file cannot be read, or has another checksum than `env` says.
pub(crate) fn resolved(
    env: &EnvSpec,
    settings: &[&str],
    folder: Option<&Path>,
) -> Result<EnvSpec, SpecFault> {
    let (mut config, mut files) = (env.config.clone(), BTreeMap::new());
    for setting in settings {
        if let Some(value) = config.get_mut(*setting) {
            each_text(value, &mut |text| {
                let Some(path) = full_path(text, folder) else { return Ok(()) };
                let (_, sha256) = digest(Path::new(&path))
                    .map_err(|source| SpecFault::InputFile { path: path.clone(), source })?;
                files.insert(path.clone(), sha256);
                *text = path;
                Ok(())
            })?;
        }
    }
    for (path, expected) in &env.files {
        let path = full_path(path, folder).unwrap_or_else(|| path.clone());
        if let Some(got) = files.get(&path).filter(|got| *got != expected) {
            let (got, expected) = (got.clone(), expected.clone());
            return Err(SpecFault::InputFileChanged { path, got, expected });
        }
    }
    Ok(EnvSpec { config, files, ..env.clone() })
}

/// The full path of a file that is there; none for a plain name, which is one of the program's own.
fn full_path(text: &str, folder: Option<&Path>) -> Option<String> {
    let path = Path::new(text);
    if path.extension().is_none() && path.components().count() < 2 {
        return None;
    }
    let beside = folder.map(|folder| folder.join(path));
    let found = [Some(path.to_owned()), beside].into_iter().flatten().find(|path| path.is_file())?;
    fs::canonicalize(found).ok()?.into_os_string().into_string().ok()
}

/// The same settings with files told by what is in them, wherever they are.
pub(crate) fn files_by_contents(env: &EnvSpec) -> EnvSpec {
    let mut same = EnvSpec { files: BTreeMap::new(), ..env.clone() };
    for value in same.config.values_mut() {
        let told = each_text(value, &mut |text| {
            if let Some(sha256) = env.files.get(text) {
                *text = format!("sha256:{sha256}");
            }
            Ok::<(), ()>(())
        });
        debug_assert!(told.is_ok(), "telling files by their contents does not fail");
    }
    same
}

/// The settings `here`, with the paths of `files` as `logged` has them where these are the ends of the full ones.
pub(crate) fn as_written(
    logged: &Map<String, Value>,
    here: &Map<String, Value>,
    files: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let written = |(name, value): (&String, &Value)| {
        let value = logged.get(name).map_or_else(|| value.clone(), |logged| written(logged, value, files));
        (name.clone(), value)
    };
    here.iter().map(written).collect()
}

fn written(logged: &Value, here: &Value, files: &BTreeMap<String, String>) -> Value {
    match (logged, here) {
        (Value::String(short), Value::String(full)) if files.contains_key(full) => {
            let plain = short.trim_start_matches("./");
            Value::String(if Path::new(full).ends_with(plain) { short.clone() } else { full.clone() })
        }
        (Value::Array(logged), Value::Array(here)) if logged.len() == here.len() => {
            logged.iter().zip(here).map(|(logged, here)| written(logged, here, files)).collect()
        }
        _ => here.clone(),
    }
}

/// Tells `each` of every text in `value`, until the first error.
fn each_text<E>(value: &mut Value, each: &mut dyn FnMut(&mut String) -> Result<(), E>) -> Result<(), E> {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter_mut().try_for_each(|item| each_text(item, each)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn env(config: Value) -> EnvSpec {
        let Value::Object(config) = config else { panic!("settings are an object") };
        EnvSpec { config, ..EnvSpec::named("toy") }
    }

    // Source of the checksum: FIPS 180-4's example of the message "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn files_are_found_beside_the_spec_and_known_by_their_contents() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.toml"), "abc").unwrap();
        let asked = env(json!({ "networks": ["resnet50", "mine.toml"], "other": "mine.toml" }));
        let same = resolved(&asked, &["networks", "architecture"], Some(folder.path())).unwrap();
        let full = fs::canonicalize(folder.path().join("mine.toml")).unwrap();
        let full = full.to_str().unwrap();
        let expected = json!({ "networks": ["resnet50", full], "other": "mine.toml" });
        assert_eq!(Value::Object(same.config.clone()), expected);
        assert_eq!(same.files, BTreeMap::from([(full.to_owned(), ABC.to_owned())]));

        assert!(resolved(&same, &["networks"], None).is_ok());
        assert_eq!(files_by_contents(&same).config["networks"][1], json!(format!("sha256:{ABC}")));
        fs::write(full, "abd").unwrap();
        let error = resolved(&same, &["networks"], None).unwrap_err();
        assert!(matches!(error, SpecFault::InputFileChanged { expected, .. } if expected == ABC));
    }

    #[test]
    fn logs_of_before_have_paths_as_they_were_written() {
        let files = BTreeMap::from([("/a/b/mine.toml".to_owned(), ABC.to_owned())]);
        let here = env(json!({ "path": "/a/b/mine.toml", "n": 1 })).config;
        let logged = |path: &str| env(json!({ "path": path, "n": 1 })).config;
        for path in ["b/mine.toml", "./mine.toml", "mine.toml"] {
            assert_eq!(as_written(&logged(path), &here, &files), logged(path));
        }
        assert_eq!(as_written(&logged("ine.toml"), &here, &files), here);
    }
}
