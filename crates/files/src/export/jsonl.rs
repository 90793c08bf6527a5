//! An object a line.

use super::{Exported, Writer, object};
use paceline_core::roster::Table;
use std::io::{self, Write};

pub(super) struct Jsonl;

impl Writer for Jsonl {
    fn has_cells(&self) -> bool {
        false
    }

    fn begin(&mut self, _out: &mut dyn Write, _columns: &[String]) -> io::Result<()> {
        Ok(())
    }

    fn user<'a>(&mut self, out: &mut dyn Write, table: &Table, user: Exported<'a>) -> io::Result<Vec<&'a str>> {
        let (row, unheld) = object(table, user);
        writeln!(out, "{row}")?;
        Ok(unheld)
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
