//! Lists in a cell: `a;b;c`, `Spanish:4;Billing:3`, and those of the vendors' own importers.

use super::artefact::{nothing_meant, was_an_id};
use super::problem::Wrong;
use super::strict::{LONGEST_LIST, strict};
use super::text::{clean, shown};
use serde_json::{Value, json};

/// The parts between semicolons, empty ones left out.
pub(super) fn parts(text: &str) -> Result<Vec<&str>, Wrong> {
    bounded(text.split(';').map(str::trim).filter(|part| !part.is_empty()))
}

fn bounded<'a>(parts: impl Iterator<Item = &'a str>) -> Result<Vec<&'a str>, Wrong> {
    let list: Vec<&str> = parts.take(LONGEST_LIST + 1).collect();
    if list.len() > LONGEST_LIST {
        return Err(format!("the list has more than {LONGEST_LIST} items").into());
    }
    Ok(list)
}

/// A list of a cell that is written as JSON, for texts that hold what separates: nobody's name is a list of texts in quotes.
pub(super) fn as_json(text: &str) -> Option<Value> {
    let text = text.trim();
    let (list, troubles) = text.starts_with('[').then(|| strict(text.as_bytes()).ok())??;
    let items = list.as_array().filter(|items| !items.is_empty() && troubles.is_empty())?;
    items.iter().all(|item| item.is_string() || item.is_object()).then_some(list)
}

/// Texts of a cell.
pub(super) fn texts(text: &str) -> Result<Value, Wrong> {
    let parts = parts(text)?;
    parts.into_iter().map(|part| meant(part, false).map(|()| json!(part))).collect()
}

/// Names of a cell.
pub(super) fn names(text: &str) -> Result<Value, Wrong> {
    bounded(separated(text, &[';'])?.into_iter())?.into_iter().map(with_divisions).collect()
}

/// Names with their proficiencies, of a cell.
pub(super) fn rated_names(text: &str) -> Result<Value, Wrong> {
    // `a:5,b:3` too, as the vendors' importers write it: a comma in a name is no list.
    let by_comma = || -> Option<Vec<Value>> {
        let one = |part: &str| Some(rated(part.trim())).filter(|part| part.get("proficiency").is_some());
        text.split(',').take(LONGEST_LIST + 1).map(one).collect()
    };
    let list = match (!text.contains(';')).then(by_comma).flatten() {
        Some(list) if list.len() > LONGEST_LIST => {
            return Err(format!("the list has more than {LONGEST_LIST} items").into());
        }
        Some(list) => list,
        None => parts(text)?.into_iter().map(rated).collect(),
    };
    list.into_iter().map(|item| meant(item["name"].as_str().unwrap_or_default(), true).map(|()| item)).collect()
}

/// `Spanish:4` as an object; a part after the last colon that is no number belongs to the name.
fn rated(part: &str) -> Value {
    let Some((name, rating)) = part.rsplit_once(':') else { return json!({"name": clean(part)}) };
    let (name, rating) = (clean(name), clean(rating));
    match rating.parse::<f64>() {
        // `nan` and `1e999` are read as numbers and are none: told by whoever checks the proficiency.
        Ok(number) if number.is_finite() => json!({"name": name, "proficiency": number}),
        Ok(_) => json!({"name": name, "proficiency": rating}),
        Err(_) if rating.is_empty() => json!({"name": name, "proficiency": rating}),
        Err(_) => json!({"name": clean(part)}),
    }
}

/// Whether a part of a list is a text that somebody means.
fn meant(part: &str, name: bool) -> Result<(), Wrong> {
    if clean(part).eq_ignore_ascii_case(super::CLEAR) {
        return Err(Wrong::from("`<clear>` clears the whole field: it stands alone in its cell".to_owned()));
    }
    match nothing_meant(part).or_else(|| was_an_id(part).filter(|_| name)) {
        Some(artefact) => Err(artefact.into()),
        None => Ok(()),
    }
}

/// A list of the vendor's importer: by commas.
pub(super) fn importers(text: &str, is_rated: bool) -> Result<Value, Wrong> {
    let items = bounded(separated(text, &[',', ';'])?.into_iter())?;
    items.into_iter().map(|part| if is_rated { rated_one(part) } else { with_divisions(part) }).collect()
}

fn rated_one(part: &str) -> Result<Value, Wrong> {
    meant(part, true)?;
    Ok(rated(part))
}

/// The parts between separators that are not inside a role's brackets, `role:[a; b]`.
fn separated<'a>(text: &'a str, separators: &[char]) -> Result<Vec<&'a str>, Wrong> {
    let (mut from, mut inside) = (0, false);
    let mut found = vec![];
    for (at, character) in text.char_indices() {
        match character {
            '[' if text[from..at].trim_end().ends_with(':') => inside = true,
            ']' => inside = false,
            _ if !inside && separators.contains(&character) => {
                found.push(text[from..at].trim());
                from = at + character.len_utf8();
            }
            _ => {}
        }
    }
    found.push(text[from..].trim());
    found.retain(|part| !part.is_empty());
    if inside { Err(brackets(text)) } else { Ok(found) }
}

fn brackets(text: &str) -> Wrong {
    Wrong::from(format!("`{}` has brackets that do not fit", shown(text)))
        .hint("a role in some divisions is written `role:[division; division]`")
}

/// A name, or a role with its divisions in one spelling.
fn with_divisions(part: &str) -> Result<Value, Wrong> {
    let split = part.split_once('[').and_then(|(name, inside)| Some((name.trim_end().strip_suffix(':')?, inside)));
    let Some((name, inside)) = split else {
        meant(part, true)?;
        return Ok(json!(clean(part)));
    };
    let name = clean(name);
    let Some(divisions) = inside.strip_suffix(']').filter(|_| !name.is_empty()) else { return Err(brackets(part)) };
    meant(&name, true)?;
    let divisions: Vec<String> = divisions.split([';', ',']).map(clean).filter(|name| !name.is_empty()).collect();
    divisions.iter().try_for_each(|name| meant(name, true))?;
    Ok(in_divisions(&name, &divisions))
}

/// A role in some divisions, as a row's fields have it: `role:[division; division]`; where a division's name cannot stand
/// there, as an object.
pub(super) fn in_divisions(role: &str, divisions: &[String]) -> Value {
    if divisions.iter().any(|name| name.contains([';', ',', '[', ']'])) {
        return json!({"name": role, "divisions": divisions});
    }
    if divisions.is_empty() { json!(role) } else { json!(format!("{role}:[{}]", divisions.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_importers_lists_are_by_commas_and_roles_may_have_divisions() {
        let read = |text: &str| importers(text, false).map_err(|wrong| wrong.message);
        assert_eq!(read("Sales, Support"), Ok(json!(["Sales", "Support"])));
        assert_eq!(
            read("Agent:[Home], Supervisor: [Sales; EMEA], Employee"),
            Ok(json!(["Agent:[Home]", "Supervisor:[Sales; EMEA]", "Employee"]))
        );
        assert_eq!(read("Agent [Home]"), Ok(json!(["Agent [Home]"])), "a name may hold brackets");
        for wrong in ["Agent:[Home", ":[Home]", "Agent:[Home] x", "Agent, #N/A", "Agent:[nan]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(names("Agent:[Home; Sales]; Employee").ok(), Some(json!(["Agent:[Home; Sales]", "Employee"])));
        assert_eq!(
            importers("Spanish:5,Billing", true).ok(),
            Some(json!([{"name": "Spanish", "proficiency": 5.0}, {"name": "Billing"}]))
        );
    }

    #[test]
    fn a_list_has_an_end() {
        assert!(parts(&"g;".repeat(LONGEST_LIST)).is_ok());
        assert!(parts(&"g;".repeat(LONGEST_LIST + 1)).is_err());
        assert!(rated_names(&"g:1,".repeat(LONGEST_LIST + 1)).is_err());
    }
}
