//! Files of Timeloop v4 as its front end sees them: templates of Jinja2 that become YAML, and know where each line is from.
//!
//! Source: the front end's loader (accelergy, `accelergy/utils/yaml.py`) and cheat sheet 5 of Timeloop's exercises: `include`, `include_all`,
//! `include_text`, `add_to_path`, `find_path`, `path_exists` and `cwd` are functions of a template. Departs from it: what could take memory or
//! files that it should not is refused. Tags are `set`, `if`, `for` and `with`; `*` is for expressions outside of templates, since it repeats text; a file
//! has at most [`MOST_JOINS`](super::tags::MOST_JOINS) `~` and `+`; lists and maps are of texts and numbers; included are files below the folder above the first file's, of the extensions of [`EXTENSIONS`].

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::tags::{MARK, marked};
use super::yaml::{Node, YamlError, parse};

/// Characters of all that a design's files become. Ours: a hundred times the largest of the exercises.
const MOST_RENDERED: usize = 16 << 20;
/// Files that a design includes, again and again counted. Ours: the exercises' designs include a dozen.
const MOST_FILES: usize = 256;
/// Includes within includes. Ours.
const MOST_DEEP: usize = 12;
/// Steps of one template. Ours: a line of a template takes a few.
const MOST_STEPS: u64 = 20_000;
/// What may be included.
const EXTENSIONS: [&str; 4] = ["yaml", "yml", "jinja", "jinja2"];

/// Where a line was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The file, as messages name it.
    pub(super) path: Arc<str>,
    /// The line, from 1.
    pub(super) line: usize,
}

impl Place {
    pub(super) fn error(&self, message: impl Into<String>) -> YamlError {
        YamlError { path: self.path.to_string(), line: self.line, message: message.into() }
    }
}

/// YAML, with the place of each of its lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) lines: Vec<Place>,
}

impl Text {
    fn plain(path: &Arc<str>, text: &str) -> Self {
        let lines = 1 + text.matches('\n').count();
        let lines = (1..=lines).map(|line| Place { path: Arc::clone(path), line }).collect();
        Self { text: text.to_owned(), lines }
    }

    /// Where line `line` was written, from 1.
    pub(super) fn place(&self, line: usize) -> Place {
        let last = self.lines.last().expect("invariant: a text has a first line");
        self.lines.get(line.saturating_sub(1)).unwrap_or(last).clone()
    }
}

/// Reads a file as YAML, and whether it depends on what other files are. `definitions`: what names of templates stand for.
pub(super) fn load(
    path: &str,
    text: &str,
    definitions: &[(String, String)],
) -> Result<(Node, bool), YamlError> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MOST_STEPS));
    for name in ["default", "d"] {
        environment
            .add_filter(name, |value: Value, other: Value| if value.is_undefined() { other } else { value });
    }
    for (name, value) in definitions {
        environment.add_global(name.clone(), defined(value));
    }
    let folder = folder_of(Path::new(path));
    let above = folder.join("..");
    let loader = Loader {
        environment,
        root: above.canonicalize().or_else(|_| folder.canonicalize()).unwrap_or(folder),
        found: Arc::default(),
    };
    let file =
        TemplateFile { name: Arc::from(path), path: PathBuf::from(path), text: text.to_owned(), depth: 0 };
    let node = loader.node(&file, &[])?;
    let reads_others = locked(&loader.found).has_looked;
    Ok((node, reads_others))
}

/// Words of Python and numbers are what they say, all else is text.
fn defined(text: &str) -> Value {
    match text {
        "True" | "true" => Value::from(true),
        "False" | "false" => Value::from(false),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::from(number),
            (_, Ok(number)) if number.is_finite() => Value::from(number),
            _ => Value::from(text),
        },
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// What files are read with, and what was found in them.
#[derive(Clone)]
struct Loader {
    environment: Environment<'static>,
    root: PathBuf,
    found: Arc<Mutex<Found>>,
}

/// What was included so far.
#[derive(Default)]
struct Found {
    /// Whether any other file was looked for.
    has_looked: bool,
    n_files: usize,
    n_characters: usize,
    n_nodes: usize,
    texts: Vec<Text>,
    nodes: Vec<Arc<Node>>,
}

/// Folders in which files are looked for beside the template's own.
type Folders = Arc<Mutex<Vec<PathBuf>>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind the locks here is whole between calls.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loader {
    /// The YAML of a file.
    fn node(&self, file: &TemplateFile, folders: &[PathBuf]) -> Result<Node, YamlError> {
        let text = self.text(file, folders)?;
        let (loaded, n_nodes) = {
            let found = locked(&self.found);
            (found.nodes.clone(), found.n_nodes)
        };
        let (node, n_nodes) = parse(&text, &loaded, n_nodes)?;
        locked(&self.found).n_nodes = n_nodes;
        Ok(node)
    }

    /// The text of a file with its tags carried out.
    fn text(&self, file: &TemplateFile, folders: &[PathBuf]) -> Result<Text, YamlError> {
        let TemplateFile { name, text, .. } = file;
        let marked = marked(name, text)?;
        let Some(marked) = marked else {
            self.count(name, 1, text.len())?;
            return Ok(Text::plain(name, text));
        };
        let mut environment = self.environment.clone();
        let folders: Folders = Arc::new(Mutex::new(folders.to_vec()));
        self.add_functions(&mut environment, file, &folders);
        let at = |error: &minijinja::Error| fault(name, error);
        let template = environment.template_from_named_str(name, &marked).map_err(|error| at(&error))?;
        let mut written = Bounded { bytes: Vec::new() };
        template.render_captured_to((), &mut written).map_err(|error| match error.kind() {
            ErrorKind::WriteFailure => too_long(name, 1),
            _ => at(&error),
        })?;
        let written = String::from_utf8(written.bytes).map_err(|_| too_long(name, 1))?;
        self.assembled(name, &written)
    }

    /// What a template has written, without marks.
    fn assembled(&self, name: &Arc<str>, written: &str) -> Result<Text, YamlError> {
        let mut whole = Text { text: String::new(), lines: vec![Place { path: Arc::clone(name), line: 1 }] };
        let mut line = 1;
        let mut rest = written;
        while !rest.is_empty() {
            let end = rest.find([MARK.0, '\n']).unwrap_or(rest.len());
            whole.text.push_str(&rest[..end]);
            rest = &rest[end..];
            if let Some(after) = rest.strip_prefix('\n') {
                line += 1;
                whole.text.push('\n');
                whole.lines.push(Place { path: Arc::clone(name), line });
                rest = after;
            } else if let Some(after) = rest.strip_prefix(MARK.0) {
                let place = || Place { path: Arc::clone(name), line };
                let unknown = || place().error("a control character, which YAML has none of");
                let (mark, after) = after.split_once(MARK.1).ok_or_else(unknown)?;
                let number =
                    mark.get(1..).and_then(|number| number.parse::<usize>().ok()).ok_or_else(unknown)?;
                if mark.starts_with('l') {
                    line = number;
                    if whole.text.is_empty() || whole.text.ends_with('\n') {
                        let last = whole.lines.last_mut().expect("invariant: there is a first line");
                        last.line = line;
                    }
                } else {
                    let found = locked(&self.found);
                    let included = found.texts.get(number).ok_or_else(unknown)?;
                    if whole.text.len().saturating_add(included.text.len()) > MOST_RENDERED {
                        return Err(too_long(name, line));
                    }
                    if whole.text.is_empty() || whole.text.ends_with('\n') {
                        whole.lines.pop();
                        whole.lines.extend(included.lines.first().cloned());
                    }
                    whole.text.push_str(&included.text);
                    whole.lines.extend(included.lines.iter().skip(1).cloned());
                }
                rest = after;
            }
        }
        self.count(name, line, whole.text.len())?;
        Ok(whole)
    }

    /// Counts a file and what it became.
    fn count(&self, name: &Arc<str>, line: usize, n_characters: usize) -> Result<(), YamlError> {
        let mut found = locked(&self.found);
        found.n_files += 1;
        found.n_characters = found.n_characters.saturating_add(n_characters);
        if found.n_characters > MOST_RENDERED {
            return Err(too_long(name, line));
        }
        if found.n_files > MOST_FILES {
            let message = format!("more than {MOST_FILES} files are included, the most that are read");
            return Err(Place { path: Arc::clone(name), line }.error(message));
        }
        Ok(())
    }

    fn add_functions(&self, environment: &mut Environment<'static>, file: &TemplateFile, folders: &Folders) {
        let (own, depth) = (folder_of(&file.path), file.depth);
        let here = own.display().to_string();
        environment.add_function("cwd", move || here.clone());
        let found = Arc::clone(&self.found);
        let search = Search { root: self.root.clone(), own, folders: Arc::clone(folders), found };

        let of = search.clone();
        environment.add_function("add_to_path", move |name: Value| {
            let found = of.folder(text_of(&name)?)?;
            locked(&of.folders).push(found);
            Ok::<_, minijinja::Error>("")
        });
        let of = search.clone();
        environment.add_function("path_exists", move |name: Value| {
            text_of(&name).map(|name| of.files(name).is_ok())
        });
        let of = search.clone();
        environment.add_function("find_path", move |name: Value| {
            of.files(text_of(&name)?).map(|paths| paths[0].display().to_string())
        });

        let (of, loader) = (search.clone(), self.clone());
        environment.add_function("include_text", move |name: Value| {
            let mut marks = Vec::new();
            for path in of.files(text_of(&name)?)? {
                let file = TemplateFile::read(path, depth + 1)?;
                let folders = locked(&of.folders).clone();
                let text = loader.text(&file, &folders).map_err(nested)?;
                let mut found = locked(&loader.found);
                found.texts.push(text);
                marks.push(format!("{}t{}{}", MARK.0, found.texts.len() - 1, MARK.1));
            }
            Ok::<_, minijinja::Error>(marks.join("\n"))
        });
        for (function, several) in [("include", false), ("include_all", true)] {
            let (of, loader) = (search.clone(), self.clone());
            let including = move |name: Value, keys: Option<Value>| {
                let name = text_of(&name)?;
                let keys = keys.as_ref().map_or(Ok(""), text_of)?;
                let paths = of.files(name)?;
                if !several && paths.len() > 1 {
                    return Err(refused(format!("`{name}` are several files; `include_all` includes them")));
                }
                let mut nodes = Vec::new();
                for path in paths {
                    let file = TemplateFile::read(path, depth + 1)?;
                    let folders = locked(&of.folders).clone();
                    let node = loader.node(&file, &folders).map_err(nested)?;
                    nodes.push(node.below(keys).map_err(nested)?);
                }
                let mut found = locked(&loader.found);
                found.nodes.push(Arc::new(Node::joined(nodes)));
                Ok(format!("!{INCLUDED} {}", found.nodes.len() - 1))
            };
            environment.add_function(function, including);
        }
    }
}

/// The tag of a scalar that stands for an included node.
pub(super) const INCLUDED: &str = "include_loaded";

/// Where a template's files are looked for.
#[derive(Clone)]
struct Search {
    root: PathBuf,
    own: PathBuf,
    folders: Folders,
    found: Arc<Mutex<Found>>,
}

impl Search {
    /// The folder of a name, below the root.
    fn folder(&self, name: &str) -> Result<PathBuf, minijinja::Error> {
        let found = self.candidates(name).into_iter().find(|path| path.is_dir());
        let found = found.ok_or_else(|| refused(format!("there is no folder `{name}`")))?;
        self.allowed(&found, name)?;
        Ok(found)
    }

    /// The files of a name, in whose last part `*` stands for anything: at least one, in the order of their names.
    fn files(&self, name: &str) -> Result<Vec<PathBuf>, minijinja::Error> {
        let mut found = Vec::new();
        for path in self.candidates(name) {
            match path.file_name().and_then(|last| last.to_str()).filter(|last| last.contains('*')) {
                None if path.is_file() => found.push(path),
                None => {}
                Some(pattern) => {
                    let entries = folder_of(&path).read_dir().into_iter().flatten().flatten().take(10_000);
                    let of_pattern = entries.filter(|entry| {
                        entry.file_name().to_str().is_some_and(|name| matches(pattern, name))
                    });
                    let mut paths: Vec<PathBuf> = of_pattern.map(|entry| entry.path()).collect();
                    paths.sort();
                    found.extend(paths);
                }
            }
            if !found.is_empty() {
                break;
            }
        }
        if found.is_empty() {
            return Err(refused(format!("there is no file `{name}`")));
        }
        for path in &found {
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if !EXTENSIONS.contains(&extension) {
                let known = EXTENSIONS.join(", .");
                return Err(refused(format!("`{name}` is none of .{known}, which is what may be included")));
            }
            self.allowed(path, name)?;
        }
        Ok(found)
    }

    fn candidates(&self, name: &str) -> Vec<PathBuf> {
        locked(&self.found).has_looked = true;
        let beside = locked(&self.folders);
        let mut paths = vec![self.own.join(name)];
        paths.extend(beside.iter().map(|folder| folder.join(name)));
        // `cwd()` is where the template is, as the program sees it: a path of its own, be it relative.
        if Path::new(name).starts_with(&self.own) {
            paths.push(PathBuf::from(name));
        }
        paths
    }

    fn allowed(&self, path: &Path, name: &str) -> Result<(), minijinja::Error> {
        match path.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => Ok(()),
            _ => {
                let root = self.root.display();
                Err(refused(format!(
                    "`{name}` is not below {root}, the folder from which files may be included"
                )))
            }
        }
    }
}

/// Whether `name` is of a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A file, and within how many others it is included.
struct TemplateFile {
    /// As messages say it.
    name: Arc<str>,
    path: PathBuf,
    text: String,
    depth: usize,
}

impl TemplateFile {
    /// One that is included.
    fn read(path: PathBuf, depth: usize) -> Result<Self, minijinja::Error> {
        let name = plain(&path).display().to_string();
        if depth > MOST_DEEP {
            return Err(refused(format!("{name}: more than {MOST_DEEP} includes within each other")));
        }
        let text = tapeout_input::read_text(&path)
            .map_err(|error| refused(format!("{name}: cannot be read: {error}")))?;
        Ok(Self { name: name.into(), path, text, depth })
    }
}

/// A path without steps up and down again, as people would write it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// An argument that is a text: what is none is not written out as one, since a list can be longer than the template that makes it.
fn text_of(value: &Value) -> Result<&str, minijinja::Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    value
        .as_str()
        .ok_or_else(|| refused(format!("an argument is a {}, expected a text in quotes", value.kind())))
}

fn refused(message: String) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, message)
}

/// An error of an included file on its way through the template that includes it.
fn nested(error: YamlError) -> minijinja::Error {
    refused("in an included file".to_owned()).with_source(error)
}

/// What is wrong with a template, and where: in an included file, if it is there.
fn fault(name: &Arc<str>, error: &minijinja::Error) -> YamlError {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(inner) = inner.downcast_ref::<YamlError>() {
            return inner.clone();
        }
        cause = inner.source();
    }
    let message = match error.kind() {
        ErrorKind::UndefinedError => "a name of the template stands for nothing".to_owned(),
        ErrorKind::OutOfFuel => format!("the template takes more than {MOST_STEPS} steps"),
        kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
    };
    Place { path: Arc::clone(name), line: error.line().unwrap_or(1) }.error(message)
}

fn too_long(name: &Arc<str>, line: usize) -> YamlError {
    let most = MOST_RENDERED >> 20;
    Place { path: Arc::clone(name), line }
        .error(format!("the design's files become more than {most} MiB, the most that is read"))
}

/// Takes at most [`MOST_RENDERED`] bytes.
struct Bounded {
    bytes: Vec<u8>,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MOST_RENDERED {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
