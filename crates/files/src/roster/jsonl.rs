//! An object a line.

use super::object::{from_text, json_hint};
use super::{LONGEST_ROW, Text};
use paceline_core::desired::Record;
use paceline_core::user::Place;
use paceline_core::validate::Problem;
use std::io::{BufRead, Read};
use std::sync::Arc;

pub(super) fn records(text: Text, file: Arc<str>) -> impl Iterator<Item = Result<Record, Vec<Problem>>> {
    Lines { text, file, line: 0, number: 0, done: false }
}

struct Lines {
    text: Text,
    file: Arc<str>,
    line: u64,
    number: u64,
    done: bool,
}

impl Lines {
    /// The next line that holds something; an error ends the file.
    fn line(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            self.line += 1;
            let mut line = vec![];
            let most = LONGEST_ROW as u64 + 1;
            match self.text.by_ref().take(most).read_until(b'\n', &mut line) {
                Ok(0) => return Ok(None),
                Ok(_) if line.len() > LONGEST_ROW => {
                    return Err(format!(
                        "the line is longer than {} MB: line breaks may be missing",
                        LONGEST_ROW >> 20
                    ));
                }
                Ok(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => return Ok(Some(line)),
                Err(error) => return Err(format!("cannot be read: {error}")),
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Record, Vec<Problem>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let found = self.line();
        let place = Place::line(&self.file, self.line);
        let line = match found {
            Ok(line) => line?,
            Err(message) => {
                self.done = true;
                return Some(Err(vec![Problem::new(place, message)]));
            }
        };
        self.number += 1;
        Some(from_text(self.number, place.clone(), &line).unwrap_or_else(|error| {
            let problem = Problem::new(place, format!("is not JSON at column {}: {error}", error.column()));
            Err(vec![Problem { hint: json_hint(&line).map(str::to_owned), ..problem }])
        }))
    }
}
