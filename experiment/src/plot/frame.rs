//! What all plots have around their data: title, legend, axes with grid, and caption.
//!
//! The page is laid out from the outside in. Title and legend stand above the data and the caption below, so
//! that none of them can cover a point; margins are as wide as the labels that stand in them. Grid and border stand at
//! whole page units, where a bitmap has them sharp.

use super::axis::{Ruler, Tick};
use super::figure::{Anchor, Figure, Ink, Mark, Stroke, Text, WIDTH};
use super::typeface::{self, Weight};

/// Letter heights in page units, for a page shown at half size: 18, 14, 13 and 12 pixels.
const TITLE_EM: f64 = 36.0;
const LABEL_EM: f64 = 28.0;
pub(super) const TICK_EM: f64 = 26.0;
const NOTE_EM: f64 = 24.0;

/// Distance between the lines of a paragraph, in em.
const LEADING: f64 = 1.35;
/// Free border of the page.
const BORDER: f64 = 44.0;
/// Between the data and its tick labels.
const TICK_GAP: f64 = 14.0;
/// Least distance between neighbouring tick labels.
const LABEL_GAP: f64 = 24.0;
/// From the baseline of a tick label up to the tick: half the height of a capital, which is 0.73 em.
pub(super) const TICK_DROP: f64 = 0.36 * TICK_EM;
/// Between the sample of a legend and its text, and between a text and the next sample.
const SWATCH_GAP: f64 = 12.0;
const KEY_GAP: f64 = 44.0;
/// From the data down to the caption: ticks and the title of an axis.
const BELOW_AXIS: f64 = TICK_GAP + TICK_EM + LEADING * LABEL_EM + 6.0 + 0.6 * LABEL_EM;
/// Widest names of rows, as a share of the page.
const NAMES_SHARE: f64 = 0.3;

/// A sample in the legend and what it stands for.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) swatch: Swatch,
}

/// What the sample looks like.
#[derive(Clone, Copy)]
pub(super) enum Swatch {
    Line(Stroke),
    /// A line through a disc.
    Beads(Stroke),
    Disc(Ink),
    Cross(Stroke),
    Diamond(Ink),
    Block(Ink),
}

impl Swatch {
    fn width(self) -> f64 {
        match self {
            Self::Line(_) | Self::Beads(_) => 56.0,
            Self::Disc(_) | Self::Cross(_) | Self::Diamond(_) => 26.0,
            Self::Block(_) => 40.0,
        }
    }
}

/// The left side of a plot: an axis, or one name for each row from top to bottom.
pub(super) enum Side<'a> {
    Axis(&'a Ruler),
    Names(&'a [&'a str]),
}

/// What stands around the data.
pub(super) struct Setting<'a> {
    pub(super) title: &'a str,
    pub(super) caption: &'a str,
    pub(super) legend: &'a [Key],
    pub(super) x: &'a Ruler,
    pub(super) side: Side<'a>,
    /// Room that is kept free to the right of the data.
    pub(super) room: f64,
    pub(super) height: f64,
}

/// At which sides of a panel its axes are written.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub(super) below: bool,
    pub(super) left: bool,
}

/// A page with everything but the data, and the rectangle the data goes into.
pub(super) struct Frame {
    pub(super) figure: Figure,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn new(setting: &Setting<'_>) -> Self {
        let mut figure = Figure {
            height: setting.height,
            marks: Vec::new(),
            title: setting.title.to_owned(),
            description: description(setting),
        };
        let below_title = draw_title(&mut figure, setting.title);
        let top = draw_legend(&mut figure, setting.legend, below_title) + 24.0;
        let above_caption = draw_caption(&mut figure, setting.caption);
        let label_baseline = above_caption - 0.6 * LABEL_EM;
        let tick_baseline = label_baseline - LEADING * LABEL_EM - 6.0;
        let bottom = (above_caption - BELOW_AXIS).round();
        let right = (WIDTH - BORDER - 10.0 - setting.room).round();
        let mut frame = Self { figure, left: BORDER, right, top: top.round(), bottom };
        match setting.side {
            Side::Axis(ruler) => {
                let ticks = ruler.ticks(|ticks| frame.rows_fit(ticks));
                frame.left = frame.left_of_data(ruler);
                let x_ticks = frame.draw_x_grid(setting.x);
                frame.draw_y_grid(&ticks);
                frame.draw_border(true);
                frame.draw_x_labels(&x_ticks, tick_baseline);
                frame.draw_y_labels(&ticks);
                frame.draw_y_title(&ruler.title());
            }
            Side::Names(names) => {
                let names: Vec<String> =
                    names.iter().map(|name| typeface::shorten(name, TICK_EM, NAMES_SHARE * WIDTH)).collect();
                let widest = names
                    .iter()
                    .map(|name| typeface::width(name, TICK_EM, Weight::Regular))
                    .fold(0.0, f64::max);
                frame.left = (BORDER + widest + TICK_GAP).round();
                let x_ticks = frame.draw_x_grid(setting.x);
                frame.draw_border(false);
                frame.draw_x_labels(&x_ticks, tick_baseline);
                for (row, name) in names.iter().enumerate() {
                    let at = [frame.left - TICK_GAP, frame.row(row, names.len()) + TICK_DROP];
                    frame.figure.text(at, name, TICK_EM, Anchor::End);
                }
            }
        }
        let middle = f64::midpoint(frame.left, frame.right);
        frame.figure.text([middle, label_baseline], &setting.x.title(), LABEL_EM, Anchor::Middle);
        frame
    }

    /// A page with title, legend and caption alone, and room for panels between them; `contents` is what is told of them to
    /// whoever cannot see them.
    pub(super) fn page(title: &str, caption: &str, legend: &[Key], contents: &str, height: f64) -> Self {
        let description = format!("{contents}. {}", caption.trim());
        let mut figure = Figure { height, marks: Vec::new(), title: title.to_owned(), description };
        let below_title = draw_title(&mut figure, title);
        let top = (draw_legend(&mut figure, legend, below_title) + 24.0).round();
        let bottom = (draw_caption(&mut figure, caption) - BELOW_AXIS).round();
        Self { figure, left: BORDER, right: WIDTH - BORDER - 10.0, top, bottom }
    }

    /// Where data begin if `ruler` is written to the left of them, in the height of the rectangle as it is.
    pub(super) fn left_of_data(&self, ruler: &Ruler) -> f64 {
        let ticks = ruler.ticks(|ticks| self.rows_fit(ticks));
        let widths = labels(&ticks).map(|(_, label)| typeface::width(label, TICK_EM, Weight::Regular));
        (BORDER + LEADING * LABEL_EM + 8.0 + widths.fold(0.0, f64::max) + TICK_GAP).round()
    }

    /// Grid and border of the rectangle as it is, and what is written at its sides.
    pub(super) fn panel(&mut self, x: &Ruler, y: &Ruler, written: Written) {
        let x_ticks = self.draw_x_grid(x);
        let y_ticks = y.ticks(|ticks| self.rows_fit(ticks));
        self.draw_y_grid(&y_ticks);
        self.draw_border(true);
        if written.below {
            let baseline = self.bottom + TICK_GAP + TICK_EM;
            self.draw_x_labels(&x_ticks, baseline);
            let title = typeface::shorten(&x.title(), LABEL_EM, self.right - self.left);
            let at = [f64::midpoint(self.left, self.right), baseline + LEADING * LABEL_EM + 6.0];
            self.figure.text(at, &title, LABEL_EM, Anchor::Middle);
        }
        if written.left {
            self.draw_y_labels(&y_ticks);
            self.draw_y_title(&typeface::shorten(&y.title(), LABEL_EM, self.bottom - self.top));
        }
    }

    /// Page abscissa of a position on the x axis.
    pub(super) fn x(&self, position: f64) -> f64 {
        self.left + position * (self.right - self.left)
    }

    /// Page ordinate of a position on the y axis.
    pub(super) fn y(&self, position: f64) -> f64 {
        self.bottom - position * (self.bottom - self.top)
    }

    /// Page ordinate of the middle of a row, counted from the top.
    pub(super) fn row(&self, row: usize, rows: usize) -> f64 {
        self.top + (row as f64 + 0.5) * self.row_height(rows)
    }

    /// Height of each of `rows` rows.
    pub(super) fn row_height(&self, rows: usize) -> f64 {
        (self.bottom - self.top) / rows as f64
    }

    fn rows_fit(&self, ticks: &[Tick]) -> bool {
        let rows: Vec<f64> = labels(ticks).map(|(position, _)| self.y(position)).collect();
        rows.windows(2).all(|pair| (pair[0] - pair[1]).abs() >= LEADING * TICK_EM)
    }

    fn columns_fit(&self, ticks: &[Tick]) -> bool {
        let columns: Vec<(f64, f64)> = labels(ticks)
            .map(|(position, label)| (self.x(position), typeface::width(label, TICK_EM, Weight::Regular)))
            .collect();
        let inside = columns.last().is_none_or(|(x, width)| x + width / 2.0 <= WIDTH - BORDER / 4.0);
        inside
            && columns.windows(2).all(|pair| {
                let (near, far) = (pair[0], pair[1]);
                far.0 - near.0 >= (near.1 + far.1) / 2.0 + LABEL_GAP
            })
    }

    fn draw_x_grid(&mut self, ruler: &Ruler) -> Vec<Tick> {
        let ticks = ruler.ticks(|ticks| self.columns_fit(ticks));
        for tick in &ticks {
            let x = self.x(tick.position).round();
            self.figure.line(vec![[x, self.top], [x, self.bottom]], grid(tick));
        }
        ticks
    }

    fn draw_y_grid(&mut self, ticks: &[Tick]) {
        for tick in ticks {
            let y = self.y(tick.position).round();
            self.figure.line(vec![[self.left, y], [self.right, y]], grid(tick));
        }
    }

    fn draw_border(&mut self, underlined: bool) {
        let stroke = Stroke::solid(Ink::BORDER, 2.0);
        self.figure.line(vec![[self.left, self.top], [self.left, self.bottom]], stroke);
        if underlined {
            self.figure.line(vec![[self.left, self.bottom], [self.right, self.bottom]], stroke);
        }
    }

    fn draw_x_labels(&mut self, ticks: &[Tick], baseline: f64) {
        for (position, label) in labels(ticks) {
            self.figure.text([self.x(position), baseline], label, TICK_EM, Anchor::Middle);
        }
    }

    fn draw_y_labels(&mut self, ticks: &[Tick]) {
        for (position, label) in labels(ticks) {
            let at = [self.left - TICK_GAP, self.y(position) + TICK_DROP];
            self.figure.text(at, label, TICK_EM, Anchor::End);
        }
    }

    fn draw_y_title(&mut self, title: &str) {
        self.figure.marks.push(Mark::Text(Text {
            at: [BORDER + 0.6 * LABEL_EM, f64::midpoint(self.top, self.bottom)],
            text: title.to_owned(),
            em: LABEL_EM,
            weight: Weight::Regular,
            anchor: Anchor::Middle,
            upward: true,
            ink: Ink::TEXT,
        }));
    }
}

/// What is in the picture, for whoever cannot see it: axes, rows, legend and caption.
fn description(setting: &Setting<'_>) -> String {
    let across = setting.x.title();
    let mut description = match setting.side {
        Side::Axis(up) => format!("{} against {across}", up.title()),
        Side::Names(names) => format!("{across} of {}", names.join(", ")),
    };
    let keys: Vec<&str> = setting.legend.iter().map(|key| key.name.as_str()).collect();
    if !keys.is_empty() {
        description += &format!(": {}", keys.join(", "));
    }
    description.push('.');
    if !setting.caption.is_empty() {
        description += &format!(" {}", setting.caption.trim());
    }
    description
}

fn labels(ticks: &[Tick]) -> impl Iterator<Item = (f64, &str)> {
    ticks.iter().filter_map(|tick| Some((tick.position, tick.label.as_deref()?)))
}

fn grid(tick: &Tick) -> Stroke {
    match tick.label {
        Some(_) => Stroke::solid(Ink::GRID, 2.0),
        None => Stroke::solid(Ink::GRID_MINOR, 2.0),
    }
}

/// Draws the title from the top of the page and returns where it ends.
fn draw_title(figure: &mut Figure, title: &str) -> f64 {
    let mut baseline = BORDER;
    for line in typeface::wrap(title, TITLE_EM, Weight::Bold, WIDTH - 2.0 * BORDER) {
        baseline += TITLE_EM;
        figure.marks.push(Mark::Text(Text {
            at: [BORDER, baseline],
            text: line,
            em: TITLE_EM,
            weight: Weight::Bold,
            anchor: Anchor::Start,
            upward: false,
            ink: Ink::TEXT,
        }));
        baseline += (LEADING - 1.0) * TITLE_EM;
    }
    baseline
}

/// Draws the caption so that it ends at the foot of the page, and returns where it begins.
fn draw_caption(figure: &mut Figure, caption: &str) -> f64 {
    let lines = typeface::wrap(caption, NOTE_EM, Weight::Regular, WIDTH - 2.0 * BORDER);
    let mut baseline = figure.height - BORDER * 0.75 - LEADING * NOTE_EM * lines.len() as f64;
    let top = baseline;
    for text in lines {
        baseline += LEADING * NOTE_EM;
        figure.marks.push(Mark::Text(Text {
            at: [BORDER, baseline],
            text,
            em: NOTE_EM,
            weight: Weight::Regular,
            anchor: Anchor::Start,
            upward: false,
            ink: Ink::NOTE,
        }));
    }
    top
}

/// Draws the legend in rows below `top` and returns where it ends.
fn draw_legend(figure: &mut Figure, keys: &[Key], top: f64) -> f64 {
    let line_height = 1.6 * TICK_EM;
    let mut x = BORDER;
    let mut middle = top + line_height / 2.0 + 4.0;
    for key in keys {
        let indent = key.swatch.width() + SWATCH_GAP;
        let name = typeface::shorten(&key.name, TICK_EM, WIDTH - 2.0 * BORDER - indent);
        let width = indent + typeface::width(&name, TICK_EM, Weight::Regular);
        if x > BORDER && x + width > WIDTH - BORDER {
            x = BORDER;
            middle += line_height;
        }
        draw_swatch(figure, key.swatch, x, middle);
        figure.text([x + indent, middle + TICK_DROP], &name, TICK_EM, Anchor::Start);
        x += width + KEY_GAP;
    }
    if keys.is_empty() { top } else { middle + line_height / 2.0 }
}

fn draw_swatch(figure: &mut Figure, swatch: Swatch, x: f64, y: f64) {
    let right = x + swatch.width();
    let centre = [f64::midpoint(x, right), y];
    match swatch {
        Swatch::Line(stroke) => figure.line(vec![[x, y], [right, y]], stroke),
        Swatch::Beads(stroke) => {
            figure.line(vec![[x, y], [right, y]], stroke);
            figure.disc(centre, 9.0, stroke.ink);
        }
        Swatch::Disc(ink) => figure.disc(centre, 9.0, ink),
        Swatch::Cross(stroke) => figure.cross(centre, 8.0, stroke),
        Swatch::Diamond(ink) => figure.diamond(centre, 13.0, ink),
        Swatch::Block(ink) => figure.block([x, y - 13.0], [right, y + 13.0], ink),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, LineChart, Plot, Series};

    /// Left, top, right, bottom of every level text.
    fn boxes(figure: &Figure) -> Vec<(String, [f64; 4])> {
        let level = figure.marks.iter().filter_map(|mark| match mark {
            Mark::Text(text) if !text.upward => Some(text),
            _ => None,
        });
        level
            .map(|text| {
                let width = typeface::width(&text.text, text.em, text.weight);
                let left = match text.anchor {
                    Anchor::Start => text.at[0],
                    Anchor::Middle => text.at[0] - width / 2.0,
                    Anchor::End => text.at[0] - width,
                };
                let [top, bottom] = [text.at[1] - 0.76 * text.em, text.at[1] + 0.24 * text.em];
                (text.text.clone(), [left, top, left + width, bottom])
            })
            .collect()
    }

    #[test]
    fn no_two_texts_touch_and_all_stand_on_the_page_whatever_the_range() {
        let names =
            ["random", "an agent whose name is rather long", "genetic algorithm", "annealing", "bandit"];
        let lows = [-3e5, -1.0, 0.0, 1e-12, 3.3e-4, 1.0, 99.9, 1e7];
        let spans = [0.0, 1e-6, 0.7, 12.0, 1e3, 1e6, 1e13];
        for low in lows {
            for span in spans {
                let high = if low > 0.0 { low * (1.0 + span) } else { low + span };
                let series = names.map(|name| Series {
                    name: name.to_owned(),
                    points: vec![[low, low], [high, high]],
                    band: Vec::new(),
                });
                let chart = LineChart {
                    title: "A title that is long enough to need a second line on the page, ".repeat(2),
                    x: Axis::new("latency", "s"),
                    y: Axis::new("evaluations", ""),
                    series: series.to_vec(),
                    caption: "Median and quartiles over twenty seeds of five hundred trials each. ".repeat(3),
                    ..LineChart::default()
                };
                let figure = chart.figure().unwrap();
                let boxes = boxes(&figure);
                for (index, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
                    let inside = *left >= 0.0 && *top >= 0.0 && *right <= WIDTH && *bottom <= figure.height;
                    assert!(inside, "`{text}` leaves the page for {low} to {high}");
                    for (other, [west, north, east, south]) in &boxes[..index] {
                        let apart = right < west || east < left || bottom < north || south < top;
                        assert!(apart, "`{text}` touches `{other}` for {low} to {high}");
                    }
                }
            }
        }
    }
}
