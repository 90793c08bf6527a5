//! Rosters in, read a row at a time.
//!
//! A format yields [`Record`]s, each with its place; what they mean is [`paceline_core::validate`]'s to say.
//!
//! - `text`: any encoding → UTF-8, and a format by its content
//! - `csv`, `json`, `jsonl`, `xlsx`: a format each
//! - `object`: a row of the two that are JSON

mod csv;
mod json;
mod jsonl;
mod object;
mod text;
mod xlsx;

use crate::Error;
use paceline_core::desired::Record;
use paceline_core::user::Place;
use paceline_core::validate::Problem;
use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use text::{Text, by_content, decoded, is_blank, no_text};

/// A roster's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A header and rows; comma, semicolon or tab.
    Csv,
    /// A list of objects.
    Json,
    /// An object a line.
    Jsonl,
    /// A sheet of an Excel workbook.
    Xlsx,
}

impl Format {
    /// The format that the ending of a file's name tells.
    fn of(name: &str) -> Option<Self> {
        match Path::new(name).extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "xlsx" | "xlsm" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// A roster, opened: its rows and, for a table, its header.
pub struct Roster {
    /// What its rows' places call it: its name, or "standard input".
    pub file: Arc<str>,
    /// The column names and where they stand; JSON has none.
    pub header: Option<(Vec<String>, Place)>,
    /// Rows in order. After an error that breaks the file there are no more.
    pub records: Rows,
    /// What a person should know of the file once its rows are read.
    pub notes: Notes,
}

/// Rows, or all that is wrong with one.
pub type Rows = Box<dyn Iterator<Item = Result<Record, Vec<Problem>>>>;

/// Sentences that are complete once the rows are read.
pub type Notes = Rc<RefCell<Vec<String>>>;

impl Roster {
    fn of(file: Arc<str>, records: Rows) -> Self {
        Self { file, header: None, records, notes: Notes::default() }
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Roster").field("file", &self.file).field("header", &self.header).finish_non_exhaustive()
    }
}

/// A row of a text file is no longer than this: beyond it a quote, a bracket or a line break is missing.
const LONGEST_ROW: usize = 16 << 20;

/// How a roster is to be read where its name and content do not tell.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Its format. Default: by the name's ending, else by the content.
    pub format: Option<Format>,
    /// The workbook's sheet. Default: the first that is shown.
    pub sheet: Option<String>,
}

/// Opens a roster; `-` is standard input.
///
/// # Errors
/// Where nothing of it can be read. What is wrong with a row is its row's to say.
pub fn open(name: &str, reading: &Reading) -> Result<Roster, Error> {
    let unreadable = |source| Error::Unreadable { roster: name.to_owned(), source };
    let bytes: Box<dyn Read> = if name == "-" {
        Box::new(std::io::stdin())
    } else {
        let path = Path::new(name);
        if path.is_dir() {
            return Err(Error::Directory { roster: name.into() });
        }
        Box::new(File::open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::Missing { roster: name.into() },
            _ => unreadable(source),
        })?)
    };
    let file: Arc<str> = Arc::from(if name == "-" { "standard input" } else { name });
    let format = reading.format.or_else(|| Format::of(name));
    if format == Some(Format::Xlsx) {
        return xlsx::open(bytes, file, reading.sheet.as_deref())
            .map_err(|why| Error::Workbook { roster: name.into(), why });
    }
    let mut text = decoded(bytes).map_err(unreadable)?;
    let format = match format {
        Some(format) => format,
        None => by_content(&mut text).map_err(unreadable)?,
    };
    if let Some(what) = no_text(&mut text).map_err(unreadable)? {
        return Err(Error::NoText { roster: name.into(), what });
    }
    if is_blank(&mut text).map_err(unreadable)? {
        return Err(Error::Empty { roster: name.into() });
    }
    match format {
        Format::Csv => csv::open(text, file).map_err(unreadable),
        Format::Json => Ok(Roster::of(Arc::clone(&file), Box::new(json::records(text, file)))),
        // A workbook is no text: it was opened above.
        Format::Xlsx => Err(Error::Workbook { roster: name.into(), why: "it is no workbook".into() }),
        Format::Jsonl => Ok(Roster::of(Arc::clone(&file), Box::new(jsonl::records(text, file)))),
    }
}
