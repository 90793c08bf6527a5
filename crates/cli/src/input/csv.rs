//! Tables as spreadsheets write them: comma, semicolon or tab; any line ending; quotes.

use super::{Roster, Text};
use crate::formula::restore;
use ::csv::{ByteRecord, Reader, ReaderBuilder};
use paceline_core::desired::{Raw, Record};
use paceline_core::user::Place;
use paceline_core::validate::Problem;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn open(mut text: Text, file: Arc<str>) -> io::Result<Roster> {
    let delimiter = delimiter(&mut text)?;
    let odd_quotes = Arc::new(AtomicBool::new(false));
    let text = Lines { text, odd_quotes: Arc::clone(&odd_quotes), after_return: false };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(text);
    let mut first = ByteRecord::new();
    let broken = reader.read_byte_record(&mut first).err();
    let place = Place::line(&file, first.position().map_or(1, ::csv::Position::line));
    if let Some(error) = broken {
        let problem = Problem::new(place.clone(), format!("is not CSV: {error}"));
        return Ok(Roster { file, header: Some((vec![], place)), records: Box::new(std::iter::once(Err(problem))) });
    }
    let header: Vec<String> = first.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    let header = without_empty_tail(header);
    let rows = Rows {
        reader,
        header: header.clone(),
        file: Arc::clone(&file),
        number: 0,
        odd_quotes,
        swallowed: None,
        done: false,
    };
    Ok(Roster { file, header: Some((header, place)), records: Box::new(rows) })
}

/// Excel leaves trailing delimiters where columns were deleted.
fn without_empty_tail(mut header: Vec<String>) -> Vec<String> {
    while header.last().is_some_and(String::is_empty) {
        header.pop();
    }
    header
}

/// The one of `,` `;` and tab that the header has most of, outside quotes; Excel's `sep=;` line decides where there is one.
fn delimiter(text: &mut Text) -> io::Result<u8> {
    let start = text.fill_buf()?;
    if let Some([separator, end @ ..]) = start.strip_prefix(b"sep=") {
        let separator = *separator;
        let line_end = end.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).take(2).count();
        text.consume(5 + line_end);
        return Ok(separator);
    }
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            byte if !quoted => counts.iter_mut().filter(|(one, _)| one == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    // Of equals the first: a header of one column is a comma's.
    Ok(counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(one, _)| *one))
}

/// Every line ending as `\n`, so that lines are counted right, whichever system wrote them. It also tells whether an opened
/// quote was ever closed: the CSV reader takes the end of the file for its end.
struct Lines {
    text: Text,
    odd_quotes: Arc<AtomicBool>,
    after_return: bool,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                let byte = buffer[at];
                if byte == b'"' {
                    self.odd_quotes.fetch_xor(true, Ordering::Relaxed);
                }
                let second_half = byte == b'\n' && self.after_return;
                self.after_return = byte == b'\r';
                if !second_half {
                    buffer[kept] = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

struct Rows {
    reader: Reader<Lines>,
    header: Vec<String>,
    file: Arc<str>,
    number: u64,
    odd_quotes: Arc<AtomicBool>,
    /// Where the last record stands, if a line break is inside one of its cells.
    swallowed: Option<Place>,
    done: bool,
}

impl Rows {
    fn record(&mut self, cells: &ByteRecord) -> Option<Result<Record, Problem>> {
        let place = Place::line(&self.file, cells.position().map_or(0, ::csv::Position::line));
        if cells.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace)) {
            return None;
        }
        self.number += 1;
        self.swallowed = cells.iter().any(|cell| cell.contains(&b'\n')).then(|| place.clone());
        let extra = cells.iter().skip(self.header.len()).any(|cell| !cell.is_empty());
        if extra || cells.len() < self.header.len() {
            let message = format!("the row has {} cells, the header {}", cells.len(), self.header.len());
            return Some(Err(Problem::new(place, message).hint("quote cells that hold the delimiter or a line break")));
        }
        let mut columns = vec![];
        for (name, cell) in self.header.iter().zip(cells.iter()) {
            match std::str::from_utf8(cell) {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => columns.push((name.clone(), Raw::Cell(restore(text).to_owned()))),
                Err(_) => {
                    let problem = Problem::new(place.column(name), "is not UTF-8");
                    return Some(Err(problem.hint("save the roster as `CSV UTF-8`")));
                }
            }
        }
        Some(Ok(Record { number: self.number, place, columns }))
    }
}

impl Iterator for Rows {
    type Item = Result<Record, Problem>;

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
                    let open = self.swallowed.take().filter(|_| self.odd_quotes.load(Ordering::Relaxed));
                    return open.map(|place| {
                        let hint = "close it, and double the quotes that belong to the text";
                        Err(Problem::new(place, "a quote is opened and never closed").hint(hint))
                    });
                }
                Err(error) => {
                    self.done = true;
                    let line = self.reader.position().line();
                    return Some(Err(Problem::new(Place::line(&self.file, line), format!("cannot be read: {error}"))));
                }
            }
        }
        None
    }
}
