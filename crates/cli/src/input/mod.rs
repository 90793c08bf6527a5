//! Rosters, read a row at a time.
//!
//! A format yields [`Record`]s, each with its place; what they mean is `paceline_core::validate`'s to say.

mod csv;
mod json;
mod jsonl;
mod xlsx;

use paceline_core::desired::{Raw, Record};
use paceline_core::user::Place;
use paceline_core::validate::{Problem, Trouble, strict, type_of, visible};
use serde_json::Value;
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// A roster's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A header and rows; comma, semicolon or tab.
    Csv,
    /// A list of objects.
    Json,
    /// An object a line.
    Jsonl,
    /// A sheet of an Excel workbook.
    Xlsx,
}

/// Why a roster cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("there is no roster `{}`", visible(.0))]
    Missing(String),
    #[error("`{}` is a directory, not a roster", visible(.0))]
    Directory(String),
    #[error("the roster `{}` cannot be read: {why}", visible(.name))]
    Io { name: String, why: std::io::Error },
    #[error("the roster `{}` is empty", visible(.0))]
    Empty(String),
    #[error("the roster `{}` is no text: {what}", visible(.name))]
    NoText { name: String, what: &'static str },
    #[error("the workbook `{}` cannot be read: {why}", visible(.name))]
    Workbook { name: String, why: String },
}

impl Unreadable {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "check the path; `-` reads standard input",
            Self::Directory(_) => "name the file in it",
            Self::Io { .. } => "check its rights",
            Self::NoText { .. } => "save it as .xlsx, or as .csv in UTF-8; --roster-format says what a file is",
            Self::Workbook { .. } => "save it as .xlsx or .csv again; --sheet names the sheet to read",
            Self::Empty(_) => "a roster has one row for each user to update",
        }
    }
}

/// A roster, opened: its rows and, for a table, its header.
pub(crate) struct Roster {
    pub(crate) file: Arc<str>,
    /// The column names and where they stand; JSON has none.
    pub(crate) header: Option<(Vec<String>, Place)>,
    /// Rows in order. After an error that breaks the file there are no more.
    pub(crate) records: Rows,
    /// What a person should know of the file once its rows are read.
    pub(crate) notes: Notes,
}

/// Rows, or all that is wrong with one.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Record, Vec<Problem>>>>;

pub(crate) type Notes = Rc<RefCell<Vec<String>>>;

impl Roster {
    fn of(file: Arc<str>, records: Rows) -> Self {
        Self { file, header: None, records, notes: Notes::default() }
    }
}

/// A row of a text file is no longer than this: beyond it a quote, a bracket or a line break is missing.
const LONGEST_ROW: usize = 16 << 20;

/// Which sheet of a workbook, and which format where it is not told by the name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(crate) format: Option<Format>,
    pub(crate) sheet: Option<String>,
}

/// Opens a roster; `-` is standard input.
pub(crate) fn open(name: &str, reading: &Reading) -> Result<Roster, Unreadable> {
    let format = reading.format;
    let io = |why| Unreadable::Io { name: name.to_owned(), why };
    let bytes: Box<dyn Read> = if name == "-" {
        Box::new(std::io::stdin())
    } else {
        let path = Path::new(name);
        if path.is_dir() {
            return Err(Unreadable::Directory(name.into()));
        }
        Box::new(File::open(path).map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => Unreadable::Missing(name.into()),
            _ => io(why),
        })?)
    };
    let file: Arc<str> = Arc::from(if name == "-" { "standard input" } else { name });
    if format.or_else(|| by_extension(name)) == Some(Format::Xlsx) {
        return xlsx::open(bytes, file, reading.sheet.as_deref())
            .map_err(|why| Unreadable::Workbook { name: name.into(), why });
    }
    let mut text = decoded(bytes).map_err(io)?;
    let format = match format.or_else(|| by_extension(name)) {
        Some(format) => format,
        None => by_content(&mut text).map_err(io)?,
    };
    if let Some(what) = no_text(&mut text).map_err(io)? {
        return Err(Unreadable::NoText { name: name.into(), what });
    }
    if skip_space(&mut text).map_err(io)? {
        return Err(Unreadable::Empty(name.into()));
    }
    match format {
        Format::Csv => csv::open(text, file).map_err(io),
        Format::Json => Ok(Roster::of(Arc::clone(&file), Box::new(json::records(text, file)))),
        // A workbook is no text: it was opened above.
        Format::Xlsx => Err(Unreadable::Workbook { name: name.into(), why: "it is no workbook".into() }),
        Format::Jsonl => Ok(Roster::of(Arc::clone(&file), Box::new(jsonl::records(text, file)))),
    }
}

type Text = BufReader<Box<dyn Read>>;

/// UTF-8 from whatever Excel wrote: with a BOM, or UTF-16 with or without one.
fn decoded(bytes: Box<dyn Read>) -> std::io::Result<Text> {
    let mut bytes = BufReader::new(bytes);
    let encoding = match bytes.fill_buf()? {
        [0, other, ..] if *other != 0 => Some(encoding_rs::UTF_16BE),
        [other, 0, ..] if *other != 0 => Some(encoding_rs::UTF_16LE),
        _ => None,
    };
    let decoder = encoding_rs_io::DecodeReaderBytesBuilder::new()
        .encoding(encoding)
        .bom_override(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build(bytes);
    // Format and delimiter are told by the beginning, and a reader may give its first bytes singly: the beginning is read
    // in one piece.
    let mut decoder: Box<dyn Read> = Box::new(decoder);
    let mut head = vec![];
    decoder.by_ref().take(HEAD).read_to_end(&mut head)?;
    Ok(BufReader::with_capacity(HEAD as usize, Box::new(Cursor::new(head).chain(decoder))))
}

/// Bytes that the beginning of a roster holds.
const HEAD: u64 = 64 << 10;

fn by_extension(name: &str) -> Option<Format> {
    match Path::new(name).extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "xlsx" | "xlsm" => Some(Format::Xlsx),
        _ => None,
    }
}

fn by_content(text: &mut Text) -> std::io::Result<Format> {
    let start = text.fill_buf()?;
    Ok(match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Format::Json,
        Some(b'{') => Format::Jsonl,
        _ => Format::Csv,
    })
}

/// Whether nothing but white space is there. Takes none of it: lines are counted from the first.
fn skip_space(text: &mut Text) -> std::io::Result<bool> {
    Ok(text.fill_buf()?.iter().all(u8::is_ascii_whitespace))
}

/// What a file is that is no text, by how it begins.
fn no_text(text: &mut Text) -> std::io::Result<Option<&'static str>> {
    let start = text.fill_buf()?;
    Ok(match start {
        [b'P', b'K', 3, 4, ..] => Some("it is an Excel workbook, or another zip file"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("it is an old Excel workbook (.xls)"),
        [0x1f, 0x8b, ..] => Some("it is compressed"),
        start if start.contains(&0) => Some("it holds bytes that no text has"),
        _ => None,
    })
}

const SHAPE: &str = r#"a row is {"id": "…", "updates": {"title": "…"}}"#;

/// The record of a row's JSON text.
fn from_text(number: u64, place: Place, text: &[u8]) -> Result<Result<Record, Vec<Problem>>, serde_json::Error> {
    let (value, troubles) = strict(text)?;
    if troubles.is_empty() {
        return Ok(from_object(number, place, value).map_err(|problem| vec![problem]));
    }
    let problem = |Trouble { key, message }| {
        let place = if key.is_empty() { place.clone() } else { place.column(key) };
        Problem::new(place, message)
    };
    Ok(Err(troubles.into_iter().map(problem).collect()))
}

/// What a JSON error is told with, where it is one that scripts make.
fn json_hint(text: &[u8]) -> Option<&'static str> {
    let holds = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    (holds(b"NaN") || holds(b"Infinity"))
        .then_some("`NaN` and `Infinity` are no JSON: write null to clear a field, leave its key out to leave it alone")
}

/// A record of `{"id": …, "updates": {…}}`. Which columns name a user is the vendor's to say: what else stands beside
/// `updates` is told with its row.
fn from_object(number: u64, place: Place, value: Value) -> Result<Record, Problem> {
    let Value::Object(object) = value else {
        return Err(Problem::new(place, format!("the row must be an object, not {}", type_of(&value))).hint(SHAPE));
    };
    let mut columns = vec![];
    let mut updates = None;
    for (key, value) in object {
        match (key.as_str(), value) {
            ("updates", Value::Object(fields)) => updates = Some(fields),
            ("updates", other) => {
                let message = format!("must be an object, not {}", type_of(&other));
                return Err(Problem::new(place.column("updates"), message).hint(SHAPE));
            }
            (_, value) => columns.push((key, Raw::Json(value))),
        }
    }
    let Some(updates) = updates else {
        let odd = columns.iter().find(|(key, _)| !matches!(key.as_str(), "id" | "email"));
        return Err(match odd {
            Some((key, _)) => Problem::new(place.column(key), "does not belong beside `id` and `updates`")
                .hint(format!("{SHAPE}: put it inside `updates`")),
            None => Problem::new(place, "the row has no `updates`").hint(SHAPE),
        });
    };
    let beside = columns.len();
    columns.extend(updates.into_iter().map(|(key, value)| (key, Raw::Json(value))));
    Ok(Record { number, place, columns, beside })
}
