//! Changes → calls, and the calls that read (facts/genesys.md, sections 3 to 5).

use super::{fields, wire};
use paceline_core::desired::Row;
use paceline_core::diff;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{BLIND, Effect, Method, Request, User};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// An inactive user is made active before anything else is set, and inactive after everything else.
const FIRST: u8 = 0;
const FIELDS: u8 = 1;
const LAST: u8 = 9;

const STATE: &str = "state";

fn get(template: &'static str, target: String) -> Request {
    Request { method: Method::Get, template, target, body: None, effect: Effect::Read }
}

pub(super) fn organization() -> Request {
    get("GET /api/v2/organizations/me", "/api/v2/organizations/me".into())
}

pub(super) fn limits() -> Request {
    let target = "/api/v2/organizations/limits/namespaces/platform.api";
    get("GET /api/v2/organizations/limits/namespaces/{namespaceName}", target.into())
}

pub(super) fn read(users: &[UserId], columns: &BTreeSet<String>) -> Request {
    let mut target = format!("/api/v2/users?pageSize={}&state=any", users.len().max(25));
    for user in users {
        target += "&id=";
        target += &encode(user.as_str());
    }
    let expands: BTreeSet<&str> = columns.iter().filter_map(|column| fields::expand(fields::top(column))).collect();
    for (at, expand) in expands.into_iter().enumerate() {
        target += if at == 0 { "&expand=" } else { "," };
        target += expand;
    }
    get("GET /api/v2/users", target)
}

pub(super) fn search(keys: &[UserKey]) -> Request {
    let emails: Vec<&str> = keys.iter().map(|key| key.value.as_str()).collect();
    Request {
        method: Method::Post,
        template: "POST /api/v2/users/search",
        target: "/api/v2/users/search".into(),
        body: Some(json!({
            "pageSize": 100, "pageNumber": 1,
            "query": [
                {"type": "EXACT", "fields": ["email"], "values": emails},
                {"type": "EXACT", "fields": ["state"], "values": ["active", "inactive"]},
            ],
        })),
        effect: Effect::Read,
    }
}

/// The changes that make `user` what `row` asks. `state` goes alone: "if specified, it is the only modifiable field".
pub(super) fn changes(row: &Row, user: &User) -> Vec<Change> {
    let tops: BTreeSet<String> = row.fields.keys().map(|column| fields::top(column).to_owned()).collect();
    let before = wire::writable(&user.record, tops.iter());
    let after = wire::desired(&row.fields, &before);
    let changed: BTreeSet<String> = diff::changed(&before, &after).into_iter().collect();
    let change = |stage: u8, kind: &str, keys: &dyn Fn(&str) -> bool| {
        let pick = |map: &Map<String, Value>| -> Map<String, Value> {
            map.iter()
                .filter(|(key, _)| changed.contains(*key) && keys(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let picked = pick(&after);
        (!picked.is_empty()).then(|| Change {
            key: ChangeKey { stage, group: String::new(), row: row.number },
            kind: kind.into(),
            user: user.id.clone(),
            columns: row.fields.keys().filter(|column| picked.contains_key(fields::top(column))).cloned().collect(),
            before: pick(&before),
            after: picked,
            version: user.version,
        })
    };
    let state_stage = if after.get(STATE) == Some(&json!("active")) { FIRST } else { LAST };
    let state = change(state_stage, STATE, &|key| key == STATE);
    let other = change(FIELDS, "fields", &|key| key != STATE);
    let mut changes: Vec<Change> = [state, other].into_iter().flatten().collect();
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes
}

/// One PATCH a user; blind, the row's fields as they are, dotted ones nested.
pub(super) fn call(changes: &[Change]) -> Request {
    // The engine never asks for a call without changes; an empty one would be a GET of nobody.
    let Some(change) = changes.first() else { return organization() };
    let mut body = Map::new();
    if change.kind == BLIND {
        wire::nest(&change.after, &mut body);
    } else {
        if let Some(version) = change.version {
            body.insert("version".into(), json!(version));
        }
        body.extend(change.after.clone());
    }
    Request {
        method: Method::Patch,
        template: "PATCH /api/v2/users/{userId}",
        target: format!("/api/v2/users/{}", encode(change.user.as_str())),
        body: Some(Value::Object(body)),
        effect: Effect::Write,
    }
}

/// Percent-encodes one path segment or query value: everything but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: Value) -> Row {
        let fields = fields.as_object().cloned().unwrap_or_default();
        Row { number: 3, line: 4, key: UserKey::id("u-1"), fields }
    }

    fn user(record: Value) -> User {
        User { id: UserId("u-1".into()), version: Some(7), record }
    }

    #[test]
    fn only_what_differs_is_sent_with_the_version_that_was_read() {
        let user = user(json!({"title": "Agent", "department": "Sales", "manager": {"id": "m-1"}}));
        let changes = changes(&row(json!({"title": "Lead", "department": "Sales", "manager": "m-1"})), &user);
        assert_eq!(changes.len(), 1);
        let request = call(&changes);
        assert_eq!(request.template, "PATCH /api/v2/users/{userId}");
        assert_eq!(request.target, "/api/v2/users/u-1");
        assert_eq!(request.body, Some(json!({"version": 7, "title": "Lead"})));
        assert_eq!(changes[0].before, *json!({"title": "Agent"}).as_object().unwrap());
    }

    #[test]
    fn a_user_that_is_right_already_needs_no_change() {
        let user = user(json!({"title": "Lead", "profileSkills": ["a", "b"]}));
        assert_eq!(changes(&row(json!({"title": "Lead", "profileSkills": ["b", "a"], "department": null})), &user), []);
    }

    #[test]
    fn state_goes_alone_active_first_and_inactive_last() {
        for (to, from, order) in
            [("active", "inactive", ["state", "fields"]), ("inactive", "active", ["fields", "state"])]
        {
            let user = user(json!({"state": from, "title": "Agent"}));
            let kinds: Vec<String> = changes(&row(json!({"state": to, "title": "Lead"})), &user)
                .into_iter()
                .map(|change| change.kind)
                .collect();
            assert_eq!(kinds, order);
        }
    }

    #[test]
    fn a_nested_field_keeps_its_siblings() {
        let user = user(json!({"employerInfo": {"employeeId": "1", "officialName": "Ann"}}));
        let changes = changes(&row(json!({"employerInfo.employeeId": "2"})), &user);
        assert_eq!(
            call(&changes).body,
            Some(json!({"version": 7, "employerInfo": {"employeeId": "2", "officialName": "Ann"}}))
        );
        assert_eq!(changes[0].columns, ["employerInfo.employeeId"]);
    }

    #[test]
    fn clearing_sends_what_the_vendor_takes_for_empty() {
        let user = user(json!({"title": "Agent", "profileSkills": ["a"]}));
        let changes = changes(&row(json!({"title": null, "profileSkills": null})), &user);
        assert_eq!(call(&changes).body, Some(json!({"version": 7, "title": "", "profileSkills": []})));
    }

    #[test]
    fn users_are_read_many_a_call_whatever_their_state() {
        let ids: Vec<UserId> = ["a", "b/c"].map(|id| UserId(id.into())).into();
        let columns = ["title", "employerInfo.dateHire", "profileSkills"].map(String::from).into();
        assert_eq!(
            read(&ids, &columns).target,
            "/api/v2/users?pageSize=25&state=any&id=a&id=b%2Fc&expand=employerInfo,profileSkills"
        );
    }
}
