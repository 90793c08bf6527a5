//! What a journal promises, for every way that it is kept; and what a store promises about its files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so and stop")]
#![allow(clippy::panic, reason = "the same")]

mod conformance;
mod store;

use paceline_core::desired::Row;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::{UserId, UserKey};
use paceline_journal::{Entry, Journal, NewRun};
use serde_json::{Map, Value, json};

fn new_run(id: &str) -> NewRun {
    NewRun {
        id: id.into(),
        vendor: "genesys".into(),
        command: "apply".into(),
        roster: "staff.csv".into(),
        created: "2026-01-02T03:04:05Z".into(),
        settings: json!({"rate": null}),
    }
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn row(number: u64) -> Row {
    Row { number, line: number + 1, key: UserKey::id(format!("u-{number}")), fields: map(json!({"title": "Lead"})) }
}

fn import(journal: &mut dyn Journal, rows: impl IntoIterator<Item = Row>) {
    let mut rows = rows.into_iter();
    journal.import(&mut || rows.next()).unwrap();
}

fn change(row: u64, stage: u8, kind: &str) -> Change {
    Change {
        key: ChangeKey { stage, group: String::new(), row },
        kind: kind.into(),
        user: UserId(format!("u-{row}")),
        before: map(json!({"title": "Agent"})),
        after: map(json!({"title": "Lead"})),
        rest: serde_json::Map::new(),
        columns: vec!["title".into()],
        version: Some(7),
    }
}

/// Rows 1 to `rows`, each with one change to make.
fn planned(journal: &mut dyn Journal, rows: u64) {
    import(journal, (1..=rows).map(row));
    let entries: Vec<Entry> = (1..=rows)
        .map(|n| Entry::Planned { row: n, user: UserId(format!("u-{n}")), changes: vec![change(n, 1, "fields")] })
        .collect();
    journal.append(&entries).unwrap();
}
