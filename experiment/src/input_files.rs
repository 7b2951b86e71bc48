//! Files that the settings of an environment or an agent name.
//!
//! A resolved spec names them by their full paths, so that a run goes on wherever it is resumed from, with a checksum each: a file that was
//! edited since is refused, and so a run stays a function of its spec. A log says by the same checksums which files its designs ran, and
//! which agent proposed them. Programs are named by full paths alone: they come with a machine, and whether they still do the same,
//! replaying tells.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, absolute};

use serde_json::{Map, Value};

use crate::checksum::digest;
use crate::spec_error::SpecFault;

/// Checksums by path.
type Files = BTreeMap<String, String>;

/// Writes the full paths of what `settings` name into `config`, and the checksums of these files into `files`. A name that is no path from
/// here is looked for in `folder`, where the spec is. A plain name such as `resnet50` is a file's only in settings that by `defaults` name
/// nothing: others know it as the program's own.
///
/// # Errors
/// [`SpecFault`] if a file cannot be read, is named and not there, or has another checksum than `files` says.
pub(crate) fn resolve(
    config: &mut Map<String, Value>,
    files: &mut Files,
    settings: &[&str],
    defaults: &Value,
    folder: Option<&Path>,
) -> Result<(), SpecFault> {
    let said = std::mem::take(files);
    for setting in settings {
        let takes_plain = !has_own_names(&defaults[*setting]);
        if let Some(value) = config.get_mut(*setting) {
            each_text(value, &mut |text| {
                let Some((path, part)) = full_path(text, takes_plain, folder) else { return Ok(()) };
                let (_, sha256) = digest(Path::new(&path))
                    .map_err(|source| SpecFault::InputFile { path: path.clone(), source })?;
                *text = format!("{path}{part}");
                files.insert(path, sha256);
                Ok(())
            })?;
        }
    }
    for (path, expected) in said {
        let path = full_path(&path, true, folder).map_or(path, |(path, _)| path);
        if !files.contains_key(&path) && names(config, settings, &path) {
            return Err(SpecFault::InputFile { path, source: ErrorKind::NotFound.into() });
        }
        if let Some(got) = files.get(&path).filter(|got| **got != expected) {
            return Err(SpecFault::InputFileChanged { path, got: got.clone(), expected });
        }
    }
    Ok(())
}

/// Whether what a setting is by default is a name of the program's own, or several: then it knows others.
fn has_own_names(default: &Value) -> bool {
    match default {
        Value::String(name) => !name.is_empty(),
        Value::Array(names) => !names.is_empty(),
        _ => false,
    }
}

/// Whether `settings` name the file `path`, or a part of it.
fn names(config: &mut Map<String, Value>, settings: &[&str], path: &str) -> bool {
    let mut is_named = false;
    for value in settings.iter().filter_map(|setting| config.get(*setting)) {
        let told = each_text(&mut value.clone(), &mut |text| {
            let behind = text.strip_prefix(path);
            is_named |= behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(':'));
            Ok::<(), ()>(())
        });
        debug_assert!(told.is_ok(), "looking at names does not fail");
    }
    is_named
}

/// Names programs of `settings` by their full paths.
pub(crate) fn with_full_paths(config: &mut Map<String, Value>, settings: &[&str], folder: Option<&Path>) {
    for setting in settings {
        let Some(value) = config.get_mut(*setting) else { continue };
        let told = each_text(value, &mut |text| {
            if let Some((path, part)) = full_path(text, false, folder) {
                *text = format!("{path}{part}");
            }
            Ok::<(), ()>(())
        });
        debug_assert!(told.is_ok(), "telling files by their paths does not fail");
    }
}

/// The full path of a file that is there, and what of it is meant: nothing, or `:conv1` of a network's layer, behind the last colon with a
/// file before it: folders may have colons in their names, and disks have. None for a plain name, which is one of the program's own, unless
/// `takes_plain`.
fn full_path(text: &str, takes_plain: bool, folder: Option<&Path>) -> Option<(String, String)> {
    let whole = (text, "");
    let of_part = text.rmatch_indices(':').map(|(colon, _)| text.split_at(colon));
    std::iter::once(whole).chain(of_part).find_map(|(path, part)| {
        let path = Path::new(path);
        let is_plain = path.extension().is_none() && path.components().count() < 2;
        if is_plain && !(takes_plain && part.is_empty()) {
            return None;
        }
        let beside = folder.map(|folder| folder.join(path));
        let found = [Some(path.to_owned()), beside].into_iter().flatten().find(|path| path.is_file())?;
        // A link stays one: Python finds the packages of a virtual environment by the link that it is called by, and what a link leads to
        // may be replaced.
        let full = absolute(found).ok()?.into_os_string().into_string().ok()?;
        Some((full, part.to_owned()))
    })
}

/// The file that a text names among these, and what of it is meant.
fn known<'a>(text: &'a str, files: &Files) -> Option<(&'a str, &'a str)> {
    let ends = std::iter::once(text.len()).chain(text.match_indices(':').map(|(colon, _)| colon));
    let mut names = ends.map(|end| text.split_at(end));
    names.find(|(path, _)| files.contains_key(*path))
}

/// The same settings with `files` told by what is in them, wherever they are.
pub(crate) fn by_contents(config: &Map<String, Value>, files: &Files) -> Map<String, Value> {
    let mut same = config.clone();
    for value in same.values_mut() {
        let told = each_text(value, &mut |text| {
            if let Some((path, part)) = known(text, files) {
                *text = format!("sha256:{}{part}", files[path]);
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
    files: &Files,
) -> Map<String, Value> {
    written(logged, here, &|short, full| {
        known(full, files).is_some() && Path::new(full).ends_with(short.trim_start_matches("./"))
    })
}

/// The settings `here` of an agent, with paths as `logged` has them where these are of files of the same name: its program lies elsewhere on
/// another machine, and logs of before have its path as it was written.
pub(crate) fn programs_as_written(
    logged: &Map<String, Value>,
    here: &Map<String, Value>,
) -> Map<String, Value> {
    written(logged, here, &|other, full| {
        let (other, full) = (Path::new(other), Path::new(full));
        full.is_absolute() && full.file_name().is_some() && full.file_name() == other.file_name()
    })
}

/// The settings `here`, with texts as `logged` has them where `is_same` of the logged one and the one here.
fn written(
    logged: &Map<String, Value>,
    here: &Map<String, Value>,
    is_same: &dyn Fn(&str, &str) -> bool,
) -> Map<String, Value> {
    let value = |(name, here): (&String, &Value)| {
        let value = logged.get(name).map_or_else(|| here.clone(), |logged| value(logged, here, is_same));
        (name.clone(), value)
    };
    here.iter().map(value).collect()
}

fn value(logged: &Value, here: &Value, is_same: &dyn Fn(&str, &str) -> bool) -> Value {
    match (logged, here) {
        (Value::String(written), Value::String(full)) if is_same(written, full) => logged.clone(),
        (Value::Array(logged), Value::Array(here)) if logged.len() == here.len() => {
            logged.iter().zip(here).map(|(logged, here)| value(logged, here, is_same)).collect()
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
    use std::fs;

    use super::*;
    use serde_json::json;

    #[derive(Debug, Clone, PartialEq)]
    struct Settings {
        config: Map<String, Value>,
        files: Files,
    }

    fn env(config: Value) -> Settings {
        let Value::Object(config) = config else { panic!("settings are an object") };
        Settings { config, files: Files::new() }
    }

    fn resolved(asked: &Settings, settings: &[&str], folder: Option<&Path>) -> Result<Settings, SpecFault> {
        let mut same = asked.clone();
        let defaults = json!({ "networks": ["resnet50"] });
        resolve(&mut same.config, &mut same.files, settings, &defaults, folder).map(|()| same)
    }

    // Source of the checksum: FIPS 180-4's example of the message "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn files_are_found_beside_the_spec_and_known_by_their_contents() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.toml"), "abc").unwrap();
        let asked = env(json!({ "networks": ["resnet50", "mine.toml"], "other": "mine.toml" }));
        let same = resolved(&asked, &["networks", "architecture"], Some(folder.path())).unwrap();
        let full = folder.path().join("mine.toml");
        let full = full.to_str().unwrap();
        let expected = json!({ "networks": ["resnet50", full], "other": "mine.toml" });
        assert_eq!(Value::Object(same.config.clone()), expected);
        assert_eq!(same.files, BTreeMap::from([(full.to_owned(), ABC.to_owned())]));

        assert!(resolved(&same, &["networks"], None).is_ok());
        assert_eq!(by_contents(&same.config, &same.files)["networks"][1], json!(format!("sha256:{ABC}")));
        fs::write(full, "abd").unwrap();
        let error = resolved(&same, &["networks"], None).unwrap_err();
        assert!(matches!(error, SpecFault::InputFileChanged { expected, .. } if expected == ABC));
    }

    // Claim: a file has a checksum and a full path whatever its name, where nothing else can be meant; a network of the program's own is not
    // mistaken for a file of its name.
    #[test]
    fn a_plain_name_is_a_file_where_nothing_else_has_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["model", "resnet50"] {
            fs::write(folder.path().join(name), "abc").unwrap();
        }
        let full = folder.path().join("model").to_str().unwrap().to_owned();
        let asked = env(json!({ "model": "model", "networks": ["resnet50"], "other": "", "none": null }));
        let settings = ["model", "networks", "other", "none"];
        let same = resolved(&asked, &settings, Some(folder.path())).unwrap();
        let expected = json!({ "model": full, "networks": ["resnet50"], "other": "", "none": null });
        assert_eq!(Value::Object(same.config.clone()), expected);
        assert_eq!(same.files, BTreeMap::from([(full.clone(), ABC.to_owned())]));
        // Said with its plain name, as a person would write it, the checksum is of the same file.
        let said =
            Settings { files: BTreeMap::from([("model".to_owned(), ABC.to_owned())]), ..asked.clone() };
        assert_eq!(resolved(&said, &settings, Some(folder.path())).unwrap(), same);
        assert_eq!(as_written(&asked.config, &same.config, &same.files), asked.config);
        fs::write(&full, "abd").unwrap();
        let error = resolved(&same, &settings, None).unwrap_err();
        assert!(matches!(error, SpecFault::InputFileChanged { expected, .. } if expected == ABC));
    }

    // A layer of a file's network is the file's, and a trace is.
    #[test]
    fn a_part_of_a_file_is_known_by_the_file_and_the_part() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.toml"), "abc").unwrap();
        let full = folder.path().join("mine.toml");
        let full = full.to_str().unwrap();
        let asked =
            env(json!({ "layer": "mine.toml:conv:1", "trace": "mine.toml", "own": "resnet50:conv1" }));
        let same = resolved(&asked, &["layer", "trace", "own"], Some(folder.path())).unwrap();
        let expected = json!({ "layer": format!("{full}:conv:1"), "trace": full, "own": "resnet50:conv1" });
        assert_eq!(Value::Object(same.config.clone()), expected);
        assert_eq!(same.files.len(), 1);
        assert_eq!(by_contents(&same.config, &same.files)["layer"], json!(format!("sha256:{ABC}:conv:1")));
        assert_eq!(as_written(&asked.config, &same.config, &same.files), asked.config);
        assert_eq!(resolved(&same, &["layer", "trace", "own"], None).unwrap(), same);
    }

    // Claim: a checksum is not lost to a colon in the name of a folder, and a file that is gone is an error, not one without a checksum.
    #[cfg(unix)]
    #[test]
    fn folders_may_have_colons_and_files_that_are_gone_are_missed() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("a:b.c");
        fs::create_dir(&within).unwrap();
        fs::write(within.join("mine.py"), "abc").unwrap();
        let full = within.join("mine.py").to_str().unwrap().to_owned();
        let same = resolved(&env(json!({ "class": format!("{full}:Mine") })), &["class"], None).unwrap();
        assert_eq!(same.files, BTreeMap::from([(full.clone(), ABC.to_owned())]));
        fs::remove_file(&full).unwrap();
        let error = resolved(&same, &["class"], None).unwrap_err();
        assert!(matches!(error, SpecFault::InputFile { path, .. } if path == full));
        // A setting that names another file by now has nothing to do with it.
        let mut other = same.clone();
        other.config["class"] = json!("module:Mine");
        assert_eq!(resolved(&other, &["class"], None).unwrap().files, BTreeMap::new());
    }

    // Claim: a run finds its agent's program from any folder, and the link to a Python by which that finds its packages.
    #[cfg(unix)]
    #[test]
    fn files_of_an_agent_are_named_by_their_full_paths() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join(".venv/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(folder.path().join("agent.py"), "").unwrap();
        fs::write(folder.path().join("python3.11"), "").unwrap();
        std::os::unix::fs::symlink("../../python3.11", bin.join("python")).unwrap();
        let asked = env(json!({ "command": [".venv/bin/python", "./agent.py", "--fast", "toolbox"] })).config;
        let mut config = asked.clone();
        with_full_paths(&mut config, &["command"], Some(folder.path()));
        let full = |path: &str| folder.path().join(path).to_str().unwrap().to_owned();
        let expected = json!([full(".venv/bin/python"), full("agent.py"), "--fast", "toolbox"]);
        assert_eq!(config["command"], expected);
        let mut again = config.clone();
        with_full_paths(&mut again, &["command"], None);
        assert_eq!(again, config);
        assert_eq!(programs_as_written(&asked, &config), asked);
    }

    // Claim: the same agent in another checkout, or as logs of before name it, is the same; another program or argument is not.
    #[test]
    fn programs_are_the_same_by_their_names_wherever_they_lie() {
        let command = |command: Value| env(json!({ "command": command })).config;
        let here = command(json!(["/a/.venv/bin/python", "/a/agents/x.py", "--fast"]));
        for logged in [
            json!(["/b/c/.venv/bin/python", "/b/c/agents/x.py", "--fast"]),
            json!([".venv/bin/python", "../agents/x.py", "--fast"]),
        ] {
            let logged = command(logged);
            assert_eq!(programs_as_written(&logged, &here), logged);
        }
        for logged in [
            json!(["/a/.venv/bin/python", "/a/agents/y.py", "--fast"]),
            json!(["/a/.venv/bin/python", "/a/agents/x.py", "/b/--fast"]),
            json!(["/a/.venv/bin/python", "/a/agents/x.py"]),
        ] {
            let logged = command(logged);
            assert_ne!(programs_as_written(&logged, &here), logged);
        }
    }

    #[test]
    fn steps_up_stay_in_full_paths_so_that_logs_of_before_have_their_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("specs")).unwrap();
        fs::write(folder.path().join("mine.toml"), "abc").unwrap();
        let asked = env(json!({ "path": "../mine.toml" }));
        let same = resolved(&asked, &["path"], Some(&folder.path().join("specs"))).unwrap();
        assert_eq!(as_written(&asked.config, &same.config, &same.files), asked.config);
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
