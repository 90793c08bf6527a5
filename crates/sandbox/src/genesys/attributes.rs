//! Custom attributes: one schema, and what a user has by it.

use super::org::not_found;
use crate::http::Reply;
use crate::people::uuid;
use crate::visit::Visit;
use serde_json::{Value, json};

/// The one schema.
pub(super) fn schema(seed: u64) -> Value {
    let of = |kind: &str| json!({"allOf": [{"$ref": format!("#/definitions/{kind}")}]});
    json!({"id": uuid(seed, 40, 0), "name": "Desk data", "version": 3, "enabled": true,
        "jsonSchema": {"properties": {"floor_text": of("text"), "seat_integer": of("integer"), "remote_checkbox": of("checkbox")}}})
}

/// What a user has by the schemas that are asked for.
pub(super) fn read(visit: &Visit, user: Option<&Value>) -> Reply {
    let Some(user) = user else { return not_found() };
    let asked = visit.request.list("schemaIds");
    let held = user["customAttributes"].as_array().into_iter().flatten();
    let shown = held.filter(|one| asked.iter().any(|id| one["schema"]["id"].as_str() == Some(id)));
    Reply::json(200, &json!(shown.collect::<Vec<_>>()))
}

/// Amends only the fields that are given; `null` clears.
pub(super) fn amend(visit: &Visit, schema: &Value, user: Option<&mut Value>) -> Reply {
    let Some(user) = user else { return not_found() };
    let invalid = || Reply::error(400, "user.custom.attributes.schema.validation.error", "Schema validation error.");
    for one in visit.request.json().and_then(|body| body.as_array().cloned()).unwrap_or_default() {
        if one["schemaId"] != schema["id"] || one["schemaVersion"] != schema["version"] {
            return invalid();
        }
        if !user["customAttributes"].is_array() {
            user["customAttributes"] = json!([{"schema": {"id": schema["id"]}, "attributes": {}}]);
        }
        let held = &mut user["customAttributes"][0]["attributes"];
        for (key, value) in one["attributes"].as_object().into_iter().flatten() {
            let right = match key.rsplit_once('_').map(|(_, kind)| kind) {
                Some("text") => value.is_string(),
                Some("integer") => value.is_i64(),
                Some("checkbox") => value.is_boolean(),
                _ => return invalid(),
            };
            match (right, value.is_null()) {
                (true, _) => held[key] = value.clone(),
                (false, true) => drop(held.as_object_mut().map(|held| held.remove(key))),
                (false, false) => return invalid(),
            }
        }
    }
    Reply::empty(204)
}
