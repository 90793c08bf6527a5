//! A person's record: which value does it hold in a column? What the record does not tell is not known, and never empty.

use super::fields::{self, Surface, attribute, written};
use super::wire::{agent_id, agents_user, flag, get, id_text, said, told, user_id};
use paceline_core::diff;
use paceline_core::plan::Change;
use paceline_core::user::UserId;
use paceline_core::validate::Kind;
use paceline_core::vendor::{BLIND, Named, Names, User};
use serde_json::{Map, Value, json};

/// A person: `agentId/UUID`, as far as either is known, and the parts of the record that were read.
pub(super) fn person(agent: Option<&Value>, user: Option<&Value>, skills: Option<&[Value]>) -> User {
    let number = agent.and_then(agent_id);
    let uuid = user.and_then(user_id).or_else(|| agent.and_then(agents_user));
    let id = [number, uuid].into_iter().flatten().collect::<Vec<_>>().join("/");
    let mut record = Map::new();
    let parts = [("agent", agent.cloned()), ("user", user.cloned()), ("skills", skills.and_then(assigned))];
    for (part, value) in parts {
        value.map(|value| record.insert(part.into(), value));
    }
    User { id: UserId(id), version: None, record: Value::Object(record) }
}

/// The skills among the records of a read; `None` where nothing was told, not even that there are none.
pub(super) fn assigned(records: &[Value]) -> Option<Value> {
    (!records.is_empty()).then(|| records.iter().filter(|record| record.get("id").is_some()).cloned().collect())
}

/// The two ids in a person's: the agent's number and the user's UUID.
pub(super) fn ids(id: &str) -> (Option<&str>, Option<&str>) {
    let told = |id: &'_ str| !id.is_empty();
    match id.split_once('/') {
        Some((number, uuid)) => (Some(number).filter(|id| told(id)), Some(uuid).filter(|id| told(id))),
        None if (fields::TABLE.id_kind)(id) == "agentId" => (Some(id).filter(|id| told(id)), None),
        None => (None, Some(id)),
    }
}

/// Whether a user is active. A deactivated one is `DELETED` until it is revived.
pub(super) fn is_active(record: &Value) -> Option<bool> {
    let status = get(record, "status").as_str()?.trim().to_ascii_uppercase();
    Some(!matches!(status.as_str(), "DELETED" | "INACTIVE" | "DEACTIVATED" | "DISABLED"))
}

/// Of several records, those of people who are not deactivated, if that leaves any.
pub(super) fn living<'a>(records: &[&'a Value], is_active: impl Fn(&Value) -> Option<bool>) -> Vec<&'a Value> {
    let active: Vec<&Value> = records.iter().filter(|record| is_active(record) != Some(false)).copied().collect();
    if active.is_empty() { records.to_vec() } else { active }
}

/// A column's value in a record, as a JSON roster writes it; `None` where the record does not tell it.
fn value_in(record: &Value, column: &str) -> Option<Value> {
    if let Some(key) = attribute(column) {
        return told(record, "customAttributes").map(|attributes| attribute_of(attributes, key));
    }
    let found = told(record, written(column))?;
    let kind = fields::TABLE.field(column).map(|field| field.kind)?;
    Some(typed(kind, found).unwrap_or_else(|| found.clone()))
}

/// Booleans, numbers and texts stand for each other in places; `None` where this one is left as it is.
fn typed(kind: Kind, found: &Value) -> Option<Value> {
    let number = || found.as_f64().or_else(|| found.as_str()?.trim().parse().ok()).filter(|number| number.is_finite());
    match kind {
        Kind::Bool => flag(found).map(Value::Bool),
        Kind::Whole(..) => number().filter(|number| number.fract() == 0.0).map(|number| json!(number as i64)),
        Kind::Number => number().map(Value::from),
        Kind::Date => found.as_str().and_then(date).map(Value::from),
        Kind::Text | Kind::Email if found.is_number() || found.is_boolean() => Some(json!(found.to_string())),
        _ => None,
    }
}

/// The day of a date that may have a time.
pub(super) fn date(text: &str) -> Option<&str> {
    let day = text.trim().get(..10)?;
    let is_digit = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    day.bytes().enumerate().all(is_digit).then_some(day)
}

/// A custom attribute among those that a record shows: a map of key → `{"id", "values"}` (or of bare values), a list of
/// them, or a single one.
pub(super) fn find_attribute<'a>(attributes: &'a Value, key: &str) -> Option<&'a Value> {
    let has_id = |one: &&Value| get(one, "id").as_str().is_some_and(|id| id.eq_ignore_ascii_case(key));
    match attributes {
        Value::Array(list) => list.iter().find(has_id),
        one if is_single(one) => Some(one).filter(has_id),
        Value::Object(map) => told(attributes, key).or_else(|| map.values().find(has_id)),
        _ => None,
    }
}

/// The 2026 description of the PUT has one `{"id", "values"}` where reads have a map.
pub(super) fn is_single(attributes: &Value) -> bool {
    told(attributes, "id").is_some_and(Value::is_string) && told(attributes, "values").is_some_and(Value::is_array)
}

/// An attribute's value: a text; a list where it has several.
fn attribute_of(attributes: &Value, key: &str) -> Value {
    let text = |value: &Value| match value {
        Value::Number(_) | Value::Bool(_) => json!(value.to_string()),
        value => value.clone(),
    };
    let bare = |value: &Value| match told(value, "value") {
        Some(inner) => text(inner),
        None => text(value),
    };
    match find_attribute(attributes, key) {
        Some(one @ Value::Object(_)) => match get(one, "values") {
            Value::Array(values) => match &values[..] {
                [] => Value::Null,
                [value] => bare(value),
                values => values.iter().map(bare).collect(),
            },
            Value::Null => told(one, "value").map(text).unwrap_or_default(),
            value => bare(value),
        },
        Some(value) => text(value),
        None => Value::Null,
    }
}

/// What a person holds in a column; `None` where it is not known.
pub(super) fn held(record: &Value, column: &str) -> Option<Value> {
    match fields::surface(column) {
        // A user's record is read whole and written whole: what it leaves out is empty. An agent's may leave out what it
        // does not show.
        Surface::User => record.get("user").map(|user| value_in(user, column).unwrap_or_default()),
        Surface::Agent => record.get("agent").and_then(|agent| value_in(agent, column)),
        Surface::Active => is_active(record.get("user")?).map(Value::Bool),
        Surface::Skills | Surface::Team => None,
    }
}

/// What a person is known to hold before a column is set to `asked`. What a user's record leaves out is empty where
/// something comes to stand there, and an undo empties it again; but nobody is told that it is empty already who was not
/// shown it.
pub(super) fn known(record: &Value, column: &str, asked: &Value) -> Option<Value> {
    let is_shown = || match attribute(column) {
        Some(_) => tells_attributes(record),
        None => record.get("user").is_some_and(|user| told(user, written(column)).is_some()),
    };
    held(record, column).filter(|held| !(held.is_null() && asked.is_null()) || is_shown() || !is_users(column))
}

fn is_users(column: &str) -> bool {
    fields::surface(column) == Surface::User
}

/// Whether a user's record tells its custom attributes, be it that there are none.
pub(super) fn tells_attributes(record: &Value) -> bool {
    record.get("user").is_some_and(|user| told(user, "customAttributes").is_some())
}

/// Whether an agent's record tells a column. Not every read of an agent shows every column.
pub(super) fn agent_tells(agent: &Value, column: &str) -> bool {
    match fields::surface(column) {
        Surface::Agent => told(agent, written(column)).is_some(),
        Surface::Team => told(agent, "teamId").is_some() || told(agent, "teamName").is_some(),
        Surface::User | Surface::Active | Surface::Skills => true,
    }
}

/// The role or team that a record names, among the tenant's; `null` where it has none, `None` where it is not told.
pub(super) fn place(record: &Value, column: &str, names: &Names) -> Option<Value> {
    let (list, id, name) = match column {
        "role" => ("role", "roleUUID", "role"),
        "user team" => ("user team", "teamId", "teamName"),
        _ => ("team", "teamId", "teamName"),
    };
    told(record, id).or_else(|| told(record, name))?;
    let (id, name) = (said(record, &[id]), said(record, &[name]));
    let known = [&id, &name].into_iter().flatten().find_map(|text| names.resolve(list, text).ok());
    Some(match (known, id.as_ref().or(name.as_ref())) {
        (Some(Named { id, name }), _) => json!({"id": id, "name": name}),
        (None, Some(id)) => json!({"id": id, "name": name}),
        (None, None) => Value::Null,
    })
}

/// Whether `text` names that place.
pub(super) fn is_called(place: &Value, text: &str) -> bool {
    ["id", "name"].iter().any(|key| place[key].as_str().is_some_and(|held| held.eq_ignore_ascii_case(text.trim())))
}

/// Which of a change's two places a record is in, told as the change tells it; else what the record says itself.
fn now_at(record: &Value, column: &str, change: &Change, key: &str) -> Option<Value> {
    let bare = place(record, column, &Names::default())?;
    let sides = [change.after.get(key), change.before.get(key)];
    let named = |side: Option<&Value>| side.and_then(|place| place["name"].as_str()).map(str::to_lowercase);
    // Two places may have one name: then only the id tells them apart.
    let by_name = named(sides[0]) != named(sides[1]);
    let one_of = |value: &Value, place: &Value| value.as_str().is_some_and(|text| is_called(place, text));
    let at = |place: &&Value| {
        one_of(&bare["id"], place) || (by_name && one_of(&bare["name"], place)) || diff::same(place, &bare)
    };
    let known = sides.into_iter().flatten().find(at).cloned();
    Some(known.unwrap_or(bare))
}

/// Whether two values of a column are one to the vendor, who trims texts, writes addresses in lower case and telephone
/// numbers without blanks.
fn is_alike(column: &str, a: &Value, b: &Value) -> bool {
    let joined = |value: &Value| match value {
        Value::Array(_) => Some(one_text(value)),
        value => value.as_str().map(str::to_owned),
    };
    let (Some(a), Some(b)) = (joined(a), joined(b)) else { return diff::same(a, b) };
    let plain = |text: &str| match column {
        "email" | "userName" => text.trim().to_lowercase(),
        "mobileNumber" | "telephone1" | "telephone2" => text.chars().filter(|c| c.is_alphanumeric()).collect(),
        _ => text.trim().to_owned(),
    };
    plain(&a) == plain(&b)
}

/// A value that the vendor may have written in its own way: told as the change writes it, where it is the same. What is
/// exactly as it was stays so: a change of the spelling alone is a change.
fn as_written(found: Value, change: &Change, key: &str) -> Value {
    let (before, after) = (change.before.get(key), change.after.get(key));
    if before.is_some_and(|before| diff::same(before, &found)) {
        return found;
    }
    [after, before].into_iter().flatten().find(|value| is_alike(key, value, &found)).cloned().unwrap_or(found)
}

/// An address that waits for its owner's answer to the verification mail is set, as far as a roster can set it.
fn awaits(user: &Value, asked: &Value) -> bool {
    let awaited = get(user, "emailToBeVerified");
    !diff::is_empty(awaited) && is_alike("email", awaited, asked)
}

/// Whether a column holds what a row asks, for all that the vendor can tell apart.
pub(super) fn is_there(record: &Value, column: &str, held: Option<&Value>, asked: &Value) -> bool {
    match held {
        // What is not shown is not known, and not empty either.
        None => false,
        Some(held @ Value::Array(_)) => asked.is_string() && is_alike(column, held, asked),
        Some(held) if column == "email" => {
            is_alike(column, held, asked) || record.get("user").is_some_and(|user| awaits(user, asked))
        }
        Some(held) => diff::same(held, asked),
    }
}

/// What a person holds now of what `change` touches, written as `change.after` writes it.
pub(super) fn holds(record: &Value, change: &Change) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, asked) in &change.after {
        let found = match (change.kind.as_str(), key.as_str()) {
            (BLIND, key) => record.get("gateway").map(|user| get(user, key).clone()),
            (_, key) if key.starts_with("skills/") => {
                record.get("skills").and_then(|held| skill_held(held, change, key, asked))
            }
            ("user", "role") => record.get("user").and_then(|user| now_at(user, "role", change, key)),
            ("user", "team") => record.get("user").and_then(|user| now_at(user, "user team", change, key)),
            (_, "team") => record.get("agent").and_then(|agent| now_at(agent, "team", change, key)),
            ("user", "email") if record.get("user").is_some_and(|user| awaits(user, asked)) => Some(asked.clone()),
            // Attributes that are not told are not written either.
            ("user", key) if attribute(key).is_some() && !tells_attributes(record) => {
                record.get("user").map(|_| change.before.get(key).cloned().unwrap_or_default())
            }
            ("user" | "agent", key) => match known(record, key, asked) {
                // What was shown and is not shown any more is empty: the vendor leaves empty ones out.
                None if asked.is_null() && change.before.contains_key(key) && is_read(record, key) => Some(Value::Null),
                found => found.map(|found| as_written(found, change, key)),
            },
            (_, key) => held(record, key),
        };
        found.map(|found| out.insert(key.clone(), found));
    }
    out
}

/// Whether the record that has a column was read.
fn is_read(record: &Value, column: &str) -> bool {
    record.get(if is_users(column) { "user" } else { "agent" }).is_some()
}

/// An assigned skill as a change writes it; `null` where it is not assigned, `None` where its proficiency is asked for and
/// not told.
fn skill_held(held: &Value, change: &Change, key: &str, asked: &Value) -> Option<Value> {
    let id = key.strip_prefix("skills/");
    let mine = held.as_array().into_iter().flatten().find(|item| item["id"].as_str() == id);
    let name = [&change.after, &change.before].into_iter().find_map(|side| side.get(key)?.get("name")).cloned();
    let Some(item) = mine else { return Some(Value::Null) };
    let found = json!({"name": name.unwrap_or_else(|| item["name"].clone()), "proficiency": item["proficiency"]});
    let is_as_it_was = change.before.get(key).is_some_and(|before| diff::same(before, &found));
    match (&item["proficiency"], &asked["proficiency"]) {
        (Value::Null, Value::Number(_)) => None,
        // None was asked for: the vendor's own is as good.
        (_, Value::Null) if asked.is_object() && !is_as_it_was => Some(asked.clone()),
        _ => Some(found),
    }
}

/// A value of several as one text.
fn one_text(value: &Value) -> String {
    let texts = value.as_array().into_iter().flatten();
    texts.map(|item| id_text(item).unwrap_or_default()).collect::<Vec<_>>().join(";")
}

/// What a person holds in a column, as a JSON roster writes it: for an export.
pub(super) fn value(record: &Value, column: &str) -> Value {
    let name = |record: &Value, keys: [&str; 2]| said(record, &keys).map(Value::String);
    match column {
        "skills" => record.get("skills").map_or(Value::Null, skills_value),
        "role" => name(&record["user"], ["role", "roleUUID"]).unwrap_or_default(),
        "team" => {
            let part = if record.get("agent").is_some() { &record["agent"] } else { &record["user"] };
            name(part, ["teamName", "teamId"]).unwrap_or_default()
        }
        // The agent's record has the user's e-mail too, and is read for less.
        "email" if record.get("user").is_none() => get(&record["agent"], "emailAddress").clone(),
        _ => match held(record, column).unwrap_or_default() {
            list @ Value::Array(_) if attribute(column).is_some() => json!(one_text(&list)),
            value => value,
        },
    }
}

/// Assigned skills by name; by id where the name would not be read back as that skill.
fn skills_value(held: &Value) -> Value {
    let items: Vec<&Value> = held.as_array().into_iter().flatten().collect();
    let names: Vec<Option<String>> =
        items.iter().map(|item| item["name"].as_str().map(|name| name.trim().to_lowercase())).collect();
    let one = |(item, name): (&&Value, &Option<String>)| {
        let is_plain = |name: &String| {
            let unique = names.iter().filter(|other| other.as_ref() == Some(name)).count() == 1;
            unique && !name.is_empty() && !name.contains([';', ':', ',']) && !name.bytes().all(|b| b.is_ascii_digit())
        };
        let called = if name.as_ref().is_some_and(is_plain) { &item["name"] } else { &item["id"] };
        match &item["proficiency"] {
            Value::Null => json!({"name": called}),
            proficiency => json!({"name": called, "proficiency": proficiency}),
        }
    };
    items.iter().zip(&names).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::diff::Settled;
    use paceline_core::plan::ChangeKey;

    fn change(kind: &str, before: Value, after: Value) -> Change {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Change {
            key: ChangeKey { stage: 1, group: String::new(), row: 1 },
            kind: kind.into(),
            user: UserId("7/u".into()),
            before: map(before),
            after: map(after),
            rest: Map::new(),
            columns: vec![],
            version: None,
        }
    }

    fn settled(change: &Change, record: &Value) -> Settled {
        diff::settle(&change.before, &change.after, &holds(record, change))
    }

    #[test]
    fn values_come_in_each_others_types_and_under_keys_of_any_case() {
        let record = json!({"agent": {"EmailRefusalTimeout": "30", "IsActive": "True", "custom1": 5, "hourlyCost": "12.50",
            "terminationDate": "2024-02-29T00:00:00Z", "custom2": true, "maxConcurrentChats": 2.5, "atHome": "maybe", "notes": null}});
        let table = [
            ("emailRefusalTimeout", Some(json!(30))),
            ("isActive", Some(json!(true))),
            ("custom1", Some(json!("5"))),
            ("custom2", Some(json!("true"))),
            ("hourlyCost", Some(json!(12.5))),
            ("terminationDate", Some(json!("2024-02-29"))),
            ("maxConcurrentChats", Some(json!(2.5))),
            ("atHome", Some(json!("maybe"))),
            ("notes", Some(Value::Null)),
            ("custom3", None),
        ];
        for (column, expected) in table {
            assert_eq!(held(&record, column), expected, "{column}");
        }
    }

    #[test]
    fn an_attribute_is_found_in_every_form_that_is_published_and_several_values_are_one_text() {
        let one = json!({"id": "floor", "values": [{"value": "1", "resolvedValue": "first"}]});
        for read in
            [json!({"floor": one}), json!({"k": one}), json!([one]), one, json!({"FLOOR": "1"}), json!({"floor": 1})]
        {
            let record = json!({"user": {"customAttributes": read}});
            assert_eq!(value(&record, "customAttributes.floor"), "1", "{read}");
            assert_eq!(value(&record, "customAttributes.desk"), Value::Null, "{read}");
        }
        let several =
            json!({"user": {"customAttributes": {"a": {"id": "a", "values": [{"value": "x"}, {"value": "y"}]}}}});
        assert_eq!(value(&several, "customAttributes.a"), "x;y");
        assert!(is_there(&several, "customAttributes.a", held(&several, "customAttributes.a").as_ref(), &json!("x;y")));
    }

    #[test]
    fn what_the_vendor_writes_in_its_own_way_is_set_and_a_change_of_the_spelling_is_a_change() {
        let user = |email: &str, mobile: &str, waits: &str| json!({"user": {"emailAddress": email, "mobileNumber": mobile, "emailToBeVerified": waits}});
        let change = change(
            "user",
            json!({"email": "a@x", "mobileNumber": "+1 555 1"}),
            json!({"email": "B@x", "mobileNumber": "+15551"}),
        );
        assert_eq!(settled(&change, &user("b@x", "+15551", "")), Settled::Holds);
        assert_eq!(settled(&change, &user("a@x", "+15551", "b@X")), Settled::Holds, "the address waits to be verified");
        assert_eq!(settled(&change, &user("a@x", "+1 555 1", "")), Settled::Untouched, "the number is as it was");
        assert_eq!(settled(&change, &user("b@x", "+1-5551", "")), Settled::Holds);
        assert!(matches!(settled(&change, &user("c@x", "+15551", "")), Settled::Conflict(_)));
    }

    #[test]
    fn a_place_is_known_by_its_id_or_by_its_name_where_that_tells_two_apart() {
        let place = |id: &str, name: &str| json!({"id": id, "name": name});
        let role = |to: &str| change("user", json!({"role": place("r1", "Agent")}), json!({"role": place("r2", to)}));
        let shown = |role: &str, id: Value| json!({"user": {"role": role, "roleUUID": id}});
        assert_eq!(settled(&role("Manager"), &shown("Manager", json!(null))), Settled::Holds);
        assert_eq!(settled(&role("Manager"), &shown("Agent", json!("R1"))), Settled::Untouched);
        assert_eq!(settled(&role("agent"), &shown("Agent", json!("r1"))), Settled::Untouched);
        assert_eq!(settled(&role("agent"), &shown("Agent", json!("r2"))), Settled::Holds);
        assert!(matches!(settled(&role("Manager"), &shown("Auditor", json!("r9"))), Settled::Conflict(_)));
        assert_eq!(settled(&role("Manager"), &json!({"user": {}})), Settled::Untouched, "not told is not known");
    }

    #[test]
    fn a_column_that_is_not_shown_is_not_known_and_a_cleared_one_is_empty_where_it_was_shown_before() {
        for (kind, column, of) in [("agent", "custom1", "agentId"), ("user", "mobileNumber", "id")] {
            let record = json!({kind: {of: "7"}});
            assert_eq!(known(&record, column, &Value::Null), None, "{column}");
            assert!(!is_there(&record, column, None, &Value::Null) && !is_there(&record, column, None, &json!("x")));
            let clear = |before: Value| change(kind, before, json!({column: null}));
            assert_eq!(settled(&clear(json!({column: "x"})), &record), Settled::Holds, "empty ones are left out");
            assert_eq!(settled(&clear(json!({})), &record), Settled::Untouched, "it was not shown before either");
            assert_eq!(holds(&record, &clear(json!({}))), Map::new());
            let set = change(kind, json!({}), json!({column: "x"}));
            assert_eq!(settled(&set, &record), Settled::Untouched, "{column}");
        }
        // What an undo sets back to nothing was left out when it was read.
        assert_eq!(known(&json!({"user": {"id": "u"}}), "mobileNumber", &json!("x")), Some(Value::Null));
    }

    #[test]
    fn attributes_that_are_not_told_are_as_they_were() {
        let of = |before: Value, after: Value| change("user", before, after);
        let key = "customAttributes.floor";
        let untold = json!({"user": {"id": "u"}});
        for (before, after) in [(json!({key: "1"}), json!({key: "2"})), (json!({key: "1"}), json!({key: null}))] {
            assert_eq!(settled(&of(before, after), &untold), Settled::Untouched);
        }
        let none = json!({"user": {"id": "u", "customAttributes": {}}});
        assert_eq!(settled(&of(json!({key: "1"}), json!({key: null})), &none), Settled::Holds);
    }

    #[test]
    fn a_skill_is_seen_as_the_change_writes_it_and_a_proficiency_that_is_not_told_is_not_known() {
        let skill = |proficiency: Value| json!({"name": "A", "proficiency": proficiency});
        let shown = |items: Value| json!({"skills": items});
        let held = |proficiency: Value| shown(json!([{"id": "5", "name": "a", "proficiency": proficiency}]));
        let key = "skills/5";
        let add = change("skills+", json!({key: null}), json!({key: skill(json!(2))}));
        let rate = change("skills+", json!({key: skill(json!(4))}), json!({key: skill(json!(2))}));
        let remove = change("skills-", json!({key: skill(json!(4))}), json!({key: null}));
        let unrated = change("skills+", json!({key: null}), json!({key: skill(Value::Null)}));
        let table = [
            (&add, shown(json!([])), Settled::Untouched),
            (&add, held(json!(2)), Settled::Holds),
            (&add, held(json!(3)), Settled::Conflict(vec![key.into()])),
            (&add, held(Value::Null), Settled::Untouched),
            (&rate, held(json!(4)), Settled::Untouched),
            (&rate, held(Value::Null), Settled::Untouched),
            (&rate, shown(json!([])), Settled::Conflict(vec![key.into()])),
            (&remove, shown(json!([])), Settled::Holds),
            (&remove, held(json!(4)), Settled::Untouched),
            (&remove, held(json!(1)), Settled::Conflict(vec![key.into()])),
            (&remove, json!({}), Settled::Untouched),
            (&unrated, held(json!(3)), Settled::Holds),
            (&unrated, held(Value::Null), Settled::Holds),
            (&unrated, shown(json!([])), Settled::Untouched),
        ];
        for (change, record, expected) in table {
            assert_eq!(settled(change, &record), expected, "{} {:?} {record}", change.kind, change.after);
        }
    }

    #[test]
    fn skills_are_exported_by_names_that_are_read_back_as_those_skills() {
        let skill = |id: &str, name: Value| json!({"id": id, "name": name, "proficiency": 2});
        let record = json!({"skills": [skill("1", json!("Spanish")), skill("2", json!("Chat; web")), skill("3", json!("Twin")),
            skill("4", json!("twin")), skill("5", json!("201")), skill("6", json!(null))]});
        let names: Vec<Value> =
            value(&record, "skills").as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, ["Spanish", "2", "3", "4", "5", "6"]);
    }
}
