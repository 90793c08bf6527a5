//! Tests of this vendor's words, by what they are about.

mod answers;
mod changes;
mod evidence;
mod hostile;
mod phones;
mod property;
mod reads;

use super::Genesys;
use paceline_core::desired::Row;
use paceline_core::plan::Change;
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{Answer, Named, Names, Refusal, User, Writes};
use serde_json::Value;

fn names() -> Names {
    let mut names = Names::default();
    let items = [
        ("skill", "s1", "Spanish"),
        ("skill", "s2", "Billing"),
        ("language", "l1", "English"),
        ("language", "l2", "German"),
        ("division", "d1", "Home"),
        ("division", "d2", "Sales"),
        ("group", "g1", "A"),
        ("group", "g2", "B"),
        ("group", "g3", "b"),
        ("role", "r1", "Agent"),
        ("queue", "q1", "Calls"),
        ("team", "t1", "Blue"),
        ("location", "o1", "Madrid"),
        ("location", "o2", "Paris"),
        ("location", "o3", "Berlin"),
        ("user", "m1", "m@x.org"),
    ];
    for (list, id, name) in items {
        names.add(list, Named { id: id.into(), name: name.into() });
    }
    names
}

fn row(fields: &Value) -> Row {
    Row { number: 3, line: 4, key: UserKey::id("u-1"), fields: fields.as_object().cloned().unwrap_or_default() }
}

fn user(record: Value) -> User {
    User { id: UserId("u-1".into()), version: Some(7), record }
}

fn plan(fields: Value, record: Value) -> Result<Vec<Change>, Refusal> {
    Genesys.changes(&row(&fields), &user(record), &names())
}

fn kinds(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.kind.as_str()).collect()
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, vec![], body.to_string().into_bytes())
}

/// The published description; where it is not there, `test` is said to be skipped, and fails in CI.
#[expect(clippy::disallowed_methods, reason = "whether the description must be there is the machine's to say")]
fn description(test: &str) -> Option<Value> {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec/genesys-cloud-users.openapi.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "the published description is not at {}",
            path.display()
        );
        eprintln!("skipped: {test}: no {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
