//! Exports out: users as a roster that is read back to the same values.
//!
//! A [`Writer`] writes one format. What it cannot hold so that it is read back as it is, it leaves out and tells.

mod csv;
mod json;
mod jsonl;
mod xlsx;

use crate::partial::Partial;
use crate::{Error, Kind};
use paceline_core::roster::Table;
use serde_json::{Map, Value, json};
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A user and the values of the columns that are asked for.
#[derive(Debug, Clone)]
pub struct Exported<'a> {
    /// The user's id.
    pub id: &'a str,
    /// Each column with its value, in order; null where the user has none.
    pub values: Vec<(&'a str, Value)>,
}

/// One format of exports.
pub trait Writer {
    /// Whether a value has to fit a cell: JSON holds more.
    fn has_cells(&self) -> bool;

    /// What stands before the first user.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    fn begin(&mut self, out: &mut dyn Write, columns: &[String]) -> io::Result<()>;

    /// A user. Tells the columns whose values the format cannot hold.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    fn user<'a>(&mut self, out: &mut dyn Write, table: &Table, user: Exported<'a>) -> io::Result<Vec<&'a str>>;

    /// What stands after the last user.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// The writer of the format that the ending of a file's name tells.
fn writer(path: &Path) -> Option<Box<dyn Writer>> {
    match path.extension()?.to_str()? {
        "csv" => Some(Box::new(csv::Csv)),
        "json" => Some(Box::new(json::Json::default())),
        "jsonl" => Some(Box::new(jsonl::Jsonl)),
        "xlsx" => Some(Box::new(xlsx::Xlsx::default())),
        _ => None,
    }
}

/// An export that is being written. A file takes its place only when it is whole; dropped before, it leaves nothing behind.
pub struct Export {
    writer: Box<dyn Writer>,
    to: To,
    written: u64,
}

/// Where it goes.
enum To {
    Stream(BufWriter<Box<dyn Write>>),
    File(BufWriter<Partial>),
}

impl Export {
    /// A file; the ending of its name tells the format.
    ///
    /// # Errors
    /// [`Error::NoFormat`] where it tells none, [`Error::Unwritable`] where the file cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let kind = Kind::Export;
        let writer = writer(path).ok_or_else(|| Error::NoFormat { kind, path: path.to_owned() })?;
        let file = Partial::create(path).map_err(|source| Error::Unwritable { kind, path: path.to_owned(), source })?;
        Ok(Self { writer, to: To::File(BufWriter::new(file)), written: 0 })
    }

    /// A stream of CSV.
    pub fn csv(out: Box<dyn Write>) -> Self {
        Self { writer: Box::new(csv::Csv), to: To::Stream(BufWriter::new(out)), written: 0 }
    }

    /// Whether a value has to fit a cell: JSON holds more.
    pub fn has_cells(&self) -> bool {
        self.writer.has_cells()
    }

    /// Users that were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Begins it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begin(&mut self, columns: &[String]) -> io::Result<()> {
        self.writer.begin(self.to.out(), columns)
    }

    /// Writes a user, whose values `table` knows the fields of. Tells the columns whose values the format cannot hold: nothing
    /// stands for them.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn user<'a>(&mut self, table: &Table, user: Exported<'a>) -> io::Result<Vec<&'a str>> {
        self.written += 1;
        self.writer.user(self.to.out(), table, user)
    }

    /// It is whole: a file takes its place.
    ///
    /// # Errors
    /// Where it cannot be written, or cannot take its place.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.end(self.to.out())?;
        self.to.out().flush()?;
        match self.to {
            To::Stream(_) => Ok(()),
            To::File(out) => out.into_inner().map_err(io::IntoInnerError::into_error)?.finish(),
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Export").field("written", &self.written).finish_non_exhaustive()
    }
}

impl To {
    fn out(&mut self) -> &mut dyn Write {
        match self {
            Self::Stream(out) => out,
            Self::File(out) => out,
        }
    }
}

/// A user's cells, each of which `fits`, and the columns of which none does.
fn cells<'a>(table: &Table, user: Exported<'a>, fits: fn(&str) -> bool) -> (Vec<String>, Vec<&'a str>) {
    let mut unheld = vec![];
    let cells = user.values.into_iter().map(|(column, value)| {
        table.cell(column, &value, fits).unwrap_or_else(|| {
            unheld.push(column);
            String::new()
        })
    });
    (cells.collect(), unheld)
}

/// A user as a row of JSON, and the columns whose values are no text that can be read back.
fn object<'a>(table: &Table, user: Exported<'a>) -> (Value, Vec<&'a str>) {
    let mut unheld = vec![];
    let mut updates = Map::new();
    for (column, value) in user.values.into_iter().filter(|(_, value)| !value.is_null()) {
        if table.keeps(column, &value) {
            updates.insert(column.to_owned(), value);
        } else {
            unheld.push(column);
        }
    }
    (json!({"id": user.id, "updates": updates}), unheld)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::{self, Reading};
    use paceline_core::roster::{Field, Importer, Kind, Rules};
    use proptest::prelude::*;

    const TABLE: Table = Table {
        keys: &["id"],
        id_kind: |_| "id",
        joined_ids: false,
        fields: &[Field::text("title"), Field::cleared("texts", Kind::TextList), Field::code("code")],
        clear_words: &[],
        aliases: &[],
        importer: Importer::NONE,
    };

    /// What is read of an export of users with these values.
    fn read_back(name: &str, columns: &[&str], users: &[Value]) -> (Vec<Map<String, Value>>, usize) {
        let names: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut export = Export::open(&path).unwrap();
        export.begin(&names).unwrap();
        let mut unheld = 0;
        for (at, record) in users.iter().enumerate() {
            let values = columns.iter().map(|column| (*column, record[column].clone())).collect();
            unheld += export.user(&TABLE, Exported { id: &format!("u{at}"), values }).unwrap().len();
        }
        export.finish().unwrap();
        let roster = roster::open(path.to_str().unwrap(), &Reading::default()).unwrap();
        let rows = roster.records.map(|record| TABLE.row(record.unwrap(), Rules::Table).unwrap().fields);
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
        let users = [json!({"code": "4711\u{200b}"})];
        for name in NAMES {
            assert_eq!(read_back(name, &["code"], &users), (vec![Map::new()], 1), "{name}");
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
            let user = |(title, one, other): &(String, String, String)| json!({"title": title, "texts": [one, other]});
            let users: Vec<Value> = texts.iter().map(user).collect();
            for name in NAMES {
                let (rows, unheld) = read_back(name, &["title", "texts"], &users);
                let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
                prop_assert_eq!((&rows, unheld), (&users, 0), "{}", name);
            }
        }
    }
}
