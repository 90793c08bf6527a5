//! `paceline export`: the tenant's users as a roster that `apply` reads back to "nothing to change".

use crate::args::{Common, ExportArgs};
use crate::commands::work;
use crate::error::Failure;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::{printer, settings};
use paceline_core::validate::{nearest, runs};
use paceline_core::vendor::{User, Uses, Vendor};
use paceline_engine::{Caller, Everyone, Interrupt, Listed};
use paceline_files::{Partial, neutralise};
use serde_json::{Map, json};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Jsonl,
    Xlsx,
}

/// Where users are written, a row each.
struct Output {
    format: Format,
    to: To,
    /// A workbook is written whole, in the end.
    sheet: Vec<Vec<String>>,
    written: u64,
}

enum To {
    Stdout(BufWriter<Box<dyn Write>>),
    File(BufWriter<Partial>),
}

/// What `--state` takes.
const STATES: &[&str] = &["active", "inactive", "deleted", "any"];

pub(crate) async fn run(common: &Common, args: &ExportArgs) -> Result<Exit, Failure> {
    let profile = settings::profile(common)?;
    let credentials = settings::credentials(common, &profile)?;
    let whereabouts = settings::whereabouts(common, &profile, &credentials)?;
    let vendor = Arc::clone(&whereabouts.vendor);
    let settings = settings::engine(&args.sending, false, &profile, vendor.facts())?;
    let columns = columns(args, vendor.as_ref())?;
    if let Some(state) = args.state.as_deref().filter(|state| !STATES.contains(state)) {
        let hint = format!("--state takes one of {}", STATES.join(", "));
        return Err(Failure::wrong(format!("users have no state `{state}`"), hint));
    }
    let filters = [("division", &args.division), ("department", &args.department), ("email", &args.email)];
    let asked = || filters.iter().filter(|(_, wanted)| wanted.is_some()).map(|(column, _)| *column);
    if let Some(column) = asked().find(|column| vendor.facts().table.field(column).is_none()) {
        let message = format!("{} has no `{column}` to choose users by", vendor.facts().title);
        return Err(Failure::wrong(message, format!("leave --{column} out")));
    }
    let mut output = output(args.output.as_deref())?;
    let connection = work::connect(whereabouts, &credentials, settings.timeout).await?;
    let progress = Arc::new(Progress::new(0, 0, false));
    let tools = work::tools(&connection, credentials, settings.max_concurrent, Interrupt::new(), progress)?;
    let mut caller = Caller::new(tools, settings);
    // The filters look at columns that need not be written.
    let mut read: BTreeSet<String> = columns.iter().cloned().collect();
    read.extend(asked().map(str::to_owned));
    // What is read is told by ids and names already: as for an undo, hardly a list is needed.
    let uses = Uses { columns: read, undo: true, ..Uses::default() };
    let names = caller.names(&uses).await?;
    let mut everyone = Everyone::new(caller, args.state.clone(), uses, names);
    let mut told = Told::default();
    let failed = |error: io::Error| {
        Failure::wrong(format!("the export cannot be written: {error}"), "check its path and the disk")
    };
    let mut writing = output.header(&columns);
    while let Some(listed) = everyone.next().await? {
        told.unread(&listed);
        for user in listed.users.iter().filter(|user| wanted(args, vendor.as_ref(), user)) {
            writing = writing.and_then(|()| output.write(vendor.as_ref(), user, &columns)).map(|unheld| {
                unheld.into_iter().for_each(|column| told.unheld(user, column, output.format));
            });
        }
        if writing.is_err() {
            break;
        }
    }
    let written_users = output.written;
    let written = writing.and_then(|()| output.end());
    printer::bear_gone(written).map_err(failed)?;
    Ok(told.exit(written_users))
}

/// What is told of an export besides the file.
#[derive(Default)]
struct Told {
    unread: u64,
    unheld: u64,
    broken_off: bool,
}

/// Users and values that are missing that are told one by one; more are counted.
const SHOWN: u64 = 100;

impl Told {
    fn unread(&mut self, listed: &Listed) {
        for (id, refusal) in &listed.unread {
            self.unread += 1;
            if self.unread <= SHOWN {
                printer::warning(&format!("user {id} could not be read and is not in the export: {}", refusal.line()));
            }
        }
        if let Some(why) = listed.broken_off {
            self.broken_off = true;
            printer::warning(&format!("{why}: users may be missing from the export"));
        }
    }

    /// A value that `apply` would read back as another one: nothing stands for it, and leaves it alone.
    fn unheld(&mut self, user: &User, column: &str, format: Format) {
        self.unheld += 1;
        if self.unheld <= SHOWN {
            let way_out = match format {
                Format::Csv | Format::Xlsx => ": an export to .jsonl may hold it",
                Format::Json | Format::Jsonl => ", which holds what cannot be seen",
            };
            let user = &user.id.0;
            printer::warning(&format!("user {user}: the export cannot hold the value of `{column}`{way_out}"));
        }
    }

    fn exit(&self, written: u64) -> Exit {
        let counted = |count: u64, what: &str| if count == 0 { String::new() } else { format!("; {count} {what}") };
        let unread = counted(self.unread, "could not be read");
        let unheld =
            counted(self.unheld, if self.unheld == 1 { "value could not be held" } else { "values could not be held" });
        printer::stderr(&format!("Exported {written} users{unread}{unheld}"));
        if self.unread > 0 || self.unheld > 0 || self.broken_off { Exit::SomeFailed } else { Exit::Done }
    }
}

fn columns(args: &ExportArgs, vendor: &dyn Vendor) -> Result<Vec<String>, Failure> {
    let table = &vendor.facts().table;
    let Some(asked) = &args.columns else {
        return Ok(vendor.facts().export_columns.iter().map(|column| (*column).to_owned()).collect());
    };
    let known = |name: &str| table.field(name).is_some() && !name.ends_with(['+', '-']) && name != "queues";
    let asked = asked.iter().map(|name| table.unaliased(name.trim()).to_owned()).filter(|name| name != "id");
    asked
        .map(|name| {
            if known(&name) {
                return Ok(name);
            }
            let names = table.fields.iter().map(|field| field.name).filter(|name| known(name));
            let hint = nearest(&name, names)
                .map_or("`paceline check` lists the fields".into(), |near| format!("did you mean `{near}`?"));
            Err(Failure::wrong(format!("column `{name}` cannot be exported"), hint))
        })
        .collect()
}

fn output(path: Option<&Path>) -> Result<Output, Failure> {
    let Some(path) = path else {
        let to = To::Stdout(BufWriter::new(printer::long_stdout()));
        return Ok(Output { format: Format::Csv, to, sheet: vec![], written: 0 });
    };
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Format::Csv,
        Some("json") => Format::Json,
        Some("jsonl") => Format::Jsonl,
        Some("xlsx") => Format::Xlsx,
        _ => {
            let message = format!("the export `{}` has no known format", path.display());
            return Err(Failure::wrong(message, "end its name in .csv, .json, .jsonl or .xlsx"));
        }
    };
    let file = Partial::create(path).map_err(|error| {
        Failure::wrong(
            format!("the export `{}` cannot be written: {error}", path.display()),
            "check the directory and its rights",
        )
    })?;
    Ok(Output { format, to: To::File(BufWriter::new(file)), sheet: vec![], written: 0 })
}

fn wanted(args: &ExportArgs, vendor: &dyn Vendor, user: &User) -> bool {
    let is = |column: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| {
            vendor.value(user, column).as_str().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
        })
    };
    let email = vendor.value(user, "email");
    let fits_email = args
        .email
        .as_ref()
        .is_none_or(|pattern| fits(&pattern.to_lowercase(), &email.as_str().unwrap_or_default().to_lowercase()));
    is("division", &args.division) && is("department", &args.department) && fits_email
}

/// Whether `text` fits `pattern`, in which `*` stands for anything. Each piece is looked for once, where it comes first.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let tail = text.strip_prefix(start).and_then(|text| text.strip_suffix(end));
    let pieces = middle.split('*').filter(|piece| !piece.is_empty());
    pieces.fold(tail, |tail, piece| Some(tail?.split_once(piece)?.1)).is_some()
}

impl Output {
    fn out(&mut self) -> &mut dyn Write {
        match &mut self.to {
            To::Stdout(out) => out,
            To::File(out) => out,
        }
    }

    fn header(&mut self, columns: &[String]) -> io::Result<()> {
        let names =
            std::iter::once("id").chain(columns.iter().map(String::as_str)).map(str::to_owned).collect::<Vec<_>>();
        match self.format {
            Format::Csv => line(self.out(), &names),
            Format::Json => write!(self.out(), "["),
            Format::Jsonl => Ok(()),
            Format::Xlsx => {
                self.sheet.push(names);
                Ok(())
            }
        }
    }

    /// Writes a user; tells the columns whose values the format cannot hold.
    fn write<'a>(&mut self, vendor: &dyn Vendor, user: &User, columns: &'a [String]) -> io::Result<Vec<&'a str>> {
        let table = &vendor.facts().table;
        let values = columns.iter().map(|column| (column.as_str(), vendor.value(user, column)));
        let first = self.written == 0;
        self.written += 1;
        let mut unheld = vec![];
        if let Format::Json | Format::Jsonl = self.format {
            let mut updates = Map::new();
            for (column, value) in values.filter(|(_, value)| !value.is_null()) {
                if table.keeps(column, &value) {
                    updates.insert(column.to_owned(), value);
                } else {
                    unheld.push(column);
                }
            }
            let row = json!({"id": user.id, "updates": updates});
            match self.format {
                Format::Json => write!(self.out(), "{}\n{row}", if first { "" } else { "," })?,
                _ => writeln!(self.out(), "{row}")?,
            }
            return Ok(unheld);
        }
        let fits = if self.format == Format::Csv { |cell: &str| !runs(cell) } else { fits_a_sheet };
        let id = if self.format == Format::Csv { neutralise(&user.id.0).into_owned() } else { user.id.0.clone() };
        let mut cells = vec![id];
        for (column, value) in values {
            cells.push(table.cell(column, &value, fits).unwrap_or_else(|| {
                unheld.push(column);
                String::new()
            }));
        }
        if self.format == Format::Csv {
            line(self.out(), &cells)?;
        } else {
            self.sheet.push(cells);
        }
        Ok(unheld)
    }

    /// It is whole: a file takes its place.
    fn end(mut self) -> io::Result<()> {
        if self.format == Format::Xlsx {
            let workbook = workbook(&self.sheet).map_err(io::Error::other)?;
            self.out().write_all(&workbook)?;
        } else if self.format == Format::Json {
            self.out().write_all(b"\n]\n")?;
        }
        self.out().flush()?;
        match self.to {
            To::Stdout(_) => Ok(()),
            To::File(out) => out.into_inner().map_err(io::IntoInnerError::into_error)?.finish(),
        }
    }
}

/// All cells as text: Excel would take an id for a number, and a number for a date.
fn workbook(rows: &[Vec<String>]) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0u32..).zip(rows) {
        for (column, text) in (0u16..).zip(cells).filter(|(_, text)| !text.is_empty()) {
            sheet.write_string(row, column, text)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    workbook.save_to_buffer()
}

/// Whether a workbook's cell can hold the text: Excel counts UTF-16, and the writer takes `<r>…</r>` for its own XML.
fn fits_a_sheet(cell: &str) -> bool {
    const LONGEST: usize = 32_767;
    cell.encode_utf16().count() <= LONGEST && !(cell.starts_with("<r>") && cell.ends_with("</r>"))
}

fn line(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    let mut csv = ::csv::Writer::from_writer(vec![]);
    csv.write_record(cells)?;
    let bytes = csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    out.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::user::UserId;
    use paceline_core::validate::Rules;
    use paceline_files::roster::{self, Reading};
    use proptest::prelude::*;
    use serde_json::Value;

    /// What `apply` reads of an export of users with these values.
    fn read_back(name: &str, columns: &[&str], users: &[Value]) -> (Vec<Map<String, Value>>, usize) {
        let genesys = paceline_vendors::by_name("genesys", None).unwrap();
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut output = output(Some(&path)).unwrap();
        output.header(&columns).unwrap();
        let mut unheld = 0;
        for (at, record) in users.iter().enumerate() {
            let user = User { id: UserId(format!("u{at}")), version: None, record: record.clone() };
            unheld += output.write(genesys.as_ref(), &user, &columns).unwrap().len();
        }
        output.end().unwrap();
        let roster = roster::open(path.to_str().unwrap(), &Reading::default()).unwrap();
        let rows =
            roster.records.map(|record| genesys.facts().table.row(record.unwrap(), Rules::Table).unwrap().fields);
        (rows.collect(), unheld)
    }

    const NAMES: [&str; 4] = ["all.csv", "all.json", "all.jsonl", "all.xlsx"];

    #[test]
    fn what_no_cell_can_hold_is_left_out_and_told_and_json_holds_it() {
        let users = [json!({"title": "x".repeat(32_768)}), json!({"title": "<r>&</r>"}), json!({"title": "Lead"})];
        for (name, unheld) in NAMES.into_iter().zip([0, 0, 0, 2]) {
            let (rows, left_out) = read_back(name, &["title"], &users);
            assert_eq!((rows.len(), left_out), (3, unheld), "{name}");
            assert_eq!(rows[2]["title"], "Lead", "{name}");
            assert_eq!(rows[0].get("title").is_none(), unheld > 0, "{name}: an empty cell leaves the field alone");
        }
        let users = [json!({"employerInfo": {"employeeId": "4711\u{200b}"}})];
        for name in NAMES {
            assert_eq!(read_back(name, &["employerInfo.employeeId"], &users), (vec![Map::new()], 1), "{name}");
        }
    }

    /// Texts of all kinds that are easily written or read as others.
    fn text() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "=", "+", "@x", "-", "#N/A", "nan", "4711.0", "1.23E+12", "00123", "<clear>", "TRUE", "'", "''", ";", ":",
            ",", "[", "\"", "\t", "\r", "\r\n", "\n", " ", "\u{a0}", "\u{200b}", "\u{feff}", "e\u{301}", "\u{2028}",
            "\u{85}", "\u{1b}", "\u{7f}", "_x000D_", "_x005F_", "&amp;", "<r>", "\\n", "\u{fffe}", "a",
        ]);
        let pieces = proptest::collection::vec(odd, 1..6).prop_map(|parts| parts.concat());
        prop_oneof![pieces, "[^\\x00]{1,16}"].prop_filter("the writer's own XML", |text| !text.starts_with("<r>"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_text_of_an_export_is_read_back_as_it_is(texts in proptest::collection::vec((text(), text(), text()), 1..12)) {
            let user = |(title, one, other): &(String, String, String)| json!({"title": title, "profileSkills": [one, other]});
            let users: Vec<Value> = texts.iter().map(user).collect();
            for name in NAMES {
                let (rows, unheld) = read_back(name, &["title", "profileSkills"], &users);
                let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
                prop_assert_eq!((&rows, unheld), (&users, 0), "{}", name);
            }
        }
    }

    #[test]
    fn patterns_fit_with_stars_for_anything() {
        let table = [
            ("*@x.org", "a@x.org", true),
            ("a*", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c", "ab", false),
            ("ab", "ab", true),
            ("*", "", true),
            ("**", "x", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*b*", "ab", false),
            ("*b*b*", "bäb", true),
            ("ä*é", "äxé", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        // Each star more took twice as long.
        assert!(!fits(&"*a".repeat(2_000), &"ab".repeat(1_999)));
    }
}
