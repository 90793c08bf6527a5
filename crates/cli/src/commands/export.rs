//! `paceline export`: the tenant's users as a roster that `apply` reads back to "nothing to change".

use crate::args::{Common, ExportArgs};
use crate::commands::work;
use crate::error::Failure;
use crate::progress::Progress;
use crate::{printer, settings};
use paceline_core::validate::nearest;
use paceline_core::vendor::{User, Uses, Vendor};
use paceline_engine::{Caller, Interrupt};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
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
    out: Box<dyn Write>,
    /// A workbook is written whole, in the end.
    sheet: Vec<Vec<String>>,
}

/// Says how many users were written.
pub(crate) async fn run(common: &Common, args: &ExportArgs) -> Result<u64, Failure> {
    let profile = settings::profile(common)?;
    let credentials = settings::credentials(common, &profile)?;
    let whereabouts = settings::whereabouts(common, &profile, &credentials)?;
    let vendor = Arc::clone(&whereabouts.vendor);
    let settings = settings::engine(&args.sending, false, &profile, vendor.facts())?;
    let columns = columns(args, vendor.as_ref())?;
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
    let mut written = 0;
    let failed = |error: std::io::Error| {
        Failure::wrong(format!("the export cannot be written: {error}"), "check its path and the disk")
    };
    output.header(&columns).map_err(failed)?;
    let mut page: Option<String> = None;
    loop {
        let (users, next) = caller.everyone(args.state.as_deref(), &uses, &names, page.as_deref()).await?;
        for user in users.iter().filter(|user| wanted(args, vendor.as_ref(), user)) {
            output.write(vendor.as_ref(), user, &columns).map_err(failed)?;
            written += 1;
        }
        if next.is_none() {
            break;
        }
        page = next;
    }
    output.end().map_err(failed)?;
    Ok(written)
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
        return Ok(Output { format: Format::Csv, out: Box::new(BufWriter::new(printer::Stdout)), sheet: vec![] });
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
    let file = File::create(path).map_err(|error| {
        Failure::wrong(
            format!("the export `{}` cannot be written: {error}", path.display()),
            "check the directory and its rights",
        )
    })?;
    Ok(Output { format, out: Box::new(BufWriter::new(file)), sheet: vec![] })
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

/// Whether `text` fits `pattern`, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| fits(rest, &tail[at..]))
        }),
    }
}

impl Output {
    fn header(&mut self, columns: &[String]) -> std::io::Result<()> {
        let names = std::iter::once("id").chain(columns.iter().map(String::as_str));
        match self.format {
            Format::Csv => line(&mut self.out, names),
            Format::Jsonl => Ok(()),
            Format::Xlsx => {
                self.sheet.push(names.map(str::to_owned).collect());
                Ok(())
            }
        }
    }

    fn write(&mut self, vendor: &dyn Vendor, user: &User, columns: &[String]) -> std::io::Result<()> {
        let values = columns.iter().map(|column| (column.clone(), vendor.value(user, column)));
        if self.format == Format::Jsonl {
            let updates: Map<String, Value> = values.filter(|(_, value)| !value.is_null()).collect();
            return writeln!(self.out, "{}", json!({"id": user.id, "updates": updates}));
        }
        let id = std::iter::once(user.id.0.clone());
        let cells: Vec<String> = id.chain(values.map(|(_, value)| cell(&value))).collect();
        if self.format == Format::Csv {
            return line(&mut self.out, cells.iter().map(String::as_str));
        }
        self.sheet.push(cells);
        Ok(())
    }

    fn end(mut self) -> std::io::Result<()> {
        if self.format == Format::Xlsx {
            self.out.write_all(&workbook(&self.sheet).map_err(std::io::Error::other)?)?;
        }
        self.out.flush()
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

fn line<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> std::io::Result<()> {
    let mut csv = ::csv::Writer::from_writer(vec![]);
    csv.write_record(cells)?;
    let bytes = csv.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
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
        ];
        for (pattern, text, expected) in table {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
