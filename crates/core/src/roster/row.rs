//! A record → the row that it means, or all that is wrong with it.

use super::lists;
use super::problem::{Problem, list};
use super::table::{Field, Kind, Rules, Table, dotted};
use super::text::{clean, is_blank, shown};
use super::value::{Said, from_cell, from_json, key_text, said};
use crate::desired::{Raw, Record, Row};
use crate::user::{Place, UserKey};
use serde_json::{Map, Value};
use std::collections::HashMap;

impl Table {
    /// The user that a record names, right or wrong as the rest of it may be.
    pub fn key_of(&self, record: &Record) -> Option<UserKey> {
        let value = |column: &str| {
            let (_, raw) = record.columns.iter().find(|(name, _)| self.key(&clean(name)) == Some(column))?;
            key_text(self, column, raw.clone()).ok()
        };
        self.keys.iter().find_map(|column| Some(self.named(column, value(column)?)))
    }

    /// A user named by a key column; what `id` says is told by its kind.
    fn named(&self, column: &str, value: String) -> UserKey {
        let column = if column == "id" { (self.id_kind)(&value) } else { column };
        UserKey { column: column.into(), value }
    }

    /// The row that a record means, or all that is wrong with it.
    pub fn row(&self, record: Record, rules: Rules) -> Result<Row, Vec<Problem>> {
        let Record { number, place, columns, beside } = record;
        let mut reading = Reading { table: self, rules, place, ..Reading::new(self) };
        for (at, (name, raw)) in columns.into_iter().enumerate() {
            if at < beside && self.key(&clean(&name)).is_none() {
                let problem = Problem::new(reading.place.column(&name), "does not belong beside `id` and `updates`");
                reading.problems.push(problem.hint("put it inside `updates`"));
                continue;
            }
            for (name, raw) in self.flatten(name, raw, rules) {
                reading.take(name, raw, at < beside);
            }
        }
        reading.row(number)
    }

    /// JSON may nest what a table's header dots: `{"employerInfo": {"employeeId": …}}`.
    fn flatten(&self, name: String, raw: Raw, rules: Rules) -> Vec<(String, Raw)> {
        let nests = |name: &str| {
            let parent = |field: &Field| field.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            self.field(name).is_none() && self.fields.iter().any(parent)
        };
        match raw {
            Raw::Json(Value::Object(parts)) if rules != Rules::Shape && nests(&name) => {
                parts.into_iter().map(|(part, value)| (format!("{name}.{part}"), Raw::Json(value))).collect()
            }
            raw => vec![(name, raw)],
        }
    }

    fn blames_a_key(&self, problem: &Problem) -> bool {
        problem.place.column.as_deref().is_some_and(|column| self.key(column).is_some())
    }

    /// What a column's raw value sets; `None` where it leaves the field alone.
    pub(super) fn value(
        &self,
        theirs: &str,
        column: &str,
        raw: Raw,
        rules: Rules,
        place: &Place,
    ) -> Result<Option<Value>, Problem> {
        let field = match (rules, self.field(column)) {
            (Rules::Shape, None) => None,
            (_, None) => return Err(self.unknown(theirs, place)),
            (_, field) => field,
        };
        if rules == Rules::Shape {
            if let Some(problem) = dotted(theirs, place) {
                return Err(problem);
            }
            if let Raw::Json(value) = raw {
                return Ok(Some(value));
            }
        }
        let kind = field.map_or(Kind::Text, |field| field.kind);
        if let Kind::ReadOnly(why) = kind {
            return Err(Problem::new(place.column(theirs), "cannot be written").hint(why));
        }
        let said = said(self, raw, kind).map_err(|wrong| wrong.at(place.column(theirs)))?;
        let clears = match &said {
            Said::Nothing => return Ok(None),
            Said::Json(value) => value.is_null(),
            Said::Text(text) => self.clears(text),
            Said::Number(_) | Said::Meant(_) => false,
        };
        if clears {
            return if field.is_none_or(|field| field.clearable) {
                Ok(Some(Value::Null))
            } else {
                Err(Problem::new(place.column(theirs), "cannot be cleared")
                    .hint("leave the cell empty to leave it alone"))
            };
        }
        let value = match said {
            Said::Text(text) if rules == Rules::Importer && self.importer.lists.contains(&theirs) => {
                lists::importers(&text, matches!(kind, Kind::RatedList(..))).and_then(|list| from_json(kind, list))
            }
            // There a location's name may hold what separates a list here.
            Said::Text(text) if rules == Rules::Importer && kind == Kind::NameList => {
                from_json(kind, Value::Array(vec![Value::String(text)]))
            }
            Said::Text(text) => from_cell(kind, text),
            Said::Meant(text) if matches!(kind, Kind::Text | Kind::Code | Kind::Name | Kind::Any) => {
                from_json(kind, Value::String(text))
            }
            Said::Meant(text) => from_cell(kind, text),
            Said::Number(number) => from_json(kind, serde_json::json!(number)),
            Said::Json(value) => from_json(kind, value),
            Said::Nothing => return Ok(None),
        };
        value.map(Some).map_err(|wrong| wrong.at(place.column(theirs)))
    }

    pub(super) fn clears(&self, text: &str) -> bool {
        let text = clean(text);
        let words = std::iter::once(super::CLEAR).chain(self.clear_words.iter().copied());
        words.into_iter().any(|word| word.eq_ignore_ascii_case(&text))
    }
}

/// A record on its way to a row.
struct Reading<'a> {
    table: &'a Table,
    rules: Rules,
    place: Place,
    problems: Vec<Problem>,
    keys: Vec<UserKey>,
    /// The key columns that were there, right or wrong, and whether a key beside `updates` was.
    named: Vec<(&'static str, bool)>,
    fields: Map<String, Value>,
    /// What the roster calls fields that it has another name for.
    renamed: HashMap<String, String>,
}

impl<'a> Reading<'a> {
    fn new(table: &'a Table) -> Self {
        let place = Place { file: "".into(), line: 0, column: None };
        Self {
            table,
            rules: Rules::Table,
            place,
            problems: vec![],
            keys: vec![],
            named: vec![],
            fields: Map::new(),
            renamed: HashMap::new(),
        }
    }

    fn take(&mut self, name: String, raw: Raw, beside: bool) {
        if matches!(&raw, Raw::Cell(text) | Raw::Text(text) if is_blank(text)) {
            return;
        }
        // Blind, JSON is sent as it is, whatever its keys.
        let theirs = if self.rules == Rules::Shape { name } else { clean(&name) };
        if let Some(column) = self.table.key(&theirs) {
            let again = self.named.iter().any(|(key, _)| *key == column);
            // Beside `updates` a key names the user; the same one inside is the value to set.
            let inside = self.named.iter().any(|(key, beside)| *key == column && *beside) && !beside;
            if !again {
                self.named.push((column, beside));
                return self.key(&theirs, column, raw);
            }
            if !inside {
                let message = format!("the row names `{column}` twice");
                return self.problems.push(Problem::new(self.place.column(theirs), message).hint("keep one of them"));
            }
        }
        self.field(theirs, raw);
    }

    fn key(&mut self, theirs: &str, column: &str, raw: Raw) {
        match key_text(self.table, column, raw) {
            Ok(value) if self.rules == Rules::Shape => self.keys.push(UserKey { column: column.into(), value }),
            Ok(value) => self.keys.push(self.table.named(column, value)),
            Err(wrong) => self.problems.push(wrong.at(self.place.column(theirs))),
        }
    }

    fn field(&mut self, theirs: String, raw: Raw) {
        let column = match self.rules {
            Rules::Shape => theirs.clone(),
            rules => self.table.column(&theirs, rules).to_owned(),
        };
        if self.fields.contains_key(&column) {
            let first = self.renamed.get(&column).unwrap_or(&column);
            let message = if *first == theirs {
                "the field is there twice".to_owned()
            } else {
                format!("is the same field as `{}`", shown(first))
            };
            self.problems.push(Problem::new(self.place.column(theirs), message).hint("keep one of them"));
            return;
        }
        match self.table.value(&theirs, &column, raw, self.rules, &self.place) {
            Ok(Some(value)) => {
                if theirs != column {
                    self.renamed.insert(column.clone(), theirs);
                }
                self.fields.insert(column, value);
            }
            Ok(None) => {}
            Err(problem) => self.problems.push(problem),
        }
    }

    fn row(mut self, number: u64) -> Result<Row, Vec<Problem>> {
        let order = |key: &UserKey| self.table.keys.iter().position(|name| *name == key.column).unwrap_or(0);
        self.keys.sort_by_key(order);
        let mut keys = self.keys.into_iter();
        let key = keys.next();
        // A second key is a field like any other where the vendor has one of that name: the e-mail to set.
        for other in keys.filter(|other| self.rules == Rules::Shape || self.table.field(&other.column).is_some()) {
            match self.fields.get(&other.column) {
                Some(value) if value.as_str() != Some(&other.value) => {
                    let problem = Problem::new(self.place.column(&other.column), "is there twice, with two values");
                    self.problems.push(problem.hint("keep one of them"));
                }
                Some(_) => {}
                None => {
                    self.fields.insert(other.column, Value::String(other.value));
                }
            }
        }
        match key {
            Some(key) if self.problems.is_empty() => {
                Ok(Row { number, line: self.place.line, key, fields: self.fields })
            }
            Some(_) => Err(self.problems),
            None if self.problems.iter().any(|problem| self.table.blames_a_key(problem)) => Err(self.problems),
            None => {
                let needed = list(self.table.keys, "or");
                self.problems.push(
                    Problem::new(self.place, format!("the row names no user: {needed} is empty"))
                        .hint("fill it in, or delete the row"),
                );
                Err(self.problems)
            }
        }
    }
}
