//! From a figure to SVG, to PNG, and to files.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text as TextElement};
use plotters::style::{Color, RGBAColor, RGBColor, ShapeStyle};

use super::error::PlotError;
use super::figure::{Anchor, Figure, Ink, Mark, Stroke, Text, WIDTH};
use super::typeface::Lettering;

/// A plot: anything that can be laid out as a figure.
pub trait Plot {
    /// Lays the plot out on its page.
    ///
    /// # Errors
    /// [`PlotError`] if there is nothing to plot or a value cannot be placed.
    fn figure(&self) -> Result<Figure, PlotError>;

    /// The plot as the text of an SVG file. The same plot is the same text.
    ///
    /// # Errors
    /// As [`figure`](Self::figure).
    fn svg(&self) -> Result<String, PlotError> {
        self.figure()?.svg()
    }

    /// The plot as the bytes of a PNG file, at twice the size it is meant to be seen.
    ///
    /// # Errors
    /// As [`figure`](Self::figure).
    fn png(&self) -> Result<Vec<u8>, PlotError> {
        self.figure()?.png()
    }

    /// Writes the plot beside `path_without_extension` as `.svg` and `.png`, each whole or not at all, and
    /// returns the two paths.
    ///
    /// # Errors
    /// As [`figure`](Self::figure), and [`PlotError::File`] if a file cannot be written.
    fn write(&self, path_without_extension: &Path) -> Result<[PathBuf; 2], PlotError> {
        let figure = self.figure()?;
        Ok([
            write_whole(path_without_extension, "svg", figure.svg()?.as_bytes())?,
            write_whole(path_without_extension, "png", &figure.png()?)?,
        ])
    }
}

/// Pixels of the bitmap that is painted for each pixel of the PNG, along each side. The backend does not
/// smooth the edges of thick lines and polygons; averaging does.
const OVERSAMPLING: usize = 2;

impl Figure {
    fn svg(&self) -> Result<String, PlotError> {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (WIDTH as u32, self.height as u32)).into_drawing_area();
        self.paint(&area, 1.0, Lettering::Svg)?;
        drop(area);
        Ok(text)
    }

    fn png(&self) -> Result<Vec<u8>, PlotError> {
        let [width, height] = [WIDTH as usize, self.height as usize];
        let [fine_width, fine_height] = [width * OVERSAMPLING, height * OVERSAMPLING];
        let mut fine = vec![0; fine_width * fine_height * 3];
        {
            let size = (fine_width as u32, fine_height as u32);
            let area = BitMapBackend::with_buffer(&mut fine, size).into_drawing_area();
            self.paint(&area, OVERSAMPLING as f64, Lettering::Bitmap)?;
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&averaged(&fine, fine_width))?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Paints all marks, `scale` pixels for each page unit.
    fn paint<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        scale: f64,
        lettering: Lettering,
    ) -> Result<(), PlotError> {
        let pixel = |[x, y]: [f64; 2]| ((x * scale).round() as i32, (y * scale).round() as i32);
        area.fill(&color(Ink::WHITE)).map_err(refused)?;
        for mark in &self.marks {
            let drawn = match mark {
                Mark::Line { points, stroke } => {
                    let path: Vec<_> = points.iter().copied().map(pixel).collect();
                    area.draw(&PathElement::new(path, line_style(*stroke, scale)))
                }
                Mark::Area { points, ink } => {
                    let corners: Vec<_> = points.iter().copied().map(pixel).collect();
                    area.draw(&Polygon::new(corners, color(*ink).filled()))
                }
                Mark::Disc { centre, radius, ink } => {
                    let radius = (radius * scale).round() as u32;
                    area.draw(&Circle::new(pixel(*centre), radius, color(*ink).filled()))
                }
                Mark::Text(text) => paint_text(area, text, scale, lettering),
            };
            drawn.map_err(refused)?;
        }
        area.present().map_err(refused)
    }
}

fn paint_text<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    text: &Text,
    scale: f64,
    lettering: Lettering,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let before = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5,
        Anchor::End => 1.0,
    };
    let em = text.em * scale;
    let [x, y] = text.at.map(|value| value * scale);
    let style = lettering.style(em, text.weight, text.anchor, text.upward, color(text.ink));
    let rise = lettering.baseline(em);
    for piece in lettering.pieces(&text.text, em, text.weight, before) {
        // The top of a text that reads upward is at its left.
        let [x, y] = if text.upward { [x - rise, y - piece.shift] } else { [x + piece.shift, y - rise] };
        let at = (x.round() as i32, y.round() as i32);
        area.draw(&TextElement::new(piece.text, at, style.clone()))?;
    }
    Ok(())
}

fn line_style(stroke: Stroke, scale: f64) -> ShapeStyle {
    color(stroke.ink).stroke_width((stroke.width * scale).round() as u32)
}

fn color(ink: Ink) -> RGBAColor {
    let [red, green, blue] = ink.rgb;
    RGBColor(red, green, blue).mix(ink.alpha)
}

fn refused(error: impl Error) -> PlotError {
    PlotError::Drawing { reason: error.to_string() }
}

/// Means over squares of [`OVERSAMPLING`] pixels a side, of an RGB image `fine_width` pixels wide.
fn averaged(fine: &[u8], fine_width: usize) -> Vec<u8> {
    let line = fine_width * 3;
    let mut image = Vec::with_capacity(fine.len() / (OVERSAMPLING * OVERSAMPLING));
    for lines in fine.chunks_exact(line * OVERSAMPLING) {
        for column in 0..fine_width / OVERSAMPLING {
            for channel in 0..3 {
                let sum: usize = (0..OVERSAMPLING * OVERSAMPLING)
                    .map(|sample| {
                        let (row, step) = (sample / OVERSAMPLING, sample % OVERSAMPLING);
                        usize::from(lines[row * line + (column * OVERSAMPLING + step) * 3 + channel])
                    })
                    .sum();
                // A mean of bytes is a byte.
                image.push((sum / (OVERSAMPLING * OVERSAMPLING)) as u8);
            }
        }
    }
    image
}

/// Writes a file beside its final place and moves it there.
fn write_whole(stem: &Path, extension: &str, bytes: &[u8]) -> Result<PathBuf, PlotError> {
    // `with_extension` would eat the end of `results.v1`.
    let named = |ending: &str| {
        let mut name = OsString::from(stem);
        name.push(ending);
        PathBuf::from(name)
    };
    let path = named(&format!(".{extension}"));
    let draft = named(&format!(".{extension}.draft"));
    fs::write(&draft, bytes).map_err(|source| PlotError::File { path: draft.clone(), source })?;
    fs::rename(&draft, &path).map_err(|source| PlotError::File { path: path.clone(), source })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, LineChart, Series};

    fn chart() -> LineChart {
        LineChart {
            title: "Sorted & <escaped>".to_owned(),
            x: Axis::new("trials", ""),
            y: Axis::new("energy", "J"),
            series: vec![Series { points: vec![[1.0, 2e-6], [9.0, 1e-6]], ..Series::default() }],
            ..LineChart::default()
        }
    }

    #[test]
    fn both_files_are_written_and_no_draft_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let written = chart().write(&folder.path().join("front.v1")).unwrap();
        assert_eq!(written, ["front.v1.svg", "front.v1.png"].map(|name| folder.path().join(name)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(fs::read_to_string(&written[0]).unwrap(), chart().svg().unwrap());
        let picture = fs::read(&written[1]).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (1600, 1100));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = chart().write(&folder.path().join("missing").join("front")).unwrap_err();
        assert!(error.to_string().contains("front.svg.draft"), "{error}");
    }

    #[test]
    fn letters_that_mean_something_in_svg_are_escaped() {
        let svg = chart().svg().unwrap();
        assert!(svg.contains("Sorted &amp; &lt;escaped&gt;"), "{svg}");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn svg_and_png_have_ink_in_the_same_places() {
        // The axis on the left is a line of both; in the bitmap its column is the darkest of the right half of the
        // margin, whatever stands there.
        let figure = chart().figure().unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(figure.png().unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let axis = figure.marks.iter().find_map(|mark| match mark {
            Mark::Line { points, stroke } if stroke.ink == Ink::BORDER => Some(points[0]),
            _ => None,
        });
        let [x, top] = axis.unwrap().map(|value| value.round() as usize);
        let grey = |x: usize| pixels[((top + 50) * 1600 + x) * 3];
        assert!(grey(x).min(grey(x - 1)) < 0xb0, "the axis: {} {}", grey(x), grey(x - 1));
        assert_eq!(grey(x - 6), 0xff, "beside it");
        let svg = figure.svg().unwrap();
        assert!(svg.contains(&format!("{x},{top}")), "{svg}");
    }

    #[test]
    fn averaging_takes_the_mean_of_each_square() {
        // Two lines of four pixels; the left square holds 0, 100, 100, 200 and the right one 40 throughout.
        let grey = |levels: [u8; 4]| levels.into_iter().flat_map(|level| [level; 3]).collect::<Vec<_>>();
        let fine = [grey([0, 100, 40, 40]), grey([100, 200, 40, 40])].concat();
        assert_eq!(averaged(&fine, 4), [100, 100, 100, 40, 40, 40]);
    }
}
