//! `paceline export`: the tenant's users as a roster that `apply` reads back to "nothing to change".

use crate::args::{Common, ExportArgs};
use crate::commands::work;
use crate::error::Failure;
use crate::exit::Exit;
use crate::formula::neutralise;
use crate::partial::Partial;
use crate::progress::Progress;
use crate::{printer, settings};
use paceline_core::validate::nearest;
use paceline_core::vendor::{User, Uses, Vendor};
use paceline_engine::{Caller, Everyone, Interrupt, Listed};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Jsonl,
    Xlsx,
}

/// Where users are written, a row each.
struct Output {
    format: Format,
    to: To,
    /// A workbook is written whole, in the end.
    sheet: Vec<Vec<String>>,
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
            writing = writing.and_then(|()| output.write(vendor.as_ref(), user, &columns));
            told.written += 1;
        }
        if writing.is_err() {
            break;
        }
    }
    let written = writing.and_then(|()| output.end());
    printer::bear_gone(written).map_err(failed)?;
    Ok(told.exit())
}

/// What is told of an export besides the file.
#[derive(Default)]
struct Told {
    written: u64,
    unread: u64,
    broken_off: bool,
}

/// Users that could not be read that are told one by one; more are counted.
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

    fn exit(&self) -> Exit {
        let unread = match self.unread {
            0 => String::new(),
            count => format!("; {count} could not be read"),
        };
        printer::stderr(&format!("Exported {} users{unread}", self.written));
        if self.unread > 0 || self.broken_off { Exit::SomeFailed } else { Exit::Done }
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
        return Ok(Output { format: Format::Csv, to, sheet: vec![] });
    };
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Format::Csv,
        Some("jsonl") => Format::Jsonl,
        Some("xlsx") => Format::Xlsx,
        _ => {
            let message = format!("the export `{}` has no known format", path.display());
            return Err(Failure::wrong(message, "end its name in .csv, .jsonl or .xlsx"));
        }
    };
    let file = Partial::create(path).map_err(|error| {
        Failure::wrong(
            format!("the export `{}` cannot be written: {error}", path.display()),
            "check the directory and its rights",
        )
    })?;
    Ok(Output { format, to: To::File(BufWriter::new(file)), sheet: vec![] })
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
        let names = std::iter::once("id").chain(columns.iter().map(String::as_str));
        match self.format {
            Format::Csv => line(self.out(), names),
            Format::Jsonl => Ok(()),
            Format::Xlsx => {
                self.sheet.push(names.map(str::to_owned).collect());
                Ok(())
            }
        }
    }

    fn write(&mut self, vendor: &dyn Vendor, user: &User, columns: &[String]) -> io::Result<()> {
        let values = columns.iter().map(|column| (column.clone(), vendor.value(user, column)));
        if self.format == Format::Jsonl {
            let updates: Map<String, Value> = values.filter(|(_, value)| !value.is_null()).collect();
            return writeln!(self.out(), "{}", json!({"id": user.id, "updates": updates}));
        }
        let id = std::iter::once(user.id.0.clone());
        let cells: Vec<String> = id.chain(values.map(|(_, value)| cell(&value))).collect();
        if self.format == Format::Csv {
            return line(self.out(), cells.iter().map(String::as_str));
        }
        self.sheet.push(cells);
        Ok(())
    }

    /// It is whole: a file takes its place.
    fn end(mut self) -> io::Result<()> {
        if self.format == Format::Xlsx {
            let workbook = workbook(&self.sheet).map_err(io::Error::other)?;
            self.out().write_all(&workbook)?;
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

/// A line of cells, none of them a formula. `apply` reads them back as they were.
fn line<'a>(out: &mut dyn Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let mut csv = ::csv::Writer::from_writer(vec![]);
    csv.write_record(cells.map(|cell| neutralise(cell).into_owned()))?;
    let bytes = csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    out.write_all(&bytes)
}

/// A value as a cell that reads back as the same.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.get("proficiency").is_some()) => {
            let one = |item: &Value| match item.as_str() {
                Some(text) => text.to_owned(),
                None => format!("{}:{}", item["name"].as_str().unwrap_or_default(), item["proficiency"]),
            };
            items.iter().map(one).collect::<Vec<_>>().join(";")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
