//! Mappings that were run on Gemmini in RTL, as lines of JSON, and how near a model comes to them.
//!
//! A line is an object: `dims` (R, S, P, Q, C, K, N), `stride` (along P, along Q), `levels` from the innermost outwards (registers,
//! accumulator, scratchpad, DRAM) with loops as `[dimension, factor]` in `temporal`, `spatial_x` and `spatial_y`, `rtl_cycles`, and,
//! if it is not the smallest array that holds the loops over units, `array`. P and R run along the columns of an image.
//!
//! What ran is not quite what a line says; source: ucb-bar/gemmini-rocc-tests, branch dosa (959b23f),
//! `gemmini-data-collection`. Images are square, as wide as P, and padded as for an odd kernel, so that an even one makes a point
//! more. Tiles of a product are counted in blocks of 16, and each block is then as long as the array.

use serde::Deserialize;
use serde::de::Error;

use super::rtl::{ConvTile, ProductTile, convolution_cycles, product_cycles};
use crate::networks::{Conv2d, MatMul, SecondOperand};

/// Rows in a block of a product's tile. Source: `matmul_tilings.c` there.
const BLOCK: u64 = 16;
/// Rows of the smallest array. Source: the same folder's groups of runs; none of two rows is among those of the golden file.
const SMALLEST_ARRAY: u64 = 4;

/// Most points of a layer, or of the loops and the array that run it. Ours: all counts are then whole in floating point.
const MOST_POINTS: u64 = 1 << 53;

/// What was run, with the tile that was in the scratchpad at a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Loops {
    /// A convolution.
    Convolution(Conv2d, ConvTile),
    /// A product of matrices.
    Product(MatMul, ProductTile),
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct RtlRun {
    /// Rows, and columns, of the array.
    pub array: u64,
    /// The layer and its tile.
    pub loops: Loops,
    /// Cycles in RTL.
    pub rtl_cycles: f64,
}

impl RtlRun {
    /// Cycles by [`super::rtl`].
    pub fn cycles(&self) -> f64 {
        match &self.loops {
            Loops::Convolution(layer, tile) => convolution_cycles(layer, tile, self.array),
            Loops::Product(layer, tile) => product_cycles(layer, tile, self.array),
        }
    }
}

/// A line that is no run.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}")]
pub struct RtlRunError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    #[source]
    pub source: serde_json::Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunText {
    dims: SizesText,
    stride: [u64; 2],
    levels: [LevelText; 4],
    #[serde(default)]
    array: Option<u64>,
    rtl_cycles: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
struct SizesText {
    r: u64,
    s: u64,
    p: u64,
    q: u64,
    c: u64,
    k: u64,
    n: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelText {
    #[serde(rename = "keep")]
    _keep: String,
    temporal: Vec<(char, u64)>,
    spatial_x: Vec<(char, u64)>,
    spatial_y: Vec<(char, u64)>,
}

impl LevelText {
    fn spatial(&self) -> impl Iterator<Item = &(char, u64)> {
        self.spatial_x.iter().chain(&self.spatial_y)
    }
}

/// Reads one run a line; empty lines are passed over.
///
/// # Errors
/// [`RtlRunError`] with the first line that is none.
pub fn read(text: &str) -> Result<Vec<RtlRun>, RtlRunError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let run = |(index, line): (usize, &str)| {
        let error = |source| RtlRunError { line: index + 1, source };
        let run = serde_json::from_str(line).map_err(error)?;
        run_of(&run).map_err(|message| error(serde_json::Error::custom(message)))
    };
    lines.map(run).collect()
}

/// Refuses what would run no point, or too many to count.
fn check(text: &RunText) -> Result<(), String> {
    let SizesText { r, s, p, q, c, k, n } = text.dims;
    let [stride, other] = text.stride;
    let loops = text.levels.iter().flat_map(|level| level.temporal.iter().chain(level.spatial()));
    let factors: Vec<u64> = loops.map(|(_, factor)| *factor).collect();
    let numbers = [r, s, p, q, c, k, n, stride, other, text.array.unwrap_or(1)];
    if numbers.iter().chain(&factors).any(|&number| number == 0) {
        return Err("a size, stride, factor or array of 0".to_owned());
    }
    if text.rtl_cycles.is_nan() || text.rtl_cycles <= 0.0 {
        return Err("`rtl_cycles` is not above 0".to_owned());
    }
    // An even kernel makes a point more along both axes of the image.
    let outputs = p.saturating_add(1);
    at_most_points(&[r, s, outputs, outputs, q, c, k, n, stride, stride])?;
    at_most_points(&factors)
}

fn at_most_points(factors: &[u64]) -> Result<(), String> {
    let points = factors.iter().try_fold(1u64, |points, factor| points.checked_mul(*factor));
    match points.filter(|&points| points <= MOST_POINTS) {
        Some(_) => Ok(()),
        None => Err(format!("more than {MOST_POINTS} points in the layer or its loops")),
    }
}

fn run_of(text: &RunText) -> Result<RtlRun, String> {
    check(text)?;
    // The tile is what runs inside of DRAM's loops in time.
    let tile = |name: char| -> u64 {
        let [inner @ .., dram] = &text.levels;
        let inside = inner.iter().flat_map(|level| level.temporal.iter().chain(level.spatial()));
        let loops = inside.chain(dram.spatial()).filter(|(dim, _)| *dim == name);
        loops.map(|(_, factor)| factor).product()
    };
    let SizesText { r, s, p, q, c, k, n } = text.dims;
    let spread = |name: char| -> u64 {
        let loops = text.levels.iter().flat_map(LevelText::spatial).filter(|(dim, _)| *dim == name);
        loops.map(|(_, factor)| factor).product()
    };
    let array =
        text.array.unwrap_or_else(|| spread('C').max(spread('K')).max(SMALLEST_ARRAY).next_power_of_two());
    let loops = text.levels.iter().flat_map(|level| level.temporal.iter().chain(level.spatial()));
    let mut factors: Vec<u64> = loops.map(|(_, factor)| *factor).collect();
    factors.extend([array, array, text.stride[0], text.stride[0]]);
    at_most_points(&factors)?;
    let loops = if q == 1 && r == 1 && s == 1 {
        let product = MatMul { batch: 1, m: p, n: k, k: c, second: SecondOperand::Weight };
        let [m, n, k] = ['P', 'K', 'C'].map(|name| (tile(name) / BLOCK).max(1));
        Loops::Product(product, ProductTile { m, n, k })
    } else {
        let image = p * text.stride[0];
        let outputs = (image + 2 * (r / 2) - r) / text.stride[0] + 1;
        let conv = Conv2d {
            batch: n,
            in_channels: c,
            out_channels: k,
            output: [outputs; 2],
            kernel: [s, r],
            stride: [text.stride[0]; 2],
            dilation: [1; 2],
            padding: [2 * (s / 2), 2 * (r / 2)],
            groups: 1,
        };
        let tile = ConvTile {
            batch: tile('N'),
            in_channels: tile('C'),
            out_channels: tile('K'),
            output: [tile('Q'), tile('P')],
            kernel: [tile('S'), tile('R')],
        };
        Loops::Convolution(conv, tile)
    };
    Ok(RtlRun { array, loops, rtl_cycles: text.rtl_cycles })
}

/// How near predictions come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// Mean of the absolute relative errors.
    pub mean_error: f64,
    /// Their median: of an even number, the mean of the middle two.
    pub median_error: f64,
    /// Rank correlation of Spearman.
    pub spearman: f64,
}

impl Accuracy {
    /// Of pairs of prediction and measurement; errors are relative to the measurement.
    ///
    /// # Panics
    /// If there are none.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let mut errors: Vec<f64> = pairs.iter().map(|(got, measured)| (got / measured - 1.0).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let n = pairs.len() as f64;
        let (got, measured): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        Self {
            mean_error: errors.iter().sum::<f64>() / n,
            median_error: errors[(errors.len() - 1) / 2].midpoint(errors[errors.len() / 2]),
            spearman: correlation(&ranks(&got), &ranks(&measured)),
        }
    }
}

/// Ranks from 0; values that are equal share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for alike in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (alike.len() - 1) as f64 / 2.0;
        alike.iter().for_each(|&index| ranks[index] = rank);
        before += alike.len();
    }
    ranks
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut own_a, mut own_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        own_a += (a - mean_a).powi(2);
        own_b += (b - mean_b).powi(2);
    }
    both / (own_a * own_b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A convolution on an array of 8.
    const LINE: &str = concat!(
        r#"{"dims":{"R":2,"S":3,"P":8,"Q":4,"C":4,"K":16,"N":1},"stride":[1,1],"levels":["#,
        r#"{"keep":"W","temporal":[["P",4]],"spatial_x":[],"spatial_y":[]},"#,
        r#"{"keep":"O","temporal":[["S",3],["R",2],["Q",2]],"spatial_x":[],"spatial_y":[["C",4]]},"#,
        r#"{"keep":"WI","temporal":[],"spatial_x":[["K",8]],"spatial_y":[]},"#,
        r#"{"keep":"WIO","temporal":[["K",2],["P",2],["Q",2]],"spatial_x":[],"spatial_y":[]}],"rtl_cycles":5000}"#,
    );

    // By hand: 4 channels over rows and 8 filters over columns take an array of 8. The tile has 2 x 3 filters' taps, P 4 of 8, Q 2
    // of 4; an image of 8 columns is 8 x 8, and a kernel of 2 columns makes a point more.
    #[test]
    fn a_line_is_the_square_image_that_was_run() {
        let runs = read(LINE).unwrap();
        let Loops::Convolution(conv, tile) = &runs[0].loops else { panic!("{runs:?}") };
        assert_eq!((runs[0].array, conv.output, conv.kernel), (8, [9, 9], [3, 2]));
        assert_eq!((tile.output, tile.kernel, tile.out_channels), ([2, 4], [3, 2], 8));
        assert!(read("{}").unwrap_err().to_string().starts_with("line 1: "));
    }

    // By hand: an image of 1 column in 3 of padding on either side meets a kernel of 7 once.
    #[test]
    fn a_kernel_may_be_larger_than_its_image() {
        let runs = read(&LINE.replace(r#""R":2,"S":3,"P":8"#, r#""R":7,"S":7,"P":1"#)).unwrap();
        let Loops::Convolution(conv, _) = &runs[0].loops else { panic!("{runs:?}") };
        assert_eq!(conv.output, [1, 1]);
        assert!(runs[0].cycles() > 0.0);
    }

    #[test]
    fn a_line_that_cannot_have_run_is_refused_with_its_number() {
        let refused = |from: &str, to: &str| {
            assert!(LINE.contains(from), "{from}");
            read(&format!("\n{}", LINE.replace(from, to))).unwrap_err().to_string()
        };
        let none = "line 2: a size, stride, factor or array of 0";
        let zeros = [
            (r#""stride":[1,1]"#, r#""stride":[0,1]"#),
            (r#""C":4,"#, r#""C":0,"#),
            (r#"["K",8]"#, r#"["K",0]"#),
            (r#""rtl_cycles""#, r#""array":0,"rtl_cycles""#),
        ];
        for (from, to) in zeros {
            assert_eq!(refused(from, to), none);
        }
        let many = "line 2: more than 9007199254740992 points in the layer or its loops";
        let huge = [
            (r#""C":4,"#, r#""C":18446744073709551615,"#),
            (r#""P":8"#, r#""P":18446744073709551615"#),
            (r#"["K",8]"#, r#"["K",4503599627370496]"#),
            (r#""rtl_cycles""#, r#""array":4294967296,"rtl_cycles""#),
        ];
        for (from, to) in huge {
            assert_eq!(refused(from, to), many);
        }
        assert_eq!(refused("5000", "0"), "line 2: `rtl_cycles` is not above 0");
    }

    // By hand: errors of 1/2, 0 and 1/4; ranks 0, 1, 2 against 1, 0, 2: 1 - 6 * 2 / (3 * 8).
    #[test]
    fn errors_are_relative_and_ranks_are_compared() {
        let found = Accuracy::of(&[(1.0, 2.0), (1.5, 1.5), (3.0, 4.0)]);
        assert_eq!((found.mean_error, found.median_error), (0.25, 0.25));
        assert!((found.spearman - 0.5).abs() < 1e-12, "{found:?}");
        assert_eq!(Accuracy::of(&[(1.0, 2.0), (3.0, 4.0)]).median_error, 0.375);
    }
}
