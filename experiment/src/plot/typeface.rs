//! The typeface of all plots, embedded, and how wide a text is in it.

use std::sync::{LazyLock, Once};

use ab_glyph::{Font, FontRef, ScaleFont};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, TextStyle, register_font,
};

use super::figure::Anchor;

static REGULAR: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans-Bold.subset.ttf");

/// Name in the SVG. Viewers without DejaVu Sans take Verdana, whose letters are about as wide.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of a line, ascent to descent, in em. Source: `hhea` table of DejaVu Sans 2.37: 1901 + 483 units.
const LINE_EM: f64 = 2384.0 / UNITS_PER_EM;
/// Source: `head` table of DejaVu Sans 2.37.
const UNITS_PER_EM: f64 = 2048.0;

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// How a backend of plotters is made to set a text where the layout wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lettering {
    /// The viewer sets the whole text.
    Svg,
    /// Each glyph is put in its place. The backend sets them as if they had no bearing, so that an `i` would stand
    /// too close to the letter before it and a `J` too far from it.
    Bitmap,
}

/// What is handed to a backend as one text.
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// From the point the whole text is anchored at, along the text, in pixels.
    pub(super) shift: f64,
}

impl Lettering {
    /// Cuts `text` into pieces; `before` is the share of it that stands before the anchor.
    pub(super) fn pieces(self, text: &str, em: f64, weight: Weight, before: f64) -> Vec<Piece<'_>> {
        if self == Self::Svg {
            return vec![Piece { text, shift: 0.0 }];
        }
        let font = typeface(weight).as_scaled((LINE_EM * em) as f32);
        let mut pen = -before * width(text, em, weight);
        let mut pieces = Vec::new();
        for (start, letter) in text.char_indices() {
            let glyph = font.scaled_glyph(letter);
            let advance = f64::from(font.h_advance(glyph.id));
            if let Some(outline) = font.outline_glyph(glyph) {
                let text = &text[start..start + letter.len_utf8()];
                pieces.push(Piece { text, shift: pen.round() + f64::from(outline.px_bounds().min.x) });
            }
            pen += advance;
        }
        pieces
    }

    /// Distance from the anchor point, at the top of a piece, down to its baseline, for letters of `em` pixels.
    pub(super) fn baseline(self, em: f64) -> f64 {
        match self {
            // Source: plotters-svg 0.3.7, `draw_text` in `src/svg.rs`: shifts by 0.76 em.
            Self::Svg => 0.76 * em,
            // Source: plotters 0.3.7, `draw` in `src/style/font/ab_glyph.rs`: half the size, which is the line height.
            Self::Bitmap => LINE_EM * em / 2.0,
        }
    }

    /// Style of a piece.
    pub(super) fn style(
        self,
        em: f64,
        weight: Weight,
        anchor: Anchor,
        upward: bool,
        ink: RGBAColor,
    ) -> TextStyle<'static> {
        let size = match self {
            // Source: as above; divides sizes by 1.24.
            Self::Svg => 1.24 * em,
            Self::Bitmap => LINE_EM * em,
        };
        let h_pos = match (self, anchor) {
            (Self::Bitmap, _) | (Self::Svg, Anchor::Start) => HPos::Left,
            (Self::Svg, Anchor::Middle) => HPos::Center,
            (Self::Svg, Anchor::End) => HPos::Right,
        };
        let transform = if upward { FontTransform::Rotate270 } else { FontTransform::None };
        let font = registered(size, weight).transform(transform);
        TextStyle { color: ink.to_backend_color(), ..TextStyle::from(font).pos(Pos::new(h_pos, VPos::Top)) }
    }
}

/// Width of `text` with letters of `em` page units.
pub(super) fn width(text: &str, em: f64, weight: Weight) -> f64 {
    let font = typeface(weight);
    let units: f32 = text.chars().map(|letter| font.h_advance_unscaled(font.glyph_id(letter))).sum();
    f64::from(units) / UNITS_PER_EM * em
}

/// Breaks `text` between words into lines no wider than `limit`; a longer word has a line of its own.
pub(super) fn wrap(text: &str, em: f64, weight: Weight, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), em, weight) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Shortens `text` to `limit`, with an ellipsis where letters were left out.
pub(super) fn shorten(text: &str, em: f64, limit: f64) -> String {
    if width(text, em, Weight::Regular) <= limit {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let short = format!("{}…", kept.trim_end());
        if width(&short, em, Weight::Regular) <= limit {
            return short;
        }
    }
    "…".to_owned()
}

fn typeface(weight: Weight) -> &'static FontRef<'static> {
    static FACES: LazyLock<[FontRef<'static>; 2]> = LazyLock::new(|| {
        [REGULAR, BOLD]
            .map(|bytes| FontRef::try_from_slice(bytes).expect("invariant: the embedded typeface is a font"))
    });
    match weight {
        Weight::Regular => &FACES[0],
        Weight::Bold => &FACES[1],
    }
}

/// The font by which plotters knows the typeface.
fn registered(size: f64, weight: Weight) -> FontDesc<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            assert!(
                register_font(FAMILY, style, bytes).is_ok(),
                "invariant: the embedded typeface is a font"
            );
        }
    });
    let style = match weight {
        Weight::Regular => FontStyle::Normal,
        Weight::Bold => FontStyle::Bold,
    };
    FontDesc::new(FontFamily::Name(FAMILY), size, style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_the_width_of_the_font_table() {
        // `hmtx` of DejaVu Sans: every digit is 1303 of 2048 units wide, so five at 20 are 63.6.
        assert!((width("01234", 20.0, Weight::Regular) - 5.0 * 20.0 * 1303.0 / 2048.0).abs() < 1e-4);
    }

    #[test]
    fn glyphs_of_a_bitmap_stand_at_their_bearings() {
        // `hmtx` and `glyf` of DejaVu Sans, of 2048 units: l advances 569 and its ink begins at 193; the ink of J
        // begins at -106. At 204.8 pixels an em: 19.3, then 56.9 - 10.6; each part is rounded on its own.
        let pieces = Lettering::Bitmap.pieces("lJ", 204.8, Weight::Regular, 0.0);
        let shifts: Vec<f64> = pieces.iter().map(|piece| piece.shift).collect();
        assert_eq!(shifts, [19.0, 57.0 - 11.0]);
    }

    #[test]
    fn text_is_broken_between_words_and_shortened_with_an_ellipsis() {
        let limit = width("one two", 20.0, Weight::Regular) + 1.0;
        assert_eq!(wrap("one two three", 20.0, Weight::Regular, limit), ["one two", "three"]);
        assert_eq!(shorten("one two", 20.0, limit), "one two");
        let short = shorten("one two three", 20.0, limit);
        assert!(short.starts_with("one t") && short.ends_with('…'), "{short}");
        assert!(width(&short, 20.0, Weight::Regular) <= limit);
    }
}
