//! A list of objects.

use super::{RowResult, Writer, object};
use std::io::{self, Write};

#[derive(Default)]
pub(super) struct Json {
    /// Whether a row stands before the next.
    has_rows: bool,
}

impl Writer for Json {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "[")
    }

    fn row(&mut self, out: &mut dyn Write, row: &RowResult<'_>) -> io::Result<()> {
        let comma = if std::mem::replace(&mut self.has_rows, true) { "," } else { "" };
        write!(out, "{comma}\n{}", object(row))
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "\n]\n")
    }
}
