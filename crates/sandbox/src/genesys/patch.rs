//! `PATCH /users/{id}`: what may be written, and how it is stored.

use super::contacts;
use crate::http::Reply;
use serde_json::{Map, Value, json};

/// Fields of `UpdateUser` (published description, version of July 2026).
const UPDATE_USER: &[&str] = &[
    "id",
    "selfUri",
    "primaryContactInfo",
    "version",
    "name",
    "department",
    "title",
    "username",
    "preferredName",
    "email",
    "manager",
    "addresses",
    "chat",
    "images",
    "profileSkills",
    "certifications",
    "locations",
    "groups",
    "state",
    "acdAutoAnswer",
    "biography",
    "employerInfo",
];
/// Those of them that are read-only: they may be there, and nothing comes of it.
const READ_ONLY: &[&str] = &["id", "selfUri", "primaryContactInfo", "version"];
const EMPLOYER: &[&str] = &["officialName", "employeeId", "employeeType", "dateHire"];
const BIOGRAPHY: &[&str] = &["biography", "interests", "hobbies", "spouse", "education"];

fn invalid(key: &str, value: &Value) -> Reply {
    Reply::error(400, "invalid.value", &format!("Value [{value}] is not valid for field type [{key}]"))
}

fn unknown(key: &str, object: &str) -> Reply {
    let message = format!("Value [{key}] is not a valid property for object [{object}]");
    Reply::error(400, "invalid.property", &message)
}

/// What a body sets, as it is stored; `null` for what goes away.
pub(super) fn read(
    body: &Map<String, Value>,
    strict: bool,
    location: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Value)>, Reply> {
    if strict && !body.contains_key("version") {
        return Err(Reply::error(400, "bad.request", "version is required"));
    }
    if let Some(key) = body.keys().find(|key| !UPDATE_USER.contains(&key.as_str())) {
        return Err(unknown(key, "UpdateUser"));
    }
    if let Some(version) = body.get("version").filter(|version| !version.is_i64()) {
        return Err(invalid("version", version));
    }
    let written = body.iter().filter(|(key, _)| !READ_ONLY.contains(&key.as_str()));
    if body.contains_key("state") && written.clone().count() > 1 {
        return Err(Reply::error(400, "bad.request", "If specified, state is the only modifiable field"));
    }
    written.map(|(key, value)| Ok((key.clone(), stored(key, value, &location)?))).collect()
}

fn stored(key: &str, value: &Value, location: impl Fn(&str) -> bool) -> Result<Value, Reply> {
    let list = || value.as_array().ok_or_else(|| invalid(key, value));
    let each = |one: &dyn Fn(&Value) -> Result<Value, String>| -> Result<Value, Reply> {
        let kept: Result<Vec<Value>, String> = list()?.iter().map(one).collect();
        kept.map(Value::Array).map_err(|why| Reply::error(400, "invalid.value", &why))
    };
    let right = match key {
        "addresses" => return each(&contacts::stored),
        "locations" => return each(&|entry| contacts::stored_location(entry, &location)),
        "employerInfo" => return employer(value),
        "biography" | "chat" => {
            let (known, object) = match key {
                "chat" => (&["jabberId"][..], "Chat"),
                _ => (BIOGRAPHY, "Biography"),
            };
            let fields = value.as_object().ok_or_else(|| invalid(key, value))?;
            if let Some(key) = fields.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(unknown(key, object));
            }
            true
        }
        "manager" => {
            // Written by id and read as a user; without one there is none.
            return match value.as_str().map(str::trim) {
                Some("") => Ok(Value::Null),
                Some(id) => Ok(json!({"id": id})),
                None => Err(invalid(key, value)),
            };
        }
        "acdAutoAnswer" => value.is_boolean(),
        "state" => ["active", "inactive", "deleted"].contains(&value.as_str().unwrap_or_default()),
        "profileSkills" | "certifications" => list()?.iter().all(Value::is_string),
        "images" => list()?.iter().all(Value::is_object),
        "groups" => list()?.iter().all(|group| group["id"].is_string()),
        "email" => value.as_str().is_some_and(|email| email.contains('@')),
        "name" | "username" => value.as_str().is_some_and(|text| !text.trim().is_empty()),
        _ => value.is_string(),
    };
    if right { Ok(value.clone()) } else { Err(invalid(key, value)) }
}

/// Replaced as a whole: what is not in it is gone.
fn employer(value: &Value) -> Result<Value, Reply> {
    let fields = value.as_object().ok_or_else(|| invalid("employerInfo", value))?;
    for (key, value) in fields {
        if !EMPLOYER.contains(&key.as_str()) {
            return Err(unknown(key, "EmployerInfo"));
        }
        let text = value.as_str().ok_or_else(|| invalid(key, value))?;
        if key == "dateHire" && !is_date(text) {
            return Err(Reply::error(400, "invalid.date", &format!("[{text}] is no date: yyyy-MM-dd")));
        }
    }
    Ok(value.clone())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |at: usize, digits: usize, most: u32| {
        let part = parts.get(at).copied().unwrap_or_default();
        part.len() == digits && part.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
    };
    parts.len() == 3 && number(0, 4, 9_999) && number(1, 2, 12) && number(2, 2, 31)
}
