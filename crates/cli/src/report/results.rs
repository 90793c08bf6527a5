//! The results file: one line a row, in roster order.

use crate::error::Failure;
use crate::report::html;
use paceline_journal::{Journal, RowRecord};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

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
    path: PathBuf,
    partial: Option<PathBuf>,
    file: File,
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
        if path.is_dir() {
            return Err(Failure::wrong(format!("the results path `{shown}` is a directory"), "name a file in it"));
        }
        let partial = (!path.exists() || path.is_file()).then(|| {
            let mut name = path.as_os_str().to_owned();
            name.push(".partial");
            PathBuf::from(name)
        });
        let file = File::create(partial.as_deref().unwrap_or(path)).map_err(|error| {
            Failure::wrong(
                format!("the results file `{shown}` cannot be written: {error}"),
                "check the directory and its rights",
            )
        })?;
        Ok(Self { path: path.to_owned(), partial, file, format })
    }

    /// The files that are asked for: each row's outcome, and the page for people.
    pub(crate) fn open_all(results: Option<&Path>, report: Option<&Path>) -> Result<Vec<Self>, Failure> {
        let mut files = vec![];
        for path in [results, report].into_iter().flatten() {
            let opened = Self::open(path);
            if opened.is_err() {
                std::mem::take(&mut files).into_iter().for_each(Self::discard);
            }
            files.push(opened?);
        }
        Ok(files)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all rows of a run.
    pub(crate) fn write(self, journal: &mut dyn Journal) -> Result<(), Failure> {
        let unwritable = |error: std::io::Error| {
            let path = self.path.display();
            Failure::wrong(
                format!("the results file `{path}` cannot be written: {error}"),
                "nothing is lost: `paceline report RUN --output FILE` writes it again",
            )
        };
        let mut out = BufWriter::new(&self.file);
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
        if let Some(partial) = &self.partial {
            std::fs::rename(partial, &self.path).map_err(unwritable)?;
        }
        Ok(damage?)
    }

    /// Takes it back: nothing was done that it could tell of.
    pub(crate) fn discard(self) {
        if let Some(partial) = self.partial {
            let _ = std::fs::remove_file(partial);
        }
    }
}

type Written = Result<std::io::Result<()>, paceline_journal::Error>;

/// Writes all rows of a run, in roster order.
pub(crate) fn rows(out: &mut impl Write, format: Format, journal: &mut dyn Journal) -> Written {
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
                    let written = csv.write_record(cells(record)).and_then(|()| Ok(csv.flush()?));
                    if let Err(error) = written {
                        return Ok(Err(std::io::Error::other(error)));
                    }
                }
                Format::Json => {
                    buffer.extend_from_slice(if first { b"\n" } else { b",\n" });
                    buffer.extend_from_slice(object(record).to_string().as_bytes());
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

fn object(record: &RowRecord) -> serde_json::Value {
    let refusal = &record.refusal;
    json!({
        "row": record.row.number, "user": record.row.key.value, "outcome": record.outcome, "status": refusal.status,
        "code": refusal.code, "message": refusal.message, "attempts": record.attempts,
        "correlation_id": refusal.correlation_id, "changed": record.changed,
    })
}
