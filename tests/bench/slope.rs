//! How fast something drifts, and how sure that is.

/// Parts a run is cut into.
const BLOCKS: usize = 30;

/// Slope of a line through the points (least squares), and half the width of its 95 % confidence interval.
///
/// What disturbs one moment disturbs the next ones too, and points that hang together are worth fewer than they are. So the line goes
/// through the means of 30 parts of the run, each long against what a player corrects within seconds.
pub(crate) fn slope(points: &[(f64, f64)]) -> (f64, f64) {
    let means = means(points);
    let n = means.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| means.iter().map(of).sum::<f64>() / n;
    let (x_mean, y_mean) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = means.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let slope = means.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>() / spread;
    let rest: f64 = means.iter().map(|(x, y)| (y - y_mean - slope * (x - x_mean)).powi(2)).sum();
    let freedom = n - 2.0;
    (slope, student(freedom) * (rest / freedom / spread).sqrt())
}

/// The mean of each part.
fn means(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let length = (last.0 - first.0) / BLOCKS as f64;
    let mut sums = vec![(0.0, 0.0, 0.0); BLOCKS];
    for (x, y) in points {
        let block = ((x - first.0) / length) as usize;
        let sum = &mut sums[block.min(BLOCKS - 1)];
        *sum = (sum.0 + x, sum.1 + y, sum.2 + 1.0);
    }
    sums.iter().filter(|sum| sum.2 > 0.0).map(|(x, y, n)| (x / n, y / n)).collect()
}

/// The 97.5th percentile of Student's t distribution (Abramowitz and Stegun 26.7.5, two terms; right to 0.01 from eight degrees on).
fn student(freedom: f64) -> f64 {
    let z = 1.959_964_f64;
    let first = (z.powi(3) + z) / (4.0 * freedom);
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * freedom.powi(2));
    z + first + second
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_of_a_noisy_line_is_within_its_interval() {
        // Noise that hangs together: three seconds up, three seconds down.
        let noise = |k: usize| if (k / 3).is_multiple_of(2) { 1.0 } else { -1.0 };
        let points: Vec<(f64, f64)> =
            (0..1800).map(|k| (k as f64 / 3600.0, 3.0 * k as f64 / 3600.0 + noise(k))).collect();
        let (slope, half_width) = slope(&points);
        assert!((slope - 3.0).abs() < half_width && half_width < 1.0, "{slope} {half_width}");
    }

    #[test]
    fn quantile_of_28_degrees_is_the_tables() {
        assert!((student(28.0) - 2.048).abs() < 0.001);
    }
}
