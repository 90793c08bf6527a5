//! Is this row right, as far as the vendor's field table can tell?
//!
//! Every problem of a row is found, each with its place and the way out. Nothing here needs the tenant.

use crate::desired::{Raw, Record, Row};
use crate::user::{Place, UserKey};
use serde_json::{Map, Value, json};
use std::fmt;

/// The word that clears a cell's field.
pub const CLEAR: &str = "<clear>";

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
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
    /// Objects of the tenant, by name or id; in a cell `a;b;c`.
    NameList,
    /// The same with a proficiency between these, as in `Spanish:4;Billing:3`.
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
    /// All other columns.
    pub fields: &'static [Field],
    /// Words besides [`CLEAR`] that clear a cell.
    pub clear_words: &'static [&'static str],
    /// Other names of columns: what the vendor's own tools call them.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Columns that only the vendor's own importer has.
    pub importer_marks: &'static [&'static str],
    /// What columns mean in a roster that was made for it.
    pub importer: &'static [(&'static str, &'static str)],
}

/// Something wrong in a roster.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// The way out, where there is one to name.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// The same with a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// How strictly a row is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// By the vendor's field table.
    Table,
    /// Only its shape: the fields are sent as they are (`--blind`).
    Shape,
}

impl Table {
    /// The column that an alias stands for; any other name as it is.
    pub fn unaliased<'a>(&self, name: &'a str) -> &'a str {
        self.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)).map_or(name, |(_, column)| column)
    }

    /// What these columns mean otherwise, because the roster was made for the vendor's own importer.
    pub fn importer_columns(&self, header: &[String]) -> Option<&'static [(&'static str, &'static str)]> {
        header.iter().any(|name| self.importer_marks.contains(&name.as_str())).then_some(self.importer)
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
        let mut problems = vec![];
        for (at, name) in header.iter().enumerate() {
            if name.is_empty() {
                problems.push(
                    Problem::new(place.clone(), format!("column {} has no name", at + 1))
                        .hint("give it the name of a field, or delete the column"),
                );
            } else if header[..at].iter().any(|other| self.unaliased(other) == self.unaliased(name)) {
                problems.push(Problem::new(place.column(name), "the column is there twice").hint("delete one of them"));
            } else if rules == Rules::Table && self.key(name).is_none() {
                problems.extend(self.check_column(self.unaliased(name), place));
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

    fn check_column(&self, name: &str, place: &Place) -> Option<Problem> {
        match self.field(name) {
            Some(Field { kind: Kind::ReadOnly(why), .. }) => {
                Some(Problem::new(place.column(name), "cannot be written").hint(*why))
            }
            Some(_) => None,
            None => Some(self.unknown(name, place)),
        }
    }

    fn unknown(&self, name: &str, place: &Place) -> Problem {
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

    /// The user that a record names, right or wrong as the rest of it may be.
    pub fn key_of(&self, record: &Record) -> Option<UserKey> {
        let value = |column: &str| {
            let (_, raw) = record.columns.iter().find(|(name, _)| self.key(name) == Some(column))?;
            key_value(column, raw.clone()).ok()
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
        let mut problems = vec![];
        let mut keys: Vec<UserKey> = vec![];
        let mut fields = Map::new();
        for (name, raw) in record.columns.into_iter().flat_map(|(name, raw)| self.flatten(name, raw, rules)) {
            let place = record.place.column(&name);
            let name = match rules {
                Rules::Table => self.unaliased(&name).to_owned(),
                Rules::Shape => name,
            };
            if let Some(column) = self.key(&name).filter(|column| !keys.iter().any(|key| key.column == *column)) {
                match key_value(column, raw) {
                    Ok(value) if rules == Rules::Shape => keys.push(UserKey { column: column.into(), value }),
                    Ok(value) => keys.push(self.named(column, value)),
                    Err(message) => problems.push(Problem::new(place, message)),
                }
                continue;
            }
            match self.value(&name, raw, rules, &record.place) {
                Ok(value) => {
                    fields.insert(name, value);
                }
                Err(problem) => problems.push(problem),
            }
        }
        keys.sort_by_key(|key| self.keys.iter().position(|name| *name == key.column).unwrap_or(0));
        let mut keys = keys.into_iter();
        let key = keys.next();
        // A second key is a field like any other where the vendor has one of that name: the e-mail to set.
        for other in keys.filter(|other| rules == Rules::Shape || self.field(&other.column).is_some()) {
            fields.entry(other.column).or_insert(Value::String(other.value));
        }
        match key {
            Some(key) if problems.is_empty() => Ok(Row { number: record.number, line: record.place.line, key, fields }),
            Some(_) => Err(problems),
            None if problems.iter().any(|problem| self.blames_a_key(problem)) => Err(problems),
            None => {
                let needed = list(self.keys, "or");
                problems.push(
                    Problem::new(record.place, format!("the row names no user: {needed} is empty"))
                        .hint("fill it in, or delete the row"),
                );
                Err(problems)
            }
        }
    }

    /// JSON may nest what a table's header dots: `{"employerInfo": {"employeeId": …}}`.
    fn flatten(&self, name: String, raw: Raw, rules: Rules) -> Vec<(String, Raw)> {
        let nests = |name: &str| {
            let parent = |field: &Field| field.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            self.field(name).is_none() && self.fields.iter().any(parent)
        };
        match raw {
            Raw::Json(Value::Object(parts)) if rules == Rules::Table && nests(&name) => {
                parts.into_iter().map(|(part, value)| (format!("{name}.{part}"), Raw::Json(value))).collect()
            }
            raw => vec![(name, raw)],
        }
    }

    fn blames_a_key(&self, problem: &Problem) -> bool {
        problem.place.column.as_deref().is_some_and(|column| self.key(column).is_some())
    }

    fn value(&self, name: &str, raw: Raw, rules: Rules, place: &Place) -> Result<Value, Problem> {
        let field = self.field(name);
        let (raw, field) = match (rules, field) {
            (Rules::Shape, field) => match (raw, field) {
                (Raw::Json(value), _) => return Ok(value),
                (Raw::Cell(text), None) => return Ok(Value::String(text)),
                (raw, Some(field)) => (raw, field),
            },
            (Rules::Table, Some(field)) => (raw, field),
            (Rules::Table, None) => return Err(self.unknown(name, place)),
        };
        if let Kind::ReadOnly(why) = field.kind {
            return Err(Problem::new(place.column(name), "cannot be written").hint(why));
        }
        let clears = match &raw {
            Raw::Json(value) => value.is_null(),
            Raw::Cell(text) => text == CLEAR || self.clear_words.contains(&text.as_str()),
        };
        if clears {
            return if field.clearable {
                Ok(Value::Null)
            } else {
                Err(Problem::new(place.column(name), "cannot be cleared")
                    .hint("leave the cell empty to leave it alone"))
            };
        }
        let value = match raw {
            Raw::Json(value) => from_json(field.kind, value),
            Raw::Cell(text) => from_cell(field.kind, text),
        };
        value.map_err(|wrong| Problem { hint: wrong.hint, ..Problem::new(place.column(name), wrong.message) })
    }
}

fn key_value(column: &str, raw: Raw) -> Result<String, String> {
    let text = match raw {
        Raw::Cell(text) => text,
        Raw::Json(Value::String(text)) => text,
        Raw::Json(Value::Number(number)) => number.to_string(),
        Raw::Json(other) => return Err(format!("must be a text, not {}", type_of(&other))),
    };
    let text = text.trim();
    if text.is_empty() {
        Err("is empty: the row names no user".into())
    } else if text.chars().any(char::is_control) {
        Err("holds a control character".into())
    } else if column == "email" && !is_email(text) {
        Err(format!("`{text}` is no e-mail address"))
    } else {
        Ok(text.to_owned())
    }
}

struct Wrong {
    message: String,
    hint: Option<String>,
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self { message, hint: None }
    }
}

fn from_cell(kind: Kind, text: String) -> Result<Value, Wrong> {
    match kind {
        Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
            // Excel writes TRUE; people write yes.
            "true" | "yes" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "0" => Ok(Value::Bool(false)),
            _ => Err(format!("`{text}` is neither `true` nor `false`").into()),
        },
        Kind::TextList | Kind::NameList => Ok(json!(parts(&text))),
        Kind::Whole(..) | Kind::Number => match text.trim().parse::<f64>() {
            Ok(number) => from_json(kind, json!(number)),
            Err(_) => Err(format!("`{text}` is no number").into()),
        },
        Kind::RatedList(..) => {
            // `a:5,b:3` too, as the vendors' importers write it: a comma in a name is no list.
            let by_comma: Vec<Value> = text.split(',').map(|part| rated(part.trim())).collect();
            let all_rated = !text.contains(';') && by_comma.iter().all(|part| part.get("proficiency").is_some());
            let list = if all_rated { by_comma } else { parts(&text).into_iter().map(rated).collect() };
            from_json(kind, Value::Array(list))
        }
        Kind::ObjectList => match serde_json::from_str(&text) {
            Ok(value) => from_json(kind, value),
            Err(error) => Err(Wrong {
                message: format!("is not JSON: {error}"),
                hint: Some("write a list of objects, or use a JSON roster".into()),
            }),
        },
        _ => from_json(kind, Value::String(text)),
    }
}

fn parts(text: &str) -> Vec<&str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// `Spanish:4` as an object; a part after the last colon that is no number belongs to the name.
fn rated(part: &str) -> Value {
    let split =
        part.rsplit_once(':').and_then(|(name, rating)| Some((name.trim(), rating.trim().parse::<f64>().ok()?)));
    match split {
        Some((name, rating)) => json!({"name": name, "proficiency": rating}),
        None => json!({"name": part}),
    }
}

/// A name or id, with its proficiency where it has one: `{"name", "proficiency"}`.
fn one_rated(value: &Value, least: f64, most: f64) -> Result<Value, Wrong> {
    let name = value.as_str().or_else(|| value["name"].as_str()).or_else(|| value["id"].as_str());
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| Wrong::from(format!("`{value}` names nothing: write {{\"name\", \"proficiency\"}}")))?;
    match value.get("proficiency") {
        None | Some(Value::Null) => Ok(json!({"name": name})),
        Some(rating) => match rating.as_f64() {
            Some(number) if (least..=most).contains(&number) => Ok(json!({"name": name, "proficiency": number})),
            _ => Err(format!("the proficiency of `{name}` must be {least} to {most}, not `{rating}`").into()),
        },
    }
}

fn from_json(kind: Kind, value: Value) -> Result<Value, Wrong> {
    let wrong = |expected: &str, value: &Value| Err(format!("must be {expected}, not {}", type_of(value)).into());
    match (kind, &value) {
        (Kind::Text, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => Ok(value),
        (Kind::Text, other) => wrong("a text", other),
        (Kind::Bool, other) => wrong("true or false", other),
        (Kind::Email, Value::String(text)) => {
            let text = text.trim();
            if is_email(text) { Ok(json!(text)) } else { Err(format!("`{text}` is no e-mail address").into()) }
        }
        (Kind::Email, other) => wrong("an e-mail address", other),
        (Kind::Choice(words), Value::String(text)) => {
            match words.iter().find(|word| word.eq_ignore_ascii_case(text.trim())) {
                Some(word) => Ok(json!(word)),
                None => Err(Wrong {
                    message: format!("`{text}` is not one of {}", list(words, "or")),
                    hint: nearest(text, words.iter().copied()).map(|word| format!("did you mean `{word}`?")),
                }),
            }
        }
        (Kind::Choice(words), other) => wrong(&format!("one of {}", list(words, "or")), other),
        (Kind::Whole(least, most), Value::Number(number)) => match number.as_f64() {
            // A spreadsheet's `5.0` is 5.
            Some(value) if value.fract() == 0.0 && (least as f64..=most as f64).contains(&value) => {
                Ok(json!(value as i64))
            }
            _ => Err(format!("must be a whole number from {least} to {most}, not `{number}`").into()),
        },
        (Kind::Whole(..) | Kind::Number, Value::String(text)) if text.trim().parse::<f64>().is_ok() => {
            from_cell(kind, text.clone())
        }
        (Kind::Number, Value::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => Ok(value),
        (Kind::Whole(..) | Kind::Number, other) => wrong("a number", other),
        (Kind::Date, Value::String(text)) if is_date(text.trim()) => Ok(json!(text.trim())),
        (Kind::Date, Value::String(text)) => Err(format!("`{text}` is no date: write yyyy-mm-dd").into()),
        (Kind::Date, other) => wrong("a date", other),
        (Kind::TextList, Value::Array(list)) if list.iter().all(Value::is_string) => Ok(value),
        (Kind::TextList, other) => wrong("a list of texts", other),
        (Kind::Name, Value::String(text)) if !text.trim().is_empty() => Ok(json!(text.trim())),
        (Kind::Name, Value::Object(object)) => match object.get("id").or(object.get("name")) {
            Some(Value::String(name)) => Ok(json!(name)),
            _ => wrong("a name or id", &value),
        },
        (Kind::Name, other) => wrong("a name or id", other),
        (Kind::NameList, Value::Array(list)) => {
            let names = list.iter().map(|item| one_rated(item, 0.0, 0.0).map(|item| item["name"].clone()));
            names.collect::<Result<Value, Wrong>>()
        }
        (Kind::NameList, other) => wrong("a list of names or ids", other),
        (Kind::RatedList(least, most), Value::Array(list)) => {
            list.iter().map(|item| one_rated(item, least, most)).collect::<Result<Value, Wrong>>()
        }
        (Kind::RatedList(..), other) => wrong("a list of names with proficiencies", other),
        (Kind::ObjectList, Value::Array(list)) if list.iter().all(Value::is_object) => Ok(value),
        (Kind::ObjectList, other) => wrong("a list of objects", other),
        (Kind::ReadOnly(why), _) => Err(why.to_owned().into()),
        (Kind::Any, _) => Ok(value),
    }
}

/// What JSON calls a value's type.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Enough to catch a slipped column; only the vendor knows which addresses it takes.
fn is_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == ',' || c == ';')
    })
}

fn is_date(text: &str) -> bool {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let days = |year: u32, month: u32| match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
        && matches!((number(0, 4), number(5, 7), number(8, 10)),
            (Some(year), Some(month @ 1..=12), Some(day)) if (1..=days(year, month)).contains(&day))
}

/// The name most like `name`, if one is near: no more than a third of its letters apart, case aside.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase().replace([' ', '_', '-'], "");
    names
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(3) / 3).min(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn list(words: &[&str], joint: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {joint} {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    const TABLE: Table = Table {
        keys: &["id", "email"],
        id_kind: |_| "id",
        fields: &[
            Field { name: "title", kind: Kind::Text, clearable: true },
            Field { name: "email", kind: Kind::Email, clearable: false },
            Field { name: "state", kind: Kind::Choice(&["active", "inactive"]), clearable: false },
            Field { name: "acdAutoAnswer", kind: Kind::Bool, clearable: false },
            Field { name: "employerInfo.dateHire", kind: Kind::Date, clearable: true },
            Field { name: "profileSkills", kind: Kind::TextList, clearable: true },
            Field { name: "addresses", kind: Kind::ObjectList, clearable: true },
            Field { name: "skills", kind: Kind::RatedList(0.0, 5.0), clearable: true },
            Field { name: "groups+", kind: Kind::NameList, clearable: false },
            Field { name: "version", kind: Kind::ReadOnly("it is read from the vendor"), clearable: false },
            Field { name: "custom.*", kind: Kind::Text, clearable: true },
            Field { name: "rank", kind: Kind::Whole(1, 9), clearable: false },
        ],
        clear_words: &["[!***REMOVE***!]"],
        aliases: &[("Job Title", "title")],
        importer_marks: &["title_import"],
        importer: &[("groups", "groups+")],
    };

    fn record(columns: &[(&str, Raw)]) -> Record {
        let place = Place::line(&Arc::from("staff.csv"), 7);
        let columns = columns.iter().map(|(name, raw)| ((*name).to_owned(), raw.clone())).collect();
        Record { number: 6, place, columns }
    }

    fn cell(text: &str) -> Raw {
        Raw::Cell(text.into())
    }

    fn check(columns: &[(&str, Raw)]) -> Result<Value, Vec<String>> {
        let row = TABLE.row(record(columns), Rules::Table);
        row.map(|row| Value::Object(row.fields)).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn cells_become_the_values_their_fields_take() {
        let found = check(&[
            ("id", cell(" u-1 ")),
            ("title", cell("Lead")),
            ("state", cell("Active")),
            ("acdAutoAnswer", cell("TRUE")),
            ("employerInfo.dateHire", cell("2024-02-29")),
            ("profileSkills", cell("a; b;;c")),
            ("addresses", cell(r#"[{"mediaType":"PHONE"}]"#)),
        ]);
        assert_eq!(
            found,
            Ok(
                json!({"title": "Lead", "state": "active", "acdAutoAnswer": true, "employerInfo.dateHire": "2024-02-29",
                "profileSkills": ["a", "b", "c"], "addresses": [{"mediaType": "PHONE"}]})
            )
        );
    }

    #[test]
    fn every_problem_of_a_row_is_found_with_its_place() {
        let found = check(&[
            ("titel", cell("x")),
            ("state", cell("gone")),
            ("acdAutoAnswer", Raw::Json(json!("maybe"))),
            ("employerInfo.dateHire", cell("2023-02-29")),
            ("version", Raw::Json(json!(3))),
        ]);
        assert_eq!(
            found,
            Err(vec![
                "staff.csv:7: column `titel`: no such field".into(),
                "staff.csv:7: column `state`: `gone` is not one of `active` or `inactive`".into(),
                "staff.csv:7: column `acdAutoAnswer`: must be true or false, not a text".into(),
                "staff.csv:7: column `employerInfo.dateHire`: `2023-02-29` is no date: write yyyy-mm-dd".into(),
                "staff.csv:7: column `version`: cannot be written".into(),
                "staff.csv:7: the row names no user: `id` or `email` is empty".into(),
            ])
        );
    }

    #[test]
    fn clearing_is_a_word_in_a_cell_and_null_in_json_and_not_for_every_field() {
        assert_eq!(check(&[("id", cell("u")), ("title", cell(CLEAR))]), Ok(json!({"title": null})));
        assert_eq!(check(&[("id", cell("u")), ("title", cell("[!***REMOVE***!]"))]), Ok(json!({"title": null})));
        assert_eq!(check(&[("id", cell("u")), ("title", Raw::Json(Value::Null))]), Ok(json!({"title": null})));
        assert!(check(&[("id", cell("u")), ("state", cell(CLEAR))]).is_err());
    }

    #[test]
    fn an_email_beside_an_id_is_the_email_to_set() {
        let row = TABLE.row(record(&[("Email", cell("a@b.c")), ("id", cell("u"))]), Rules::Table).unwrap();
        assert_eq!((row.key, Value::Object(row.fields)), (UserKey::id("u"), json!({"email": "a@b.c"})));
        let row = TABLE.row(record(&[("email", cell("a@b.c"))]), Rules::Table).unwrap();
        assert_eq!((row.key.column.as_str(), row.fields.len()), ("email", 0));
    }

    #[test]
    fn lists_of_names_are_read_from_cells_and_json_alike() {
        let expected = json!([{"name": "Spanish", "proficiency": 4.0}, {"name": "A:B"}]);
        let comma = Ok(json!({"skills": [{"name": "a", "proficiency": 5.0}, {"name": "b", "proficiency": 3.0}]}));
        assert_eq!(check(&[("id", cell("u")), ("skills", cell("a:5,b:3"))]), comma);
        for raw in [cell("Spanish:4; A:B"), Raw::Json(json!([{"name": "Spanish", "proficiency": 4}, "A:B"]))] {
            assert_eq!(check(&[("id", cell("u")), ("skills", raw)]), Ok(json!({"skills": expected})));
        }
        assert_eq!(check(&[("id", cell("u")), ("groups+", cell("a;b"))]), Ok(json!({"groups+": ["a", "b"]})));
        let wrong = check(&[("id", cell("u")), ("skills", cell("Spanish:6"))]);
        assert_eq!(
            wrong,
            Err(vec!["staff.csv:7: column `skills`: the proficiency of `Spanish` must be 0 to 5, not `6.0`".into()])
        );
    }

    #[test]
    fn numbers_are_whole_where_they_must_be_and_names_may_be_open() {
        let found = check(&[("id", cell("u")), ("rank", cell(" 5.0")), ("custom.Floor", cell("3"))]);
        assert_eq!(found, Ok(json!({"rank": 5, "custom.Floor": "3"})));
        for wrong in [cell("5.5"), cell("x"), cell("10"), cell("nan"), Raw::Json(json!(0)), Raw::Json(json!(true))] {
            assert!(check(&[("id", cell("u")), ("rank", wrong.clone())]).is_err(), "{wrong:?}");
        }
        assert!(check(&[("id", cell("u")), ("custom.", cell("3"))]).is_err());
    }

    #[test]
    fn an_alias_stands_for_its_column() {
        assert_eq!(check(&[("id", cell("u")), ("Job Title", cell("Lead"))]), Ok(json!({"title": "Lead"})));
    }

    #[test]
    fn json_may_nest_what_a_header_dots() {
        let nested = Raw::Json(json!({"dateHire": "2024-01-31"}));
        assert_eq!(
            check(&[("id", cell("u")), ("employerInfo", nested)]),
            Ok(json!({"employerInfo.dateHire": "2024-01-31"}))
        );
        assert!(check(&[("id", cell("u")), ("employerInfo", Raw::Json(json!({"hired": "x"})))]).is_err());
    }

    #[test]
    fn a_misspelt_column_is_told_the_nearest_right_one() {
        let header = ["id", "Titel", "acd_auto_answer", "zzz", "title", "title", ""].map(String::from);
        let place = Place::line(&Arc::from("staff.csv"), 1);
        let hints: Vec<Option<String>> =
            TABLE.check_header(&header, &place, Rules::Table).into_iter().map(|problem| problem.hint).collect();
        assert_eq!(hints[0].as_deref(), Some("did you mean `title`?"));
        assert_eq!(hints[1].as_deref(), Some("did you mean `acdAutoAnswer`?"));
        assert!(hints[2].as_deref().is_some_and(|hint| hint.starts_with("the fields are `title`")));
        assert_eq!(hints.len(), 5);
    }

    #[test]
    fn blind_rows_are_checked_for_their_shape_only() {
        let columns = [
            ("id", Raw::Json(json!("u"))),
            ("skills", Raw::Json(json!([{"id": "s"}]))),
            ("state", Raw::Json(json!("odd"))),
        ];
        let row = TABLE.row(record(&columns), Rules::Shape).unwrap();
        assert_eq!(Value::Object(row.fields), json!({"skills": [{"id": "s"}], "state": "odd"}));
    }

    proptest! {
        #[test]
        fn no_cell_makes_it_panic(name in "[a-zA-Z.]{0,12}", text in ".*") {
            let _ = check(&[("id", cell("u")), (&name, cell(&text))]);
            for field in TABLE.fields {
                let _ = check(&[("id", cell("u")), (field.name, cell(&text))]);
            }
        }
    }
}
