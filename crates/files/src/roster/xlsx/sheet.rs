//! A sheet's rows, one at a time.
//!
//! calamine's reader of cells borrows the workbook, and a roster's rows outlive the function that opens it: so a thread owns
//! the workbook and hands its rows over. It also keeps what a damaged workbook does to its reader away from the process.

use super::package::Package;
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use paceline_core::desired::Raw;
use paceline_core::validate::{MOST_COLUMNS, is_blank, nearest, shown};
use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Rows that a sheet may have.
const MOST_ROWS: u32 = 1_048_576;
/// Characters that a cell may hold.
const LONGEST_CELL: usize = 32_767;
/// Bytes that the texts of one row may have.
const LONGEST_ROW: usize = 16 << 20;

/// A row: its number from 1, and its cells from the left, each with its column from 0. Empty cells are left out.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) cells: Vec<(u32, Raw)>,
}

/// What stopped the reading: why, and the last row that was read.
pub(super) struct Broken {
    pub(super) why: String,
    pub(super) after: u64,
}

type Told = Option<Result<Line, Broken>>;

/// Rows as they are read.
pub(super) struct Lines {
    rows: Receiver<Told>,
    after: u64,
    done: bool,
}

/// Begins to read a sheet, the first where none is named.
pub(super) fn lines(packed: Vec<u8>, sheet: Option<String>, package: Package) -> Result<Lines, String> {
    let (tell, rows) = sync_channel(256);
    let read = move || {
        let end = read(packed, sheet.as_deref(), &package, &tell);
        let _ = tell.send(end.err().map(Err));
    };
    std::thread::Builder::new().name("workbook".into()).spawn(read).map_err(|error| error.to_string())?;
    Ok(Lines { rows, after: 0, done: false })
}

impl Iterator for Lines {
    type Item = Result<Line, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let told = self.rows.recv().unwrap_or_else(|_| {
            Some(Err(Broken { why: "its reader cannot make sense of it: it may be damaged".into(), after: self.after }))
        });
        match &told {
            Some(Ok(line)) => self.after = line.number,
            Some(Err(_)) | None => self.done = true,
        }
        told
    }
}

fn read(packed: Vec<u8>, sheet: Option<&str>, package: &Package, tell: &SyncSender<Told>) -> Result<(), Broken> {
    let at_start = |why: String| Broken { why, after: 0 };
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(packed)).map_err(|error| at_start(told(&error)))?;
    let name = named(&workbook, sheet).map_err(at_start)?;
    // Programs that write formulas without computing them leave cells that look empty.
    let uncomputed =
        if package.formulas { uncomputed(&mut workbook, &name).map_err(at_start)? } else { HashSet::new() };
    let merged = if package.merges { merged(&mut workbook, &name).map_err(at_start)? } else { HashSet::new() };
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(|error| at_start(told(&error)))?;
    let general: Arc<str> = Arc::from("General");
    let formats: Vec<Arc<str>> = cells
        .styles()
        .iter()
        .map(|style| {
            style.number_format.as_ref().map_or(Arc::clone(&general), |format| Arc::from(&*format.format_code))
        })
        .collect();
    let mut line = Line { number: 0, cells: vec![] };
    let (mut length, mut header) = (0, None);
    loop {
        let broken = |why: String| Broken { why, after: line.number };
        let (cell, style) = match cells.next_cell_with_style_id() {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => return Err(broken(told(&error))),
        };
        let (row, column) = cell.get_position();
        let format = formats.get(style).unwrap_or(&general);
        let raw = match raw(cell.get_value(), format) {
            Raw::Cell(text) if is_text(cell.get_value()) && package.quoted.contains(&style) => Raw::Text(text),
            raw => raw,
        };
        let raw = match raw {
            Raw::Cell(text) if is_blank(&text) && uncomputed.contains(&(row, column)) => Raw::Wrong {
                message: "holds a formula that was never computed".into(),
                hint: "open the workbook in Excel and save it, or paste the values",
            },
            Raw::Cell(text) | Raw::Text(text) if is_blank(&text) => continue,
            // The header may stand over several columns; a value that stands over several rows is each row's to a person.
            _ if merged.contains(&(row, column)) && header.is_some_and(|header| row > header) => Raw::Wrong {
                message: "is merged with other cells, which hold nothing".into(),
                hint: "take the merging back and fill in each cell",
            },
            raw => raw,
        };
        header.get_or_insert(row);
        if row >= MOST_ROWS || column as usize >= MOST_COLUMNS {
            return Err(broken("it has a cell outside of what a sheet can have".into()));
        }
        let number = u64::from(row) + 1;
        if number != line.number {
            if number < line.number {
                return Err(broken("its rows are out of order".into()));
            }
            if hand_over(&mut line, tell).is_none() {
                return Ok(());
            }
            (line.number, length) = (number, 0);
        }
        length += if let Raw::Cell(text) | Raw::Text(text) = &raw { text.len() } else { 0 };
        if length > LONGEST_ROW || line.cells.len() >= MOST_COLUMNS {
            return Err(Broken { why: "a row is longer than 16 MB".into(), after: line.number });
        }
        line.cells.push((column, raw));
    }
    hand_over(&mut line, tell);
    Ok(())
}

/// `None` where nobody takes rows any more.
fn hand_over(line: &mut Line, tell: &SyncSender<Told>) -> Option<()> {
    let mut cells = std::mem::take(&mut line.cells);
    if cells.is_empty() {
        return Some(());
    }
    cells.sort_by_key(|(column, _)| *column);
    cells.dedup_by(|(column, _), (first, raw)| {
        let twice = column == first;
        if twice {
            *raw =
                Raw::Wrong { message: "is there twice in the row".into(), hint: "save the workbook again with Excel" };
        }
        twice
    });
    tell.send(Some(Ok(Line { number: line.number, cells }))).ok()
}

/// The sheet of that name; where none is named, the first that a person sees.
fn named(workbook: &Xlsx<Cursor<Vec<u8>>>, sheet: Option<&str>) -> Result<String, String> {
    let Some(wanted) = sheet else {
        let sheets = workbook.sheets_metadata();
        let shown = sheets.iter().find(|one| one.visible == SheetVisible::Visible && one.typ == SheetType::WorkSheet);
        return shown.map(|one| one.name.clone()).ok_or_else(|| "it has no sheet that is shown".into());
    };
    let names = workbook.sheet_names();
    match names.iter().find(|name| *name == wanted) {
        Some(name) => Ok(name.clone()),
        None => {
            let near = nearest(wanted, names.iter().map(String::as_str));
            let near = near.map(|near| format!(": did you mean `{}`?", shown(near))).unwrap_or_default();
            Err(format!("it has no sheet `{}`{near}", shown(wanted)))
        }
    }
}

fn told(error: &XlsxError) -> String {
    match error {
        XlsxError::CellError(text) => format!("a cell holds the error `{}`", shown(text)),
        other => shown(&other.to_string()),
    }
}

/// The cells that hold the value of a merged area.
fn merged(workbook: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> Result<HashSet<(u32, u32)>, String> {
    let areas = workbook.merge_cells_by_sheet_name(name).map_err(|error| told(&error))?;
    Ok(areas.into_iter().filter(|area| area.start != area.end).map(|area| area.start).collect())
}

/// Cells with a formula and no value.
fn uncomputed(workbook: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> Result<HashSet<(u32, u32)>, String> {
    const MOST: usize = 1_000_000;
    let mut found = HashSet::new();
    let mut cells = workbook.worksheet_cells_reader(name).map_err(|error| told(&error))?;
    // An error here is one in the other reading too, where its place is known.
    while let Ok(Some(cell)) = cells.next_cell_with_formula_metadata() {
        if cell.formula.is_some() && matches!(cell.value, DataRef::Empty) {
            found.insert(cell.pos);
            if found.len() > MOST {
                return Err("it has too many formulas that were never computed: save it with Excel".into());
            }
        }
    }
    Ok(found)
}

/// A cell as its field shall judge it.
fn raw(cell: &DataRef<'_>, format: &Arc<str>) -> Raw {
    let number = |value: f64| Raw::Number { value, format: Arc::clone(format) };
    match cell {
        DataRef::Empty => Raw::Cell(String::new()),
        DataRef::String(text) => plain(text),
        DataRef::SharedString(text) => plain(text),
        DataRef::DateTimeIso(text) => match text.split_once('T').unwrap_or((text, "")) {
            (day, _) if day.len() == 10 => Raw::Day { day: day.to_owned(), format: Arc::clone(format) },
            _ => plain(text),
        },
        DataRef::DurationIso(text) => plain(text),
        DataRef::Int(value) => number(*value as f64),
        DataRef::Float(value) => number(*value),
        DataRef::Bool(value) => Raw::Cell(value.to_string()),
        DataRef::DateTime(moment) => match day(moment) {
            Some(day) => Raw::Day { day, format: Arc::clone(format) },
            None if moment.is_duration() || moment.as_f64().abs() < 1.0 => Raw::Wrong {
                message: "holds a time of day".into(),
                hint: "format the cell as text and type the value again",
            },
            None => number(moment.as_f64()),
        },
        DataRef::Error(error) => Raw::Wrong {
            message: format!("holds the error {error}"),
            hint: "mend the formula, or paste the values; `<clear>` clears the field, an empty cell leaves it alone",
        },
    }
}

fn is_text(cell: &DataRef<'_>) -> bool {
    matches!(cell, DataRef::String(_) | DataRef::SharedString(_))
}

fn plain(text: &str) -> Raw {
    if text.chars().nth(LONGEST_CELL).is_some() {
        return Raw::Wrong {
            message: format!("holds more than {LONGEST_CELL} characters, the most that a cell can"),
            hint: "use a JSON roster for texts of this length",
        };
    }
    Raw::Cell(text.to_owned())
}

/// The day of a date. Excel counts from 1900 (with a 29 February that was none) or from 1904.
fn day(moment: &ExcelDateTime) -> Option<String> {
    let counted = moment.is_datetime() && (1.0..2_958_466.0).contains(&moment.as_f64());
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    (counted && (year, month) > (1900, 2)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}
