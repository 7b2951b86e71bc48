//! Problems of mechanical engineering on grids of 33 levels for each variable.
//!
//! Source: Tanabe & Ishibuchi (2020), "An easy-to-use real-world multi-objective optimization problem suite",
//! doi:10.1016/j.asoc.2020.106078, supplement: CRE22 (welded beam), CRE31 (side impact of a car) and RE34 (a vehicle's crash).
//! Departs from it: each constraint is a limit on a metric of its own, not a part of one sum.

use tapeout_core::{Design, DesignSpace, Goal, Metric, Objective, Outcome, Parameter, Problem};

/// Bounds of variables, metrics, which of them are sought, limits on others, and the metrics at some values.
pub struct Engineering {
    bounds: &'static [(f64, f64)],
    metrics: &'static [&'static str],
    objectives: &'static [&'static str],
    constraints: &'static [&'static str],
    evaluate: fn(&[f64]) -> Vec<f64>,
}

/// Ours: near the bounds' ratio to the precision to which such parts are made.
const LEVELS: i64 = 33;

/// Cost and deflection of a welded beam under four limits.
pub const WELDED_BEAM: Engineering = Engineering {
    bounds: &[(0.125, 5.0), (0.1, 10.0), (0.1, 10.0), (0.125, 5.0)],
    metrics: &["cost", "deflection", "shear", "bending", "overlap", "buckling"],
    objectives: &["cost", "deflection"],
    constraints: &["shear <= 13600", "bending <= 30000", "overlap >= 0", "buckling >= 6000"],
    evaluate: welded_beam,
};

/// Its cost alone.
pub const WELDED_BEAM_COST: Engineering = Engineering { objectives: &["cost"], ..WELDED_BEAM };

/// Weight, force on a passenger and mean speed of a pillar, under ten limits.
pub const CAR_SIDE: Engineering = Engineering {
    bounds: &[(0.5, 1.5), (0.45, 1.35), (0.5, 1.5), (0.5, 1.5), (0.875, 2.625), (0.4, 1.2), (0.4, 1.2)],
    metrics: &[
        "weight",
        "force",
        "speed",
        "load",
        "viscous_upper",
        "viscous_middle",
        "viscous_lower",
        "rib_upper",
        "rib_middle",
        "rib_lower",
        "pillar",
        "door",
    ],
    objectives: &["weight", "force", "speed"],
    constraints: &[
        "load <= 1",
        "viscous_upper <= 0.32",
        "viscous_middle <= 0.32",
        "viscous_lower <= 0.32",
        "rib_upper <= 32",
        "rib_middle <= 32",
        "rib_lower <= 32",
        "force <= 4",
        "pillar <= 9.9",
        "door <= 15.7",
    ],
    evaluate: car_side,
};

/// Weight, acceleration and intrusion of a vehicle that crashes, without limits.
pub const CRASH: Engineering = Engineering {
    bounds: &[(1.0, 3.0); 5],
    metrics: &["weight", "acceleration", "intrusion"],
    objectives: &["weight", "acceleration", "intrusion"],
    constraints: &[],
    evaluate: crash,
};

impl Engineering {
    /// The problem on its grid.
    pub fn problem(&self) -> Problem {
        let parameters =
            (0..self.bounds.len()).map(|index| Parameter::integer(&format!("x{}", index + 1), 0, LEVELS - 1));
        let space = DesignSpace::new(parameters.collect(), Vec::new()).expect("invariant: names differ");
        let metrics = self.metrics.iter().map(|name| Metric::new(name, "", "see the source")).collect();
        let goal = Goal {
            objectives: self.objectives.iter().map(|name| Objective::minimize(name)).collect(),
            constraints: self
                .constraints
                .iter()
                .map(|text| text.parse().expect("invariant: limits are well formed"))
                .collect(),
        };
        Problem::new(space, metrics, goal).expect("invariant: the goal names metrics")
    }

    /// What a design measures.
    pub fn evaluate(&self, design: &Design) -> Outcome {
        let at = |(&(low, high), &level): (&(f64, f64), &u32)| {
            low + (high - low) * f64::from(level) / (LEVELS - 1) as f64
        };
        let values: Vec<f64> = self.bounds.iter().zip(design.levels()).map(at).collect();
        Outcome::Measured((self.evaluate)(&values))
    }
}

fn welded_beam(x: &[f64]) -> Vec<f64> {
    let (load, length, young, shear_modulus) = (6000.0, 14.0_f64, 30e6, 12e6);
    let cost = 1.10471 * x[0] * x[0] * x[1] + 0.04811 * x[2] * x[3] * (14.0 + x[1]);
    let deflection = 4.0 * load * length.powi(3) / (young * x[3] * x[2].powi(3));
    let radius_squared = x[1] * x[1] / 4.0 + ((x[0] + x[2]) / 2.0).powi(2);
    let inertia = 2.0 * 2f64.sqrt() * x[0] * x[1] * (x[1] * x[1] / 12.0 + ((x[0] + x[2]) / 2.0).powi(2));
    let primary = load / (2f64.sqrt() * x[0] * x[1]);
    let secondary = load * (length + x[1] / 2.0) * radius_squared.sqrt() / inertia;
    let cross = primary * secondary * x[1] / radius_squared.sqrt();
    let shear = (primary * primary + cross + secondary * secondary).sqrt();
    let bending = 6.0 * load * length / (x[3] * x[2] * x[2]);
    let slenderness = x[2] / (2.0 * length) * (young / (4.0 * shear_modulus)).sqrt();
    let buckling =
        4.013 * young * (x[2] * x[2] * x[3].powi(6) / 36.0).sqrt() / (length * length) * (1.0 - slenderness);
    vec![cost, deflection, shear, bending, x[3] - x[0], buckling]
}

fn car_side(x: &[f64]) -> Vec<f64> {
    let [a, b, c, d, e, f, g] = x else { unreachable!("invariant: seven variables") };
    let weight = 1.98 + 4.9 * a + 6.67 * b + 6.98 * c + 4.01 * d + 1.78 * e + 0.00001 * f + 2.73 * g;
    let force = 4.72 - 0.5 * d - 0.19 * b * c;
    let pillar = 10.58 - 0.674 * a * b - 0.67275 * b;
    let door = 16.45 - 0.489 * c * g - 0.843 * e * f;
    let load = 1.16 - 0.3717 * b * d - 0.0092928 * c;
    let upper = 0.261 - 0.0159 * a * b - 0.06486 * a - 0.019 * b * g + 0.0144 * c * e + 0.0154464 * f;
    let middle = 0.214 + 0.00817 * e - 0.045195 * a - 0.0135168 * a + 0.03099 * b * f - 0.018 * b * g
        + 0.007176 * c
        + 0.023232 * c
        - 0.00364 * e * f
        - 0.018 * b * b;
    let lower = 0.74 - 0.61 * b - 0.031296 * c - 0.031872 * g + 0.227 * b * b;
    let rib_upper = 28.98 + 3.818 * c - 4.2 * a * b + 1.27296 * f - 2.68065 * g;
    let rib_middle = 33.86 + 2.95 * c - 5.057 * a * b - 3.795 * b - 3.4431 * g + 1.45728;
    let rib_lower = 46.36 - 9.9 * b - 4.4505 * a;
    let speed = 0.5 * (pillar + door);
    vec![weight, force, speed, load, upper, middle, lower, rib_upper, rib_middle, rib_lower, pillar, door]
}

fn crash(x: &[f64]) -> Vec<f64> {
    let [a, b, c, d, e] = x else { unreachable!("invariant: five variables") };
    let weight = 1640.2823 + 2.3573285 * a + 2.3220035 * b + 4.5688768 * c + 7.7213633 * d + 4.4559504 * e;
    let acceleration = 6.5856 + 1.15 * a - 1.0427 * b + 0.9738 * c + 0.8364 * d - 0.3695 * a * d
        + 0.0861 * a * e
        + 0.3628 * b * d
        - 0.1106 * a * a
        - 0.3437 * c * c
        + 0.1764 * d * d;
    let intrusion = -0.0551 + 0.0181 * a + 0.1024 * b + 0.0421 * c - 0.0073 * a * b + 0.024 * b * c
        - 0.0118 * b * d
        - 0.0204 * c * d
        - 0.008 * c * e
        - 0.0241 * b * b
        + 0.0109 * d * d;
    vec![weight, acceleration, intrusion]
}
