//! Telephone entries of `addresses`, as they are read and as they are sent back.
//!
//! They are read in five shapes: a number; an extension of a pool, alone or with an
//! address that is derived from it; a number with an extension, the number in `display`; and an extension that no pool has
//! yet, in `display` alone. The vendor replaces the list as a whole, so every entry is sent back as the API takes it.

use super::fields::PHONES;
use serde_json::{Map, Value, json};

fn is_phone(entry: &Value) -> bool {
    matches!(entry["mediaType"].as_str(), Some("PHONE" | "SMS"))
}

/// Whether a list of entries holds a telephone.
pub(super) fn any(list: &Value) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(is_phone))
}

fn told(entry: &Value, key: &str) -> Option<String> {
    let text = match &entry[key] {
        Value::String(text) => bare(text).to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A text without the parentheses that it may stand in as a whole.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inside.filter(|inside| !inside.contains(['(', ')'])).map_or(text, str::trim)
}

/// The digits of a text that is a telephone number or an extension and nothing else.
fn digits(text: &str) -> Option<String> {
    let punctuation = |sign: char| sign.is_whitespace() || "+().-/".contains(sign);
    let only = text.chars().all(|sign| sign.is_ascii_digit() || punctuation(sign));
    Some(text.chars().filter(char::is_ascii_digit).collect::<String>()).filter(|digits| only && !digits.is_empty())
}

/// Whether two texts are one number: spaces, parentheses, dashes and a plus in front make no other one.
fn same_number(a: &str, b: &str) -> bool {
    match (digits(a), digits(b)) {
        (Some(a), Some(b)) => a == b,
        _ => bare(a).eq_ignore_ascii_case(bare(b)),
    }
}

/// E.164, where a number begins like one.
fn e164(text: &str) -> String {
    match digits(text) {
        Some(digits) if bare(text).starts_with('+') => format!("+{digits}"),
        _ => text.trim().to_owned(),
    }
}

/// The number of a `display` that shows it beside its extension.
fn number_of(display: &str, address: Option<String>) -> String {
    let end = display.find(|sign: char| sign.is_alphabetic() || sign == ';' || sign == ',').unwrap_or(display.len());
    let number = display[..end].trim();
    address.filter(|address| same_number(address, number)).unwrap_or_else(|| e164(number))
}

/// The number and the extension that an entry stands for.
fn parts(entry: &Value) -> (Option<String>, Option<String>) {
    match (told(entry, "address"), told(entry, "extension"), told(entry, "display")) {
        (None, None, Some(display)) if display.starts_with('+') => (Some(e164(&display)), None),
        (None, None, Some(display)) => (None, Some(display)),
        (_, Some(extension), Some(display)) if same_number(&extension, &display) => (None, Some(extension)),
        (address, Some(extension), Some(display)) => (Some(number_of(&display, address)), Some(extension)),
        (address, extension, _) => (address, extension),
    }
}

/// An entry of `addresses` as UpdateUser writes it.
pub(super) fn written(entry: &Value) -> Value {
    let mut out: Map<String, Value> = ["address", "mediaType", "type", "extension", "countryCode", "integration"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), entry.get(*key).filter(|value| !value.is_null())?.clone())))
        .collect();
    if is_phone(entry) {
        let (address, extension) = parts(entry);
        for (key, value) in [("address", address), ("extension", extension)] {
            match value {
                Some(value) => out.insert(key.to_owned(), json!(value)),
                None => out.remove(key),
            };
        }
    }
    Value::Object(out)
}

/// Whether an entry that is held is the one that is asked for, however the vendor writes it.
fn meets(asked: &Value, held: &Value) -> bool {
    let equal = |key: &str| match (told(asked, key), told(held, key)) {
        (Some(asked), held) => held.is_some_and(|held| asked.eq_ignore_ascii_case(&held)),
        (None, _) => true,
    };
    if !["type", "countryCode", "integration"].iter().all(|key| equal(key)) {
        return false;
    }
    if !(is_phone(asked) && is_phone(held)) {
        return equal("mediaType") && equal("address") && equal("extension");
    }
    let ((asked, its), (held_number, helds)) = (parts(asked), parts(held));
    let same = |asked: &Option<String>, held: &Option<String>| match (asked, held) {
        (Some(asked), Some(held)) => same_number(asked, held),
        (asked, held) => asked.is_none() && held.is_none(),
    };
    same(&its, &helds) && (same(&asked, &held_number) || asked.is_some_and(|asked| shows(held, &asked)))
}

/// Whether an entry shows a number in the form of its country.
fn shows(entry: &Value, number: &str) -> bool {
    let (address, extension) = parts(entry);
    address.is_some() && extension.is_none() && told(entry, "display").is_some_and(|shown| same_number(&shown, number))
}

/// Whether a list that is held is the one that is asked for.
pub(super) fn equivalent(asked: &Value, held: &Value) -> bool {
    let entries = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let (asked, mut left) = (entries(asked), entries(held));
    asked.len() == left.len()
        && asked.iter().all(|entry| {
            let found = left.iter().position(|other| meets(entry, other));
            found.map(|found| left.swap_remove(found)).is_some()
        })
}

/// One entry: as it was read (or as a row wrote it), and as it is sent.
struct Entry {
    shown: Value,
    sent: Value,
}

fn entries(held: &Value) -> Vec<Entry> {
    let entry = |shown: &Value| Entry { sent: written(shown), shown: shown.clone() };
    held.as_array().into_iter().flatten().map(entry).collect()
}

impl Entry {
    fn is_of(&self, kind: &str) -> bool {
        is_phone(&self.sent) && self.sent["type"] == kind
    }

    fn set(&mut self, key: &str, value: Option<String>) {
        if value.is_none() && self.sent.get(key).is_none() {
            return;
        }
        if let Value::Object(sent) = &mut self.sent {
            match value {
                Some(value) => sent.insert(key.to_owned(), json!(value)),
                None => sent.remove(key),
            };
            if key == "address" {
                // It is the old number's country.
                sent.remove("countryCode");
            }
        }
        self.shown = self.sent.clone();
    }

    fn is_empty(&self) -> bool {
        is_phone(&self.sent) && self.sent.get("address").is_none() && self.sent.get("extension").is_none()
    }
}

/// The list `addresses` as a row sets it: `whole` where the row replaces it, and columns for single telephones, which set
/// or clear one entry each and leave all others as they are.
pub(super) fn desired<'a>(held: &Value, whole: Option<&Value>, columns: impl Fn(&str) -> Option<&'a Value>) -> Value {
    let held = entries(held);
    let mut list = match whole {
        None => held,
        Some(whole) => laid_over(whole, held),
    };
    for (column, kind) in PHONES {
        let Some(value) = columns(column) else { continue };
        let value = value.as_str().map(str::trim).filter(|text| !text.is_empty());
        let (key, among) = match *column {
            "extension" => ("extension", extensions(&list)),
            _ => ("address", numbers(&list, kind)),
        };
        match value {
            Some(value) if among.iter().any(|at| holds(&list[*at], key, value)) => {}
            Some(value) => {
                let value = if key == "address" { e164(value) } else { value.to_owned() };
                let at = among.first().copied().or_else(|| numbers(&list, kind).first().copied());
                if let Some(entry) = at.and_then(|at| list.get_mut(at)) {
                    entry.set(key, Some(value));
                } else {
                    let sent = json!({"mediaType": "PHONE", "type": kind, key: value});
                    list.push(Entry { shown: sent.clone(), sent });
                }
            }
            None => {
                among.into_iter().for_each(|at| list[at].set(key, None));
                list.retain(|entry| !entry.is_empty());
            }
        }
    }
    list.into_iter().map(|entry| entry.sent).collect()
}

fn laid_over(whole: &Value, mut held: Vec<Entry>) -> Vec<Entry> {
    let entries = whole.as_array().into_iter().flatten();
    let one = |asked: &Value| match held.iter().position(|entry| meets(asked, &entry.shown)) {
        // What the vendor adds to an entry (its country) is no difference.
        Some(found) => held.swap_remove(found),
        None => Entry { shown: asked.clone(), sent: written(asked) },
    };
    entries.map(one).collect()
}

/// The entries of this type, telephones before numbers for messages: a mobile number may be either.
fn numbers(list: &[Entry], kind: &str) -> Vec<usize> {
    let of = |media: &'static str| {
        (0..list.len()).filter(move |at| list[*at].is_of(kind) && list[*at].sent["mediaType"] == media)
    };
    of("PHONE").chain(of("SMS")).collect()
}

/// The entries whose extension the column `extension` means: the one at work, and those that are nothing but an extension.
fn extensions(list: &[Entry]) -> Vec<usize> {
    let has = |at: &usize| list[*at].sent.get("extension").is_some();
    let alone = |at: &usize| list[*at].sent.get("address").is_none();
    let others = ["WORK2", "WORK3", "WORK4"].into_iter().flat_map(|kind| numbers(list, kind)).filter(alone);
    numbers(list, "WORK").into_iter().chain(others).filter(has).collect()
}

fn holds(entry: &Entry, key: &str, value: &str) -> bool {
    entry.sent[key].as_str().is_some_and(|held| same_number(held, value))
        || (key == "address" && shows(&entry.shown, value))
}

/// What a user holds in a column for one telephone.
pub(super) fn value(held: &Value, column: &str) -> Value {
    let list = entries(held);
    let kind = PHONES.iter().find(|(name, _)| *name == column).map_or("", |(_, kind)| kind);
    let (key, among) = match column {
        "extension" => ("extension", extensions(&list)),
        _ => ("address", numbers(&list, kind)),
    };
    among.into_iter().find_map(|at| list[at].sent.get(key).cloned()).unwrap_or_default()
}
