//! Resampling filters: which source samples make a destination sample, and with which weights.

/// A weight of one.
pub(crate) const ONE: i32 = 1 << 14;

/// One axis of one plane: for each destination sample its first source sample and `taps` weights that add up to [`ONE`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) starts: Vec<u32>,
    pub(crate) weights: Vec<i16>,
    pub(crate) taps: usize,
    pub(crate) shape: Shape,
}

/// What is special about a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Every destination sample is the source sample of the same index plus `starts[0]`.
    Copies,
    /// Even destination samples are source samples, odd ones lie midway: chroma of unscaled video.
    Doubles,
    /// Nothing. Starts never fall.
    Weighs,
}

impl Axis {
    /// Destination sample `i` of `len` lies at `origin + i * step` among `source_len` source samples.
    ///
    /// Enlarging interpolates linearly. Reducing weighs with a triangle as wide as two destination samples, so that nothing aliases;
    /// a box would alias at the ratios between 1 and 2 that video in a window has, and a cubic costs twice the taps.
    pub(crate) fn new(len: usize, source_len: usize, origin: f64, step: f64) -> Axis {
        let reach = step.max(1.0);
        // Multiples of four suit the vector kernels; the excess weighs nothing.
        let taps = ((2.0 * reach).ceil() as usize).next_multiple_of(4).min(source_len.next_multiple_of(4));
        let last = source_len as i64 - 1;
        let (mut starts, mut weights) = (Vec::with_capacity(len), Vec::with_capacity(len * taps));
        let mut shape = match (origin, step) {
            (0.0, 0.5) => Shape::Doubles,
            (_, 1.0) if origin.fract() == 0.0 && origin >= 0.0 => Shape::Copies,
            _ => Shape::Weighs,
        };
        if origin + (len.max(1) - 1) as f64 * step > last as f64 + 0.5 {
            shape = Shape::Weighs;
        }
        for i in 0..len {
            let at = origin + i as f64 * step;
            let first = (at - reach).floor() as i64 + 1;
            // Samples beyond the edge repeat it: their weight goes to the edge sample.
            let start = first.clamp(0, (last + 1 - taps as i64).max(0));
            let mut exact = vec![0.0; taps];
            let mut sample = first;
            while (sample as f64) < at + reach {
                let tap = (sample.clamp(0, last) - start).clamp(0, taps as i64 - 1);
                exact[tap as usize] += 1.0 - (sample as f64 - at).abs() / reach;
                sample += 1;
            }
            let sum: f64 = exact.iter().sum();
            let mut rounded: Vec<i16> =
                exact.iter().map(|w| (w / sum * f64::from(ONE)).round() as i16).collect();
            let error = ONE - rounded.iter().map(|&w| i32::from(w)).sum::<i32>();
            let largest = (0..taps).max_by_key(|&tap| rounded[tap]).unwrap_or(0);
            rounded[largest] += error as i16;
            starts.push(start as u32);
            weights.extend(rounded);
        }
        if shape == Shape::Copies {
            starts = (0..len as u32).map(|i| i + origin as u32).collect();
        }
        Axis { starts, weights, taps, shape }
    }

    /// The source samples that make destination sample `i`, with weights other than zero.
    pub(crate) fn taps_of(&self, i: usize) -> impl Iterator<Item = (usize, i16)> {
        let weights = &self.weights[i * self.taps..(i + 1) * self.taps];
        let start = self.starts[i] as usize;
        let copied = (self.shape == Shape::Copies).then_some((start, ONE as i16));
        let weighed = weights.iter().enumerate().filter(|&(_, &w)| w != 0 && self.shape != Shape::Copies);
        copied.into_iter().chain(weighed.map(move |(tap, &w)| (start + tap, w)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_at_scale_one_copies() {
        let axis = Axis::new(5, 9, 2.0, 1.0);
        assert_eq!(axis.shape, Shape::Copies);
        assert_eq!(axis.taps_of(1).collect::<Vec<_>>(), [(3, ONE as i16)]);
    }

    #[test]
    fn axis_of_doubled_left_sited_chroma_interpolates_between_samples() {
        let axis = Axis::new(8, 4, 0.0, 0.5);
        assert_eq!(axis.shape, Shape::Doubles);
        assert_eq!(axis.taps_of(2).collect::<Vec<_>>(), [(1, ONE as i16)]);
        assert_eq!(axis.taps_of(3).collect::<Vec<_>>(), [(1, 8192), (2, 8192)]);
        assert_eq!(axis.taps_of(7).collect::<Vec<_>>(), [(3, ONE as i16)]);
    }

    #[test]
    fn axis_of_any_size_stays_inside_and_sums_to_one() {
        for (len, source_len) in [(1, 1), (7, 1), (3, 2), (720, 1080), (10, 1000), (1000, 10), (5, 6)] {
            let step = source_len as f64 / len as f64;
            let axis = Axis::new(len, source_len, step / 2.0 - 0.5, step);
            for i in 0..len {
                let taps: Vec<_> = axis.taps_of(i).collect();
                assert_eq!(taps.iter().map(|&(_, w)| i32::from(w)).sum::<i32>(), ONE, "{len} {source_len}");
                assert!(taps.iter().all(|&(at, _)| at < source_len), "{len} {source_len} {taps:?}");
            }
        }
    }
}
