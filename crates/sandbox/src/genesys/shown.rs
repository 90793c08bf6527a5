//! A user as it is read.

use super::contacts;
use super::org::{Org, Users};
use crate::http::Reply;
use crate::odd::Odd;
use crate::visit::Visit;
use serde_json::{Map, Value, json};

/// What `expand` takes (published description).
const EXPANDS: &[&str] = &[
    "routingStatus",
    "presence",
    "integrationPresence",
    "conversationSummary",
    "outOfOffice",
    "geolocation",
    "station",
    "authorization",
    "lasttokenissued",
    "authorization.unusedRoles",
    "team",
    "workPlanBidRanks",
    "externalContactsSettings",
    "groups",
    "customAttributes",
    "profileSkills",
    "certifications",
    "locations",
    "skills",
    "languages",
    "languagePreference",
    "employerInfo",
    "biography",
    "dateLastLogin",
    "dateWelcomeSent",
];

pub(super) fn expand(visit: &Visit) -> Result<Vec<String>, Reply> {
    let expand = visit.request.list("expand");
    match expand.iter().find(|name| !EXPANDS.contains(&name.as_str())) {
        Some(name) => Err(Reply::error(400, "invalid.query.param.value", &format!("[{name}] cannot be expanded"))),
        None => Ok(expand),
    }
}

/// A user as it is read: what is under an expand only where it is asked for.
pub(super) fn shown(org: &Org, users: &Users, visit: &Visit, user: &Value, expand: &[String]) -> Value {
    let id = text(&user["id"]);
    let uri = |path: &str| visit.uri(path);
    let each = |list: &str, show: &dyn Fn(&Value) -> Value| -> Value {
        json!(user[list].as_array().into_iter().flatten().map(show).collect::<Vec<_>>())
    };
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            all.insert(key.to_owned(), value);
        }
    };
    let email = text(&user["email"]);
    put("id", json!(id));
    put("name", user["name"].clone());
    put("division", org.place(visit, &user["division"]));
    for key in ["chat", "department", "email"] {
        put(key, user[key].clone());
    }
    let contact = json!({"address": email, "display": email, "mediaType": "EMAIL", "type": "PRIMARY"});
    put("primaryContactInfo", json!([contact]));
    put("addresses", each("addresses", &contacts::shown));
    for key in ["state", "title", "username", "preferredName"] {
        put(key, user[key].clone());
    }
    if let Some(manager) = user["manager"]["id"].as_str() {
        let version = users.get(manager).map_or(json!(1), |user| user["version"].clone());
        put("manager", json!({"id": manager, "version": version, "selfUri": uri(&format!("/api/v2/users/{manager}"))}));
    }
    put("images", user.get("images").cloned().unwrap_or_else(|| json!([])));
    put(
        "version",
        if visit.has(Odd::VersionText) { json!(user["version"].to_string()) } else { user["version"].clone() },
    );
    for name in expand {
        let kept = |empty: Value| user.get(name).cloned().unwrap_or(empty);
        let value = match name.as_str() {
            "biography" | "employerInfo" => kept(json!({})),
            "profileSkills" | "certifications" => kept(json!([])),
            "locations" => each(name, &|entry| contacts::shown_location(entry, uri)),
            "skills" | "languages" => each(name, &|item| org.rated(visit, name, &id, item)),
            "groups" => each(name, &|item| org.shown(visit, name, item, 0)),
            "team" => user.get("team").map(|team| org.shown(visit, "teams", team, 0)).unwrap_or_default(),
            "authorization" => {
                let mut shown = kept(json!({"roles": []}));
                ["unusedRoles", "permissions", "permissionPolicies"].iter().for_each(|key| shown[*key] = json!([]));
                shown
            }
            _ => continue,
        };
        put(name, value);
    }
    put("acdAutoAnswer", user["acdAutoAnswer"].clone());
    put("selfUri", json!(uri(&format!("/api/v2/users/{id}"))));
    Value::Object(all)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
