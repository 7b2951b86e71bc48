//! How many partial products of an operand are not zero.

/// Standard deviations of the table, in steps of an INT8 operand.
pub const SPREADS: [f64; 5] = [10.0, 20.0, 30.0, 40.0, 50.0];

// Source: wqzustc/High-Performance-Tensor-Processing-Engines @ ebe4db7, README: mean over normal operands of mean 0, INT8, EN-T encoding,
// columns of K = 32 products.
const PARTIAL_PRODUCTS: [f64; 5] = [1.71, 2.05, 2.27, 2.45, 2.57];

/// Cycles that an encoded element takes for a product with an INT8 operand: partial products that are not zero, of operands that are
/// normal around 0 with this standard deviation. Between the points of the table by its logarithm.
///
/// ```
/// use tapeout_simulators::precision::partial_products;
/// assert_eq!(partial_products(20.0), Some(2.05));
/// assert_eq!(partial_products(60.0), None);
/// ```
pub fn partial_products(spread: f64) -> Option<f64> {
    let above = SPREADS.iter().position(|&point| point >= spread)?;
    if SPREADS[above] == spread {
        return Some(PARTIAL_PRODUCTS[above]);
    }
    let below = above.checked_sub(1)?;
    let weight = (spread / SPREADS[below]).ln() / (SPREADS[above] / SPREADS[below]).ln();
    Some(PARTIAL_PRODUCTS[below] + weight * (PARTIAL_PRODUCTS[above] - PARTIAL_PRODUCTS[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: wider data has more partial products, and interpolation that leaves a point out finds it within 1 %.
    #[test]
    fn the_table_grows_and_is_smooth() {
        for middle in 1..4 {
            let (low, high) = (PARTIAL_PRODUCTS[middle - 1], PARTIAL_PRODUCTS[middle + 1]);
            assert!(low < PARTIAL_PRODUCTS[middle] && PARTIAL_PRODUCTS[middle] < high);
            let weight = (SPREADS[middle] / SPREADS[middle - 1]).ln()
                / (SPREADS[middle + 1] / SPREADS[middle - 1]).ln();
            let left_out = low + weight * (high - low);
            assert!((left_out / PARTIAL_PRODUCTS[middle] - 1.0).abs() < 0.01, "{left_out}");
        }
        assert_eq!(partial_products(9.0), None);
        assert!(partial_products(15.0).unwrap() > 1.71 && partial_products(15.0).unwrap() < 2.05);
    }
}
