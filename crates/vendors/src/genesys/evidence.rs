//! Which changes an answer bears out: what a 2xx promises in the published description has to be in its body.

use super::{fields, pages, record};
use crate::http::{number, text};
use paceline_core::diff;
use paceline_core::plan::Change;
use paceline_core::vendor::Answer;
use serde_json::{Map, Value, json};

/// What the published description says that a success is like.
pub(super) enum Success {
    /// Its body shows what became of each change; with these statuses it comes without one.
    Shown(fn(&Change, &Value) -> Said, &'static [u16]),
    /// It has one of these statuses and no body: there is nothing more to see.
    Silent(&'static [u16]),
    /// It says that the change will be made (202).
    Promised,
}

/// The table of all kinds. A test holds it against the published description.
pub(super) fn published(change: &Change) -> Success {
    use Success::{Promised, Shown, Silent};
    match change.kind.as_str() {
        "autoanswer" => Shown(auto_answer, &[]),
        "skills" | "skills+" | "languages" => Shown(ratings, &[]),
        "roles+" | "roles-" => Shown(|change, body| listed(&change.user.0, body), &[]),
        "attributes" => Shown(attributes, &[204]),
        "team" if change.key.group.starts_with('+') => Shown(team, &[]),
        "team" | "division" | "language-" | "grants+" | "grants-" => Silent(&[204]),
        "skill-" => Silent(&[200]),
        "groups+" | "groups-" => Promised,
        // No status is declared: those that HTTP has for what is done.
        "queues+" | "queues-" => Silent(&[200, 204]),
        // All others are sent as a PATCH of the user.
        _ => Shown(user, &[]),
    }
}

/// Whether what is read back may be older than what was answered: memberships are services of their own.
pub(super) fn lags(change: &Change) -> bool {
    change.kind == "team" || change.kind.starts_with("queues")
}

pub(super) fn said(change: &Change, answer: &Answer) -> Said {
    let is_silent = answer.body().iter().all(u8::is_ascii_whitespace);
    match published(change) {
        Success::Promised => Said::Promised,
        // Whatever is published: "accepted" is not "done".
        _ if answer.status == 202 => Said::Promised,
        Success::Shown(_, silent) | Success::Silent(silent) if is_silent && silent.contains(&answer.status) => {
            Said::Made
        }
        Success::Shown(shows, _) if !is_silent => shows(change, answer.json_or_null()),
        Success::Shown(..) | Success::Silent(_) => Said::Untold,
    }
}

/// What an answer says of one change.
pub(super) enum Said {
    Made,
    /// It will be made.
    Promised,
    /// What is promised is not there.
    Untold,
    /// This is there with another value.
    Other(String),
    Refused(String),
}

fn is_its(change: &Change, item: &Value) -> bool {
    item["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(change.user.as_str()))
}

/// Compares what a record tells of what was sent. What it leaves out cannot speak against it.
fn compared(change: &Change, shown: &Value) -> Said {
    let told: Map<String, Value> = change
        .after
        .iter()
        .filter(|(key, _)| shown.get(*key).is_some())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let told = Change { after: told, ..change.clone() };
    let now = record::holds(shown, &told);
    match diff::changed(&now, &told.after).into_iter().find(|key| now.contains_key(key)) {
        Some(key) => Said::Other(key),
        None => Said::Made,
    }
}

/// PATCH user answers the User with its new version.
fn user(change: &Change, body: &Value) -> Said {
    match pages::user(body).version {
        Some(_) if is_its(change, body) => compared(change, body),
        _ => Said::Untold,
    }
}

fn auto_answer(change: &Change, body: &Value) -> Said {
    let shown = body["entities"].as_array().and_then(|list| list.iter().find(|item| is_its(change, item)));
    shown.map_or(Said::Untold, |shown| compared(change, shown))
}

/// The listing that comes after skills or languages were set; it may be one page of several.
fn ratings(change: &Change, body: &Value) -> Said {
    let Some(entities) = body["entities"].as_array() else { return Said::Untold };
    let sent: Vec<(String, &Value)> = match change.after.get("skills") {
        Some(whole) => {
            let items = whole.as_array().into_iter().flatten();
            items.filter_map(|item| Some((item["id"].as_str()?.to_owned(), item))).collect()
        }
        None => change.after.iter().filter_map(|(key, item)| Some((key.split_once('/')?.1.to_owned(), item))).collect(),
    };
    let is_whole = number(&body["pageCount"]).is_none_or(|pages| pages <= 1)
        && number(&body["total"]).is_none_or(|total| usize::try_from(total).is_ok_and(|total| total <= entities.len()));
    for (id, item) in &sent {
        match entities.iter().find(|shown| shown["id"].as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(id))) {
            Some(shown)
                if shown["proficiency"].is_null() || diff::same(&shown["proficiency"], &item["proficiency"]) => {}
            Some(_) => return Said::Other(format!("proficiency of {}", text(item, &["name"]).unwrap_or(id.clone()))),
            None if is_whole => return Said::Untold,
            None => {}
        }
    }
    let replaces = change.after.contains_key("skills");
    let unasked = |shown: &&Value| {
        !sent.iter().any(|(id, _)| shown["id"].as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(id)))
    };
    match entities.iter().find(unasked).filter(|_| replaces) {
        Some(_) => Said::Other("skills".into()),
        None => Said::Made,
    }
}

fn listed(user: &str, body: &Value) -> Said {
    let ids = body.as_array().map(|ids| ids.iter().filter_map(Value::as_str).any(|id| id.eq_ignore_ascii_case(user)));
    if ids == Some(true) { Said::Made } else { Said::Untold }
}

/// Adding to a team names who is in it now, and who could not be added and why.
fn team(change: &Change, body: &Value) -> Said {
    let find = |list: &str| body[list].as_array().and_then(|list| list.iter().find(|item| is_its(change, item)));
    if let Some(failure) = find("failures") {
        let reason = text(failure, &["reason", "message"]).unwrap_or_else(|| "not added to the team".into());
        return Said::Refused(reason);
    }
    if find("entities").is_some() { Said::Made } else { Said::Untold }
}

/// Custom attributes are answered with a record, of one of the schemas where several were sent.
fn attributes(change: &Change, body: &Value) -> Said {
    let records = body.as_array().map_or_else(|| std::slice::from_ref(body), Vec::as_slice);
    let records: Vec<&Value> = records.iter().filter(|record| record["attributes"].is_object()).collect();
    let shown = json!({"customAttributes": records});
    let now = record::holds(&shown, change);
    let is_shown = |key: &String| {
        let name = fields::attribute(key).map(|(_, name)| name).unwrap_or_default();
        records.iter().any(|record| record["attributes"].get(name).is_some())
    };
    let differs = |key: &String| is_shown(key) && now.get(key).is_some_and(|held| !held.is_null());
    if let Some(other) = diff::changed(&now, &change.after).into_iter().find(differs) {
        return Said::Other(other);
    }
    // What was cleared may be left out.
    let mut borne = change.after.iter().map(|(key, value)| diff::is_empty(value) || is_shown(key));
    let several = change.key.group.contains(',');
    match records.is_empty() {
        false if several && borne.any(|borne| borne) => Said::Made,
        false if !several && borne.all(|borne| borne) => Said::Made,
        _ => Said::Untold,
    }
}
