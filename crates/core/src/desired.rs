//! What a row asks for: as read, and as validated.

use crate::user::{Place, UserKey};
use serde_json::{Map, Value};
use std::sync::Arc;

/// One value as a roster writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// A cell of a table: text, whatever it means.
    Cell(String),
    /// A cell that says of itself that it is text and no formula, however it begins.
    Text(String),
    /// A value of JSON.
    Json(Value),
    /// A number of a workbook's cell.
    Number {
        /// What the cell holds.
        value: f64,
        /// The number format that it is shown by.
        format: Arc<str>,
    },
    /// A day of a workbook's cell.
    Day {
        /// As `yyyy-mm-dd`.
        day: String,
        /// The number format that it is shown by.
        format: Arc<str>,
    },
    /// A cell that has no value: an error, bytes that are no text.
    Wrong {
        /// What is wrong with it.
        message: String,
        /// The way out.
        hint: &'static str,
    },
}

/// One row as read, before anything is known to be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// From 1, in roster order.
    pub number: u64,
    /// Where it stands.
    pub place: Place,
    /// Its columns as they are spelled, empty cells left out.
    pub columns: Vec<(String, Raw)>,
    /// How many of them, the first ones, stand beside `updates` in JSON: only keys may. None in a table.
    pub beside: usize,
}

/// One row that is right as far as the field table can tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// From 1, in roster order.
    pub number: u64,
    /// The roster's line.
    pub line: u64,
    /// Its user.
    pub key: UserKey,
    /// Columns and the values they shall have; `null` clears.
    pub fields: Map<String, Value>,
}
