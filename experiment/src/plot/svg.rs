//! From a figure to the text of an SVG file: one element for each mark, in the order they are painted.
//!
//! Texts stay texts, anchored at their ends and on their baselines, so they can be searched and copied. `title` and `desc`
//! tell what the picture shows to whoever cannot see it.
//! Source: Scalable Vector Graphics (SVG) 2, W3C Candidate Recommendation of 4 October 2018.

use super::figure::{Anchor, Figure, Ink, Mark, Stroke, Text, WIDTH};
use super::typeface::{FAMILY, Weight};

/// `figure` as an SVG file.
pub(super) fn svg_of(figure: &Figure) -> String {
    let size = format!("width=\"{}\" height=\"{}\"", number(WIDTH), number(figure.height));
    let view_box = format!("0 0 {} {}", number(WIDTH), number(figure.height));
    let mut lines = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} viewBox=\"{view_box}\" role=\"img\" \
             font-family=\"{FAMILY}\" stroke-linejoin=\"round\">"
        ),
        format!("<title>{}</title>", escaped(&figure.title)),
        format!("<desc>{}</desc>", escaped(&figure.description)),
        format!("<rect {size} {}/>", paint("fill", Ink::WHITE)),
    ];
    lines.extend(figure.marks.iter().map(element));
    lines.push("</svg>\n".to_owned());
    lines.join("\n")
}

fn element(mark: &Mark) -> String {
    match mark {
        Mark::Line { points, stroke } => {
            format!("<polyline points=\"{}\" fill=\"none\" {}/>", path(points), outline(*stroke))
        }
        Mark::Area { points, ink } => {
            format!("<polygon points=\"{}\" {}/>", path(points), paint("fill", *ink))
        }
        Mark::Disc { centre: [x, y], radius, ink } => {
            let [x, y, radius] = [*x, *y, *radius].map(number);
            format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {}/>", paint("fill", *ink))
        }
        Mark::Text(text) => text_element(text),
    }
}

fn text_element(text: &Text) -> String {
    let [x, y] = text.at.map(number);
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = match text.weight {
        Weight::Regular => "",
        Weight::Bold => " font-weight=\"bold\"",
    };
    let turn = if text.upward { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let (em, ink) = (number(text.em), paint("fill", text.ink));
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{em}\"{weight} text-anchor=\"{anchor}\" {ink}{turn}>{}</text>",
        escaped(&text.text)
    )
}

fn outline(stroke: Stroke) -> String {
    let mut outline = format!("{} stroke-width=\"{}\"", paint("stroke", stroke.ink), number(stroke.width));
    if let Some(parts) = stroke.dash.parts() {
        let [inked, blank] = parts.map(number);
        outline.push_str(&format!(" stroke-dasharray=\"{inked} {blank}\""));
    }
    outline
}

/// Colour and opacity of a `fill` or a `stroke`.
fn paint(property: &str, ink: Ink) -> String {
    let [red, green, blue] = ink.rgb;
    let color = format!("{property}=\"#{red:02x}{green:02x}{blue:02x}\"");
    if ink.alpha < 1.0 { format!("{color} {property}-opacity=\"{}\"", ink.alpha) } else { color }
}

fn path(points: &[[f64; 2]]) -> String {
    let points: Vec<String> = points.iter().map(|[x, y]| format!("{},{}", number(*x), number(*y))).collect();
    points.join(" ")
}

/// To a tenth of a page unit, which is a twentieth of a pixel where the page is shown at half size.
fn number(length: f64) -> String {
    let tenths = (length * 10.0).round() + 0.0; // zero without a sign
    (tenths / 10.0).to_string()
}

/// `text` as character data. Source: Extensible Markup Language (XML) 1.0, 5th edition, section 2.2 for the characters
/// that no document may hold, section 2.4 for those that mean something.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Dash;
    use crate::plot::{Axis, BarChart, BoxPlot, LineChart, ParetoPlot, Plot, Series, Spread};

    const NASTY: &str = "a <b> & \"c\" 'd' ]]> \u{1b}[0m µ²";

    /// The elements of a document with the text right behind their opening tags, if it is well-formed: one root, tags that
    /// close in the order they open, attributes that are quoted and stand once, references to what XML defines.
    fn elements(document: &str) -> Result<Vec<(String, String)>, String> {
        let mut open: Vec<&str> = Vec::new();
        let mut found: Vec<(String, String)> = Vec::new();
        let mut rest = document.trim_end();
        while let Some(tag) = rest.strip_prefix('<') {
            let (tag, behind) = tag.split_once('>').ok_or("a tag without end")?;
            if open.is_empty() && !found.is_empty() {
                return Err("something behind the root".to_owned());
            }
            let text = behind.split('<').next().unwrap_or_default();
            if let Some(name) = tag.strip_prefix('/') {
                let opened = open.pop();
                if opened != Some(name) {
                    return Err(format!("{opened:?} is closed by `{name}`"));
                }
            } else {
                let inner = tag.strip_suffix('/').unwrap_or(tag);
                let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
                check_attributes(attributes)?;
                if inner == tag {
                    open.push(name);
                }
                found.push((name.to_owned(), text.to_owned()));
            }
            check_text(text)?;
            if open.is_empty() && !text.is_empty() {
                return Err(format!("`{text}` outside the root"));
            }
            rest = &behind[text.len()..];
        }
        if rest.is_empty() && open.is_empty() { Ok(found) } else { Err(format!("{open:?} at `{rest}`")) }
    }

    fn check_attributes(attributes: &str) -> Result<(), String> {
        let mut names: Vec<&str> = Vec::new();
        let mut rest = attributes;
        while !rest.is_empty() {
            let (name, value) = rest.split_once("=\"").ok_or(format!("no value in `{rest}`"))?;
            let (value, behind) = value.split_once('"').ok_or(format!("no end of `{name}`"))?;
            if names.contains(&name)
                || !name.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '-')
            {
                return Err(format!("attribute `{name}`"));
            }
            names.push(name);
            check_text(value)?;
            rest = behind.strip_prefix(' ').unwrap_or(behind);
        }
        Ok(())
    }

    fn check_text(text: &str) -> Result<(), String> {
        let is_known =
            |reference: &str| ["amp;", "lt;", "gt;"].iter().any(|known| reference.starts_with(known));
        let is_well_formed = text.split('&').skip(1).all(is_known)
            && !text.contains("]]>")
            && !text.contains(|letter: char| letter.is_control() && letter != '\n');
        if is_well_formed { Ok(()) } else { Err(format!("text `{text}`")) }
    }

    fn plots() -> [Box<dyn Plot>; 4] {
        let [x, y] = [Axis::new(NASTY, "s"), Axis::new(NASTY, NASTY)];
        let (title, caption) = (NASTY.to_owned(), NASTY.to_owned());
        let pareto = ParetoPlot {
            title: title.clone(),
            x: x.clone(),
            y: y.clone(),
            acceptable: vec![[1.0, 2.0], [2.0, 1.0]],
            unacceptable: vec![[1.5, 1.0]],
            front: vec![[1.0, 2.0], [2.0, 1.0]],
            caption: caption.clone(),
            ..ParetoPlot::default()
        };
        // Eight lines, so that the last is dashed.
        let line =
            Series { name: NASTY.to_owned(), points: vec![[1.0, 2e-6], [9.0, 1e-6]], ..Series::default() };
        let lines = LineChart {
            title: title.clone(),
            x: x.clone(),
            y,
            series: vec![line; 8],
            caption: caption.clone(),
            ..LineChart::default()
        };
        let row = Spread { name: NASTY.to_owned(), quartiles: [1.0; 3], values: vec![1.0, 2.0] };
        let boxes = BoxPlot { title: title.clone(), x: x.clone(), rows: vec![row], caption: caption.clone() };
        let bar = crate::plot::Bar { name: NASTY.to_owned(), parts: vec![1.0, 2.0] };
        let bars = BarChart { title, x, parts: vec![NASTY.to_owned(); 2], bars: vec![bar], caption };
        [Box::new(pareto), Box::new(lines), Box::new(boxes), Box::new(bars)]
    }

    #[test]
    fn every_plot_is_well_formed_with_title_and_description_whatever_the_names() {
        let escaped = "a &lt;b&gt; &amp; \"c\" 'd' ]]&gt; \u{fffd}[0m µ²";
        for plot in plots() {
            let svg = plot.svg().unwrap();
            let elements = elements(&svg).unwrap_or_else(|error| panic!("{error} in\n{svg}"));
            assert_eq!(elements[0].0, "svg");
            assert_eq!(elements[1], ("title".to_owned(), escaped.to_owned()));
            assert!(elements[2].0 == "desc" && elements[2].1.contains(escaped), "{:?}", elements[2]);
            assert!(elements.contains(&("text".to_owned(), escaped.to_owned())), "{svg}");
        }
    }

    #[test]
    fn the_check_of_the_form_sees_what_is_malformed() {
        assert!(elements("<a b=\"c\"><d/>x &amp; y</a>\n").is_ok());
        for malformed in [
            "<a>",
            "<a><b></a></b>",
            "<a/><b/>",
            "<a b=c/>",
            "<a b=\"c\" b=\"d\"/>",
            "<a>&b;</a>",
            "<a>\u{1b}</a>",
            "<a>]]></a>",
            "<a/>x",
        ] {
            assert!(elements(malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn marks_are_elements_with_their_places_to_a_tenth() {
        let text = |upward| Text {
            at: [10.06, -0.01],
            text: "x < y".to_owned(),
            em: 26.0,
            weight: Weight::Bold,
            anchor: Anchor::End,
            upward,
            ink: Ink::TEXT,
        };
        let points = vec![[0.0, 1.25], [2.0, 3.0]];
        let dashed = Stroke { ink: Ink::BLUE, width: 4.0, dash: Dash::Long };
        let disc = Mark::Disc { centre: [1.0, 2.0], radius: 7.0, ink: Ink::BLUE.thin(0.35) };
        for (mark, expected) in [
            (
                Mark::Text(text(false)),
                r##"<text x="10.1" y="0" font-size="26" font-weight="bold" text-anchor="end" fill="#262626">x &lt; y</text>"##,
            ),
            (
                Mark::Text(text(true)),
                r##"<text x="10.1" y="0" font-size="26" font-weight="bold" text-anchor="end" fill="#262626" transform="rotate(-90 10.1 0)">x &lt; y</text>"##,
            ),
            (
                Mark::Line { points, stroke: dashed },
                r##"<polyline points="0,1.3 2,3" fill="none" stroke="#0072b2" stroke-width="4" stroke-dasharray="16 10"/>"##,
            ),
            (disc, r##"<circle cx="1" cy="2" r="7" fill="#0072b2" fill-opacity="0.35"/>"##),
        ] {
            assert_eq!(element(&mark), expected);
        }
    }
}
