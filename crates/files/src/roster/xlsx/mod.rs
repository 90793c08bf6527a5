//! A sheet of an Excel workbook, its cells as a person sees them.
//!
//! A workbook is a zip file and has to be held whole: its size is bounded, packed and unpacked. Its rows are read one at a time.

mod package;
mod sheet;

use super::{Roster, Rows};
use paceline_core::desired::{Raw, Record};
use paceline_core::user::Place;
use paceline_core::validate::{MOST_COLUMNS, Problem, column_name};
use package::{Bounds, examine};
use sheet::{Broken, Line, lines};
use std::io::Read;
use std::sync::Arc;

/// A workbook of Excel's 1,048,576 rows with ten columns is about this large.
const LONGEST: u64 = 256 << 20;

pub(super) fn open(bytes: Box<dyn Read>, file: Arc<str>, sheet: Option<&str>) -> Result<Roster, String> {
    let mut packed = vec![];
    bytes.take(LONGEST + 1).read_to_end(&mut packed).map_err(|error| error.to_string())?;
    if packed.len() as u64 > LONGEST {
        return Err(format!("it is larger than {} MB", LONGEST >> 20));
    }
    if packed.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err("it is of the old kind (.xls), or has a password".into());
    }
    let package = examine(&packed, Bounds::default())?;
    let mut lines = lines(packed, sheet.map(str::to_owned), package)?;
    let (first_line, header) = match lines.next() {
        Some(Ok(line)) => (line.number, Header::of(&line)),
        Some(Err(Broken { why, .. })) => return Err(why),
        None => (1, Header { from: 0, names: vec![] }),
    };
    let place = Place::line(&file, first_line);
    let names = header.names.clone();
    let records_file = Arc::clone(&file);
    let mut number = 0;
    let records: Rows = Box::new(lines.map(move |line| match line {
        Ok(line) => {
            number += 1;
            let place = Place::line(&records_file, line.number);
            header.record(number, place, line).map_err(|problem| vec![problem])
        }
        Err(Broken { why, after }) => {
            let place = Place::line(&records_file, after + 1);
            Err(vec![Problem::new(place, format!("the workbook cannot be read on from here: {why}"))])
        }
    }));
    Ok(Roster { header: Some((names, place)), ..Roster::of(file, records) })
}

/// The names of the columns, from the first that has one.
struct Header {
    from: u32,
    names: Vec<String>,
}

impl Header {
    fn of(line: &Line) -> Self {
        let from = line.cells.first().map_or(0, |(column, _)| *column);
        let last = line.cells.last().map_or(0, |(column, _)| *column);
        let width = ((last - from) as usize + 1).min(MOST_COLUMNS);
        let mut names = vec![String::new(); width];
        for (column, raw) in &line.cells {
            if let Some(name) = names.get_mut((column - from) as usize) {
                *name = match raw {
                    Raw::Cell(text) | Raw::Text(text) => column_name(text),
                    Raw::Number { value, .. } => value.to_string(),
                    Raw::Day { day, .. } => day.clone(),
                    Raw::Wrong { .. } | Raw::Json(_) => String::new(),
                };
            }
        }
        Self { from, names }
    }

    fn record(&self, number: u64, place: Place, line: Line) -> Result<Record, Problem> {
        let mut columns = vec![];
        for (column, raw) in line.cells {
            let name = column.checked_sub(self.from).and_then(|at| self.names.get(at as usize));
            match name.filter(|name| !name.is_empty()) {
                Some(name) => columns.push((name.clone(), raw)),
                None => {
                    let place = place.column(format!("number {}", u64::from(column) + 1));
                    let hint = "name it in the first row, or delete it";
                    return Err(Problem::new(place, "has a value and no name").hint(hint));
                }
            }
        }
        Ok(Record { number, place, columns, beside: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime as WrittenDate, Format, Formula, Workbook};
    use std::io::{Cursor, Write as _};
    use zip::write::{SimpleFileOptions, ZipWriter};

    type Found = Result<Vec<Result<Record, Vec<Problem>>>, String>;

    fn rows(workbook: &mut Workbook, sheet: Option<&str>) -> Found {
        from_bytes(workbook.save_to_buffer().unwrap(), sheet)
    }

    fn from_bytes(bytes: Vec<u8>, sheet: Option<&str>) -> Found {
        open(Box::new(Cursor::new(bytes)), Arc::from("staff.xlsx"), sheet).map(|roster| roster.records.collect())
    }

    /// A workbook by hand: what Excel would not write.
    fn by_hand(sheet_data: &str, strings: &str) -> Vec<u8> {
        const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let sheet = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{sheet_data}</sheetData></worksheet>"#);
        let book = format!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#
        );
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        let relations = format!(
            r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
        );
        let root = format!(
            r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
        );
        let parts = [
            ("_rels/.rels", root.as_str()),
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", &relations),
            ("xl/worksheets/sheet1.xml", &sheet),
            ("xl/sharedStrings.xml", strings),
        ];
        let mut writer = ZipWriter::new(Cursor::new(vec![]));
        for (name, text) in parts {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const HEADER: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>title</t></is></c></row>"#;

    #[test]
    fn cells_are_read_with_what_a_person_sees_of_them() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (column, name) in
            ["id", "employerInfo.employeeId", "employerInfo.dateHire", "acdAutoAnswer", "title", "extension"]
                .iter()
                .enumerate()
        {
            sheet.write(0, column as u16, *name).unwrap();
        }
        sheet.write(2, 0, "u-1").unwrap();
        sheet.write_with_format(2, 1, 4711, &Format::new().set_num_format("000000")).unwrap();
        let hired = WrittenDate::from_ymd(2024, 2, 29).unwrap();
        sheet.write_with_format(2, 2, &hired, &Format::new().set_num_format("dd.mm.yyyy")).unwrap();
        sheet.write(2, 3, true).unwrap();
        sheet.write(2, 5, 2001).unwrap();
        let rows = rows(&mut workbook, None).unwrap();
        let record = rows[0].as_ref().unwrap();
        assert_eq!((record.number, record.place.line), (1, 3));
        let cells: Vec<(&str, &Raw)> = record.columns.iter().map(|(name, raw)| (name.as_str(), raw)).collect();
        let cell = |text: &str| Raw::Cell(text.into());
        let number = |value, format: &str| Raw::Number { value, format: Arc::from(format) };
        assert_eq!(
            cells,
            [
                ("id", &cell("u-1")),
                ("employerInfo.employeeId", &number(4711.0, "000000")),
                ("employerInfo.dateHire", &Raw::Day { day: "2024-02-29".into(), format: Arc::from("dd.mm.yyyy") }),
                ("acdAutoAnswer", &cell("true")),
                ("extension", &number(2001.0, "General")),
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
    fn a_hidden_sheet_is_not_read_unless_it_is_named() {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().set_name("Lists").unwrap().set_hidden(true).write(0, 0, "x").unwrap();
        let sheet = workbook.add_worksheet().set_name("Agents").unwrap();
        sheet.set_active(true).write(0, 0, "id").unwrap().write(1, 0, "u-1").unwrap();
        let found = rows(&mut workbook, None).unwrap();
        assert_eq!(found[0].as_ref().unwrap().columns[0], ("id".to_owned(), Raw::Cell("u-1".into())));
        assert_eq!(rows(&mut workbook, Some("Lists")).unwrap().len(), 0);
    }

    #[test]
    fn a_value_that_stands_over_several_rows_is_not_the_first_ones_alone() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "id").unwrap().write(0, 1, "title").unwrap();
        sheet.write(1, 0, "u-1").unwrap().write(2, 0, "u-2").unwrap();
        sheet.merge_range(1, 1, 2, 1, "Lead", &Format::new()).unwrap();
        sheet.merge_range(0, 1, 0, 2, "title", &Format::new()).unwrap();
        let found = rows(&mut workbook, None).unwrap();
        let (_, raw) = &found[0].as_ref().unwrap().columns[1];
        assert!(matches!(raw, Raw::Wrong { message, .. } if message.contains("merged")), "{raw:?}");
    }

    #[test]
    fn a_cell_without_a_value_is_told_by_its_place() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "id").unwrap().write(0, 1, "title").unwrap();
        sheet.write(1, 0, "u-1").unwrap().write(1, 1, Formula::new("NA()").set_result("#N/A")).unwrap();
        let found = rows(&mut workbook, None).unwrap();
        let (_, raw) = &found[0].as_ref().unwrap().columns[1];
        assert!(matches!(raw, Raw::Wrong { message, .. } if message == "holds the error #N/A"), "{raw:?}");
        // openpyxl writes formulas without their values.
        let uncomputed =
            r#"<row r="2"><c r="A2" t="inlineStr"><is><t>u-1</t></is></c><c r="B2"><f>A1</f><v></v></c></row>"#;
        let found = from_bytes(by_hand(&format!("{HEADER}{uncomputed}"), "<sst/>"), None).unwrap();
        let (_, raw) = &found[0].as_ref().unwrap().columns[1];
        assert!(matches!(raw, Raw::Wrong { message, .. } if message.contains("never computed")), "{raw:?}");
    }

    #[test]
    fn cells_far_apart_cost_no_memory() {
        let far = r#"<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>"#;
        let found = from_bytes(by_hand(&format!("{HEADER}{far}"), "<sst/>"), None).unwrap();
        let problem = &found[0].as_ref().unwrap_err()[0];
        assert_eq!(problem.to_string(), "staff.xlsx:1048576: column `number 16384`: has a value and no name");
    }

    #[test]
    fn a_workbook_that_lies_or_is_damaged_is_an_error_and_no_crash() {
        let cell = |reference: &str| format!(r#"<row r="2"><c r="{reference}"><v>1</v></c></row>"#);
        for (sheet, strings) in [
            (String::new(), r#"<sst uniqueCount="9223372036854775808"/>"#),
            (String::new(), r#"<sst uniqueCount="4294967296"><si><t>a</t></si></sst>"#),
            (format!("{HEADER}{}", cell("ZZZZZZZZZZZZZZ2")), "<sst/>"),
            (format!("{HEADER}{}", cell("A99999999999999999999")), "<sst/>"),
            (format!("{HEADER}{}", cell("A3000000")), "<sst/>"),
            (format!("{HEADER}{}", r#"<row r="2"><c r="A2" t="s"><v>7</v></c></row>"#), "<sst/>"),
            (format!("{HEADER}{}{}", cell("A3"), cell("A2")), "<sst/>"),
            (format!("{HEADER}<row r=\"2\"><c r=\"A2\" t=\"e\"><v>#SPILL!</v></c></row>"), "<sst/>"),
            (format!("{HEADER}<row r=\"2\"><c r=\"A2\""), "<sst/>"),
        ] {
            let found = from_bytes(by_hand(&sheet, strings), None);
            assert!(
                found.as_ref().is_err() || found.as_ref().is_ok_and(|rows| rows.iter().any(Result::is_err)),
                "{sheet} {strings} {found:?}"
            );
        }
        assert!(from_bytes(b"id,title".to_vec(), None).is_err());
        let right = r#"<row r="2"><c r="A2" t="inlineStr"><is><t>u-1</t></is></c></row>"#;
        let found = from_bytes(by_hand(&format!("{HEADER}{right}"), "<sst/>"), None).unwrap();
        assert!(found[0].is_ok(), "what the others differ from is right: {found:?}");
    }

    #[test]
    fn no_damage_ends_the_process() {
        let row = r#"<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" s="1"><f t="shared" si="0" ref="B2:B3">A1</f><v>7</v></c></row>"#;
        let sheet = format!("{HEADER}{row}");
        let strings = r#"<sst uniqueCount="1"><si><t>u-1</t></si></sst>"#;
        let mut random = fastrand::Rng::with_seed(7);
        let mut damaged = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..random.usize(..4) {
                let at = random.usize(..bytes.len());
                match random.u8(..4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = random.u8(..),
                    2 => bytes.splice(at..at, *b"9999999999").for_each(drop),
                    _ => bytes[at] = b"09AZaz<>/\"=-"[random.usize(..12)],
                }
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let mut right = 0;
        for _ in 0..600 {
            let found = from_bytes(by_hand(&damaged(&sheet), &damaged(strings)), None);
            right += usize::from(found.is_ok_and(|rows| !rows.is_empty()));
        }
        assert!(right > 50, "damage goes beyond the door: {right}");
    }

    #[test]
    fn a_formula_shared_by_a_lying_index_costs_no_memory() {
        let shared = r#"<row r="2"><c r="A2"><f t="shared" si="4294967295" ref="A2:A3">B1</f><v>7</v></c></row>"#;
        let found = from_bytes(by_hand(&format!("{HEADER}{shared}"), "<sst/>"), None).unwrap();
        assert!(found[0].is_ok());
    }

    #[test]
    fn a_workbook_that_counts_from_1904_means_the_same_days() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "id").unwrap();
        let iso = Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_with_format(1, 0, 43_889, &iso).unwrap();
        let read = |bytes| from_bytes(bytes, None).unwrap()[0].as_ref().unwrap().columns[0].1.clone();
        let bytes = workbook.save_to_buffer().unwrap();
        assert!(matches!(read(bytes.clone()), Raw::Day { day, .. } if day == "2020-02-28"));
        // The same number of days, counted from 1904.
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut writer = ZipWriter::new(Cursor::new(vec![]));
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).unwrap();
            let name = entry.name().unwrap().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let text = text.replace("<workbookPr ", r#"<workbookPr date1904="1" "#);
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        assert!(matches!(read(bytes), Raw::Day { day, .. } if day == "2024-02-29"));
    }
}
