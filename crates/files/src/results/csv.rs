//! A line a row, which a spreadsheet opens and does not run.

use super::{COLUMNS, RowResult, Writer, cells};
use crate::csv_line::csv_line;
use crate::formula::neutralise;
use crate::visible::visible;
use std::io::{self, Write};

pub(super) struct Csv;

impl Writer for Csv {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        csv_line(out, COLUMNS)
    }

    fn row(&mut self, out: &mut dyn Write, row: &RowResult<'_>) -> io::Result<()> {
        // A cell is one line, whatever a vendor says.
        csv_line(out, cells(row).map(|cell| neutralise(&visible(&cell)).into_owned()))
    }
}
