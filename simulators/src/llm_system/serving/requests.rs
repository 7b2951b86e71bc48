//! Requests: when they come, how long their prompts are, and how many tokens they ask for.

use rand::{Rng, RngExt};

/// Most requests of a load, and most tokens of one. Ours: hours of a busy service, and beyond the longest context that is published.
pub const MAX_REQUESTS: usize = 1 << 17;
/// See [`MAX_REQUESTS`].
pub const MAX_TOKENS: u64 = 1 << 20;
/// Latest time of a request, and longest time from the first to the last, in s. Ours: seconds since 1970 for some centuries, and three years.
const MAX_ARRIVAL_S: f64 = 1e10;
/// See [`MAX_ARRIVAL_S`].
const MAX_SPAN_S: f64 = 1e8;

/// A request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServingRequest {
    /// When it comes.
    pub arrival_s: f64,
    /// Tokens of its prompt.
    pub prompt: u64,
    /// Tokens that it asks for, at least one.
    pub output: u64,
}

impl ServingRequest {
    /// All its tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt + self.output
    }
}

/// Requests that come independently of each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestLoad {
    /// How many.
    pub count: usize,
    /// How many a second, in the mean.
    pub rate_per_s: f64,
    /// Tokens of a prompt, in the mean.
    pub prompt: u64,
    /// Tokens that are asked for, in the mean.
    pub output: u64,
    /// Both are drawn evenly from the mean less and plus this share of it.
    pub spread: f64,
}

impl RequestLoad {
    /// The requests, in the order in which they come: times between them are exponential.
    pub fn draw(&self, rng: &mut impl Rng) -> Vec<ServingRequest> {
        let mut arrival_s = 0.0;
        let mut one = || {
            arrival_s -= (1.0 - rng.random::<f64>()).ln() / self.rate_per_s;
            let mut tokens = |mean: u64| {
                let share = 1.0 + self.spread * (2.0 * rng.random::<f64>() - 1.0);
                ((mean as f64 * share).round() as u64).max(1)
            };
            ServingRequest { arrival_s, prompt: tokens(self.prompt), output: tokens(self.output) }
        };
        (0..self.count).map(|_| one()).collect()
    }
}

/// Why a table has no requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestsError {
    /// Other columns.
    #[error("the first line is `{0}`, expected `arrival_s,prompt_tokens,output_tokens`")]
    Columns(String),
    /// A line that cannot be read.
    #[error("line {line}: {what} is `{got}`, expected {expected}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// The column.
        what: &'static str,
        /// What it says.
        got: String,
        /// What it may say.
        expected: &'static str,
    },
    /// Too few or too many.
    #[error("{got} requests, expected 1 to {most}", most = MAX_REQUESTS)]
    Count {
        /// How many.
        got: usize,
    },
}

/// Requests of a table in CSV with the columns `arrival_s`, `prompt_tokens` and `output_tokens`, by their times, of which none is before the one
/// above it.
///
/// # Errors
/// [`RequestsError`] naming the line and the column.
pub fn requests_from_csv(text: &str) -> Result<Vec<ServingRequest>, RequestsError> {
    const COLUMNS: [&str; 3] = ["arrival_s", "prompt_tokens", "output_tokens"];
    const ARRIVAL: &str = "seconds up to 1e10, not before the line above, up to 1e8 after the first";
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line.trim());
    if !header.split(',').map(str::trim).eq(COLUMNS) {
        return Err(RequestsError::Columns(header.to_owned()));
    }
    let mut requests: Vec<ServingRequest> = Vec::new();
    for (index, text) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        if requests.len() == MAX_REQUESTS {
            return Err(RequestsError::Count { got: MAX_REQUESTS + 1 });
        }
        let refused = |what, got: &str, expected| {
            let (line, got) = (index + 1, got.to_owned());
            RequestsError::Line { line, what, got, expected }
        };
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let [at, prompt, output] = fields[..] else {
            return Err(refused("a request", text, "three numbers"));
        };
        let before_s = requests.last().map_or(0.0, |request| request.arrival_s);
        let last_s = requests.first().map_or(MAX_ARRIVAL_S, |first| first.arrival_s + MAX_SPAN_S);
        let arrival_s = at.parse().ok().filter(|s: &f64| (before_s..=last_s).contains(s));
        let arrival_s = arrival_s.ok_or_else(|| refused(COLUMNS[0], at, ARRIVAL))?;
        let tokens = |what, got: &str| {
            let number = got.parse().ok().filter(|number| (1..=MAX_TOKENS).contains(number));
            number.ok_or_else(|| refused(what, got, "1 to 1048576"))
        };
        let (prompt, output) = (tokens(COLUMNS[1], prompt)?, tokens(COLUMNS[2], output)?);
        requests.push(ServingRequest { arrival_s, prompt, output });
    }
    if requests.is_empty() { Err(RequestsError::Count { got: 0 }) } else { Ok(requests) }
}
