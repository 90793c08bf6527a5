//! Telephones and locations: written in one form, read in another.

use serde_json::{Value, json};

/// Extensions of a pool, and those of a pool whose numbers are derived.
const POOL: std::ops::Range<u32> = 2_000..3_000;
const DERIVED: std::ops::Range<u32> = 3_000..4_000;

const MEDIA: &[&str] = &["PHONE", "EMAIL", "SMS"];
const TYPES: &[&str] = &["PRIMARY", "WORK", "WORK2", "WORK3", "WORK4", "HOME", "MOBILE", "MAIN", "OTHER"];
/// Properties of a `Contact`; `display` is read-only and no harm in a write.
const CONTACT: &[&str] = &["address", "display", "mediaType", "type", "extension", "countryCode", "integration"];

const COUNTRIES: &[(&str, &str)] = &[("+1", "US"), ("+34", "ES"), ("+44", "GB"), ("+49", "DE"), ("+353", "IE")];

/// What is stored of an entry that is written, or why it is refused.
pub(super) fn stored(entry: &Value) -> Result<Value, String> {
    let fields = entry.as_object().ok_or("an entry of addresses is an object")?;
    if let Some(key) = fields.keys().find(|key| !CONTACT.contains(&key.as_str())) {
        return Err(format!("[{key}] is not a valid property for object [Contact]"));
    }
    let text = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(value) => Err(format!("[{value}] is not valid for field type [{key}]")),
    };
    let media = text("mediaType")?.filter(|media| MEDIA.contains(media)).ok_or("mediaType is PHONE, EMAIL or SMS")?;
    let kind =
        text("type")?.filter(|kind| TYPES.contains(kind)).ok_or("type is one of PRIMARY, WORK, HOME and so on")?;
    let (address, extension) = (text("address")?, text("extension")?);
    let mut kept = json!({"mediaType": media, "type": kind});
    match (media, address) {
        ("EMAIL", Some(address)) if address.contains('@') => kept["address"] = json!(address.to_lowercase()),
        ("EMAIL", _) => return Err("an e-mail entry has an e-mail address".into()),
        (_, Some(address)) => {
            kept["address"] = json!(e164(address).ok_or_else(|| format!("[{address}] is no number"))?)
        }
        (_, None) if extension.is_none() => return Err("an entry has an address or an extension".into()),
        _ => {}
    }
    if let Some(extension) = extension {
        kept["extension"] = json!(extension.trim_matches(['(', ')']));
    }
    if let Some(integration) = text("integration")? {
        kept["integration"] = json!(integration);
    }
    Ok(kept)
}

/// A number with its signs taken off.
fn e164(number: &str) -> Option<String> {
    let signs = |sign: char| sign.is_ascii_digit() || matches!(sign, '+' | ' ' | '-' | '.' | '(' | ')' | '/');
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    (number.chars().all(signs) && !digits.is_empty()).then(|| format!("+{digits}"))
}

fn formatted(number: &str) -> String {
    match number.strip_prefix("+1").filter(|rest| rest.len() == 10) {
        Some(rest) => format!("+1 {}-{}-{}", &rest[..3], &rest[3..6], &rest[6..]),
        None => number.to_owned(),
    }
}

/// An entry as it is read: five shapes of telephones (facts: a number, an extension of a pool, the same with the number
/// that it is derived from, a number with an extension, an extension without a pool).
pub(super) fn shown(kept: &Value) -> Value {
    let mut entry = json!({"mediaType": kept["mediaType"], "type": kept["type"]});
    let text = |key: &str| kept[key].as_str();
    match (text("mediaType"), text("address"), text("extension")) {
        (Some("EMAIL"), Some(address), _) => {
            entry["address"] = json!(address);
            entry["display"] = json!(address);
        }
        (_, Some(address), None) => {
            entry["address"] = json!(address);
            entry["display"] = json!(formatted(address));
        }
        (_, Some(address), Some(extension)) => {
            entry["extension"] = json!(extension);
            entry["display"] = json!(address);
        }
        (_, None, Some(extension)) => {
            let number: u32 = extension.parse().unwrap_or(0);
            if POOL.contains(&number) || DERIVED.contains(&number) {
                entry["extension"] = json!(extension);
                entry["display"] = json!(extension);
                if DERIVED.contains(&number) {
                    entry["address"] = json!(format!("+1317555{extension}"));
                }
            } else {
                entry["display"] = json!(format!("({extension})"));
            }
        }
        _ => {}
    }
    let number = text("address").unwrap_or_default();
    if let Some((_, country)) = COUNTRIES.iter().find(|(code, _)| number.starts_with(code)) {
        entry["countryCode"] = json!(country);
    }
    if let Some(integration) = text("integration") {
        entry["integration"] = json!(integration);
    }
    entry
}

/// Telephones of user number `number` as the tenant begins: every shape is somebody's.
pub(super) fn first(number: usize) -> Value {
    let phone = |media: &str, kind: &str, address: Option<String>, extension: Option<String>| {
        let mut entry = json!({"mediaType": media, "type": kind});
        address.into_iter().for_each(|address| entry["address"] = json!(address));
        extension.into_iter().for_each(|extension| entry["extension"] = json!(extension));
        entry
    };
    let line = |from: usize| Some(format!("+1317555{:04}", (from + number) % 10_000));
    let inner = |from: usize| Some((from + number % 1_000).to_string());
    let work = |address, extension| phone("PHONE", "WORK", address, extension);
    match number % 8 {
        2 => json!([work(line(1_000), None)]),
        3 => json!([work(None, inner(2_000))]),
        4 => json!([work(None, inner(3_000)), phone("PHONE", "HOME", line(1_000), None)]),
        5 => json!([work(line(1_000), inner(8_000))]),
        6 => json!([work(None, inner(9_000)), phone("PHONE", "WORK2", line(1_000), None)]),
        7 => json!([phone("SMS", "MOBILE", line(5_000), None), work(line(1_000), None)]),
        _ => json!([]),
    }
}

/// What is stored of a location that is written.
pub(super) fn stored_location(entry: &Value, known: impl Fn(&str) -> bool) -> Result<Value, String> {
    let fields = entry.as_object().ok_or("an entry of locations is an object")?;
    let allowed = ["id", "notes", "coordinates", "floorplanId", "locationDefinition"];
    if let Some(key) = fields.keys().find(|key| !allowed.contains(&key.as_str())) {
        return Err(format!("[{key}] is not a valid property for object [Location]"));
    }
    let id = entry["id"].as_str().or_else(|| entry["locationDefinition"]["id"].as_str()).unwrap_or_default();
    if !known(id) {
        return Err(format!("[{id}] is not the id of a location"));
    }
    let mut kept = json!({"id": id});
    for (key, right) in [("notes", entry["notes"].is_string()), ("coordinates", entry["coordinates"].is_object())] {
        match fields.get(key) {
            Some(value) if right => kept[key] = value.clone(),
            None | Some(Value::Null) => {}
            Some(value) => return Err(format!("[{value}] is not valid for field type [{key}]")),
        }
    }
    Ok(kept)
}

/// A location as it is read: it has no id of its own.
pub(super) fn shown_location(kept: &Value, uri: impl Fn(&str) -> String) -> Value {
    let id = kept["id"].as_str().unwrap_or_default();
    let mut entry = json!({"coordinates": kept.get("coordinates").cloned().unwrap_or_else(|| json!({}))});
    if let Some(notes) = kept.get("notes") {
        entry["notes"] = notes.clone();
    }
    entry["locationDefinition"] = json!({"id": id, "selfUri": uri(&format!("/api/v2/locations/{id}"))});
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_is_read_in_one_of_five_shapes() {
        let shape = |entry: Value| {
            let mut shown = shown(&stored(&entry).unwrap());
            let map = shown.as_object_mut().unwrap();
            ["mediaType", "type", "countryCode"].iter().for_each(|key| drop(map.remove(*key)));
            shown
        };
        let phone = |more: Value| {
            let mut entry = json!({"mediaType": "PHONE", "type": "WORK"});
            more.as_object().unwrap().iter().for_each(|(key, value)| entry[key] = value.clone());
            entry
        };
        for (written, read) in [
            (json!({"address": "+1 317 555 0108"}), json!({"address": "+13175550108", "display": "+1 317-555-0108"})),
            (json!({"extension": "2001"}), json!({"extension": "2001", "display": "2001"})),
            (json!({"extension": "3001"}), json!({"extension": "3001", "display": "3001", "address": "+13175553001"})),
            (
                json!({"address": "+13175550107", "extension": "8001"}),
                json!({"extension": "8001", "display": "+13175550107"}),
            ),
            (json!({"extension": "9001"}), json!({"display": "(9001)"})),
        ] {
            assert_eq!(shape(phone(written.clone())), read, "{written}");
        }
    }

    #[test]
    fn an_entry_that_says_nothing_or_too_much_is_refused() {
        for wrong in [
            json!({"mediaType": "PHONE", "type": "WORK"}),
            json!({"mediaType": "PHONE", "type": "WORK", "display": "(2001)"}),
            json!({"mediaType": "FAX", "type": "WORK", "address": "+1"}),
            json!({"mediaType": "PHONE", "type": "DESK", "address": "+1"}),
            json!({"mediaType": "PHONE", "type": "WORK", "address": "+1 call me"}),
            json!({"mediaType": "EMAIL", "type": "WORK", "address": "nobody"}),
            json!({"mediaType": "PHONE", "type": "WORK", "address": "+1", "number": "1"}),
            json!("+1"),
        ] {
            assert!(stored(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_location_is_written_by_id_and_read_by_its_definition() {
        let kept = stored_location(&json!({"id": "l1", "notes": "desk 12"}), |id| id == "l1").unwrap();
        let read = shown_location(&kept, str::to_owned);
        assert_eq!(read["locationDefinition"]["id"], "l1");
        assert_eq!((&read["notes"], read.get("id")), (&json!("desk 12"), None));
        assert!(stored_location(&json!({"id": "l2"}), |id| id == "l1").is_err());
        assert_eq!(stored_location(&read, |id| id == "l1").unwrap()["id"], "l1", "what is read can be written");
    }
}
