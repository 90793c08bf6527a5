//! Skills, languages and profile skills of one user: lists without a version.

use super::org::{Org, no_such, not_found, too_many, wrong_body};
use super::pages::Page;
use crate::http::{Reply, decode};
use crate::odd::Odd;
use crate::visit::Visit;
use serde_json::{Value, json};

/// Skills or languages that a call carries, and that a user has, at most.
const MOST: usize = 50;

/// Whether a path is about them, and which.
pub(super) fn list(part: &str) -> Option<&'static str> {
    match part {
        "routingskills" => Some("skills"),
        "routinglanguages" => Some("languages"),
        _ => None,
    }
}

/// `rest` is what follows the user's id and the list's name.
pub(super) fn answer(
    org: &Org,
    visit: &mut Visit,
    list: &'static str,
    rest: &[&str],
    user: Option<&mut Value>,
) -> Reply {
    let Some(user) = user else { return not_found() };
    let id = user["id"].as_str().unwrap_or_default().to_owned();
    let method = visit.request.method.as_str();
    let body = visit.request.json();
    if method != "GET" && visit.take(Odd::Conflict400) {
        return Reply::error(400, "general.conflict", &format!("Conflicts found replacing routing {list} for user"));
    }
    let shown = |visit: &Visit, item: &Value| org.rated(visit, list, &id, item);
    match (method, rest) {
        ("GET", []) => {
            let held: Vec<Value> = user[list].as_array().into_iter().flatten().map(|item| shown(visit, item)).collect();
            Page::asked(visit, MOST).map_or_else(|refusal| refusal, |page| page.reply(visit, &held))
        }
        // Languages have no call that replaces them.
        ("PATCH", ["bulk"]) | ("PUT", ["bulk"]) if method == "PATCH" || list == "skills" => {
            let Some(Value::Array(asked)) = body else { return wrong_body() };
            if let Err(refusal) = rate(org, visit, list, method == "PUT", &asked, user) {
                return refusal;
            }
            let held: Vec<Value> = user[list].as_array().into_iter().flatten().map(|item| shown(visit, item)).collect();
            let (total, one) = (held.len(), json!(visit.uri(visit.request.path())));
            Reply::json(
                200,
                &json!({"entities": held, "pageSize": total.max(1), "pageNumber": 1, "total": total, "pageCount": 1,
                    "firstUri": one, "selfUri": one, "lastUri": one}),
            )
        }
        ("POST", []) => write_one(org, visit, list, body.unwrap_or_default(), user),
        ("PUT", [item]) if list == "skills" => {
            let mut body = body.unwrap_or_default();
            match body.as_object_mut() {
                Some(body) => body.insert("id".into(), json!(decode(item))),
                None => return wrong_body(),
            };
            write_one(org, visit, list, body, user)
        }
        ("PATCH", [item]) if list == "languages" => {
            let mut body = body.unwrap_or_default();
            match body.as_object_mut() {
                Some(body) => body.insert("id".into(), json!(decode(item))),
                None => return wrong_body(),
            };
            write_one(org, visit, list, body, user)
        }
        ("DELETE", [item]) => {
            let item = decode(item);
            let held = user[list].as_array_mut();
            let Some(held) = held.filter(|held| held.iter().any(|one| one["id"].as_str() == Some(&item))) else {
                return Reply::error(404, "general.resource.not.found", "The user does not have it");
            };
            held.retain(|one| one["id"].as_str() != Some(&item));
            Reply::empty(if list == "skills" { 200 } else { 204 })
        }
        _ => not_found(),
    }
}

fn write_one(org: &Org, visit: &Visit, list: &'static str, body: Value, user: &mut Value) -> Reply {
    if let Err(refusal) = rate(org, visit, list, false, std::slice::from_ref(&body), user) {
        return refusal;
    }
    let id = user["id"].as_str().unwrap_or_default();
    let item = user[list].as_array().into_iter().flatten().find(|item| item["id"] == body["id"]);
    item.map_or_else(not_found, |item| Reply::json(200, &org.rated(visit, list, id, item)))
}

fn rate(
    org: &Org,
    visit: &Visit,
    list: &'static str,
    replace: bool,
    asked: &[Value],
    user: &mut Value,
) -> Result<(), Reply> {
    if asked.len() > MOST {
        return Err(too_many("bad.request", MOST));
    }
    let mut held = if replace { vec![] } else { user[list].as_array().cloned().unwrap_or_default() };
    for one in asked {
        let (Some(id), Some(rating)) =
            (one["id"].as_str(), one["proficiency"].as_f64().filter(|rating| (0.0..=5.0).contains(rating)))
        else {
            let kind = if list == "skills" { "UserRoutingSkillPost" } else { "UserRoutingLanguagePost" };
            return Err(Reply::error(400, "invalid.value", &format!("Value is not valid for field type [{kind}]")));
        };
        // Where it is taken off, nothing of it has to be there any more.
        let mut item = org.target(visit, list, id).map_err(|_| no_such("skills"))?;
        item["proficiency"] = json!(rating);
        item["state"] = json!("active");
        held.retain(|other| other["id"] != item["id"]);
        held.push(item);
    }
    if held.len() > MOST {
        return Err(too_many("bad.request", MOST));
    }
    if visit.stores(list) {
        user[list] = json!(held);
    }
    Ok(())
}

/// Profile skills are plain texts, replaced as a whole.
pub(super) fn profile(visit: &Visit, user: Option<&mut Value>) -> Reply {
    let Some(user) = user else { return not_found() };
    if visit.request.method == "PUT" {
        match visit.request.json() {
            Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => user["profileSkills"] = json!(texts),
            _ => return wrong_body(),
        }
    }
    Reply::json(200, &user.get("profileSkills").cloned().unwrap_or_else(|| json!([])))
}
