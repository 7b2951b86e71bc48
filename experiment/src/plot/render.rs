//! From a figure to SVG, to PNG, and to files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::bitmap::png_of;
use super::error::PlotError;
use super::figure::Figure;
use super::svg::svg_of;
use crate::durable_file::put_whole;

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
        Ok(svg_of(&self.figure()?))
    }

    /// The plot as the bytes of a PNG file, at twice the size it is meant to be seen.
    ///
    /// # Errors
    /// As [`figure`](Self::figure), and [`PlotError::TooHigh`] if it has too many rows for a bitmap.
    fn png(&self) -> Result<Vec<u8>, PlotError> {
        png_of(&self.figure()?)
    }

    /// Writes the plot beside `path_without_extension` as `.svg` and `.png`, each whole or not at all, and
    /// returns the two paths.
    ///
    /// # Errors
    /// As [`png`](Self::png), and [`PlotError::File`] if a file cannot be written.
    fn write(&self, path_without_extension: &Path) -> Result<[PathBuf; 2], PlotError> {
        let figure = self.figure()?;
        Ok([
            written(path_without_extension, "svg", svg_of(&figure).as_bytes())?,
            written(path_without_extension, "png", &png_of(&figure)?)?,
        ])
    }
}

/// Writes a file with this extension.
fn written(stem: &Path, extension: &str, bytes: &[u8]) -> Result<PathBuf, PlotError> {
    // `with_extension` would eat the end of `results.v1`.
    let mut name = OsString::from(stem);
    name.push(format!(".{extension}"));
    let path = PathBuf::from(name);
    put_whole(&path, bytes).map_err(|source| PlotError::File { path: path.clone(), source })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::plot::bitmap::tests::{decoded, grey};
    use crate::plot::figure::{Ink, Mark};
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
        let picture = decoded(&fs::read(&written[1]).unwrap());
        assert_eq!((picture.width, picture.height), (1600, 1100));
        assert!(chart().svg().unwrap().contains("viewBox=\"0 0 1600 1100\""), "of the same size");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = chart().write(&folder.path().join("missing").join("front")).unwrap_err();
        assert!(error.to_string().contains("front.svg"), "{error}");
    }

    #[test]
    fn svg_and_png_have_ink_in_the_same_places() {
        // The axis on the left is a line of both, two pixels wide around a whole number.
        let figure = chart().figure().unwrap();
        let axis = figure.marks.iter().find_map(|mark| match mark {
            Mark::Line { points, stroke } if stroke.ink == Ink::BORDER => Some(points[0]),
            _ => None,
        });
        let [x, top] = axis.unwrap();
        let picture = decoded(&chart().png().unwrap());
        assert_eq!(
            [x - 2.0, x - 1.0, x, x + 1.0].map(|x| grey(&picture, x as usize, top as usize + 50)),
            [0xff, 0x80, 0x80, 0xff]
        );
        let svg = chart().svg().unwrap();
        assert!(svg.contains(&format!("<polyline points=\"{x},{top} ")), "{svg}");
    }
}
