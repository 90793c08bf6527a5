//! A change by its kind: its place among a user's changes, and what it may share its call with.

use paceline_core::diff;
use paceline_core::plan::{Change, ChangeKey, OWN, OWN_LAST, SHARED};
use paceline_core::vendor::{Refusal, User};
use serde_json::{Map, Value};

/// The order of kinds for one user: active (or restored) before anything else of an inactive (or deleted) user, own calls before shared ones, the
/// division before what a permission in it may depend on, removals before additions, inactive last.
fn stage(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> u8 {
    let is = |map: &Map<String, Value>, state: &str| map.get("state").is_some_and(|held| held == state);
    match kind {
        "state" if is(after, "active") || is(before, "deleted") => OWN,
        "fields" => OWN + 1,
        "skills" => OWN + 2,
        "skill-" => OWN + 3,
        "skills+" => OWN + 4,
        "language-" => OWN + 5,
        "languages" => OWN + 6,
        "attributes" => OWN + 7,
        "grants-" => OWN + 8,
        "autoanswer" => SHARED,
        "division" => SHARED + 1,
        "team" => SHARED + 2,
        "groups-" => SHARED + 3,
        "groups+" => SHARED + 4,
        "queues-" => SHARED + 5,
        "queues+" => SHARED + 6,
        "roles-" => SHARED + 7,
        "roles+" => SHARED + 8,
        "grants+" => SHARED + 9,
        _ => OWN_LAST,
    }
}

/// What a change of this kind shares its call with: one target.
fn group(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> String {
    let id =
        |map: &Map<String, Value>, key: &str| map.get(key).and_then(|value| value["id"].as_str()).map(str::to_owned);
    match kind {
        "division" => id(after, "division").unwrap_or_default(),
        // Leaving a team is a call on the team that is left.
        "team" => match id(after, "team") {
            Some(team) => format!("+{team}"),
            None => format!("-{}", id(before, "team").unwrap_or_default()),
        },
        "skill-" | "language-" | "groups-" | "groups+" | "queues-" | "queues+" | "roles-" | "roles+" => {
            after.keys().next().and_then(|key| key.split_once('/')).map(|(_, id)| id.to_owned()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Gathers the changes of one row and user.
pub(super) struct Maker<'a> {
    pub(super) row: u64,
    pub(super) user: &'a User,
    pub(super) changes: Vec<Change>,
}

impl Maker<'_> {
    /// Adds a change, where there is something to change.
    pub(super) fn push(
        &mut self,
        kind: &str,
        columns: Vec<String>,
        before: Map<String, Value>,
        after: Map<String, Value>,
    ) {
        let group = group(kind, &before, &after);
        self.push_to(group, kind, columns, before, after);
    }

    /// The same, sharing its call with others of this group.
    pub(super) fn push_to(
        &mut self,
        group: String,
        kind: &str,
        columns: Vec<String>,
        before: Map<String, Value>,
        after: Map<String, Value>,
    ) {
        if diff::changed(&before, &after).is_empty() {
            return;
        }
        let key = ChangeKey { stage: stage(kind, &before, &after), group, row: self.row };
        let (kind, user, rest) = (kind.to_owned(), self.user.id.clone(), Map::new());
        self.changes.push(Change { key, kind, user, before, after, rest, columns, version: self.user.version });
    }
}

/// What the vendor did not tell is not known: taken for empty, it would be lost.
pub(super) fn not_told(what: &str) -> Refusal {
    let message = format!(
        "the vendor's answer does not tell the user's `{what}`, and unknown is not empty: nothing is sent; run it again"
    );
    Refusal::own("not.told", message)
}
