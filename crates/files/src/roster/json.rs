//! A list of objects, an element at a time: a roster need not fit in memory.
//!
//! serde_json reads a list whole or by callback. This cuts the list into the texts of its elements, which it does not
//! judge, and leaves each to serde_json.

use super::object::{from_text, json_hint};
use super::{LONGEST_ROW, Text};
use paceline_core::desired::Record;
use paceline_core::user::Place;
use paceline_core::validate::Problem;
use std::io::BufRead;
use std::sync::Arc;

pub(super) fn records(text: Text, file: Arc<str>) -> impl Iterator<Item = Result<Record, Vec<Problem>>> {
    Elements { text, file, line: 1, number: 0, state: State::Start }
}

#[derive(PartialEq)]
enum State {
    Start,
    First,
    Next,
    Done,
}

struct Elements {
    text: Text,
    file: Arc<str>,
    line: u64,
    number: u64,
    state: State,
}

impl Elements {
    fn problem(&mut self, line: u64, message: impl Into<String>) -> Problem {
        self.state = State::Done;
        Problem::new(Place::line(&self.file, line), message)
    }

    fn peek(&mut self) -> Result<Option<u8>, Problem> {
        match self.text.fill_buf().map(|buffer| buffer.first().copied()) {
            Ok(byte) => Ok(byte),
            Err(error) => Err(self.problem(self.line, format!("cannot be read: {error}"))),
        }
    }

    fn take(&mut self) {
        if matches!(self.text.fill_buf(), Ok([b'\n', ..])) {
            self.line += 1;
        }
        self.text.consume(1);
    }

    fn space(&mut self) -> Result<Option<u8>, Problem> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => self.take(),
                other => return Ok(other),
            }
        }
    }

    /// The text of one element: up to a comma or bracket that is not inside it.
    fn element(&mut self) -> Result<Vec<u8>, Problem> {
        let first_line = self.line;
        let mut out = vec![];
        let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
        loop {
            let Some(byte) = self.peek()? else {
                return Err(self.problem(first_line, "the list ends in the middle of this row"));
            };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b',' | b']' if depth == 0 => return Ok(out),
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            out.push(byte);
            self.take();
            if out.len() > LONGEST_ROW {
                return Err(self.problem(first_line, "the row is too long: a quote or bracket may be missing"));
            }
        }
    }

    fn step(&mut self) -> Result<Option<Result<Record, Vec<Problem>>>, Problem> {
        if self.state == State::Start {
            if self.space()? != Some(b'[') {
                let shape = r#"a JSON roster is [{"id": "…", "updates": {…}}]"#;
                return Err(self.problem(self.line, "the roster must be a list").hint(shape));
            }
            self.take();
            self.state = State::First;
        }
        match (self.space()?, &self.state) {
            (Some(b']'), _) => {
                self.take();
                self.state = State::Done;
                return match self.space()? {
                    None => Ok(None),
                    Some(_) => Err(self.problem(self.line, "something follows the end of the list")),
                };
            }
            (Some(b','), State::Next) => {
                self.take();
                self.space()?;
            }
            (None, _) => return Err(self.problem(self.line, "the list is never closed: `]` is missing")),
            (Some(_), State::Next) => return Err(self.problem(self.line, "a comma is missing between two rows")),
            _ => {}
        }
        self.state = State::Next;
        let line = self.line;
        let text = self.element()?;
        self.number += 1;
        let place = Place::line(&self.file, line);
        from_text(self.number, place, &text).map(Some).map_err(|error| {
            let at = line + error.line().saturating_sub(1) as u64;
            // A row that is not JSON may have been cut wrongly: nothing after it can be trusted.
            let problem = self.problem(at, format!("is not JSON: {error}"));
            Problem { hint: json_hint(&text).map(str::to_owned), ..problem }
        })
    }
}

impl Iterator for Elements {
    type Item = Result<Record, Vec<Problem>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        self.step().unwrap_or_else(|problem| Some(Err(vec![problem])))
    }
}
