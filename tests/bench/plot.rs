//! Pictures of distributions as SVG: each figure where and when it came about, and how many of them lie where.

use std::fmt::{self, Write};

use kinora_tests::percentile;

use crate::report::{folder, rounded};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 370.0;
/// Points are between the left edge and here; how many there are between here and the right edge.
const MIDDLE: f64 = 700.0;
const RIGHT: f64 = 940.0;
/// Bars of a histogram.
const BINS: usize = 50;
/// Colours that people who cannot tell red from green can tell apart (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// A picture of some series.
pub(crate) struct Chart {
    pub(crate) title: String,
    /// Names of the axes, units included.
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) series: Vec<Series>,
    /// Values to draw a line at.
    pub(crate) limits: Vec<f64>,
}

/// Figures of one kind.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Chart {
    /// Writes `target/bench/NAME.svg`.
    pub(crate) fn write(&self, name: &str) -> Result<(), String> {
        let path = folder()?.join(format!("{name}.svg"));
        std::fs::write(&path, self.to_string()).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// A stretch of an axis.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// From the least to the greatest, and a little more.
    fn of(values: impl Iterator<Item = f64>) -> Range {
        let (low, high) =
            values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let more = ((high - low) * 0.05).max(1e-9);
        Range { low: low - more, high: high + more }
    }

    /// 0 to 1.
    fn share(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Round values within it: 1, 2 or 5 times a power of ten apart.
    fn ticks(self) -> Vec<f64> {
        let rough = (self.high - self.low) / 6.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        (first..).map(|n| n as f64 * step).take_while(|tick| *tick <= self.high).collect()
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (x, y) = (
            Range::of(points().map(|point| point.0)),
            Range::of(points().map(|point| point.1).chain(self.limits.iter().copied())),
        );
        let at_x = |value: f64| LEFT + x.share(value) * (MIDDLE - LEFT);
        let at_y = |value: f64| BOTTOM - y.share(value) * (BOTTOM - TOP);
        writeln!(
            f,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' \
             font-family='sans-serif' font-size='13'>\n<rect width='100%' height='100%' fill='white'/>"
        )?;
        text(f, (LEFT, 24.0), "start", &format!("<tspan font-size='17'>{}</tspan>", escaped(&self.title)))?;
        for tick in y.ticks() {
            let at = at_y(tick);
            line(f, (LEFT, at), (RIGHT, at), "#ddd")?;
            text(f, (LEFT - 8.0, at + 4.0), "end", &shown(tick))?;
        }
        for tick in x.ticks() {
            let at = at_x(tick);
            line(f, (at, BOTTOM), (at, BOTTOM + 5.0), "#888")?;
            text(f, (at, BOTTOM + 20.0), "middle", &shown(tick))?;
        }
        for limit in &self.limits {
            line(f, (LEFT, at_y(*limit)), (RIGHT, at_y(*limit)), "#c00' stroke-dasharray='6 4")?;
        }
        text(f, (LEFT - 8.0, TOP - 10.0), "end", self.y)?;
        text(f, (MIDDLE, BOTTOM + 40.0), "end", self.x)?;
        text(f, (RIGHT, BOTTOM + 20.0), "end", "how many")?;
        let most = self.series.iter().flat_map(|series| series.bins(y)).max().unwrap_or(1).max(1);
        for (index, series) in self.series.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let radius = if series.points.len() > 100 { 1.6 } else { 5.0 };
            for (px, py) in &series.points {
                writeln!(
                    f,
                    "<circle cx='{:.1}' cy='{:.1}' r='{radius}' fill='{colour}' fill-opacity='0.6'/>",
                    at_x(*px),
                    at_y(*py)
                )?;
            }
            let height = (BOTTOM - TOP) / BINS as f64;
            for (bin, count) in series.bins(y).into_iter().enumerate().filter(|(_, count)| *count > 0) {
                let (top, width) = (
                    BOTTOM - (bin + 1) as f64 * height,
                    count as f64 / most as f64 * (RIGHT - MIDDLE - 20.0),
                );
                writeln!(
                    f,
                    "<rect x='{}' y='{top:.1}' width='{width:.1}' height='{height:.1}' fill='{colour}' fill-opacity='0.5'/>",
                    MIDDLE + 20.0
                )?;
            }
            let along = LEFT + 225.0 * index as f64;
            writeln!(f, "<circle cx='{}' cy='45' r='5' fill='{colour}'/>", along + 5.0)?;
            let values: Vec<f64> = series.points.iter().map(|point| point.1).collect();
            let label = format!("{}, median {}", series.name, rounded(percentile(&values, 0.5)));
            text(f, (along + 16.0, 50.0), "start", &escaped(&label))?;
        }
        f.write_str("</svg>\n")
    }
}

impl Series {
    /// How many points lie in each part of the range.
    fn bins(&self, range: Range) -> Vec<usize> {
        let mut bins = vec![0; BINS];
        for (_, value) in &self.points {
            bins[((range.share(*value) * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        bins
    }
}

fn line(f: &mut impl Write, from: (f64, f64), to: (f64, f64), colour: &str) -> fmt::Result {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(f, "<line x1='{x1:.1}' y1='{y1:.1}' x2='{x2:.1}' y2='{y2:.1}' stroke='{colour}'/>")
}

fn text(f: &mut impl Write, (x, y): (f64, f64), anchor: &str, content: &str) -> fmt::Result {
    writeln!(f, "<text x='{x:.1}' y='{y:.1}' text-anchor='{anchor}'>{content}</text>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A tick's value without the noise of its last digits.
fn shown(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_range_are_round_and_within() {
        assert_eq!(Range { low: -21.0, high: 21.0 }.ticks(), [-20.0, -10.0, 0.0, 10.0, 20.0]);
        assert_eq!(Range { low: 0.9, high: 1.25 }.ticks().len(), 4);
    }

    #[test]
    fn bins_of_a_series_hold_each_point_once() {
        let series = Series { name: String::new(), points: vec![(0.0, 0.0), (1.0, 5.0), (2.0, 10.0)] };
        let bins = series.bins(Range { low: 0.0, high: 10.0 });
        assert_eq!((bins[0], bins[BINS / 2], bins[BINS - 1]), (1, 1, 1));
    }
}
