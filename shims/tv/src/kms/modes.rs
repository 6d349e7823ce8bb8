//! Which display mode suits what is shown.

use std::fmt;

/// What choosing goes by of a display mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Pictures a second, thousandths; half pictures where interlaced.
    pub(crate) refresh_mhz: u32,
    pub(crate) interlaced: bool,
    /// The display's own.
    pub(crate) preferred: bool,
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scan = if self.interlaced { "i" } else { "" };
        let hertz = f64::from(self.refresh_mhz) / 1000.0;
        write!(f, "{}x{}{scan}@{hertz:.2}", self.width, self.height)
    }
}

/// Pictures a second, thousandths (half pictures where interlaced), of a mode with this pixel clock and so many pixels and lines a picture,
/// blanking included; a line may be shown `scans` times.
pub(crate) fn refresh_mhz(clock_khz: u32, (pixels, lines): (u16, u16), scans: u16, interlaced: bool) -> u32 {
    let fields = if interlaced { 2 } else { 1 };
    let picture = u64::from(pixels) * u64::from(lines) * u64::from(scans);
    (u64::from(clock_khz) * 1_000_000 * fields).checked_div(picture).map_or(0, |rate| rate as u32)
}

/// A mode that a person asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wish {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) hertz: Option<f64>,
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)?;
        self.hertz.map_or(Ok(()), |hertz| write!(f, "@{hertz}"))
    }
}

impl Wish {
    /// `WIDTHxHEIGHT` or `WIDTHxHEIGHT@HERTZ`.
    pub(crate) fn parse(text: &str) -> Option<Wish> {
        let (size, hertz) = match text.split_once('@') {
            Some((size, hertz)) => (size, Some(hertz.parse().ok().filter(|hertz| *hertz > 0.0)?)),
            None => (text, None),
        };
        let (width, height) = size.split_once('x')?;
        Some(Wish { width: width.parse().ok()?, height: height.parse().ok()?, hertz })
    }
}

/// The mode of the wished size that is nearest to the wished rate, within half a hertz: the display's own, else the one nearest to 60 Hz,
/// where none was said. Progressive if there is a choice.
pub(crate) fn find(modes: &[Timing], wish: Wish) -> Option<usize> {
    let off = |mode: &Timing| {
        wish.hertz.map_or(0, |hertz| mode.refresh_mhz.abs_diff((hertz * 1000.0).round() as u32))
    };
    let suits = |mode: &Timing| (mode.width, mode.height) == (wish.width, wish.height) && off(mode) <= 500;
    (0..modes.len()).filter(|index| suits(&modes[*index])).min_by_key(|index| {
        let mode = &modes[*index];
        (mode.interlaced, off(mode), !mode.preferred, mode.refresh_mhz.abs_diff(60_000))
    })
}

/// What choosing goes by of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Time between frames; 0 unknown.
    pub(crate) frame_us: u32,
}

/// Largest picture that a box's processor is to draw.
const MAX_SIZE: (u32, u32) = (1920, 1080);
/// Below this refresh rate menus move visibly in steps, mHz.
const SMOOTH_MHZ: u32 = 47_000;

/// The mode that suits the content best, or a screen without any; `None` of an empty list.
///
/// A mode of the display's own size whose refresh rate is a multiple of the frame rate is best. Where only another size has such a rate
/// it is taken, unless the content would lose pixels. Progressive before interlaced, whatever the rate.
pub(crate) fn choose(modes: &[Timing], content: Option<Content>) -> Option<usize> {
    let area = |mode: &Timing| u64::from(mode.width) * u64::from(mode.height);
    let fits = |mode: &Timing| mode.width <= MAX_SIZE.0 && mode.height <= MAX_SIZE.1;
    let native = modes.iter().find(|mode| mode.preferred).or(modes.first())?;
    // A display of more pixels than can be drawn gets the largest of what can.
    let largest = || modes.iter().filter(|mode| fits(mode)).max_by_key(|mode| area(mode));
    let usual = if fits(native) { native } else { largest().unwrap_or(native) };
    let least = content.map_or((usual.width, usual.height), |content| {
        (content.width.min(usual.width), content.height.min(usual.height))
    });
    let frame_us = content.map_or(0, |content| content.frame_us);
    let rank = |mode: &Timing| {
        let pace = pace(mode.refresh_mhz, frame_us);
        (
            !fits(mode),
            mode.width < least.0 || mode.height < least.1,
            mode.interlaced,
            pace == Pace::Uneven,
            area(mode).abs_diff(area(usual)),
            pace,
            mode.refresh_mhz < SMOOTH_MHZ,
            !mode.preferred,
            mode.refresh_mhz.abs_diff(60_000),
        )
    };
    (0..modes.len()).min_by_key(|index| rank(&modes[*index]))
}

/// How frames meet refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pace {
    /// Each frame is shown for the same number of refreshes.
    Even,
    /// So but for a frame every ten seconds or more: 24 for 23.976.
    AlmostEven,
    Uneven,
}

fn pace(refresh_mhz: u32, frame_us: u32) -> Pace {
    // Refreshes a frame, millionths.
    let refreshes = u64::from(refresh_mhz) * u64::from(frame_us) / 1000;
    let whole = (refreshes + 500_000) / 1_000_000;
    if frame_us == 0 {
        return Pace::Even;
    }
    match (whole, refreshes.abs_diff(whole * 1_000_000) * 10_000) {
        (0, _) => Pace::Uneven,
        // Containers round times: a thousandth off is another rate, less than half of that is the same.
        (_, off) if off <= whole * 1_000_000 * 4 => Pace::Even,
        (_, off) if off <= whole * 1_000_000 * 15 => Pace::AlmostEven,
        _ => Pace::Uneven,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(width: u32, height: u32, refresh_mhz: u32) -> Timing {
        Timing { width, height, refresh_mhz, interlaced: false, preferred: false }
    }

    fn film(width: u32, height: u32, frame_us: u32) -> Option<Content> {
        Some(Content { width, height, frame_us })
    }

    /// What a television of 1080 lines offers (CTA-861 timings as the kernel lists them).
    fn television() -> Vec<Timing> {
        let mut modes = vec![
            Timing { preferred: true, ..mode(1920, 1080, 60_000) },
            mode(1920, 1080, 59_940),
            mode(1920, 1080, 50_000),
            Timing { interlaced: true, ..mode(1920, 1080, 60_000) },
            Timing { interlaced: true, ..mode(1920, 1080, 50_000) },
            mode(1920, 1080, 24_000),
            mode(1920, 1080, 23_976),
            mode(1280, 720, 60_000),
            mode(1280, 720, 50_000),
            mode(720, 576, 50_000),
            mode(720, 480, 59_940),
        ];
        modes.push(mode(640, 480, 60_000));
        modes
    }

    fn chosen(modes: &[Timing], content: Option<Content>) -> (u32, u32, u32) {
        let mode = modes[choose(modes, content).expect("there are modes")];
        assert!(!mode.interlaced, "{mode:?}");
        (mode.width, mode.height, mode.refresh_mhz)
    }

    /// Of a television on a Raspberry Pi (vc4), the head of the list that `modetest` prints (raspberrypi/linux#3694): width, height, both
    /// with blanking, clock in kHz.
    const VC4: &str = "
        1920 1080 2200 1125 148500 preferred
        1920 1080 2200 1125 148352
        1920 1080 2200 1125 74250 interlaced
        1920 1080 2200 1125 74176 interlaced
        1920 1080 2640 1125 148500";
    /// Of a monitor on a Rockchip board (rockchip-linux/kernel#7), the head of the list.
    const ROCKCHIP: &str = "
        1280 1024 1688 1066 108000 preferred
        1280 1024 1688 1066 135000
        1152 864 1600 900 108000
        1024 768 1328 800 78800
        1024 768 1328 806 75000";
    /// Of a television of 2160 lines on a Raspberry Pi 4 (raspberrypi/firmware#1392), the head of the list.
    const VC4_2160: &str = "
        3840 2160 4400 2250 594000
        3840 2160 5280 2250 594000
        3840 2160 4400 2250 593410
        3840 2160 4400 2250 297000
        3840 2160 5280 2250 297000
        3840 2160 5500 2250 297000";

    fn recorded(list: &str) -> Vec<Timing> {
        let read = |line: &str| {
            let number = |at: usize| line.split(' ').nth(at).expect(line).parse::<u32>().expect(line);
            let total = (number(2) as u16, number(3) as u16);
            let interlaced = line.ends_with("interlaced");
            Timing {
                width: number(0),
                height: number(1),
                refresh_mhz: refresh_mhz(number(4), total, 1, interlaced),
                interlaced,
                preferred: line.ends_with("preferred"),
            }
        };
        list.lines().map(str::trim).filter(|line| !line.is_empty()).map(read).collect()
    }

    #[test]
    fn choose_on_recorded_lists_takes_the_rate_where_there_is_one() {
        let rates =
            [(VC4, 20_000), (VC4, 41_708), (ROCKCHIP, 41_667), (ROCKCHIP, 13_333), (VC4_2160, 41_667)];
        let chosen = rates.map(|(list, frame_us)| {
            let modes = recorded(list);
            let content = film(1280, 720, frame_us);
            modes[choose(&modes, content).expect("there are modes")].to_string()
        });
        let expected =
            ["1920x1080@50.00", "1920x1080@60.00", "1280x1024@60.02", "1280x1024@75.02", "3840x2160@24.00"];
        assert_eq!(chosen, expected);
    }

    #[test]
    fn refresh_of_broadcast_timings_is_that_of_the_standard() {
        // CTA-861 formats 16, 5, 32 and 20.
        assert_eq!(refresh_mhz(148_500, (2200, 1125), 1, false), 60_000);
        assert_eq!(refresh_mhz(74_250, (2200, 1125), 1, true), 60_000);
        assert_eq!(refresh_mhz(74_250, (2750, 1125), 1, false), 24_000);
        assert_eq!(refresh_mhz(74_250, (2640, 1125), 1, true), 50_000);
        // Lines that are shown twice take twice the time.
        assert_eq!(refresh_mhz(148_500, (2200, 1125), 2, false), 30_000);
        assert_eq!(refresh_mhz(1, (0, 0), 1, false), 0);
    }

    #[test]
    fn choose_on_a_television_takes_the_films_rate_at_the_displays_size() {
        let modes = television();
        for (frame_us, refresh_mhz) in [
            (41_708, 23_976),
            (41_667, 24_000),
            (40_000, 50_000),
            (33_367, 59_940),
            (33_333, 60_000),
            (20_000, 50_000),
            (16_683, 59_940),
            (66_667, 60_000),
            // Unknown, and one that no mode suits.
            (0, 60_000),
            (71_000, 60_000),
        ] {
            let expected = (1920, 1080, refresh_mhz);
            assert_eq!(chosen(&modes, film(1280, 720, frame_us)), expected, "{frame_us} us");
        }
        assert_eq!(chosen(&modes, None), (1920, 1080, 60_000));
    }

    #[test]
    fn choose_without_the_exact_rate_takes_one_that_is_almost_even() {
        let modes = [Timing { preferred: true, ..mode(1920, 1080, 60_000) }, mode(1920, 1080, 24_000)];
        assert_eq!(chosen(&modes, film(1920, 1080, 41_708)), (1920, 1080, 24_000));
        assert_eq!(chosen(&modes, film(1920, 1080, 33_367)), (1920, 1080, 60_000));
    }

    #[test]
    fn choose_where_another_size_has_the_rate_never_loses_pixels_for_it() {
        let modes = [
            Timing { preferred: true, ..mode(1920, 1080, 60_000) },
            mode(1280, 720, 50_000),
            mode(720, 576, 50_000),
        ];
        assert_eq!(chosen(&modes, film(720, 576, 40_000)), (1280, 720, 50_000));
        assert_eq!(chosen(&modes, film(1280, 720, 40_000)), (1280, 720, 50_000));
        assert_eq!(chosen(&modes, film(1920, 1080, 40_000)), (1920, 1080, 60_000));
    }

    #[test]
    fn choose_on_a_display_of_more_pixels_than_can_be_drawn_takes_the_largest_below() {
        let modes = [
            Timing { preferred: true, ..mode(3840, 2160, 60_000) },
            mode(2560, 1440, 60_000),
            mode(1920, 1080, 60_000),
            mode(1920, 1080, 24_000),
            mode(1280, 720, 60_000),
        ];
        assert_eq!(chosen(&modes, None), (1920, 1080, 60_000));
        assert_eq!(chosen(&modes, film(3840, 2160, 41_667)), (1920, 1080, 24_000));
    }

    #[test]
    fn wish_is_found_by_size_and_nearest_rate() {
        let modes = television();
        let found = |text| find(&modes, Wish::parse(text).expect(text)).map(|index| modes[index].to_string());
        assert_eq!(found("1920x1080").as_deref(), Some("1920x1080@60.00"));
        assert_eq!(found("1920x1080@59.94").as_deref(), Some("1920x1080@59.94"));
        assert_eq!(found("1920x1080@24").as_deref(), Some("1920x1080@24.00"));
        assert_eq!(found("1280x720@50").as_deref(), Some("1280x720@50.00"));
        assert_eq!((found("1920x1080@30"), found("1024x768")), (None, None));
        for text in ["1080p", "x", "1920x1080@", "1920x1080@-1", "1920x1080@fast", "ax3"] {
            assert_eq!(Wish::parse(text), None, "{text}");
        }
    }

    #[test]
    fn choose_of_odd_lists_gives_what_there_is() {
        assert_eq!(choose(&[], None), None);
        let interlaced = [Timing { interlaced: true, ..mode(1920, 1080, 50_000) }];
        assert_eq!(choose(&interlaced, None), Some(0));
        // A panel that only has one odd mode, larger than what is drawn by choice.
        assert_eq!(choose(&[mode(3000, 2000, 48_000)], None), Some(0));
    }
}
