//! What is told of a table's text before, and beside, the CSV reader: the delimiter, line ends, quotes that are never closed.

use super::super::LONGEST_ROW;
use super::Text;
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// The one of `,` `;` and tab that the header has most of, outside quotes; Excel's `sep=;` line decides where there is one. And
/// the lines that it took.
pub(super) fn delimiter(text: &mut Text) -> io::Result<(u8, u64)> {
    let start = text.fill_buf()?;
    if let Some([separator, end @ ..]) = start.strip_prefix(b"sep=") {
        let separator = *separator;
        let line_end = end.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).take(2).count();
        let one_end = if end.starts_with(b"\r\n") { 2 } else { line_end.min(1) };
        if one_end > 0 && !separator.is_ascii_alphanumeric() && !matches!(separator, b'"' | b'\r' | b'\n') {
            text.consume(5 + one_end);
            return Ok((separator, 1));
        }
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
    Ok((counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(one, _)| *one), 0))
}

/// Rows end in `\n`, whichever system wrote them, so that lines are counted right. Line breaks in quotes are the cell's, and stay.
pub(super) struct Lines {
    text: Text,
    after_return: bool,
    pub(super) shape: Shape,
}

impl Lines {
    /// The text's first line is the `first`.
    pub(super) fn of(text: Text, delimiter: u8, first: u64) -> Self {
        Self { text, after_return: false, shape: Shape::new(delimiter, first) }
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                let byte = buffer[at];
                let quoted = self.shape.at == At::Quoted;
                let second_half = byte == b'\n' && self.after_return;
                self.after_return = byte == b'\r' && !quoted;
                if !second_half {
                    buffer[kept] = if byte == b'\r' && !quoted { b'\n' } else { byte };
                    self.shape.take(buffer[kept]);
                    kept += 1;
                }
            }
            if self.shape.length > LONGEST_ROW {
                let message =
                    format!("the row is longer than {} MB: a closing quote may be missing", LONGEST_ROW >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            if read == 0 && !buffer.is_empty() {
                self.shape.ended = true;
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// What the CSV reader does not tell: whether a quote is open (it takes the end of the file for its end), how long the row is,
/// whether the file ends with a line break.
pub(super) struct Shape {
    delimiter: u8,
    at: At,
    line: u64,
    /// A row begins here, unless the line is empty: the CSV reader skips such and does not count them.
    begins: bool,
    /// The lines in which rows began that the CSV reader has not given yet.
    rows: VecDeque<u64>,
    /// The line in which the quote was opened that is open.
    pub(super) open: Option<u64>,
    length: usize,
    /// Whether the file was read to its end.
    pub(super) ended: bool,
    /// Whether the last byte was a line break.
    pub(super) whole: bool,
    /// Whether it was the first half of one, in quotes.
    returned: bool,
}

/// Where in a field the reader is.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted field: its end, or the first of two.
    Quote,
}

impl Shape {
    fn new(delimiter: u8, line: u64) -> Self {
        Self {
            delimiter,
            at: At::Start,
            line,
            begins: true,
            rows: VecDeque::new(),
            open: None,
            length: 0,
            ended: false,
            whole: true,
            returned: false,
        }
    }

    /// The line in which the next row began.
    pub(super) fn row(&mut self) -> u64 {
        self.rows.pop_front().unwrap_or(self.line)
    }

    fn take(&mut self, byte: u8) {
        self.whole = byte == b'\n';
        self.length += 1;
        if self.begins && byte != b'\n' {
            self.rows.push_back(self.line);
            self.begins = false;
        }
        self.at = match (self.at, byte) {
            (At::Start, b'"') => {
                self.open = Some(self.line);
                At::Quoted
            }
            (At::Quoted, b'"') => {
                self.open = None;
                At::Quote
            }
            (At::Quoted, _) => At::Quoted,
            (At::Quote, b'"') => {
                self.open = Some(self.line);
                At::Quoted
            }
            (_, b'\n') => {
                self.length = 0;
                self.begins = true;
                At::Start
            }
            (_, byte) if byte == self.delimiter => At::Start,
            _ => At::Plain,
        };
        self.line += u64::from(byte == b'\r' || (byte == b'\n' && !self.returned));
        self.returned = byte == b'\r';
    }
}
