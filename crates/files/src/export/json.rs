//! A list of objects.

use super::{Exported, Writer, object};
use paceline_core::roster::Table;
use std::io::{self, Write};

#[derive(Default)]
pub(super) struct Json {
    /// Whether a user stands before the next.
    has_users: bool,
}

impl Writer for Json {
    fn has_cells(&self) -> bool {
        false
    }

    fn begin(&mut self, out: &mut dyn Write, _columns: &[String]) -> io::Result<()> {
        write!(out, "[")
    }

    fn user<'a>(&mut self, out: &mut dyn Write, table: &Table, user: Exported<'a>) -> io::Result<Vec<&'a str>> {
        let comma = if std::mem::replace(&mut self.has_users, true) { "," } else { "" };
        let (row, unheld) = object(table, user);
        write!(out, "{comma}\n{row}")?;
        Ok(unheld)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "\n]\n")
    }
}
