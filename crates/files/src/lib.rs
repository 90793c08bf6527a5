//! Rosters in, results, exports and reports out: one file a format, one writer a format.
//!
//! [`roster`] reads a roster row by row, whatever program wrote it. [`results`] tells what became of each row, on a page for people
//! too. [`export`] writes users as a roster that is read back to the same values. A file that is written takes its place only
//! when it is whole, is its owner's alone, and no cell of it is a formula. Nothing here knows a vendor, a journal or a terminal.
//!
//! ```
//! use paceline_core::summary::Outcome;
//! use paceline_core::vendor::Refusal;
//! use paceline_files::results::{Format, RowResult};
//! use paceline_files::roster::{self, Reading};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("staff.csv");
//! std::fs::write(&path, "id;title\nu-1;Lead\n")?;
//!
//! let mut roster = roster::open(&path.display().to_string(), &Reading::default())?;
//! let (columns, _) = roster.header.expect("a table has a header");
//! assert_eq!(columns, ["id", "title"]);
//! let row = roster.records.next().expect("there is a row").expect("it is right");
//! assert_eq!(row.place.line, 2);
//!
//! let mut out = vec![];
//! let mut writer = Format::Csv.writer(|| Err("CSV tells nothing of the whole run"))?;
//! writer.begin(&mut out)?;
//! let refusal = Refusal::not_found("=cmd()");
//! let result = RowResult { row: row.number, user: "u-1", outcome: Outcome::Failed, refusal: &refusal, attempts: 1, changed: &[] };
//! writer.row(&mut out, &result)?;
//! writer.end(&mut out)?;
//! assert!(String::from_utf8(out)?.ends_with("\n1,u-1,failed,404,not.found,'=cmd(),1,,\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod csv_line;
mod error;
pub mod export;
mod formula;
mod partial;
pub mod results;
pub mod roster;
mod visible;

pub use error::{Error, Kind};
pub use visible::{Harmless, harmless, visible};
