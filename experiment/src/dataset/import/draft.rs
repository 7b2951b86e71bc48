//! A `logs.toml` made from a log: what its columns seem to mean, with what is doubtful marked.
//!
//! Names, units and values are looked at; nobody but the team knows, so whatever is a guess says why it was made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::error::ImportError;
use super::file::{self, Field, Flow, LOOKED_AT, Number};

/// More different values than this are not counted further: it is no list of levels. Ours.
const MOST_VALUES: usize = 4096;
/// Numbers with more levels than this are rather measured than chosen. Ours: few lists in the literature's spaces are longer.
const MOST_LEVELS: usize = 64;
/// A metric that is this often larger than its median at one same value stands for a failure. Ours.
const SENTINEL_RATIO: f64 = 1e6;

/// Words in the names of what is measured.
const METRIC_WORDS: [&str; 24] = [
    "latency",
    "time",
    "runtime",
    "cycles",
    "energy",
    "power",
    "area",
    "edp",
    "throughput",
    "gflops",
    "tflops",
    "gops",
    "tops",
    "fps",
    "ipc",
    "cpi",
    "utilization",
    "bandwidth_used",
    "cost",
    "score",
    "accuracy",
    "speedup",
    "leakage",
    "slack",
];
/// Words in the names of what designs run.
const WORKLOAD_WORDS: [&str; 9] =
    ["workload", "network", "benchmark", "kernel", "application", "program", "trace", "model", "layer"];
/// Words in the names of what says whether a design can be built and run.
const STATUS_WORDS: [&str; 8] =
    ["status", "valid", "feasible", "legal", "success", "passed", "result", "outcome"];
/// Words in the names of what says why it cannot.
const REASON_WORDS: [&str; 5] = ["error", "reason", "rule", "failure", "message"];
/// What stands for a design that can. Ours.
const GOOD_WORDS: [&str; 13] = [
    "ok", "true", "1", "yes", "valid", "feasible", "pass", "passed", "success", "correct", "legal", "done",
    "y",
];
/// Words in the names of what tells rows apart and designs not.
const IDENTITY_WORDS: [&str; 9] =
    ["id", "index", "date", "timestamp", "uuid", "hash", "run", "trial", "seed"];

/// Endings of names that are units, the unit in SI, and what one of them is in it. Source of prefixes: BIPM, SI Brochure, 9th
/// edition, table 7.
const UNITS: [(&str, &str, f64); 20] = [
    ("_ns", "s", 1e-9),
    ("_us", "s", 1e-6),
    ("_ms", "s", 1e-3),
    ("_s", "s", 1.0),
    ("_pj", "J", 1e-12),
    ("_nj", "J", 1e-9),
    ("_uj", "J", 1e-6),
    ("_mj", "J", 1e-3),
    ("_j", "J", 1.0),
    ("_uw", "W", 1e-6),
    ("_mw", "W", 1e-3),
    ("_w", "W", 1.0),
    ("_um2", "m²", 1e-12),
    ("_mm2", "m²", 1e-6),
    ("_m2", "m²", 1.0),
    ("_khz", "Hz", 1e3),
    ("_mhz", "Hz", 1e6),
    ("_ghz", "Hz", 1e9),
    ("_hz", "Hz", 1.0),
    ("_cycles", "", 1.0),
];

/// What was seen of a column.
#[derive(Default)]
struct Seen {
    name: String,
    n: usize,
    n_absent: usize,
    n_numbers: usize,
    /// Each text and how often; incomplete if there are more than [`MOST_VALUES`].
    values: BTreeMap<String, usize>,
    numbers: Vec<f64>,
}

/// What a column seems to mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Unused,
    Parameter,
    Metric,
    Workload,
    Context,
    Status,
    Reason,
}

/// The text of a `logs.toml` for the log at `path`.
///
/// # Errors
/// [`ImportError`] if the file cannot be read, or nothing is in it.
pub fn draft(path: &Path) -> Result<String, ImportError> {
    let names = file::columns_of(path)?;
    let mut seen: Vec<Seen> =
        names.iter().map(|name| Seen { name: name.clone(), ..Seen::default() }).collect();
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut n_rows, mut texts) = (0, Vec::new());
    file::each_record(path, &wanted, &mut |_, fields| {
        if let Ok(fields) = fields {
            seen.iter_mut().zip(fields).for_each(|(seen, field)| seen.add(field));
            texts.push(fields.iter().map(plain).collect());
            n_rows += 1;
        }
        if n_rows < LOOKED_AT { Flow::GoOn } else { Flow::Stop }
    })?;
    if n_rows == 0 {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    let mut meanings: Vec<(Meaning, Option<String>)> = seen.iter().map(Seen::meaning).collect();
    only_one(&mut meanings, Meaning::Workload, "another column names the workload");
    only_one(&mut meanings, Meaning::Status, "another column says what is feasible");
    only_one(&mut meanings, Meaning::Reason, "another column gives the reason");
    reasons(&mut meanings, &seen);
    contexts(&mut meanings, &seen, &texts);
    let name = path.file_stem().map_or_else(|| "log".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(text(&name, &seen, &meanings))
}

/// What a field says, the same whether a number is written `4.1e9` or `4100000000`.
fn plain(field: &Field<'_>) -> String {
    match field.number() {
        Number::Is(number) => number.to_string(),
        Number::Absent | Number::Unfit => field.text().unwrap_or_default().into_owned(),
    }
}

/// Columns after the first of a meaning that only one can have are unused.
fn only_one(meanings: &mut [(Meaning, Option<String>)], of: Meaning, why: &str) {
    for meaning in meanings.iter_mut().filter(|(it, _)| *it == of).skip(1) {
        *meaning = (Meaning::Unused, Some(why.to_owned()));
    }
}

/// A reason decides alone what is feasible if no status does: what is taken for no reason is then doubtful.
fn reasons(meanings: &mut [(Meaning, Option<String>)], seen: &[Seen]) {
    if meanings.iter().any(|(it, _)| *it == Meaning::Status) {
        return;
    }
    for ((_, doubt), seen) in meanings.iter_mut().zip(seen).filter(|((it, _), _)| *it == Meaning::Reason) {
        if let Some(nothing) = seen.values.keys().find(|value| file::is_nothing(value)) {
            *doubt = Some(format!("{nothing:?} is taken for no reason: are these rows feasible?"));
        }
    }
}

/// Parameters that are the same in all rows of a workload, and differ from workload to workload, describe it.
fn contexts(meanings: &mut [(Meaning, Option<String>)], seen: &[Seen], texts: &[Vec<String>]) {
    let Some(workload) = meanings.iter().position(|(it, _)| *it == Meaning::Workload) else { return };
    for index in 0..seen.len() {
        if meanings[index].0 != Meaning::Parameter || seen[index].n_numbers < seen[index].n {
            continue;
        }
        let mut by_workload: BTreeMap<&str, &str> = BTreeMap::new();
        let is_fixed =
            texts.iter().all(|row| *by_workload.entry(&row[workload]).or_insert(&row[index]) == row[index]);
        if is_fixed && by_workload.len() > 1 {
            meanings[index] =
                (Meaning::Context, Some("the same in all rows of a workload: it describes it".to_owned()));
        }
    }
}

impl Seen {
    fn add(&mut self, field: &Field<'_>) {
        self.n += 1;
        let Some(text) = field.text() else {
            self.n_absent += 1;
            return;
        };
        match field.number() {
            Number::Is(number) => {
                self.n_numbers += 1;
                self.numbers.push(number);
            }
            Number::Absent => self.n_absent += 1,
            Number::Unfit => {}
        }
        if self.values.len() < MOST_VALUES || self.values.contains_key(text.as_ref()) {
            *self.values.entry(text.into_owned()).or_default() += 1;
        }
    }

    fn has(&self, words: &[&str]) -> bool {
        let name = self.name.to_ascii_lowercase();
        let parts: Vec<&str> = name.split(|it: char| !it.is_alphanumeric()).collect();
        words.iter().any(|word| parts.contains(word) || (word.len() > 5 && name.contains(word)))
    }

    fn is_numeric(&self) -> bool {
        self.n_numbers > 0 && self.n_numbers + self.n_absent >= self.n - self.n / 20
    }

    /// What it seems to mean, and why that is doubtful if it is.
    fn meaning(&self) -> (Meaning, Option<String>) {
        let doubt = |text: &str| Some(text.to_owned());
        let n_values = self.values.len();
        if self.n_absent == self.n {
            return (Meaning::Unused, doubt("empty throughout"));
        }
        if self.has(&STATUS_WORDS) && n_values <= MOST_LEVELS {
            let is_good = self.values.keys().any(|it| GOOD_WORDS.contains(&it.to_ascii_lowercase().as_str()));
            return (
                Meaning::Status,
                if is_good { None } else { doubt("which of the values are feasible?") },
            );
        }
        if self.has(&REASON_WORDS) && !self.is_numeric() {
            return (Meaning::Reason, None);
        }
        if n_values == 1 && self.n_absent == 0 {
            return (Meaning::Unused, doubt("the same throughout"));
        }
        if self.has(&METRIC_WORDS) && self.is_numeric() {
            let is_short = n_values <= 8 && self.n > 100;
            return (
                Meaning::Metric,
                if is_short { doubt("few different values: is it a parameter?") } else { None },
            );
        }
        if self.has(&WORKLOAD_WORDS) && n_values <= MOST_VALUES / 8 && !self.is_numeric() {
            return (Meaning::Workload, None);
        }
        if self.has(&IDENTITY_WORDS) || (n_values == self.n && self.n > 8 && !self.is_numeric()) {
            return (Meaning::Unused, doubt("it seems to tell rows apart, not designs"));
        }
        match (self.is_numeric(), n_values <= MOST_LEVELS) {
            (true, true) if self.n_absent > 0 => {
                (Meaning::Metric, doubt("it is empty in places: is it a metric?"))
            }
            (true, true) => (Meaning::Parameter, None),
            (true, false) => (Meaning::Metric, doubt("many different values: is it a metric?")),
            (false, true) => (Meaning::Parameter, None),
            (false, false) => (Meaning::Unused, doubt("many different texts: is it a parameter?")),
        }
    }

    /// A number far from all others at which many rows are: -1 among positive ones, or an enormous one.
    fn sentinel(&self) -> Option<f64> {
        let mut numbers = self.numbers.clone();
        numbers.sort_by(f64::total_cmp);
        let (least, median, most) = (*numbers.first()?, numbers[numbers.len() / 2], *numbers.last()?);
        let next = numbers.iter().copied().find(|&number| number > least);
        if least < 0.0 && next.is_none_or(|next| next >= 0.0) {
            return Some(least);
        }
        (median > 0.0 && most > SENTINEL_RATIO * median).then_some(most)
    }
}

/// The draft as text.
fn text(name: &str, seen: &[Seen], meanings: &[(Meaning, Option<String>)]) -> String {
    let of = |wanted: Meaning| -> Vec<Doubtful<'_>> {
        let columns = seen.iter().zip(meanings);
        columns.filter(|(_, (it, _))| *it == wanted).map(|(seen, (_, doubt))| (seen, doubt)).collect()
    };
    let mut lines = vec!["# A draft. Look at each line that says `doubtful` before you import.".to_owned()];
    lines.push(format!("name = {}\nunused = [", quoted(name)));
    lines.extend(
        of(Meaning::Unused).iter().map(|(it, doubt)| format!("    {},{}", quoted(&it.name), comment(doubt))),
    );
    let metrics = of(Meaning::Metric);
    let first = metrics.first().map_or_else(|| quoted("?"), |(seen, _)| quoted(&in_si(&seen.name).0));
    lines.push(format!(
        "]\n\n[goal]\nobjectives = [{first}] # doubtful: `max:` and the name if more is better; several are apart by commas"
    ));
    of(Meaning::Parameter).iter().for_each(|it| parameter(it, &mut lines));
    metrics.iter().for_each(|it| metric(it, &mut lines));
    feasibility(&of(Meaning::Status), &of(Meaning::Reason), &metrics, &mut lines);
    if let Some((workload, doubt)) = of(Meaning::Workload).first() {
        let context: Vec<String> = of(Meaning::Context).iter().map(|(seen, _)| context(seen)).collect();
        lines.push(format!("\n[workload]\ncolumn = {}{}", quoted(&workload.name), comment(doubt)));
        lines.push(format!("context = [{}]", context.join(", ")));
    }
    lines.join("\n") + "\n"
}

/// A column, and what is doubtful about it.
type Doubtful<'a> = (&'a Seen, &'a Option<String>);

fn parameter((seen, doubt): &Doubtful<'_>, lines: &mut Vec<String>) {
    lines.push(format!("\n[[parameters]]{}\ncolumn = {}", comment(doubt), quoted(&seen.name)));
    if !seen.is_numeric() {
        lines.push(
            "kind = \"category\" # or `numbers = { small = 1, large = 2 }` if they have an order".to_owned(),
        );
        return;
    }
    lines.push(format!("# {} levels are read from the log; or `levels = [...]`", seen.values.len()));
    let odd = seen.n - seen.n_numbers - seen.n_absent;
    if odd > 0 {
        lines.push(format!("# doubtful: {odd} rows hold no number here, and would be refused"));
    }
}

fn metric((seen, doubt): &Doubtful<'_>, lines: &mut Vec<String>) {
    let (name, unit, scale) = in_si(&seen.name);
    lines.push(format!("\n[[metrics]]{}\ncolumn = {}", comment(doubt), quoted(&seen.name)));
    if name != seen.name {
        lines.push(format!("name = {}\nscale = {scale:e}", quoted(&name)));
    }
    let why = if unit.is_empty() { " # doubtful: none is in the name" } else { "" };
    lines.push(format!("unit = {}{why}", quoted(unit)));
    if let Some(sentinel) = seen.sentinel() {
        lines.push(format!("failed = [{sentinel:?}] # doubtful: does it stand for a design that failed?"));
    }
}

fn feasibility(
    status: &[Doubtful<'_>],
    reason: &[Doubtful<'_>],
    metrics: &[Doubtful<'_>],
    lines: &mut Vec<String>,
) {
    lines.push("\n[feasibility]".to_owned());
    for (seen, doubt) in status {
        let is_good = |value: &&String| GOOD_WORDS.contains(&value.to_ascii_lowercase().as_str());
        let good: Vec<String> = seen.values.keys().filter(is_good).map(|value| quoted(value)).collect();
        // In quotes as Rust has them, a line break does not leave the comment.
        let shown: Vec<String> = seen.values.keys().take(8).map(|value| format!("{value:?}")).collect();
        lines.push(format!(
            "column = {}{}\n# values: {}",
            quoted(&seen.name),
            comment(doubt),
            shown.join(", ")
        ));
        lines.push(format!("feasible = [{}]", if good.is_empty() { quoted("?") } else { good.join(", ") }));
    }
    lines.extend(
        reason.iter().map(|(seen, doubt)| format!("rule = {}{}", quoted(&seen.name), comment(doubt))),
    );
    let has_gaps = metrics.iter().any(|(seen, _)| seen.n_absent > 0);
    let missing = if status.is_empty() && reason.is_empty() && has_gaps {
        "missing_metric = \"infeasible\" # doubtful: does an empty metric say that the design failed?"
    } else {
        "missing_metric = \"refused\""
    };
    lines.push(missing.to_owned());
}

fn context(seen: &Seen) -> String {
    let least = seen.numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = seen.numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Ours: sizes that range over more than a power of ten act by their ratios.
    let log10 = if least > 0.0 && most > 10.0 * least { ", log10 = true" } else { "" };
    format!("{{ column = {}{log10} }}", quoted(&seen.name))
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn comment(doubt: &Option<String>) -> String {
    let mut text = String::new();
    if let Some(doubt) = doubt {
        write!(text, " # doubtful: {doubt}").expect("invariant: a text can be written to");
    }
    text
}

/// The name of a metric in SI, its unit, and what a number in the log is multiplied by.
fn in_si(name: &str) -> (String, &'static str, f64) {
    let lower = name.to_ascii_lowercase();
    let found = UNITS.iter().find(|(ending, _, _)| lower.ends_with(ending));
    match found {
        Some(&(_, unit, 1.0)) => (name.to_owned(), unit, 1.0),
        Some(&(ending, unit, scale)) => {
            let suffix = unit.to_lowercase().replace('²', "2");
            (format!("{}_{suffix}", &name[..name.len() - ending.len()]), unit, scale)
        }
        None => (name.to_owned(), "", 1.0),
    }
}
