//! An axis: what it is called, how values are spread along it, and where its ticks stand.

use tapeout_core::Metric;

use super::error::PlotError;
use super::quantity::{Notation, exponent, quantity};

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Logarithmic if all values are positive and the largest is more than 30 times the smallest.
    #[default]
    Auto,
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart.
    Log,
}

/// Label and unit of an axis, and how its values are spread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Axis {
    /// What is measured: `latency`.
    pub label: String,
    /// SI unit of the values handed in; empty for a ratio or a count. Ticks get a prefix: `ms`.
    pub unit: String,
    /// How values are spread.
    pub spacing: Spacing,
}

impl Axis {
    /// An axis that chooses its spacing itself.
    pub fn new(label: &str, unit: &str) -> Self {
        Self { label: label.to_owned(), unit: unit.to_owned(), spacing: Spacing::Auto }
    }

    /// An axis for a metric, labelled with its name without the unit: `latency_s` is `latency`.
    ///
    /// ```
    /// use tapeout_core::Metric;
    /// use tapeout_experiment::plot::Axis;
    /// assert_eq!(Axis::of(&Metric::new("area_m2", "m²", "")), Axis::new("area", "m²"));
    /// ```
    pub fn of(metric: &Metric) -> Self {
        let unit = metric.unit.to_lowercase().replace('²', "2").replace('^', "").replace('/', "_per_");
        let name = match metric.name.strip_suffix(&unit) {
            Some(name) if !unit.is_empty() => name.strip_suffix('_').unwrap_or(&metric.name),
            _ => &metric.name,
        };
        Self::new(&name.replace('_', " "), &metric.unit)
    }

    /// The same axis with linear spacing.
    #[must_use]
    pub fn linear(self) -> Self {
        Self { spacing: Spacing::Linear, ..self }
    }

    /// The same axis with logarithmic spacing.
    #[must_use]
    pub fn log(self) -> Self {
        Self { spacing: Spacing::Log, ..self }
    }
}

/// Ratio of largest to smallest value above which an axis that may choose is logarithmic: one and a half
/// decades, where the smaller half of the values would lie in the first thirtieth of a linear axis.
const LOG_RATIO: f64 = 30.0;

/// Share of the range left free at either end, so that no mark sits on the border.
const MARGIN: f64 = 0.04;

/// Most labels on an axis, however long it is.
const LABELS_MAX: usize = 8;

/// Most decades for which the lines between powers of ten are drawn.
const MINOR_DECADES_MAX: f64 = 8.0;

/// An axis with its range: turns values into positions between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ruler {
    label: String,
    unit: String,
    log: bool,
    low: f64,
    high: f64,
}

/// A grid line; the labelled ones are major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) position: f64,
    pub(super) label: Option<String>,
}

impl Ruler {
    /// Ruler for all of `values`, of which there is at least one and each is finite.
    ///
    /// # Errors
    /// [`PlotError::NotPositive`] if the axis must be logarithmic and a value is not positive.
    pub(super) fn fit(axis: &Axis, values: impl IntoIterator<Item = f64>) -> Result<Self, PlotError> {
        let (low, high) = values
            .into_iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        assert!(low.is_finite() && high.is_finite(), "invariant: an axis has values, and they are finite");
        let log = match axis.spacing {
            Spacing::Linear => false,
            Spacing::Auto => low > 0.0 && high / low > LOG_RATIO,
            Spacing::Log if low > 0.0 => true,
            Spacing::Log => return Err(PlotError::NotPositive { axis: axis.label.clone(), value: low }),
        };
        let (low, high) = if log { padded_log(low, high) } else { padded_linear(low, high) };
        Ok(Self { label: axis.label.clone(), unit: axis.unit.clone(), log, low, high })
    }

    /// Ruler from zero for `values`, none negative: lengths of bars.
    pub(super) fn from_zero(axis: &Axis, values: impl IntoIterator<Item = f64>) -> Self {
        let top = values.into_iter().fold(0.0, f64::max);
        let high = if top > 0.0 { top * (1.0 + MARGIN) } else { 1.0 };
        Self { label: axis.label.clone(), unit: axis.unit.clone(), log: false, low: 0.0, high }
    }

    /// The same ruler, longer where it takes that to hold `values`, by at most half its length at either end.
    pub(super) fn extended(self, values: impl IntoIterator<Item = f64>) -> Self {
        const FARTHEST: f64 = 0.5;
        let [mut first, mut last] = [0.0_f64, 1.0_f64];
        // Values without a logarithm have positions that are not numbers, or infinitely far.
        for position in values.into_iter().map(|value| self.position(value)) {
            if position < 0.0 {
                first = first.min((position - MARGIN).max(-FARTHEST));
            } else if position > 1.0 {
                last = last.max((position + MARGIN).min(1.0 + FARTHEST));
            }
        }
        Self { low: self.value(first), high: self.value(last), ..self }
    }

    /// Whether `value` stands on the axis.
    pub(super) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Position of `value`: 0 at the lower end, 1 at the upper.
    pub(super) fn position(&self, value: f64) -> f64 {
        if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// The value at `position`, 0 being the lower end and 1 the upper.
    pub(super) fn value(&self, position: f64) -> f64 {
        if self.log {
            self.low * (self.high / self.low).powf(position)
        } else {
            self.low + position * (self.high - self.low)
        }
    }

    /// What is written along the axis. A linear axis names its unit here, a logarithmic one says what it is, and names its
    /// unit at each tick.
    pub(super) fn title(&self) -> String {
        let unit = self.notation().unit;
        match (self.log, unit.is_empty()) {
            (true, _) => format!("{}, logarithmic", self.label),
            (false, true) => self.label.clone(),
            (false, false) => format!("{} ({unit})", self.label),
        }
    }

    /// Whether equal ratios are equally far apart.
    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// Ticks by position, with as many labels as `fits` allows. Labels are never fewer than two, unless a
    /// linear axis has room for one only.
    pub(super) fn ticks(&self, fits: impl Fn(&[Tick]) -> bool) -> Vec<Tick> {
        let candidates = if self.log { self.log_ticks() } else { Vec::new() };
        let good = candidates.into_iter().find(|ticks| {
            let labels = ticks.iter().filter(|tick| tick.label.is_some()).count();
            (2..=LABELS_MAX).contains(&labels) && fits(ticks)
        });
        good.unwrap_or_else(|| self.linear_ticks(fits))
    }

    fn linear_ticks(&self, fits: impl Fn(&[Tick]) -> bool) -> Vec<Tick> {
        let mut ticks = Vec::new();
        // A step is rounded up to a nice one, so twice as many are asked for as there may be.
        for wanted in (1..2 * LABELS_MAX).rev() {
            let step = nice_step((self.high - self.low) / wanted as f64);
            let notation = self.notation();
            let decimals = notation.decimals(step);
            // A multiple that rounding puts a hair outside still belongs to the axis.
            let first = (self.low / step - 1e-9).ceil() as i64;
            let last = (self.high / step + 1e-9).floor() as i64;
            ticks = (first..=last)
                .map(|multiple| {
                    let value = multiple as f64 * step;
                    let number = notation.number(value, decimals);
                    let label = if self.log { notation.with_unit(&number) } else { number };
                    Tick { position: self.position(value), label: Some(label) }
                })
                .collect();
            if ticks.len() <= LABELS_MAX && fits(&ticks) {
                break;
            }
        }
        ticks
    }

    /// Ticks at 1 to 9 times powers of ten, the densest labelling first.
    fn log_ticks(&self) -> Vec<Vec<Tick>> {
        let (first, last) = (exponent(self.low), exponent(self.high));
        let labelled = |decades_by_label: i32, leading: &[i32]| -> Vec<Tick> {
            let minor = f64::from(last - first) <= MINOR_DECADES_MAX;
            (first..=last)
                .flat_map(|decade| (1..=9).map(move |digit| (decade, digit)))
                .filter_map(|(decade, digit)| {
                    let value: f64 = format!("{digit}e{decade}").parse().ok()?;
                    let shown = leading.contains(&digit) && decade.rem_euclid(decades_by_label) == 0;
                    (self.contains(value) && (shown || minor)).then(|| Tick {
                        position: self.position(value),
                        label: shown.then(|| quantity(value, &self.unit)),
                    })
                })
                .collect()
        };
        let every_decade = [[1, 2, 3, 4, 5, 6, 7, 8, 9].as_slice(), &[1, 2, 5], &[1, 3], &[1]];
        let mut candidates: Vec<_> = every_decade.iter().map(|leading| labelled(1, leading)).collect();
        candidates.extend((2..=(last - first).max(2)).map(|decades| labelled(decades, &[1])));
        candidates
    }

    fn notation(&self) -> Notation {
        Notation::for_magnitude(self.low.abs().max(self.high.abs()), &self.unit)
    }
}

/// Range with a margin. A lone value stands in the middle, and zero is included where it is near.
fn padded_linear(low: f64, high: f64) -> (f64, f64) {
    // Values from less than a quarter of the largest leave too little of the axis unused to cut it off.
    const NEAR_ZERO: f64 = 0.25;
    let room = match high - low {
        range if range > 0.0 => range * MARGIN,
        _ if low == 0.0 => 1.0,
        _ => low.abs() / 10.0,
    };
    let bottom = if high > low && low >= 0.0 && low <= NEAR_ZERO * high { 0.0 } else { low - room };
    (bottom, high + room)
}

fn padded_log(low: f64, high: f64) -> (f64, f64) {
    let factor = if high > low { (high / low).powf(MARGIN) } else { 2.0 };
    (low / factor, high * factor)
}

/// Smallest of 1, 2, 5 times a power of ten that is not below `step`.
fn nice_step(step: f64) -> f64 {
    let decade = exponent(step);
    [(1, decade), (2, decade), (5, decade), (1, decade + 1)]
        .iter()
        .filter_map(|(digit, decade)| format!("{digit}e{decade}").parse().ok())
        .find(|nice: &f64| *nice >= step * (1.0 - 1e-9))
        .unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruler(unit: &str, values: &[f64]) -> Ruler {
        Ruler::fit(&Axis::new("latency", unit), values.iter().copied()).unwrap()
    }

    fn labels(ruler: &Ruler) -> Vec<String> {
        ruler.ticks(|_| true).into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn the_label_of_a_metric_is_its_name_without_its_unit() {
        for (name, unit, text) in [
            ("latency_s", "s", "latency"),
            ("area_m2", "m²", "area"),
            ("energy_j", "J", "energy"),
            ("throughput_op_per_s", "op/s", "throughput"),
            ("utilization", "", "utilization"),
            ("passes", "s", "passes"),
        ] {
            assert_eq!(Axis::of(&Metric::new(name, unit, "")).label, text);
        }
    }

    #[test]
    fn an_axis_is_logarithmic_only_when_positive_values_spread_over_thirty_times() {
        assert!(!ruler("s", &[1.0, 30.0]).log);
        assert!(ruler("s", &[1.0, 31.0]).log);
        assert!(!ruler("s", &[0.0, 31.0]).log);
        assert!(!ruler("s", &[-1.0, 31.0]).log);
        assert!(!Ruler::fit(&Axis::new("trial", "").linear(), [1.0, 500.0]).unwrap().log);
    }

    #[test]
    fn a_logarithmic_axis_refuses_values_that_are_not_positive() {
        let error = Ruler::fit(&Axis::new("energy", "J").log(), [1.0, 0.0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "axis `energy`: value 0 has no place on a logarithmic axis; expected positive values"
        );
    }

    #[test]
    fn linear_ticks_share_one_prefix_that_the_title_names() {
        // 0 to 1.04 × 2.9 ms; an eighth of it is just below 0.5 ms.
        let ruler = ruler("s", &[0.5e-3, 2.9e-3]);
        assert_eq!(ruler.title(), "latency (ms)");
        assert_eq!(labels(&ruler), ["0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
    }

    #[test]
    fn a_logarithmic_axis_says_so_and_its_ticks_carry_their_own_prefix() {
        let ruler = ruler("s", &[1e-5, 1e-1]);
        assert_eq!(ruler.title(), "latency, logarithmic");
        // With 3, 30 and 300 there would be nine labels, which is one too many.
        assert_eq!(labels(&ruler), ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms"]);
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_thin_out_until_they_fit() {
        let ruler = ruler("s", &[1e-9, 1e3]);
        let thinned = ruler.ticks(|ticks| ticks.iter().filter(|tick| tick.label.is_some()).count() <= 4);
        let labels: Vec<_> = thinned.into_iter().filter_map(|tick| tick.label).collect();
        // 10^-9 to 10^3: every third decade makes five labels, every fourth 10^-8, 10^-4 and 1.
        assert_eq!(labels, ["10 ns", "100 µs", "1 s"]);
    }

    #[test]
    fn a_logarithmic_axis_within_one_digit_falls_back_to_round_steps() {
        let ruler = Ruler::fit(&Axis::new("latency", "s").log(), [1.1, 1.4]).unwrap();
        assert_eq!(labels(&ruler), ["1.10 s", "1.15 s", "1.20 s", "1.25 s", "1.30 s", "1.35 s", "1.40 s"]);
    }

    #[test]
    fn an_axis_is_extended_by_half_its_length_at_most() {
        let ruler = Ruler { label: String::new(), unit: String::new(), log: false, low: 0.0, high: 10.0 };
        // 12 is at 1.2, and a margin of 0.04 comes on top; -100 would be at -10.
        let near = ruler.clone().extended([5.0, 12.0]);
        assert!(near.low == 0.0 && (near.high - 12.4).abs() < 1e-9, "{near:?}");
        let far = ruler.extended([-100.0]);
        assert!((far.low + 5.0).abs() < 1e-9 && far.high == 10.0 && !far.contains(-100.0), "{far:?}");
    }

    #[test]
    fn values_without_a_logarithm_do_not_extend_a_logarithmic_axis() {
        let axis = ruler("s", &[1.0, 100.0]);
        let low = axis.clone().extended([-1.0]).low;
        assert_eq!(low, axis.low);
    }

    #[test]
    fn a_lone_value_stands_in_the_middle() {
        for value in [0.0, 3.0, -2e-6] {
            assert!((ruler("s", &[value]).position(value) - 0.5).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn neighbouring_ticks_of_a_tiny_range_have_different_labels() {
        let labels = labels(&ruler("J", &[1.000_000_1, 1.000_000_3]));
        assert!(labels.len() >= 3);
        assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{labels:?}");
    }
}
