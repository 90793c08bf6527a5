//! An object a line.

use super::{RowResult, Writer, object};
use std::io::{self, Write};

pub(super) struct Jsonl;

impl Writer for Jsonl {
    fn row(&mut self, out: &mut dyn Write, row: &RowResult<'_>) -> io::Result<()> {
        writeln!(out, "{}", object(row))
    }
}
