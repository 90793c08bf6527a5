//! A sheet of a workbook, all cells as text: Excel would take an id for a number, and a number for a date.

use super::{Exported, Writer, cells};
use paceline_core::roster::Table;
use rust_xlsxwriter::{Workbook, XlsxError};
use std::io::{self, Write};

/// A workbook is written whole, in the end.
#[derive(Default)]
pub(super) struct Xlsx {
    rows: Vec<Vec<String>>,
}

impl Writer for Xlsx {
    fn has_cells(&self) -> bool {
        true
    }

    fn begin(&mut self, _out: &mut dyn Write, columns: &[String]) -> io::Result<()> {
        self.rows.push(std::iter::once("id").chain(columns.iter().map(String::as_str)).map(str::to_owned).collect());
        Ok(())
    }

    fn user<'a>(&mut self, _out: &mut dyn Write, table: &Table, user: Exported<'a>) -> io::Result<Vec<&'a str>> {
        let id = user.id.to_owned();
        let (cells, unheld) = cells(table, user, fits);
        self.rows.push(std::iter::once(id).chain(cells).collect());
        Ok(unheld)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&workbook(&self.rows).map_err(io::Error::other)?)
    }
}

fn workbook(rows: &[Vec<String>]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0u32..).zip(rows) {
        for (column, text) in (0u16..).zip(cells).filter(|(_, text)| !text.is_empty()) {
            sheet.write_string(row, column, text)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    workbook.save_to_buffer()
}

/// Whether a workbook's cell can hold the text: Excel counts UTF-16, and the writer takes `<r>…</r>` for its own XML.
fn fits(cell: &str) -> bool {
    const LONGEST: usize = 32_767;
    cell.encode_utf16().count() <= LONGEST && !(cell.starts_with("<r>") && cell.ends_with("</r>"))
}
