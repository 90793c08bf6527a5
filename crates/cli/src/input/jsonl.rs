//! An object a line.

use super::{Text, from_object};
use paceline_core::desired::Record;
use paceline_core::user::Place;
use paceline_core::validate::Problem;
use std::io::BufRead;
use std::sync::Arc;

pub(super) fn records(text: Text, file: Arc<str>) -> impl Iterator<Item = Result<Record, Problem>> {
    let mut number = 0;
    let lines = text.split(b'\n').zip(1u64..);
    lines.filter_map(move |(line, at)| {
        let place = Place::line(&file, at);
        let line = match line {
            Ok(line) if line.iter().all(u8::is_ascii_whitespace) => return None,
            Ok(line) => line,
            Err(error) => return Some(Err(Problem::new(place, format!("cannot be read: {error}")))),
        };
        number += 1;
        Some(match serde_json::from_slice(&line) {
            Ok(value) => from_object(number, place, value),
            Err(error) => {
                let place = Place::line(&file, at);
                Err(Problem::new(place, format!("is not JSON at column {}: {error}", error.column())))
            }
        })
    })
}
