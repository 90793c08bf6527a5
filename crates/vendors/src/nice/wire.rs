//! How NICE CXone writes JSON: keys whose case differs between reads and writes, booleans and numbers as strings in
//! places, lists in lists, and an empty list that is an answer without a body (facts/nice.md).

use crate::http::number;
use paceline_core::vendor::{Answer, Named, Refusal};
use serde_json::Value;

/// A value of a record, whatever the case of its key; `None` where the record does not tell it.
pub(super) fn told<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
    record.get(key).or_else(|| {
        let mut entries = record.as_object()?.iter();
        entries.find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    })
}

/// The same; `null` where it is not told.
pub(super) fn get<'a>(record: &'a Value, key: &str) -> &'a Value {
    told(record, key).unwrap_or(&Value::Null)
}

/// Booleans come as booleans and, in places, as strings.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// A value's text: ids come as numbers and as strings.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|id| number.is_f64() && id.fract() == 0.0 && id.abs() < 9e15);
            Some(whole.map_or_else(|| number.to_string(), |id| (id as i64).to_string()))
        }
        _ => None,
    }
}

/// The first of these keys that holds a text or a number.
pub(super) fn said(body: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| id_text(get(body, key)))
}

/// Whether an answer has a body at all.
pub(super) fn is_blank(answer: &Answer) -> bool {
    answer.body().iter().all(u8::is_ascii_whitespace)
}

/// Whether a read found nobody: 204, or the 404 that its verdict took for that. A 200 without a body tells nothing.
pub(super) fn found_nobody(answer: &Answer) -> bool {
    matches!(answer.status, 204 | 404)
}

/// The answer to a read is none of that read.
pub(super) fn not_understood(answer: &Answer, message: impl Into<String>) -> Refusal {
    Refusal { status: Some(answer.status), ..Refusal::own("not.understood", message) }
}

/// A list of an answer, under the first of these keys that it has.
pub(super) fn list(answer: &Answer, keys: &[&str]) -> Result<Vec<Value>, Refusal> {
    if found_nobody(answer) {
        return Ok(vec![]);
    }
    let body = answer.json_or_null();
    let found = keys.iter().find_map(|key| get(body, key).as_array());
    let items: Vec<Value> = match (found, number(get(body, "totalRecords"))) {
        (Some(items), _) => items.iter().flat_map(flat).cloned().collect(),
        (None, Some(0)) => vec![],
        _ => {
            let message = format!("the answer holds no list `{}`: is this the API's base URL?", keys.join("` or `"));
            return Err(not_understood(answer, message));
        }
    };
    if items.iter().all(Value::is_object) {
        return Ok(items);
    }
    Err(not_understood(answer, format!("the list `{}` holds something that is no object", keys.join("` or `"))))
}

/// Some lists hold lists.
pub(super) fn flat(item: &Value) -> Vec<&Value> {
    match item {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        item => vec![item],
    }
}

/// An agent's number.
pub(super) fn agent_id(record: &Value) -> Option<String> {
    // `agentID_alt` is how the published description spells it in searches and in one agent's skills.
    said(record, &["agentId", "agentID_alt"])
}

/// The UUID in an agent's record.
pub(super) fn agents_user(record: &Value) -> Option<String> {
    said(record, &["userID"])
}

/// The UUID in a user's record.
pub(super) fn user_id(record: &Value) -> Option<String> {
    said(record, &["id", "userId"])
}

/// Whether a list's object is in use. Those that are not come last: a name is first of all that of one in use.
fn is_in_use(item: &Value) -> bool {
    let status = get(item, "status").as_str().map(str::to_ascii_uppercase);
    flag(get(item, "isActive")) != Some(false) && status.is_none_or(|status| status == "ACTIVE")
}

/// A list's objects, each with its id and name and whether it is in use.
pub(super) fn named(items: &[Value], id: &str, name: &str) -> Vec<(Named, bool)> {
    let one = |item: &Value| {
        let named = Named { id: id_text(get(item, id))?, name: get(item, name).as_str()?.to_owned() };
        Some((named, is_in_use(item)))
    };
    let mut found: Vec<(Named, bool)> = items.iter().filter_map(one).collect();
    found.sort_by_key(|(_, in_use)| !in_use);
    found
}

/// The lists that results come in: of agents, and of agents' skills.
pub(super) const RESULTS: &[&str] = &["agentResults", "skillResults", "results"];

/// Per-item results of a call that many share, wherever the answer has the first of these lists.
pub(super) fn items<'a>(body: &'a Value, lists: &[&str]) -> Vec<&'a Value> {
    let sets = [get(body, "resultSet"), body];
    let found = sets.iter().find_map(|set| lists.iter().find_map(|key| get(set, key).as_array()));
    found.map(|items| items.iter().flat_map(flat).filter(|item| item.is_object()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer::new(status, vec![], body.to_string().into_bytes())
    }

    #[test]
    fn an_empty_list_has_no_body_and_a_list_holds_objects() {
        assert_eq!(list(&Answer::new(204, vec![], vec![]), &["users"]), Ok(vec![]));
        let blank = list(&Answer::new(200, vec![], b" \r\n".to_vec()), &["users"]).unwrap_err();
        assert_eq!(blank.code.as_deref(), Some("not.understood"));
        assert_eq!(
            list(&answer(404, &json!({"error": "NotFound", "error_description": "no"})), &["users"]),
            Ok(vec![])
        );
        assert_eq!(list(&answer(200, &json!({"totalRecords": "0", "users": null})), &["users"]), Ok(vec![]));
        assert_eq!(list(&answer(200, &json!({"USERS": [[{"id": 1}], {"id": 2}]})), &["users"]).map(|l| l.len()), Ok(2));
        for wrong in [json!({"hello": 1}), json!([]), json!(0), json!("x"), json!({"users": [1]}), json!({"users": {}})]
        {
            let refusal = list(&answer(200, &wrong), &["users"]).unwrap_err();
            assert_eq!(refusal.code.as_deref(), Some("not.understood"), "{wrong}");
        }
    }

    #[test]
    fn ids_are_numbers_and_texts() {
        for id in [json!(7), json!("7"), json!(" 7 "), json!(7.0)] {
            assert_eq!(id_text(&id).as_deref(), Some("7"), "{id}");
        }
        for none in [json!(null), json!(""), json!(true), json!([7]), json!({"id": 7})] {
            assert_eq!(id_text(&none), None, "{none}");
        }
    }

    #[test]
    fn what_is_not_in_use_is_named_after_what_is() {
        let items = [
            json!({"roleId": "1", "roleName": "Agent", "status": "DELETED"}),
            json!({"roleId": "2", "roleName": "Agent", "status": "ACTIVE"}),
            json!({"roleId": "3", "roleName": "Old", "isActive": "False"}),
        ];
        let named = named(&items, "roleId", "roleName");
        let ids: Vec<(&str, bool)> = named.iter().map(|(named, in_use)| (named.id.as_str(), *in_use)).collect();
        assert_eq!(ids, [("2", true), ("1", false), ("3", false)]);
    }
}
