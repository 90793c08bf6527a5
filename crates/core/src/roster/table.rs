//! A vendor's columns, and whether a roster's header names them.

use super::problem::{Problem, list, nearest};
use super::text::{clean, shown};
use crate::user::Place;
use std::collections::HashMap;

/// Columns that a roster may have: as many as Excel's.
pub const MOST_COLUMNS: usize = 16_384;

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that another system knows by its characters, a telephone number or user name: nothing invisible is in it.
    Code,
    /// Whatever it is; in a cell a text.
    Any,
    /// An e-mail address.
    Email,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number between these.
    Whole(i64, i64),
    /// Any number.
    Number,
    /// A date, `yyyy-mm-dd`.
    Date,
    /// Texts; in a cell `a;b;c`.
    TextList,
    /// A list of objects; in a cell as JSON.
    ObjectList,
    /// An object of the tenant, by name or id.
    Name,
    /// Objects of the tenant, by name or id; in a cell `a;b;c`. A role with its divisions is `name:[division; division]`.
    NameList,
    /// The same with a proficiency between these, as in `Spanish:4;Billing:3`: `{"name", "id"?, "proficiency"?}`. An id beside
    /// a name is the one to believe.
    RatedList(f64, f64),
    /// It can be read and not written; why, and what to do instead.
    ReadOnly(&'static str),
}

/// One column that a roster may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Its API name, dotted for nested ones; with `.*` at the end it stands for all names that begin so.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether `<clear>` may empty it.
    pub clearable: bool,
}

impl Field {
    /// A text that may be cleared.
    pub const fn text(name: &'static str) -> Self {
        Self::cleared(name, Kind::Text)
    }

    /// A telephone number or user name that may be cleared.
    pub const fn code(name: &'static str) -> Self {
        Self::cleared(name, Kind::Code)
    }

    /// One that may be cleared.
    pub const fn cleared(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, clearable: true }
    }

    /// One that cannot be cleared.
    pub const fn kept(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, clearable: false }
    }

    /// One that cannot be written; why, and what to do instead.
    pub const fn read_only(name: &'static str, why: &'static str) -> Self {
        Self { name, kind: Kind::ReadOnly(why), clearable: false }
    }
}

/// A vendor's columns.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Columns that name the user, best first.
    pub keys: &'static [&'static str],
    /// The key column that a value of `id` is meant for, where the vendor has several kinds of ids.
    pub id_kind: fn(&str) -> &'static str,
    /// Whether a value of `id` may be two ids, joined by a slash.
    pub joined_ids: bool,
    /// All other columns.
    pub fields: &'static [Field],
    /// Words besides [`CLEAR`](super::CLEAR) that clear a cell.
    pub clear_words: &'static [&'static str],
    /// Other names of columns: what the vendor's own tools call them.
    pub aliases: &'static [(&'static str, &'static str)],
    /// What the vendor's own importer calls its columns, and has lists in.
    pub importer: Importer,
}

/// The vendor's own importer: its files are rosters too.
#[derive(Debug, Clone, Copy)]
pub struct Importer {
    /// Columns that only its files have.
    pub marks: &'static [&'static str],
    /// Columns that mean something else there.
    pub columns: &'static [(&'static str, &'static str)],
    /// Columns whose cells are lists by commas there; in all others a comma belongs to the name.
    pub lists: &'static [&'static str],
}

impl Importer {
    /// A vendor's that has none.
    pub const NONE: Self = Self { marks: &[], columns: &[], lists: &[] };
}

/// How strictly a row is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// By the vendor's field table.
    Table,
    /// The same, in a file for the vendor's own importer.
    Importer,
    /// Only its shape: the fields are sent as they are (`--blind`).
    Shape,
}

impl Table {
    /// The column that an alias stands for; any other name as it is.
    pub fn unaliased<'a>(&self, name: &'a str) -> &'a str {
        self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)).map_or(name, |(_, column)| column)
    }

    /// The column that a roster's name stands for.
    pub(super) fn column<'a>(&self, name: &'a str, rules: Rules) -> &'a str {
        let theirs = self.importer.columns.iter().find(|(theirs, _)| rules == Rules::Importer && *theirs == name);
        theirs.map_or_else(|| self.unaliased(name), |(_, ours)| ours)
    }

    /// Whether these columns are a file's that was made for the vendor's own importer.
    pub fn is_importers(&self, header: &[String]) -> bool {
        header.iter().any(|name| self.importer.marks.contains(&name.as_str()))
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let fits = |field: &&Field| {
            field.name == name
                || field.name.strip_suffix('*').is_some_and(|stem| name.len() > stem.len() && name.starts_with(stem))
        };
        self.fields.iter().find(fits)
    }

    /// The key column of that name; case does not matter there, as spreadsheets write `ID` and `Email`.
    pub fn key(&self, name: &str) -> Option<&'static str> {
        let name = self.unaliased(name);
        self.keys.iter().copied().find(|key| key.eq_ignore_ascii_case(name))
    }

    /// Checks the columns of a table's header, once for all rows.
    pub fn check_header(&self, header: &[String], place: &Place, rules: Rules) -> Vec<Problem> {
        if header.len() > MOST_COLUMNS {
            let message = format!("the roster has {} columns, more than {MOST_COLUMNS}", header.len());
            return vec![Problem::new(place.clone(), message).hint("check that it is a table, and its delimiter")];
        }
        let mut problems = vec![];
        let mut seen: HashMap<&str, &str> = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            if name.is_empty() {
                problems.push(
                    Problem::new(place.clone(), format!("column {} has no name", at + 1))
                        .hint("give it the name of a field, or delete the column"),
                );
                continue;
            }
            let column = self.key(name).unwrap_or_else(|| self.column(name, rules));
            if let Some(first) = seen.insert(column, name) {
                let message = if first == name {
                    "the column is there twice".to_owned()
                } else {
                    format!("is the same field as the column `{}`", shown(first))
                };
                problems.push(Problem::new(place.column(name), message).hint("delete one of them"));
            } else if rules == Rules::Shape {
                problems.extend(dotted(name, place));
            } else if self.key(name).is_none() {
                problems.extend(self.check_column(name, column, place));
            }
        }
        if !header.iter().any(|name| self.key(name).is_some()) {
            problems.push(
                Problem::new(place.clone(), format!("no column names the user: {} is needed", list(self.keys, "or")))
                    .hint("the first line of the roster must name its columns"),
            );
        }
        problems
    }

    fn check_column(&self, name: &str, column: &str, place: &Place) -> Option<Problem> {
        match self.field(column) {
            Some(Field { kind: Kind::ReadOnly(why), .. }) => {
                Some(Problem::new(place.column(name), "cannot be written").hint(*why))
            }
            Some(_) => None,
            None => Some(self.unknown(name, place)),
        }
    }

    pub(super) fn unknown(&self, name: &str, place: &Place) -> Problem {
        let problem = Problem::new(place.column(name), "no such field");
        match self.nearest(name) {
            Some(nearest) => problem.hint(format!("did you mean `{nearest}`?")),
            None => {
                let names: Vec<&str> = self
                    .fields
                    .iter()
                    .filter(|field| !matches!(field.kind, Kind::ReadOnly(_)))
                    .map(|field| field.name)
                    .collect();
                problem.hint(format!("the fields are {}", list(&names, "and")))
            }
        }
    }

    /// The field or key that is spelled most like `name`, if any is near.
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        let names = self.fields.iter().map(|field| field.name).chain(self.keys.iter().copied());
        nearest(name, names)
    }
}

/// A header's cell as a column's name.
pub fn column_name(cell: &str) -> String {
    clean(cell)
}

/// Blind, a nested object is sent with what the row names of it, and the vendor replaces the whole of it.
pub(super) fn dotted(name: &str, place: &Place) -> Option<Problem> {
    let (parent, _) = name.split_once('.')?;
    let parent = shown(parent);
    let message = format!("sent blind it would erase everything else in `{parent}`");
    let hint = format!("leave --blind out, or write the whole object in a JSON roster: \"{parent}\": {{…}}");
    Some(Problem::new(place.column(name), message).hint(hint))
}
