//! Row and user → changes, and the changes that take one back.

use super::fields::{self, MEMBER, Mode, RATED};
use super::wire;
use paceline_core::desired::Row;
use paceline_core::diff;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::validate::nearest;
use paceline_core::vendor::{Named, Names, Refusal, User};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The order of kinds for one user: active before anything else of an inactive user, the division before what a
/// permission in it may depend on, removals before additions, inactive last.
pub(super) fn stage(kind: &str, after: &Map<String, Value>) -> u8 {
    match kind {
        "state" if after.get("state") == Some(&json!("active")) => 0,
        "fields" => 1,
        "attributes" => 14,
        "autoanswer" => 2,
        "division" => 3,
        "skills" => 4,
        "language-" => 5,
        "languages" => 6,
        "team" => 7,
        "groups-" => 8,
        "groups+" => 9,
        "queues-" => 10,
        "queues+" => 11,
        "roles-" => 12,
        "roles+" => 13,
        _ => 19,
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
        "language-" | "groups-" | "groups+" | "queues-" | "queues+" | "roles-" | "roles+" => {
            after.keys().next().and_then(|key| key.split_once('/')).map(|(_, id)| id.to_owned()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

struct Maker<'a> {
    row: u64,
    user: &'a User,
    changes: Vec<Change>,
}

impl Maker<'_> {
    fn push(&mut self, kind: &str, columns: Vec<String>, before: Map<String, Value>, after: Map<String, Value>) {
        if diff::changed(&before, &after).is_empty() {
            return;
        }
        let key = ChangeKey { stage: stage(kind, &after), group: group(kind, &before, &after), row: self.row };
        let version = self.user.version;
        self.changes.push(Change {
            key,
            kind: kind.into(),
            user: self.user.id.clone(),
            before,
            after,
            rest: Map::new(),
            columns,
            version,
        });
    }
}

/// The changes that make `user` what `row` asks.
pub(super) fn changes(row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal> {
    let mut maker = Maker { row: row.number, user, changes: vec![] };
    fields(&mut maker, row, names)?;
    one_of(&mut maker, row, names, "division")?;
    one_of(&mut maker, row, names, "team")?;
    for list in RATED {
        rated(&mut maker, row, names, list)?;
    }
    for list in MEMBER {
        members(&mut maker, row, names, list)?;
    }
    attributes(&mut maker, row, names)?;
    maker.changes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(maker.changes)
}

/// The fields of `UpdateUser`. `state` goes alone ("if specified, it is the only modifiable field"), and so does
/// `acdAutoAnswer` where nothing else is set: it has a call for 50 users.
fn fields(maker: &mut Maker<'_>, row: &Row, names: &Names) -> Result<(), Refusal> {
    let mut columns = Map::new();
    for (column, value) in &row.fields {
        let list = fields::list(column);
        match (column.as_str(), value) {
            ("manager", Value::String(text)) if text.contains('@') => {
                columns.insert(column.clone(), json!(names.resolve("user", text)?.id));
            }
            ("locations", Value::Array(items)) => {
                let items = items.iter().filter_map(Value::as_str);
                let ids: Result<Value, Refusal> =
                    items.map(|text| Ok(json!({"id": names.resolve("location", text)?.id}))).collect();
                columns.insert(column.clone(), ids?);
            }
            _ if fields::attribute(column).is_some() => {}
            _ if fields::PHONES.iter().any(|(phone, _)| phone == column) => {}
            _ if list.is_none() || column == "locations" => {
                columns.insert(column.clone(), value.clone());
            }
            _ => {}
        }
    }
    phones(&mut columns, row, &maker.user.record)?;
    let tops: BTreeSet<String> = columns.keys().map(|column| fields::top(column).to_owned()).collect();
    let before = wire::writable(&maker.user.record, tops.iter());
    let after = wire::desired(&columns, &before);
    let changed: BTreeSet<String> = diff::changed(&before, &after).into_iter().collect();
    let only_auto_answer = changed.iter().all(|key| key == "acdAutoAnswer" || key == "state");
    let kind = |key: &str| match key {
        "state" => "state",
        "acdAutoAnswer" if only_auto_answer => "autoanswer",
        _ => "fields",
    };
    for one in ["state", "autoanswer", "fields"] {
        let pick = |map: &Map<String, Value>| -> Map<String, Value> {
            let picked = map.iter().filter(|(key, _)| changed.contains(*key) && kind(key) == one);
            picked.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let after = pick(&after);
        let named = columns.keys().filter(|column| after.contains_key(fields::top(column))).cloned().collect();
        maker.push(one, named, pick(&before), after);
    }
    Ok(())
}

/// Telephone columns set or clear one entry of `addresses` each and leave the others as they are.
fn phones(columns: &mut Map<String, Value>, row: &Row, record: &Value) -> Result<(), Refusal> {
    if row.fields.contains_key("phone_work") && row.fields.contains_key("extension") {
        // "Mutually exclusive with the address field": facts/genesys.md, section 3.1.
        return Err(Refusal::own("invalid.value", "`phone_work` and `extension` exclude each other: leave one empty"));
    }
    for (column, kind) in fields::PHONES {
        let Some(value) = row.fields.get(*column) else { continue };
        let held = || wire::writable(record, std::iter::once(&"addresses".to_owned())).remove("addresses");
        let list = columns.entry("addresses").or_insert_with(|| held().unwrap_or_default());
        let mut list_of: Vec<Value> = list.as_array().cloned().unwrap_or_default();
        list_of.retain(|entry| entry["mediaType"] != "PHONE" || entry["type"] != *kind);
        if let Some(number) = value.as_str() {
            let key = if *column == "extension" { "extension" } else { "address" };
            list_of.push(json!({"mediaType": "PHONE", "type": kind, key: number}));
        }
        *list = Value::Array(list_of);
    }
    Ok(())
}

fn named(item: &Named) -> Value {
    json!({"id": item.id, "name": item.name})
}

/// A division or team: the user has one.
fn one_of(maker: &mut Maker<'_>, row: &Row, names: &Names, column: &str) -> Result<(), Refusal> {
    let Some(wanted) = row.fields.get(column) else { return Ok(()) };
    let before = wire::one_of(&maker.user.record, column);
    let after = match wanted.as_str() {
        Some(text) => named(names.resolve(column, text)?),
        None => Value::Null,
    };
    if before.as_ref().is_some_and(|before| before["id"] == after["id"]) {
        return Ok(());
    }
    let before = before.map(|before| Map::from_iter([(column.to_owned(), before)])).unwrap_or_default();
    maker.push(column, vec![column.into()], before, Map::from_iter([(column.to_owned(), after)]));
    Ok(())
}

/// Skills or languages: what the user shall have in the end, whatever of `x`, `x+` and `x-` the row has.
fn rated(maker: &mut Maker<'_>, row: &Row, names: &Names, list: &str) -> Result<(), Refusal> {
    let columns: Vec<&String> = row.fields.keys().filter(|column| fields::mode(column).0 == list).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let held = wire::rated(&maker.user.record, list);
    let singular = fields::list(list).unwrap_or_default();
    let mut wanted = held.clone().unwrap_or_default();
    for column in &columns {
        let items = row.fields[*column].as_array().cloned().unwrap_or_default();
        let mode = fields::mode(column).1;
        if mode == Mode::Replace {
            wanted.clear();
        }
        for item in &items {
            let text = item["name"].as_str().or_else(|| item.as_str()).unwrap_or_default();
            let Named { id, name } = names.resolve(singular, text)?;
            if mode == Mode::Remove {
                wanted.remove(id);
                continue;
            }
            // Without a proficiency, one that the user has stays as it is.
            let known = held.as_ref().and_then(|held| held.get(id)).map(|item| item["proficiency"].clone());
            let proficiency = item.get("proficiency").cloned().or(known).unwrap_or(json!(0.0));
            wanted.insert(id.clone(), json!({"name": name, "proficiency": proficiency}));
        }
    }
    let names: Vec<String> = columns.into_iter().cloned().collect();
    if list == "skills" {
        let whole = |items: &BTreeMap<String, Value>| {
            let items = items
                .iter()
                .map(|(id, item)| json!({"id": id, "name": item["name"], "proficiency": item["proficiency"]}));
            Map::from_iter([("skills".to_owned(), items.collect::<Value>())])
        };
        let before = held.as_ref().map(whole).unwrap_or_default();
        maker.push("skills", names, before, whole(&wanted));
    } else {
        languages(maker, names, &held.unwrap_or_default(), &wanted);
    }
    Ok(())
}

/// Languages have no call that replaces them: one that sets several, and one that removes one.
fn languages(
    maker: &mut Maker<'_>,
    columns: Vec<String>,
    held: &BTreeMap<String, Value>,
    wanted: &BTreeMap<String, Value>,
) {
    let key = |id: &String| format!("languages/{id}");
    for (id, item) in held.iter().filter(|(id, _)| !wanted.contains_key(*id)) {
        let one = |value: Value| Map::from_iter([(key(id), value)]);
        maker.push("language-", columns.clone(), one(item.clone()), one(Value::Null));
    }
    let differ = |id: &String, item: &Value| {
        held.get(id).is_none_or(|held| !diff::same(&held["proficiency"], &item["proficiency"]))
    };
    let set: Map<String, Value> =
        wanted.iter().filter(|(id, item)| differ(id, item)).map(|(id, item)| (key(id), item.clone())).collect();
    let before = wanted
        .keys()
        .filter(|id| set.contains_key(&key(id)))
        .map(|id| (key(id), held.get(id).cloned().unwrap_or(Value::Null)))
        .collect();
    maker.push("languages", columns, before, set);
}

/// Groups, queues or roles: one change for each that is joined or left.
fn members(maker: &mut Maker<'_>, row: &Row, names: &Names, list: &str) -> Result<(), Refusal> {
    let held = wire::memberships(&maker.user.record, list);
    let singular = fields::list(list).unwrap_or_default();
    let mut wanted: BTreeMap<String, (Value, bool, String)> = BTreeMap::new();
    for (column, value) in row.fields.iter().filter(|(column, _)| fields::mode(column).0 == list) {
        let (_, mode) = fields::mode(column);
        if mode == Mode::Replace {
            for (id, name) in held.iter().flatten() {
                wanted.insert(id.clone(), (name.clone(), false, column.clone()));
            }
        }
        for text in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let item = names.resolve(singular, text)?;
            wanted.insert(item.id.clone(), (json!(item.name), mode != Mode::Remove, column.clone()));
        }
    }
    for (id, (name, member, column)) in wanted {
        let key = format!("{list}/{id}");
        let one = |member: bool| Map::from_iter([(key.clone(), json!({"name": name, "member": member}))]);
        let before = held.as_ref().map(|held| one(held.contains_key(&id))).unwrap_or_default();
        let kind = format!("{list}{}", if member { '+' } else { '-' });
        maker.push(&kind, vec![column], before, one(member));
    }
    Ok(())
}

/// Custom attributes: one call sets those of several schemas.
fn attributes(maker: &mut Maker<'_>, row: &Row, names: &Names) -> Result<(), Refusal> {
    let (mut before, mut after, mut columns) = (Map::new(), Map::new(), vec![]);
    let mut schemas: BTreeMap<String, String> = BTreeMap::new();
    for (column, value) in &row.fields {
        let Some((schema, key)) = fields::attribute(column) else { continue };
        let Named { id, name } = names.resolve(fields::SCHEMA, schema)?;
        let told = names.noted(fields::SCHEMA, id).and_then(<[Value]>::first).cloned().unwrap_or_default();
        let types = told["types"].as_object().filter(|types| !types.is_empty());
        if let Some(types) = types.filter(|types| !types.contains_key(key)) {
            let near = nearest(key, types.keys().map(String::as_str)).map(|near| format!(": did you mean `{near}`?"));
            let message = format!("the schema `{name}` has no attribute `{key}`{}", near.unwrap_or_default());
            return Err(Refusal::own("unknown.name", message));
        }
        let of_type = types.and_then(|types| types[key].as_str()).unwrap_or_default();
        let full = format!("customAttributes.{id}.{key}");
        let held = wire::attribute(&maker.user.record, &full);
        held.map(|held| before.insert(full.clone(), held));
        after.insert(full, typed(of_type, value, column)?);
        columns.push(column.clone());
        schemas.insert(id.clone(), number_text(&told["version"]));
    }
    let changed = diff::changed(&before, &after);
    before.retain(|key, _| changed.contains(key));
    after.retain(|key, _| changed.contains(key));
    maker.push("attributes", columns, before, after);
    let versions = |change: &Change| {
        let touched =
            |id: &str| change.after.keys().any(|key| fields::attribute(key).is_some_and(|(schema, _)| schema == id));
        let group = schemas.iter().filter(|(id, _)| touched(id)).map(|(id, version)| format!("{id}@{version}"));
        group.collect::<Vec<_>>().join(",")
    };
    for change in maker.changes.iter_mut().filter(|change| change.kind == "attributes") {
        change.key.group = versions(change);
    }
    Ok(())
}

fn number_text(value: &Value) -> String {
    value.as_i64().map(|number| number.to_string()).unwrap_or_default()
}

/// A cell's text as the schema's type has it.
fn typed(of_type: &str, value: &Value, column: &str) -> Result<Value, Refusal> {
    let Some(text) = value.as_str().map(str::trim) else { return Ok(value.clone()) };
    let read = match of_type {
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        "checkbox" | "boolean" => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from),
        _ => Some(value.clone()),
    };
    read.ok_or_else(|| Refusal::own("invalid.value", format!("`{column}`: `{text}` is no {of_type}")))
}

/// The changes that take `change` back: its before for its after.
pub(super) fn undo(change: &Change) -> Vec<Change> {
    let user = User { id: change.user.clone(), version: change.version, record: Value::Null };
    let mut maker = Maker { row: change.key.row, user: &user, changes: vec![] };
    let (before, after) = (change.after.clone(), change.before.clone());
    let columns = change.columns.clone();
    match change.kind.as_str() {
        "languages" | "language-" => {
            let held = |map: &Map<String, Value>| -> BTreeMap<String, Value> {
                let items = map.iter().filter(|(_, item)| !item.is_null());
                items.map(|(key, item)| (key.trim_start_matches("languages/").to_owned(), item.clone())).collect()
            };
            languages(&mut maker, columns, &held(&before), &held(&after));
        }
        "attributes" => {
            maker.push("attributes", columns, before, after);
            for back in &mut maker.changes {
                // Its schemas' versions.
                back.key.group.clone_from(&change.key.group);
            }
        }
        kind => {
            let kind = match (kind.strip_suffix('+'), kind.strip_suffix('-')) {
                (Some(list), _) => format!("{list}-"),
                (_, Some(list)) => format!("{list}+"),
                _ => kind.to_owned(),
            };
            maker.push(&kind, columns, before, wire::emptied(&change.kind, after));
        }
    }
    maker.changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::calls;
    use paceline_core::user::{UserId, UserKey};

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
            ("user", "m1", "m@x.org"),
        ];
        for (list, id, name) in items {
            names.add(list, Named { id: id.into(), name: name.into() });
        }
        names
    }

    fn plan(fields: Value, record: Value) -> Result<Vec<Change>, Refusal> {
        let fields = fields.as_object().cloned().unwrap_or_default();
        let row = Row { number: 3, line: 4, key: UserKey::id("u-1"), fields };
        changes(&row, &User { id: UserId("u-1".into()), version: Some(7), record }, &names())
    }

    fn kinds(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.kind.as_str()).collect()
    }

    #[test]
    fn only_what_differs_is_sent_with_the_version_that_was_read() {
        let record = json!({"title": "Agent", "department": "Sales", "manager": {"id": "m1"}});
        let changes = plan(json!({"title": "Lead", "department": "Sales", "manager": "M@x.org"}), record).unwrap();
        assert_eq!(calls::call(&changes).body, Some(json!({"version": 7, "title": "Lead"})));
        assert_eq!(changes[0].before, *json!({"title": "Agent"}).as_object().unwrap());
    }

    #[test]
    fn a_user_that_is_right_already_needs_no_change() {
        let record = json!({"title": "Lead", "profileSkills": ["a", "b"], "division": {"id": "d1", "name": "Home"},
            "skills": [{"id": "s1", "name": "Spanish", "proficiency": 4.0}], "groups": [{"id": "g1"}], "team": {"id": "t1"}});
        let fields = json!({"title": "Lead", "profileSkills": ["b", "a"], "department": null, "division": "home", "team": "Blue",
            "skills": [{"name": "spanish", "proficiency": 4}], "groups+": ["A"], "skills-": ["Billing"]});
        assert_eq!(plan(fields, record), Ok(vec![]));
    }

    #[test]
    fn state_goes_alone_active_first_and_inactive_last() {
        for (to, from, order) in
            [("active", "inactive", ["state", "fields"]), ("inactive", "active", ["fields", "state"])]
        {
            let changes =
                plan(json!({"state": to, "title": "Lead"}), json!({"state": from, "title": "Agent"})).unwrap();
            assert_eq!(kinds(&changes), order);
        }
    }

    #[test]
    fn a_nested_field_keeps_its_siblings() {
        let record = json!({"employerInfo": {"employeeId": "1", "officialName": "Ann"}});
        let changes = plan(json!({"employerInfo.employeeId": "2"}), record).unwrap();
        let body = json!({"version": 7, "employerInfo": {"employeeId": "2", "officialName": "Ann"}});
        assert_eq!(calls::call(&changes).body, Some(body));
        assert_eq!(changes[0].columns, ["employerInfo.employeeId"]);
    }

    #[test]
    fn clearing_sends_what_the_vendor_takes_for_empty() {
        let changes =
            plan(json!({"title": null, "profileSkills": null}), json!({"title": "A", "profileSkills": ["a"]})).unwrap();
        assert_eq!(calls::call(&changes).body, Some(json!({"version": 7, "title": "", "profileSkills": []})));
    }

    #[test]
    fn skills_are_replaced_added_and_removed_by_one_call() {
        let record = json!({"skills": [{"id": "s1", "name": "Spanish", "proficiency": 2.0}]});
        let table = [
            (json!({"skills": [{"name": "Billing", "proficiency": 3.0}]}), json!([{"id": "s2", "proficiency": 3.0}])),
            (
                json!({"skills+": [{"name": "Billing"}]}),
                json!([{"id": "s1", "proficiency": 2.0}, {"id": "s2", "proficiency": 0.0}]),
            ),
            (json!({"skills-": ["Spanish"]}), json!([])),
            (json!({"skills": null}), json!([])),
        ];
        for (fields, body) in table {
            let changes = plan(fields.clone(), record.clone()).unwrap();
            let request = calls::call(&changes);
            assert_eq!(
                (request.template, request.body),
                ("PUT /api/v2/users/{userId}/routingskills/bulk", Some(body)),
                "{fields}"
            );
        }
    }

    #[test]
    fn a_telephone_column_sets_one_entry_and_keeps_the_others() {
        let mail = json!({"address": "a@x.org", "mediaType": "EMAIL", "type": "WORK"});
        let old = json!({"address": "+341", "mediaType": "PHONE", "type": "WORK", "display": "341"});
        let new = json!({"mediaType": "PHONE", "type": "WORK", "address": "+342"});
        let record = json!({"addresses": [mail, old]});
        let changes = plan(json!({"phone_work": "+342"}), record.clone()).unwrap();
        assert_eq!(calls::call(&changes).body, Some(json!({"version": 7, "addresses": [mail, new]})));
        assert_eq!(plan(json!({"phone_work": "+341"}), record.clone()), Ok(vec![]));
        let cleared = plan(json!({"phone_work": null}), record.clone()).unwrap();
        assert_eq!(calls::call(&cleared).body, Some(json!({"version": 7, "addresses": [mail]})));
        assert!(plan(json!({"phone_work": "+342", "extension": "7"}), record).is_err());
    }

    #[test]
    fn memberships_share_a_call_by_target() {
        let record = json!({"groups": [{"id": "g1"}], "authorization": {"roles": []}, "queues": []});
        let changes = plan(json!({"groups-": ["A"], "roles+": ["Agent"], "queues+": ["Calls"]}), record).unwrap();
        let keys: Vec<(&str, &str)> =
            changes.iter().map(|change| (change.kind.as_str(), change.key.group.as_str())).collect();
        assert_eq!(keys, [("groups-", "g1"), ("queues+", "q1"), ("roles+", "r1")]);
    }

    #[test]
    fn unknown_and_ambiguous_names_are_told_with_candidates() {
        let message = |fields| plan(fields, json!({})).unwrap_err().message.unwrap();
        assert_eq!(message(json!({"division": "Saless"})), "no division is called `Saless`: did you mean `Sales`?");
        assert_eq!(message(json!({"groups+": ["zzz"]})), "no group is called `zzz`");
        assert!(plan(json!({"groups+": ["B"]}), json!({})).is_ok(), "the exact name wins");
    }

    #[test]
    fn every_change_is_taken_back_by_its_undo() {
        let record = json!({"title": "Agent", "state": "active", "division": {"id": "d1", "name": "Home"}, "team": {"id": "t1", "name": "Blue"},
            "languages": [{"id": "l1", "name": "English", "proficiency": 5.0}], "groups": [{"id": "g1", "name": "A"}],
            "skills": [{"id": "s1", "name": "Spanish", "proficiency": 2.0}]});
        let fields = json!({"title": "Lead", "state": "inactive", "division": "Sales", "team": null, "groups": ["g2"],
            "languages": [{"name": "German", "proficiency": 1.0}], "skills": []});
        for change in plan(fields, record).unwrap() {
            let back = undo(&change);
            let (mut before, mut after) = (Map::new(), Map::new());
            for one in &back {
                before.extend(one.before.clone());
                after.extend(one.after.clone());
            }
            assert!(diff::same(&json!(before), &json!(change.after)), "{change:?} {back:?}");
            assert!(diff::same(&json!(after), &json!(change.before)), "{change:?} {back:?}");
        }
    }
}
