//! Tables as spreadsheets write them: comma, semicolon or tab; any line ending; quotes.

mod lines;

use super::{Notes, Roster, Text};
use ::csv::{ByteRecord, Reader, ReaderBuilder};
use lines::{Lines, delimiter};
use paceline_core::desired::{Raw, Record};
use paceline_core::user::Place;
use paceline_core::validate::{Problem, column_name, is_blank, visible};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

pub(super) fn open(mut text: Text, file: Arc<str>) -> io::Result<Roster> {
    let (delimiter, skipped) = delimiter(&mut text)?;
    let lines = Lines::of(text, delimiter, skipped + 1);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(lines);
    let mut first = ByteRecord::new();
    let broken = reader.read_byte_record(&mut first).err().map(|error| format!("is not CSV: {error}"));
    let line = reader.get_mut().shape.row();
    let place = Place::line(&file, line);
    let problem = match (broken, reader.get_ref().shape.open) {
        (Some(message), _) => Some(Problem::new(place.clone(), message)),
        // The end of the file is read with the header where the header swallows all.
        (None, Some(opened)) if reader.get_ref().shape.ended => Some(never_closed(&file, opened)),
        _ => None,
    };
    if let Some(problem) = problem {
        return Ok(Roster::of(file, Box::new(std::iter::once(Err(vec![problem])))));
    }
    let header: Vec<String> = first.iter().map(|cell| column_name(&String::from_utf8_lossy(cell))).collect();
    let header = without_empty_tail(header);
    let notes = Notes::default();
    let rows = Rows {
        reader,
        header: header.clone(),
        file: Arc::clone(&file),
        number: 0,
        short: Short::default(),
        last: None,
        notes: notes.clone(),
        at_end: VecDeque::new(),
        done: false,
    };
    Ok(Roster { header: Some((header, place)), notes, ..Roster::of(file, Box::new(rows)) })
}

fn never_closed(file: &Arc<str>, line: u64) -> Problem {
    let hint = "close it, and double the quotes that belong to the text; if the file was cut, take it whole";
    Problem::new(Place::line(file, line), "a quote is opened and never closed").hint(hint)
}

/// Excel leaves trailing delimiters where columns were deleted.
fn without_empty_tail(mut header: Vec<String>) -> Vec<String> {
    while header.last().is_some_and(String::is_empty) {
        header.pop();
    }
    header
}

/// Rows that lack their last cells: Excel leaves those out, in blocks of rows, where they are empty.
#[derive(Default)]
struct Short {
    /// The first of them, and how many cells they have.
    first: Vec<(Place, usize)>,
    count: u64,
    /// Whether something in the file says that its rows were cut by something else.
    doubtful: bool,
}

impl Short {
    /// Places that are kept to be told.
    const TOLD: usize = 1_000;
}

struct Rows {
    reader: Reader<Lines>,
    header: Vec<String>,
    file: Arc<str>,
    number: u64,
    short: Short,
    /// Where the last record stands, if it is short.
    last: Option<Place>,
    notes: Notes,
    at_end: VecDeque<Problem>,
    done: bool,
}

impl Rows {
    fn record(&mut self, cells: &ByteRecord) -> Option<Result<Record, Vec<Problem>>> {
        let line = self.reader.get_mut().shape.row();
        let place = Place::line(&self.file, line);
        self.last = None;
        if cells.iter().all(blank) {
            return None;
        }
        self.number += 1;
        if cells.iter().skip(self.header.len()).any(|cell| !blank(cell)) {
            self.short.doubtful = true;
            return Some(Err(vec![ragged(place, cells.len(), self.header.len())]));
        }
        if cells.len() < self.header.len() {
            self.short.count += 1;
            self.short.doubtful |= cells.iter().any(|cell| cell.iter().any(|byte| matches!(byte, b'\n' | b'\r')));
            if self.short.first.len() < Short::TOLD {
                self.short.first.push((place.clone(), cells.len()));
            }
            self.last = Some(place.clone());
        }
        let columns = self.header.iter().zip(cells.iter()).filter(|(_, cell)| !blank(cell));
        let columns = columns.map(|(name, cell)| (name.clone(), raw(cell))).collect();
        Some(Ok(Record { number: self.number, place, columns, beside: 0 }))
    }

    /// What is known once all rows are read.
    fn end(&mut self) {
        let shape = &self.reader.get_ref().shape;
        if let Some(opened) = shape.open {
            self.at_end.push_back(never_closed(&self.file, opened));
            return;
        }
        // The last row lacks cells and its line break too: the file may have been cut in it.
        let cut = self.last.take().filter(|_| !shape.whole);
        if self.short.doubtful || cut.is_some() {
            let width = self.header.len();
            self.at_end.extend(self.short.first.drain(..).map(|(place, cells)| ragged(place, cells, width)));
        } else if self.short.count > 0 {
            let rows =
                if self.short.count == 1 { "1 row ends".into() } else { format!("{} rows end", self.short.count) };
            let first = self.short.first.first().map_or(0, |(place, _)| place.line);
            self.notes.borrow_mut().push(format!(
                "{rows} before the last column of `{}` (the first in line {first}), as Excel writes them: what they lack is taken as empty",
                visible(&self.file)
            ));
        }
    }
}

fn blank(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(is_blank)
}

fn raw(cell: &[u8]) -> Raw {
    match std::str::from_utf8(cell) {
        Ok(text) => Raw::Cell(text.to_owned()),
        Err(_) => Raw::Wrong { message: "is not UTF-8".into(), hint: "save the roster as `CSV UTF-8`" },
    }
}

fn ragged(place: Place, cells: usize, header: usize) -> Problem {
    let hint = if cells < header {
        "quote cells that hold the delimiter or a line break; Excel leaves out empty cells at the end of rows: a last column \
         that is filled in every row keeps them"
    } else {
        "quote cells that hold the delimiter or a line break"
    };
    Problem::new(place, format!("the row has {cells} cells, the header {header}")).hint(hint)
}

impl Iterator for Rows {
    type Item = Result<Record, Vec<Problem>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cells = ByteRecord::new();
        while !self.done {
            match self.reader.read_byte_record(&mut cells) {
                Ok(true) => {
                    if let Some(record) = self.record(&cells) {
                        return Some(record);
                    }
                }
                Ok(false) => {
                    self.done = true;
                    self.end();
                }
                Err(error) => {
                    self.done = true;
                    let line = self.reader.get_mut().shape.row();
                    self.at_end
                        .push_back(Problem::new(Place::line(&self.file, line), format!("cannot be read: {error}")));
                }
            }
        }
        self.at_end.pop_front().map(|problem| Err(vec![problem]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        let text = Text::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())));
        let cells = |record: Record| {
            let texts = record.columns.into_iter().map(|(_, raw)| match raw {
                Raw::Cell(text) => text,
                other => format!("{other:?}"),
            });
            (record.place.line, texts.collect())
        };
        open(text, Arc::from("staff.csv")).unwrap().records.map(|record| cells(record.unwrap())).collect()
    }

    #[test]
    fn a_cells_line_breaks_are_its_own_and_lines_are_counted_by_every_kind() {
        for end in ["\n", "\r\n", "\r"] {
            for inside in ["\n", "\r\n", "\r", "\r\r\n", "\n\r"] {
                let breaks = inside.replace("\r\n", "\n").len() as u64;
                let text = ["id,title", &format!("\"u{inside}1\",\"a{inside}\"\"b{inside}\""), "u2,x", ""].join(end);
                let expected = [
                    (2, vec![format!("u{inside}1"), format!("a{inside}\"b{inside}")]),
                    (3 + 3 * breaks, vec!["u2".into(), "x".into()]),
                ];
                assert_eq!(read(&text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn empty_lines_are_no_rows_and_are_counted() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["", "id,title", "", "", "u1,x", "\"\",", "", "u2,y", ""].join(end);
            let row = |id: &str, title: &str| vec![id.to_owned(), title.to_owned()];
            assert_eq!(read(&text), [(5, row("u1", "x")), (8, row("u2", "y"))], "{text:?}");
        }
    }

    #[test]
    fn a_header_over_several_lines_counts_them() {
        assert_eq!(read("id,\"ti\rtle\"\nu1,x\n"), [(3, vec!["u1".to_owned(), "x".to_owned()])]);
    }
}
