//! What a cell or a JSON value is to its field.

use super::artefact::{nothing_meant, unwrapped, was_an_id};
use super::lists;
use super::number_format;
use super::problem::{Wrong, list, nearest};
use super::strict::strict;
use super::table::{Kind, Table};
use super::text::{clean, is_blank, shown};
use crate::desired::Raw;
use serde_json::{Map, Value, json};

const AS_TEXT: &str = "format the cell as text and type the value again";

/// What a raw value says before its field is asked.
pub(super) enum Said {
    /// Nothing: the field is left alone.
    Nothing,
    /// A cell's text.
    Text(String),
    /// A text that is meant as it is, whatever it looks like.
    Meant(String),
    /// A number of a workbook, for fields that take one.
    Number(f64),
    /// JSON.
    Json(Value),
}

/// Takes off what spreadsheets put on; `kind` is the field's, text where there is none.
pub(super) fn said(table: &Table, raw: Raw, kind: Kind) -> Result<Said, Wrong> {
    let text = match raw {
        Raw::Json(value) => return Ok(Said::Json(value)),
        Raw::Wrong { message, hint } => return Err(Wrong::from(message).hint(hint)),
        Raw::Cell(text) => match table.bared(&text) {
            Some(bare) => return Ok(Said::Meant(bare.to_owned())),
            None => unwrapped(text)?,
        },
        Raw::Text(text) => return Ok(if is_blank(&text) { Said::Nothing } else { Said::Meant(text) }),
        Raw::Number { value, format } => match kind {
            Kind::Whole(..) | Kind::Number | Kind::Bool if number_format::is_percent(&format) => {
                return Err(Wrong::from(format!("is shown as percent (`{}`) and held as {value}", shown(&format)))
                    .hint("format the cell as a plain number"));
            }
            Kind::Whole(..) | Kind::Number => return Ok(Said::Number(value)),
            Kind::Bool => number_format::general(value),
            Kind::Date => {
                return Err(Wrong::from(format!("is the number {} and no date", number_format::general(value)))
                    .hint("format the cell as a date, or write yyyy-mm-dd"));
            }
            _ => number_format::shown(value, &format).ok_or_else(|| not_shown(value, &format))?,
        },
        Raw::Day { day, format } => match kind {
            Kind::Date => day,
            _ if is_plain_day(&format) => day,
            _ => {
                return Err(Wrong::from(format!("is the date {day} to the workbook, shown as `{}`", shown(&format)))
                    .hint(
                        "where a date is meant, format the cell as yyyy-mm-dd; else as text, and type the value again",
                    ));
            }
        },
    };
    if is_blank(&text) {
        return Ok(Said::Nothing);
    }
    match nothing_meant(&text) {
        Some(artefact) => Err(artefact.into()),
        None => Ok(Said::Text(text)),
    }
}

fn not_shown(value: f64, format: &str) -> Wrong {
    let value = number_format::general(value);
    let message = if value.trim_start_matches('-').len() > 15 && !value.contains('.') {
        format!("is the number {value}, of which Excel keeps only the first 15 digits")
    } else {
        format!("is the number {value}, which its format `{}` shows otherwise", shown(format))
    };
    Wrong::from(message).hint(AS_TEXT)
}

/// Whether a date's format shows what we write: `yyyy-mm-dd`.
fn is_plain_day(format: &str) -> bool {
    let plain: String = format.chars().filter(|character| !matches!(character, '\\' | '"')).collect();
    let plain = plain.split_once(']').filter(|_| plain.starts_with("[$-")).map_or(plain.as_str(), |(_, rest)| rest);
    plain.trim_end_matches(";@").eq_ignore_ascii_case("yyyy-mm-dd")
}

/// Refuses an id that a spreadsheet or script made a number of.
fn not_an_id(text: &str) -> Result<(), Wrong> {
    was_an_id(text).map_or(Ok(()), |artefact| Err(artefact.into()))
}

pub(super) fn from_cell(kind: Kind, text: String) -> Result<Value, Wrong> {
    if let Kind::TextList | Kind::NameList | Kind::RatedList(..) = kind
        && let Some(list) = lists::as_json(&text)
    {
        return from_json(kind, list);
    }
    match kind {
        Kind::Bool => match clean(&text).to_ascii_lowercase().as_str() {
            // Excel writes TRUE; people write yes; pandas, where a cell of the column is empty, 1.0.
            "true" | "yes" | "1" | "1.0" => Ok(Value::Bool(true)),
            "false" | "no" | "0" | "0.0" => Ok(Value::Bool(false)),
            _ => Err(format!("`{}` is neither `true` nor `false`", shown(&text)).into()),
        },
        Kind::TextList => lists::texts(&text),
        Kind::NameList => lists::names(&text),
        Kind::Whole(..) | Kind::Number => match clean(&text).parse::<f64>() {
            Ok(number) if number.is_finite() => from_json(kind, json!(number)),
            _ => Err(format!("`{}` is no number", shown(&text)).into()),
        },
        Kind::RatedList(..) => from_json(kind, lists::rated_names(&text)?),
        Kind::ObjectList => match strict(text.as_bytes()) {
            Ok((value, troubles)) => match troubles.into_iter().next() {
                Some(trouble) => Err(format!("`{}`: {}", shown(&trouble.key), trouble.message).into()),
                None => from_json(kind, value),
            },
            Err(error) => {
                Err(Wrong::from(format!("is not JSON: {error}")).hint("write a list of objects, or use a JSON roster"))
            }
        },
        Kind::Text | Kind::Code | Kind::Name => {
            not_an_id(&text)?;
            from_json(kind, Value::String(text))
        }
        // What an attribute takes is known to the tenant only: 3.0 may be a number there.
        Kind::Any if text.contains(['e', 'E']) => {
            not_an_id(&text)?;
            Ok(Value::String(text))
        }
        _ => from_json(kind, Value::String(text)),
    }
}

/// The value of an `id` or name in JSON: ids of some vendors are numbers.
fn word(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => clean(text),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A name or id, with its proficiency where it has one: `{"name", "id"?, "proficiency"?}`.
fn one_rated(value: &Value, least: f64, most: f64) -> Result<Value, Wrong> {
    let (id, name) = (word(value.get("id")), word(Some(value)).or_else(|| word(value.get("name"))));
    let Some(name) = name.or_else(|| id.clone()) else {
        return Err(
            format!("`{}` names nothing: write {{\"name\", \"proficiency\"}}", shown(&value.to_string())).into()
        );
    };
    let mut item = Map::from_iter([("name".to_owned(), json!(name))]);
    // The id is what is meant where a name stands beside it.
    if let Some(id) = id.filter(|id| *id != name) {
        item.insert("id".into(), json!(id));
    }
    match value.get("proficiency") {
        None | Some(Value::Null) => {}
        Some(rating) => match rating.as_f64() {
            Some(number) if (least..=most).contains(&number) => {
                item.insert("proficiency".into(), json!(number));
            }
            _ => {
                let rating = rating.as_str().map_or_else(|| rating.to_string(), str::to_owned);
                let message = format!(
                    "the proficiency of `{}` must be {least} to {most}, not `{}`",
                    shown(&name),
                    shown(&rating)
                );
                return Err(message.into());
            }
        },
    }
    Ok(Value::Object(item))
}

/// One of a list of names: the text to find it by.
fn one_named(value: &Value) -> Result<Value, Wrong> {
    let name = word(value.get("id")).or_else(|| word(Some(value))).or_else(|| word(value.get("name")));
    let Some(name) = name else {
        return Err(format!("`{}` names nothing: write a name or an id", shown(&value.to_string())).into());
    };
    match value.get("divisions") {
        None | Some(Value::Null) => Ok(json!(name)),
        Some(Value::Array(divisions)) if !divisions.is_empty() => {
            let divisions: Option<Vec<String>> = divisions.iter().map(|one| word(Some(one))).collect();
            let wrong = || Wrong::from(format!("the divisions of `{}` must be names or ids", shown(&name)));
            Ok(lists::in_divisions(&name, &divisions.ok_or_else(wrong)?))
        }
        Some(_) => Err(format!("the divisions of `{}` must be a list of names or ids", shown(&name)).into()),
    }
}

/// Refuses one name with two proficiencies: which one is meant?
fn rated_once(list: Vec<Value>) -> Result<Value, Wrong> {
    let mut seen = std::collections::HashMap::new();
    for item in &list {
        let name = item["id"].as_str().or_else(|| item["name"].as_str()).unwrap_or_default();
        let rating = item.get("proficiency").and_then(Value::as_f64);
        if seen.insert(super::text::fold(name), rating).is_some_and(|before| before != rating) {
            return Err(format!("`{}` is there twice, with different proficiencies", shown(name)).into());
        }
    }
    Ok(Value::Array(list))
}

pub(super) fn from_json(kind: Kind, value: Value) -> Result<Value, Wrong> {
    let wrong = |expected: &str, value: &Value| Err(format!("must be {expected}, not {}", type_of(value)).into());
    match (kind, value) {
        (Kind::Text, value @ Value::String(_)) => Ok(value),
        (Kind::Bool, value @ Value::Bool(_)) => Ok(value),
        (Kind::Code, Value::String(text)) => Ok(Value::String(clean(&text))),
        (Kind::Text | Kind::Code, other) => wrong("a text", &other),
        (Kind::Bool, other) => wrong("true or false", &other),
        (Kind::Email, Value::String(text)) => {
            let text = clean(&text);
            if is_email(&text) {
                Ok(json!(text))
            } else {
                Err(format!("`{}` is no e-mail address", shown(&text)).into())
            }
        }
        (Kind::Email, other) => wrong("an e-mail address", &other),
        (Kind::Choice(words), Value::String(text)) => {
            let text = clean(&text);
            match words.iter().find(|word| word.eq_ignore_ascii_case(&text)) {
                Some(word) => Ok(json!(word)),
                None => Err(Wrong {
                    message: format!("`{}` is not one of {}", shown(&text), list(words, "or")),
                    hint: nearest(&text, words.iter().copied()).map(|word| format!("did you mean `{word}`?")),
                }),
            }
        }
        (Kind::Choice(words), other) => wrong(&format!("one of {}", list(words, "or")), &other),
        (Kind::Whole(least, most), Value::Number(number)) => match number.as_f64() {
            // A spreadsheet's `5.0` is 5.
            Some(value) if value.fract() == 0.0 && (least as f64..=most as f64).contains(&value) => {
                Ok(json!(value as i64))
            }
            _ => Err(format!("must be a whole number from {least} to {most}, not `{number}`").into()),
        },
        (Kind::Whole(..) | Kind::Number, Value::String(text)) if clean(&text).parse::<f64>().is_ok() => {
            from_cell(kind, text)
        }
        (Kind::Number, value @ Value::Number(_)) if value.as_f64().is_some_and(f64::is_finite) => Ok(value),
        (Kind::Whole(..) | Kind::Number, other) => wrong("a number", &other),
        (Kind::Date, Value::String(text)) => day(&clean(&text)).map(|day| json!(day)).ok_or_else(|| {
            let days = text.trim().parse::<u32>().is_ok_and(|days| (10_000..100_000).contains(&days));
            let wrong = Wrong::from(format!("`{}` is no date: write yyyy-mm-dd", shown(&text)));
            if days { wrong.hint("Excel counts days so: format the column as a date, yyyy-mm-dd") } else { wrong }
        }),
        (Kind::Date, other) => wrong("a date", &other),
        (Kind::TextList, value @ Value::Array(_))
            if value.as_array().is_some_and(|list| list.iter().all(Value::is_string)) =>
        {
            Ok(value)
        }
        (Kind::TextList, other) => wrong("a list of texts", &other),
        (Kind::Name, Value::String(text)) if !clean(&text).is_empty() => Ok(json!(clean(&text))),
        (Kind::Name, Value::Object(object)) => {
            let name = word(object.get("id")).or_else(|| word(object.get("name")));
            name.map_or_else(|| wrong("a name or id", &Value::Object(object)), |name| Ok(json!(name)))
        }
        (Kind::Name, other) => wrong("a name or id", &other),
        (Kind::NameList, Value::Array(list)) => list.iter().map(one_named).collect(),
        (Kind::NameList, other) => wrong("a list of names or ids", &other),
        (Kind::RatedList(least, most), Value::Array(list)) => {
            let list: Result<Vec<Value>, Wrong> = list.iter().map(|item| one_rated(item, least, most)).collect();
            rated_once(list?)
        }
        (Kind::RatedList(..), other) => wrong("a list of names with proficiencies", &other),
        (Kind::ObjectList, value @ Value::Array(_))
            if value.as_array().is_some_and(|list| list.iter().all(Value::is_object)) =>
        {
            Ok(value)
        }
        (Kind::ObjectList, other) => wrong("a list of objects", &other),
        (Kind::ReadOnly(why), _) => Err(why.to_owned().into()),
        (Kind::Any, value) => Ok(value),
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

/// What a key column says.
pub(super) fn key_text(table: &Table, column: &str, raw: Raw) -> Result<String, Wrong> {
    let text = match raw {
        Raw::Json(Value::String(text)) => text,
        Raw::Json(Value::Number(number)) if number.is_f64() => {
            let message = format!("`{number}` is no id: digits may be lost");
            return Err(Wrong::from(message).hint("write it in quotes, with all its digits"));
        }
        Raw::Json(Value::Number(number)) => number.to_string(),
        Raw::Json(other) => return Err(format!("must be a text, not {}", type_of(&other)).into()),
        raw => match said(table, raw, Kind::Text)? {
            Said::Text(text) => {
                not_an_id(&text)?;
                text
            }
            Said::Meant(text) => text,
            _ => String::new(),
        },
    };
    let written = text;
    let text = clean(&written);
    let parts = || text.split('/');
    if text.is_empty() {
        Err("is empty: the row names no user".to_owned().into())
    } else if text.chars().any(char::is_control) {
        Err(format!("`{}` holds a control character", shown(&text)).into())
    } else if column == "email" && !is_email(&text) {
        Err(format!("`{}` is no e-mail address", shown(&text)).into())
    } else if is_id(column) && parts().any(|part| matches!(part.trim(), "." | ".." | "")) {
        Err(format!("`{}` is no id", shown(&text)).into())
    } else if is_id(column) && text.contains(char::is_whitespace) {
        // As it was written: a space may be one that looks like none.
        Err(Wrong::from(format!("`{}` is no id: it holds a space", shown(written.trim()))).hint("take the space out"))
    } else if is_id(column)
        && (text.contains('\\') || parts().count() > if table.joined_ids && column == "id" { 2 } else { 1 })
    {
        Err(format!("`{}` is no id: it holds a slash", shown(&text)).into())
    } else {
        Ok(text)
    }
}

/// Whether a key column's values become parts of paths.
fn is_id(column: &str) -> bool {
    column.to_ascii_lowercase().ends_with("id")
}

/// Enough to catch a slipped column; only the vendor knows which addresses it takes.
fn is_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, domain)| {
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | ':' | '<' | '>');
        !local.is_empty() && !domain.is_empty() && !text.contains(odd)
    })
}

/// The day, `yyyy-mm-dd`; pandas and databases write midnight behind it.
fn day(text: &str) -> Option<&str> {
    let day = text.get(..10).filter(|day| is_date(day))?;
    let midnight = |rest: &str| {
        let rest = rest.strip_prefix(['T', ' '])?;
        let rest = rest.strip_prefix("00:00")?;
        let rest = rest.strip_prefix(":00").unwrap_or(rest);
        let rest = rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches('0'));
        matches!(rest, "" | "Z" | "+00:00").then_some(())
    };
    let rest = &text[10..];
    (rest.is_empty() || midnight(rest).is_some()).then_some(day)
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
