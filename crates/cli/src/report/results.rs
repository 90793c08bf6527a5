//! The results file: one line a row, in roster order.

use crate::error::Failure;
use crate::printer::visible;
use crate::report::html;
use paceline_files::{Partial, harmless, neutralise};
use paceline_journal::{Journal, RowRecord};
use serde_json::json;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A results file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Jsonl,
    Json,
    Html,
}

/// A results file, opened before anything is sent, so that an unwritable path is found in time. It takes its place only
/// when it is whole.
#[derive(Debug)]
pub(crate) struct Results {
    file: Partial,
    format: Format,
}

/// Rows read from the journal at once.
const PAGE: u32 = 1_000;

impl Results {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let format =
            match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
                Some("csv") => Format::Csv,
                Some("jsonl" | "ndjson") => Format::Jsonl,
                Some("json") => Format::Json,
                Some("html" | "htm") => Format::Html,
                _ => {
                    let hint = "end its name in .csv, .jsonl, .json or .html";
                    return Err(Failure::wrong(format!("the results file `{shown}` has no known format"), hint));
                }
            };
        let file = Partial::create(path).map_err(|error| {
            Failure::wrong(
                format!("the results file `{shown}` cannot be written: {error}"),
                "check the directory and its rights",
            )
        })?;
        Ok(Self { file, format })
    }

    /// The files that are asked for: each row's outcome, and the page for people.
    pub(crate) fn open_all(results: Option<&Path>, report: Option<&Path>) -> Result<Vec<Self>, Failure> {
        if results.is_some() && results == report {
            return Err(Failure::wrong("the results and the report are one file", "give each a name of its own"));
        }
        let mut files = vec![];
        for path in [results, report].into_iter().flatten() {
            files.push(Self::open(path)?);
        }
        Ok(files)
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Writes all rows of a run.
    pub(crate) fn write(mut self, journal: &mut dyn Journal) -> Result<(), Failure> {
        let path = self.path().display().to_string();
        let unwritable = |error: std::io::Error| {
            Failure::wrong(
                format!("the results file `{path}` cannot be written: {error}"),
                "nothing is lost: `paceline report RUN --output FILE` writes it again",
            )
        };
        let mut out = BufWriter::new(&mut self.file);
        // Of a damaged journal, what could be read is kept, and the damage told.
        let damage = match rows(&mut out, self.format, journal) {
            Ok(written) => {
                written.map_err(unwritable)?;
                Ok(())
            }
            Err(error) => Err(error),
        };
        out.flush().map_err(unwritable)?;
        drop(out);
        self.file.finish().map_err(unwritable)?;
        Ok(damage?)
    }

    /// Takes it back: nothing was done that it could tell of.
    pub(crate) fn discard(self) {
        drop(self);
    }
}

type Written = Result<std::io::Result<()>, paceline_journal::Error>;

/// Writes all rows of a run, in roster order.
pub(crate) fn rows(out: &mut dyn Write, format: Format, journal: &mut dyn Journal) -> Written {
    let mut csv = ::csv::Writer::from_writer(vec![]);
    let mut buffer = vec![];
    let mut after = 0;
    let mut first = true;
    match format {
        Format::Csv => {
            buffer.extend_from_slice(b"row,user,outcome,status,code,message,attempts,correlation_id,changed\n")
        }
        Format::Json => buffer.extend_from_slice(b"["),
        Format::Html => buffer.extend_from_slice(html::head(journal)?.as_bytes()),
        Format::Jsonl => {}
    }
    let mut damage = Damage::default();
    loop {
        let page = match journal.rows(after, damage.page(), false) {
            Ok(page) => page,
            Err(error) => {
                // What lies behind the damaged stretch may still be readable.
                after = damage.skip(after, error)?;
                continue;
            }
        };
        for record in &page {
            after = record.row.number;
            match format {
                Format::Csv => {
                    let written = csv.write_record(cells(record).map(for_sheet)).and_then(|()| Ok(csv.flush()?));
                    if let Err(error) = written {
                        return Ok(Err(std::io::Error::other(error)));
                    }
                }
                Format::Json => {
                    buffer.extend_from_slice(if first { b"\n" } else { b",\n" });
                    buffer.extend_from_slice(object(record).as_bytes());
                }
                Format::Jsonl => buffer.extend_from_slice(format!("{}\n", object(record)).as_bytes()),
                Format::Html => buffer.extend_from_slice(html::row(record, &cells(record)).as_bytes()),
            }
            first = false;
        }
        let lines = std::mem::replace(&mut csv, ::csv::Writer::from_writer(vec![])).into_inner().unwrap_or_default();
        buffer.extend_from_slice(&lines);
        if let Err(error) = out.write_all(&buffer) {
            return Ok(Err(error));
        }
        buffer.clear();
        if page.len() < damage.page() as usize {
            break;
        }
    }
    if let Some(error) = damage.told() {
        let _ = out.flush();
        return Err(error);
    }
    Ok(match format {
        Format::Json => out.write_all(b"\n]\n"),
        Format::Html => out.write_all(html::TAIL.as_bytes()),
        Format::Csv | Format::Jsonl => Ok(()),
    })
}

/// A stretch of a journal that cannot be read.
#[derive(Default)]
struct Damage {
    skipped: u32,
    first: Option<paceline_journal::Error>,
}

impl Damage {
    /// Rows read at once near the damage, so that few of its neighbours are lost.
    const STEP: u32 = 10;
    const MOST: u32 = 1_000;

    fn page(&self) -> u32 {
        if self.first.is_some() { Self::STEP } else { PAGE }
    }

    fn skip(&mut self, after: u64, error: paceline_journal::Error) -> Result<u64, paceline_journal::Error> {
        self.skipped += 1;
        if self.skipped > Self::MOST || !matches!(error, paceline_journal::Error::Corrupt { .. }) {
            return Err(self.first.take().unwrap_or(error));
        }
        // The first time only the page gets smaller.
        let again = self.first.is_none();
        self.first.get_or_insert(error);
        Ok(if again { after } else { after + u64::from(Self::STEP) })
    }

    fn told(self) -> Option<paceline_journal::Error> {
        self.first
    }
}

fn cells(record: &RowRecord) -> [String; 9] {
    let refusal = &record.refusal;
    [
        record.row.number.to_string(),
        record.row.key.value.clone(),
        record.outcome.as_str().into(),
        refusal.status.map(|status| status.to_string()).unwrap_or_default(),
        refusal.code.clone().unwrap_or_default(),
        refusal.message.clone().unwrap_or_default(),
        record.attempts.to_string(),
        refusal.correlation_id.clone().unwrap_or_default(),
        record.changed.join(";"),
    ]
}

/// A cell that is one line, and no formula, whatever a vendor says.
fn for_sheet(cell: String) -> String {
    neutralise(&visible(&cell)).into_owned()
}

fn object(record: &RowRecord) -> String {
    let refusal = &record.refusal;
    let object = json!({
        "row": record.row.number, "user": record.row.key.value, "outcome": record.outcome, "status": refusal.status,
        "code": refusal.code, "message": refusal.message, "attempts": record.attempts,
        "correlation_id": refusal.correlation_id, "changed": record.changed,
    });
    // The same JSON, with what would not be seen in it escaped.
    harmless(&object.to_string()).into_owned()
}
