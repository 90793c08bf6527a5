//! A header and a line a user; no cell is a formula.

use super::{Exported, Writer, cells};
use crate::csv_line::csv_line;
use crate::formula::neutralise;
use paceline_core::roster::{Table, runs};
use std::io::{self, Write};

pub(super) struct Csv;

impl Writer for Csv {
    fn has_cells(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut dyn Write, columns: &[String]) -> io::Result<()> {
        csv_line(out, std::iter::once("id").chain(columns.iter().map(String::as_str)))
    }

    fn user<'a>(&mut self, out: &mut dyn Write, table: &Table, user: Exported<'a>) -> io::Result<Vec<&'a str>> {
        let id = neutralise(user.id);
        let (cells, unheld) = cells(table, user, |cell| !runs(cell));
        csv_line(out, std::iter::once(&*id).chain(cells.iter().map(String::as_str)))?;
        Ok(unheld)
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
