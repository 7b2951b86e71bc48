//! The typeface of all plots, embedded, and how wide a text is in it.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

static REGULAR: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans-Bold.subset.ttf");

/// Name in the SVG. Viewers without DejaVu Sans take Verdana, whose letters are about as wide.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// The typeface in a weight.
pub(super) fn face(weight: Weight) -> &'static Face<'static> {
    static FACES: LazyLock<[Face<'static>; 2]> = LazyLock::new(|| {
        [REGULAR, BOLD]
            .map(|bytes| Face::parse(bytes, 0).expect("invariant: the embedded typeface is a font"))
    });
    match weight {
        Weight::Regular => &FACES[0],
        Weight::Bold => &FACES[1],
    }
}

/// The glyph of each letter and how far it moves the pen, in units of the face. A letter that the typeface does not have is
/// an empty box.
pub(super) fn glyphs(text: &str, weight: Weight) -> impl Iterator<Item = (GlyphId, u16)> {
    let face = face(weight);
    text.chars().map(move |letter| {
        let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0)); // the first glyph of a font is the box
        (glyph, face.glyph_hor_advance(glyph).unwrap_or(0))
    })
}

/// Width of `text` with letters of `em` page units.
pub(super) fn width(text: &str, em: f64, weight: Weight) -> f64 {
    let units: f64 = glyphs(text, weight).map(|(_, advance)| f64::from(advance)).sum();
    units * scale(em, weight)
}

/// Page units to a unit of the face, for letters of `em` page units.
pub(super) fn scale(em: f64, weight: Weight) -> f64 {
    em / f64::from(face(weight).units_per_em())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_the_width_of_the_font_table() {
        // `hmtx` of DejaVu Sans: every digit is 1303 of 2048 units wide, so five at 20 are 63.6.
        assert!((width("01234", 20.0, Weight::Regular) - 5.0 * 20.0 * 1303.0 / 2048.0).abs() < 1e-4);
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
