//! Rosters in, results, exports and reports out: one file a format.
//!
//! [`roster`] reads a roster row by row, whatever program wrote it. What is written takes its place only when it is whole, is its
//! owner's alone, and holds no cell that a spreadsheet would run. Nothing here knows a vendor, a journal or a terminal.
//!
//! ```
//! use paceline_files::roster::{self, Reading};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("staff.csv");
//! std::fs::write(&path, "id;title\nu-1;Lead\nu-2;\n")?;
//!
//! let roster = roster::open(&path.display().to_string(), &Reading::default())?;
//! let (columns, _) = roster.header.expect("a table has a header");
//! assert_eq!(columns, ["id", "title"]);
//! let lines: Vec<u64> = roster.records.map(|row| row.expect("the row is right").place.line).collect();
//! assert_eq!(lines, [2, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod csv_line;
mod error;
mod formula;
mod partial;
pub mod results;
pub mod roster;
mod visible;

pub use error::{Error, Kind};
pub use formula::neutralise;
pub use partial::Partial;
pub use visible::{Harmless, harmless, visible};
