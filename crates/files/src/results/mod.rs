//! Results out: what became of each row, in roster order.
//!
//! A [`Writer`] writes one format. Which rows there are, and what to do where a journal is damaged, is the caller's.

mod csv;
mod html;
mod json;
mod jsonl;

use crate::partial::Partial;
use crate::visible::harmless;
use crate::{Error, Kind};
use paceline_core::summary::{Counts, Effort, HaltNote, Outcome, State};
use paceline_core::vendor::Refusal;
use serde_json::json;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What became of a row.
#[derive(Debug, Clone, Copy)]
pub struct RowResult<'a> {
    /// Its number in the roster, from 1.
    pub row: u64,
    /// The user as the roster names them.
    pub user: &'a str,
    /// What became of it.
    pub outcome: Outcome,
    /// What was said of it, where it did not succeed.
    pub refusal: &'a Refusal,
    /// Times that its changes were sent.
    pub attempts: u32,
    /// The columns that were changed.
    pub changed: &'a [String],
}

/// What is known of the whole run.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// Its id.
    pub id: String,
    /// The command that began it.
    pub command: String,
    /// The vendor's name.
    pub vendor: String,
    /// The roster's name.
    pub roster: String,
    /// When it began, as it is shown.
    pub begun: String,
    /// How it was left; `None` while it has not ended.
    pub state: Option<State>,
    /// Why it halted.
    pub halt: Option<HaltNote>,
    /// Rows by outcome.
    pub counts: Counts,
    /// What it has cost.
    pub effort: Effort,
}

/// One format of results.
pub trait Writer {
    /// What stands before the first row.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// A row.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    fn row(&mut self, out: &mut dyn Write, row: &RowResult<'_>) -> io::Result<()>;

    /// What stands after the last row.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A results file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line a row, no cell of which is a formula.
    Csv,
    /// An object a line.
    Jsonl,
    /// A list of objects.
    Json,
    /// A page for people.
    Html,
}

impl Format {
    /// The format that the ending of a file's name tells.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "json" => Some(Self::Json),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }

    /// Its writer. What is known of the whole run is asked only where it stands in the file: of a damaged journal the rows can
    /// often be had without.
    ///
    /// # Errors
    /// Where `facts` cannot be told.
    pub fn writer<E>(self, facts: impl FnOnce() -> Result<RunFacts, E>) -> Result<Box<dyn Writer>, E> {
        Ok(match self {
            Self::Csv => Box::new(csv::Csv),
            Self::Jsonl => Box::new(jsonl::Jsonl),
            Self::Json => Box::new(json::Json::default()),
            Self::Html => Box::new(html::Html { run: facts()? }),
        })
    }
}

/// A results file, opened before anything is sent, so that an unwritable path is found in time. It takes its place only
/// when it is whole; dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct Results {
    file: BufWriter<Partial>,
    format: Format,
}

impl Results {
    /// Opens it; the ending of its name tells the format.
    ///
    /// # Errors
    /// [`Error::NoFormat`] where it tells none, [`Error::Unwritable`] where the file cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let kind = Kind::Results;
        let format = Format::of(path).ok_or_else(|| Error::NoFormat { kind, path: path.to_owned() })?;
        let file = Partial::create(path).map_err(|source| Error::Unwritable { kind, path: path.to_owned(), source })?;
        Ok(Self { file: BufWriter::new(file), format })
    }

    /// The place that it takes.
    pub fn path(&self) -> &Path {
        self.file.get_ref().path()
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where a [`Writer`] writes it.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.file
    }

    /// It is whole: it takes its place.
    ///
    /// # Errors
    /// [`Error::Unwritable`] where it cannot.
    pub fn finish(self) -> Result<(), Error> {
        let path = self.path().to_owned();
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error);
        file.and_then(Partial::finish).map_err(|source| Error::Unwritable { kind: Kind::Results, path, source })
    }
}

/// The columns of formats that have cells.
const COLUMNS: [&str; 9] =
    ["row", "user", "outcome", "status", "code", "message", "attempts", "correlation_id", "changed"];

/// A row's cells.
fn cells(row: &RowResult<'_>) -> [String; 9] {
    let refusal = row.refusal;
    [
        row.row.to_string(),
        row.user.to_owned(),
        row.outcome.as_str().into(),
        refusal.status.map(|status| status.to_string()).unwrap_or_default(),
        refusal.code.clone().unwrap_or_default(),
        refusal.message.clone().unwrap_or_default(),
        row.attempts.to_string(),
        refusal.correlation_id.clone().unwrap_or_default(),
        row.changed.join(";"),
    ]
}

/// A row as JSON, with what would not be seen in it escaped.
fn object(row: &RowResult<'_>) -> String {
    let refusal = row.refusal;
    let object = json!({
        "row": row.row, "user": row.user, "outcome": row.outcome, "status": refusal.status,
        "code": refusal.code, "message": refusal.message, "attempts": row.attempts,
        "correlation_id": refusal.correlation_id, "changed": row.changed,
    });
    harmless(&object.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn written(name: &str, rows: &[(&str, Outcome, Refusal)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut results = Results::open(&path).unwrap();
        let facts = || {
            Ok::<_, Infallible>(RunFacts {
                id: "r-1".into(),
                command: "apply".into(),
                vendor: "genesys".into(),
                roster: "<staff>.csv".into(),
                begun: "2026-01-02T03:04:05Z".into(),
                state: None,
                halt: None,
                counts: Counts { rows: rows.len() as u64, ..Counts::default() },
                effort: Effort::default(),
            })
        };
        let mut writer = results.format().writer(facts).unwrap();
        writer.begin(results.out()).unwrap();
        for (number, (user, outcome, refusal)) in (1..).zip(rows) {
            let changed = ["title".to_owned(), "skills".to_owned()];
            let row = RowResult { row: number, user, outcome: *outcome, refusal, attempts: 1, changed: &changed };
            writer.row(results.out(), &row).unwrap();
        }
        writer.end(results.out()).unwrap();
        assert!(!path.exists(), "it takes its place only when it is whole");
        results.finish().unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn each_format_tells_the_same_of_a_row() {
        let refusal = Refusal { status: Some(400), ..Refusal::own("bad\u{202e}", "=1+1\nno") };
        let rows = [("u-1", Outcome::Updated, Refusal::default()), ("u-2", Outcome::Failed, refusal)];
        assert_eq!(
            written("out.csv", &rows),
            "row,user,outcome,status,code,message,attempts,correlation_id,changed\n\
             1,u-1,updated,,,,1,,title;skills\n2,u-2,failed,400,bad\\u202e,'=1+1\\nno,1,,title;skills\n"
        );
        let one = r#"{"row":1,"user":"u-1","outcome":"updated","status":null,"code":null,"message":null,"attempts":1,"correlation_id":null,"changed":["title","skills"]}"#;
        let two = r#"{"row":2,"user":"u-2","outcome":"failed","status":400,"code":"bad\u202e","message":"=1+1\nno","attempts":1,"correlation_id":null,"changed":["title","skills"]}"#;
        assert_eq!(written("out.NDJSON", &rows), format!("{one}\n{two}\n"));
        assert_eq!(written("out.json", &rows), format!("[\n{one},\n{two}\n]\n"));
        let page = written("out.html", &rows);
        assert!(page.contains("<p>genesys from <code>&lt;staff&gt;.csv</code>, 2 rows, begun"), "{page}");
        assert!(page.contains("<tr class=\"failed\"><td>2</td><td>u-2</td>") && page.ends_with("</html>\n"), "{page}");
    }

    #[test]
    fn a_run_without_rows_is_a_file_of_its_format_all_the_same() {
        let header = "row,user,outcome,status,code,message,attempts,correlation_id,changed\n";
        for (name, expected) in [("out.csv", header), ("out.jsonl", ""), ("out.json", "[\n]\n")] {
            assert_eq!(written(name, &[]), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_tells_no_format_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out", "out.xlsx", "csv"] {
            let error = Results::open(&folder.path().join(name)).unwrap_err();
            assert!(error.to_string().ends_with("has no known format"), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
