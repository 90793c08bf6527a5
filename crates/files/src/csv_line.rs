//! A line of a table that is written.

use std::io::{self, Write};

/// Writes a line. Nothing stays in a buffer of its own.
pub(crate) fn csv_line(out: &mut dyn Write, cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().buffer_capacity(1 << 10).from_writer(vec![]);
    csv.write_record(cells)?;
    let line = csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    out.write_all(&line)
}
