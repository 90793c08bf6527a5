//! A change by its kind: its place among a person's changes, and what it may share its call with.

use paceline_core::diff;
use paceline_core::plan::{Change, ChangeKey, OWN, SHARED};
use paceline_core::vendor::User;
use serde_json::{Map, Value};

/// The order of kinds for one person: revived before all else, deactivated after.
fn stage(kind: &str) -> u8 {
    match kind {
        "active+" => OWN,
        "user" => OWN + 1,
        "agent" => SHARED,
        "team" => SHARED + 1,
        "skills-" => SHARED + 2,
        "skills+" => SHARED + 3,
        _ => SHARED + 4,
    }
}

/// What a change of this kind shares its call with: one target.
fn group(kind: &str, after: &Map<String, Value>) -> String {
    let group = match kind {
        "team" => after.get("team").and_then(|team| team["id"].as_str()),
        "skills-" => after.keys().next().and_then(|key| key.strip_prefix("skills/")),
        _ => None,
    };
    group.unwrap_or_default().to_owned()
}

/// Gathers the changes of one row and person.
pub(super) struct Maker<'a> {
    pub(super) row: u64,
    pub(super) user: &'a User,
    pub(super) changes: Vec<Change>,
}

impl Maker<'_> {
    /// Adds a change, of what differs, where anything does.
    pub(super) fn push(
        &mut self,
        kind: &str,
        columns: Vec<String>,
        before: Map<String, Value>,
        after: Map<String, Value>,
    ) {
        let changed = diff::changed(&before, &after);
        if changed.is_empty() {
            return;
        }
        let only = |map: Map<String, Value>| map.into_iter().filter(|(key, _)| changed.contains(key)).collect();
        let (before, after): (Map<String, Value>, Map<String, Value>) = (only(before), only(after));
        let columns = match kind {
            "user" | "agent" => columns.into_iter().filter(|column| after.contains_key(column)).collect(),
            _ => columns,
        };
        let key = ChangeKey { stage: stage(kind), group: group(kind, &after), row: self.row };
        let (kind, user) = (kind.to_owned(), self.user.id.clone());
        self.changes.push(Change { key, kind, user, before, after, rest: Map::new(), columns, version: None });
    }
}
