//! A sheet of an Excel workbook, its cells as a person sees them.
//!
//! A workbook is a zip file and has to be read whole: its size is bounded, packed and unpacked.

use super::Roster;
use calamine::{Data, ExcelDateTime, Reader, Xlsx};
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use paceline_core::desired::{Raw, Record};
use paceline_core::user::Place;
use paceline_core::validate::{Problem, nearest};
use std::io::{Cursor, Read};
use std::sync::Arc;

/// A workbook of Excel's 1,048,576 rows with ten columns is about this large.
const LONGEST: u64 = 256 << 20;
/// What it may unpack to: a small file that says more is a bomb.
const LONGEST_UNPACKED: u64 = 2 << 30;

pub(super) fn open(bytes: Box<dyn Read>, file: Arc<str>, sheet: Option<&str>) -> Result<Roster, String> {
    let mut packed = vec![];
    bytes.take(LONGEST + 1).read_to_end(&mut packed).map_err(|error| error.to_string())?;
    if packed.len() as u64 > LONGEST {
        return Err(format!("it is larger than {} MB", LONGEST >> 20));
    }
    if unpacked_size(&packed) > LONGEST_UNPACKED {
        return Err(format!("it unpacks to more than {} MB", LONGEST_UNPACKED >> 20));
    }
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(packed)).map_err(|error| error.to_string())?;
    let names = workbook.sheet_names();
    let name = match sheet {
        None => names.first().cloned().ok_or("it has no sheet")?,
        Some(wanted) => names.iter().find(|name| *name == wanted).cloned().ok_or_else(|| {
            let near = nearest(wanted, names.iter().map(String::as_str));
            let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
            format!("it has no sheet `{wanted}`{near}")
        })?,
    };
    let range = workbook.worksheet_range(&name).map_err(|error| error.to_string())?;
    let first_line = range.start().map_or(0, |(row, _)| u64::from(row)) + 1;
    let mut rows: Vec<Vec<Data>> = range.rows().map(<[Data]>::to_vec).collect();
    drop(workbook);
    let header: Vec<String> = if rows.is_empty() {
        vec![]
    } else {
        rows.remove(0).iter().map(|cell| text(cell).unwrap_or_default()).collect()
    };
    let mut header: Vec<String> = header.into_iter().map(|name| name.trim().to_owned()).collect();
    while header.last().is_some_and(String::is_empty) {
        header.pop();
    }
    let place = Place::line(&file, first_line);
    let names = header.clone();
    let records_file = Arc::clone(&file);
    let mut number = 0;
    let records = rows.into_iter().zip(first_line + 1..).filter_map(move |(cells, line)| {
        if cells.iter().all(|cell| text(cell).is_ok_and(|text| text.trim().is_empty())) {
            return None;
        }
        number += 1;
        Some(record(number, Place::line(&records_file, line), &names, &cells))
    });
    Ok(Roster { file, header: Some((header, place)), records: Box::new(records) })
}

fn record(number: u64, place: Place, header: &[String], cells: &[Data]) -> Result<Record, Problem> {
    let mut columns = vec![];
    for (at, cell) in cells.iter().enumerate() {
        let name = header.get(at);
        let blamed = || place.column(name.cloned().unwrap_or_else(|| format!("number {}", at + 1)));
        let text = text(cell).map_err(|error| {
            Problem::new(blamed(), format!("holds the error {error}")).hint("mend the formula, or paste the values")
        })?;
        match name.filter(|name| !name.is_empty()) {
            _ if text.trim().is_empty() => {}
            Some(name) => columns.push((name.clone(), Raw::Cell(text))),
            None => {
                return Err(
                    Problem::new(blamed(), "has a value and no name").hint("name it in the first row, or delete it")
                );
            }
        }
    }
    Ok(Record { number, place, columns })
}

/// A cell as a person sees it: whole numbers without a fraction, dates as `yyyy-mm-dd`.
fn text(cell: &Data) -> Result<String, String> {
    Ok(match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(moment) => day(moment).map_or_else(|| moment.as_f64().to_string(), |day| day.to_string()),
        Data::Error(error) => return Err(format!("{error:?}")),
    })
}

/// Excel counts days from the end of 1899 (and thinks that 1900 was a leap year: so from the 30th).
fn day(moment: &ExcelDateTime) -> Option<Date> {
    let days = moment.as_f64().floor();
    let counted = moment.is_datetime() && (61.0..3_000_000.0).contains(&days);
    counted.then(|| date(1899, 12, 30).checked_add((days as i64).days()).ok()).flatten()
}

/// The sizes that the zip's directory tells, without unpacking: PKWARE APPNOTE, section 4.3.12.
fn unpacked_size(packed: &[u8]) -> u64 {
    const ENTRY: &[u8] = b"PK\x01\x02";
    let size = |at: usize| {
        let bytes = packed.get(at + 24..at + 28)?;
        Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    packed.windows(4).enumerate().filter(|(_, window)| *window == ENTRY).filter_map(|(at, _)| size(at)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime as WrittenDate, Format, Workbook};

    fn rows(workbook: &mut Workbook, sheet: Option<&str>) -> Result<Vec<Result<Record, Problem>>, String> {
        let bytes = workbook.save_to_buffer().unwrap();
        open(Box::new(Cursor::new(bytes)), Arc::from("staff.xlsx"), sheet).map(|roster| roster.records.collect())
    }

    #[test]
    fn cells_are_read_as_a_person_sees_them() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (column, name) in
            ["id", "employerInfo.employeeId", "employerInfo.dateHire", "acdAutoAnswer", "title"].iter().enumerate()
        {
            sheet.write(0, column as u16, *name).unwrap();
        }
        sheet.write(2, 0, "u-1").unwrap();
        sheet.write(2, 1, 4711).unwrap();
        let hired = WrittenDate::from_ymd(2024, 2, 29).unwrap();
        sheet.write_with_format(2, 2, &hired, &Format::new().set_num_format("dd.mm.yyyy")).unwrap();
        sheet.write(2, 3, true).unwrap();
        let rows = rows(&mut workbook, None).unwrap();
        let record = rows[0].as_ref().unwrap();
        assert_eq!((record.number, record.place.line), (1, 3));
        let cells: Vec<(&str, &Raw)> = record.columns.iter().map(|(name, raw)| (name.as_str(), raw)).collect();
        let cell = |text: &str| Raw::Cell(text.into());
        assert_eq!(
            cells,
            [
                ("id", &cell("u-1")),
                ("employerInfo.employeeId", &cell("4711")),
                ("employerInfo.dateHire", &cell("2024-02-29")),
                ("acdAutoAnswer", &cell("true"))
            ]
        );
    }

    #[test]
    fn a_sheet_is_chosen_by_name_and_a_wrong_one_told_the_nearest() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().set_name("Notes").unwrap();
        let sheet = workbook.add_worksheet().set_name("Agents").unwrap();
        sheet.write(0, 0, "id").unwrap().write(1, 0, "u-1").unwrap();
        assert_eq!(rows(&mut workbook, Some("Agents")).unwrap().len(), 1);
        assert_eq!(rows(&mut workbook, Some("Agent")).unwrap_err(), "it has no sheet `Agent`: did you mean `Agents`?");
    }

    #[test]
    fn what_is_no_workbook_is_told_and_not_unpacked() {
        let no = open(Box::new(Cursor::new(b"id,title".to_vec())), Arc::from("x.xlsx"), None);
        assert!(no.is_err());
        let mut entry = b"PK\x01\x02".to_vec();
        entry.extend([0; 20]);
        entry.extend(u32::MAX.to_le_bytes());
        entry.extend([0; 20]);
        let bomb = open(Box::new(Cursor::new(entry)), Arc::from("x.xlsx"), None).err().unwrap_or_default();
        assert!(bomb.contains("unpacks to more than"), "{bomb}");
    }
}
