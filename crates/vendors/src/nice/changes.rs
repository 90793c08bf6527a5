//! What a row changes of a person: fields, places, skills, and whether it is active.

use super::fields::{self, Surface, surface};
use super::maker::Maker;
use super::person;
use paceline_core::desired::Row;
use paceline_core::plan::Change;
use paceline_core::validate::Kind;
use paceline_core::vendor::{Names, Refusal, User};
use serde_json::{Map, Value, json};

/// A skill that is assigned without a proficiency has the middle one of 1 to 5.
const MIDDLE: i64 = 3;

/// A deactivated user is written only where the row says what shall become of that.
pub(super) fn is_living(row: &Row, user: &User, changes: &[Change]) -> Result<(), Refusal> {
    let active = user.record.get("user").and_then(person::is_active);
    let writes = changes.iter().any(|change| change.kind == "user");
    if active != Some(false) || row.fields.contains_key("active") || !writes {
        return Ok(());
    }
    let message = "the user is deactivated: set `active` to `true` in the same row to revive it";
    Err(Refusal::own("deactivated", message))
}

pub(super) fn one(key: &str, value: Option<Value>) -> Map<String, Value> {
    value.map(|value| Map::from_iter([(key.to_owned(), value)])).unwrap_or_default()
}

/// Whether a row writes the user's record: then its team goes with it.
pub(super) fn sets_user(row: &Row) -> bool {
    row.fields.keys().any(|column| surface(column) == Surface::User)
}

/// The fields of either record, each with what was read of it.
pub(super) fn fields(maker: &mut Maker<'_>, row: &Row, names: &Names) -> Result<(), Refusal> {
    let record = &maker.user.record;
    let mut sides = [("user", Map::new(), Map::new()), ("agent", Map::new(), Map::new())];
    for (column, value) in &row.fields {
        let at = match surface(column) {
            Surface::User => 0,
            Surface::Agent => 1,
            Surface::Team if sets_user(row) => 0,
            Surface::Team | Surface::Active | Surface::Skills => continue,
        };
        if fields::attribute(column).is_some() && !person::tells_attributes(record) {
            // They are written together: those that were not told would be lost.
            let message = "CXone did not tell the user's custom attributes: they are left as they are";
            return Err(Refusal::own("not.told", message));
        }
        let list = match column.as_str() {
            "role" => "role",
            "team" => "user team",
            _ => "",
        };
        let (before, after) = match value.as_str() {
            Some(text) if !list.is_empty() => {
                let before = record.get("user").and_then(|user| person::place(user, list, names));
                let Some(after) = place(names, list, text, before.as_ref())? else { continue };
                (before, after)
            }
            _ => (person::known(record, column, value), value.clone()),
        };
        if list.is_empty() && person::is_there(record, column, before.as_ref(), value) {
            continue;
        }
        let (_, befores, afters) = &mut sides[at];
        before.map(|before| befores.insert(column.clone(), before));
        afters.insert(column.clone(), after);
    }
    for (kind, before, after) in sides {
        maker.push(kind, after.keys().cloned().collect(), before, after);
    }
    Ok(())
}

/// The role or team that a row names; `None` where the person has it and the tenant's list does not show it.
pub(super) fn place(names: &Names, list: &str, text: &str, held: Option<&Value>) -> Result<Option<Value>, Refusal> {
    match names.resolve(list, text) {
        Ok(found) => Ok(Some(json!({"id": found.id, "name": found.name}))),
        Err(_) if held.is_some_and(|held| person::is_called(held, text)) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn key_of(id: &Value) -> Option<String> {
    Some(format!("skills/{}", id.as_str()?))
}

/// Skills: one change that assigns several, and one for each that is taken away.
pub(super) fn skills(maker: &mut Maker<'_>, row: &Row, names: &Names) -> Result<(), Refusal> {
    let columns: Vec<String> = row.fields.keys().filter(|column| surface(column) == Surface::Skills).cloned().collect();
    if columns.is_empty() {
        return Ok(());
    }
    let Some(told) = maker.user.record.get("skills").and_then(Value::as_array) else {
        let message = "CXone did not tell the agent's skills: they are left as they are";
        return Err(Refusal::own("not.told", message));
    };
    let one =
        |item: &Value| Some((key_of(&item["id"])?, json!({"name": item["name"], "proficiency": item["proficiency"]})));
    let held: Map<String, Value> = told.iter().filter_map(one).collect();
    let mut wanted = held.clone();
    for column in &columns {
        if column == "skills" {
            wanted.clear();
        }
        for item in row.fields[column].as_array().into_iter().flatten() {
            let (key, name) = skill(item, names, &held)?;
            if column == "skills-" {
                wanted.remove(&key);
                continue;
            }
            // Without a proficiency, one that the person has stays as it is.
            let known = held.get(&key).map(|item| item["proficiency"].clone()).filter(|known| !known.is_null());
            let unrated = if held.contains_key(&key) { Value::Null } else { json!(MIDDLE) };
            let proficiency = rating(item, &name)?.or(known).unwrap_or(unrated);
            let name = held.get(&key).map_or(json!(name), |item| item["name"].clone());
            wanted.insert(key, json!({"name": name, "proficiency": proficiency}));
        }
    }
    assign(maker, &columns, &held, &wanted);
    Ok(())
}

/// The skill that a row names: one of the tenant's, or one that the agent has and the tenant's list does not show.
fn skill(item: &Value, names: &Names, held: &Map<String, Value>) -> Result<(String, String), Refusal> {
    // An id beside a name is the one to believe.
    let texts = [item["id"].as_str(), item.as_str(), item["name"].as_str()];
    let text = texts.into_iter().flatten().next().unwrap_or_default();
    let refusal = match names.resolve("skill", text) {
        Ok(found) => return Ok((format!("skills/{}", found.id), found.name.clone())),
        Err(refusal) => refusal,
    };
    let is_it = |(key, item): &(&String, &Value)| {
        let name = item["name"].as_str().is_some_and(|name| name.trim().eq_ignore_ascii_case(text.trim()));
        name || key.strip_prefix("skills/") == Some(text)
    };
    let mut found = held.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some((key, _)), None) => Ok((key.clone(), text.to_owned())),
        _ => Err(refusal),
    }
}

/// Proficiencies are the whole numbers 1 to 5.
fn rating(item: &Value, name: &str) -> Result<Option<Value>, Refusal> {
    match item["proficiency"].as_f64() {
        Some(rating) if rating.fract() != 0.0 => {
            let message = format!("the proficiency of `{name}` must be a whole number from 1 to 5, not `{rating}`");
            Err(Refusal::own("invalid.value", message))
        }
        rating => Ok(rating.map(|rating| json!(rating as i64))),
    }
}

pub(super) fn assign(
    maker: &mut Maker<'_>,
    columns: &[String],
    held: &Map<String, Value>,
    wanted: &Map<String, Value>,
) {
    for (key, item) in held.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        maker.push("skills-", columns.to_vec(), one(key, Some(item.clone())), one(key, Some(Value::Null)));
    }
    let before = wanted.keys().map(|key| (key.clone(), held.get(key).cloned().unwrap_or(Value::Null))).collect();
    maker.push("skills+", columns.to_vec(), before, wanted.clone());
}

pub(super) fn active(maker: &mut Maker<'_>, row: &Row) {
    let Some(wanted) = row.fields.get("active").and_then(Value::as_bool) else { return };
    let before = person::held(&maker.user.record, "active");
    let kind = if wanted { "active+" } else { "active-" };
    maker.push(kind, vec!["active".into()], one("active", before), one("active", Some(json!(wanted))));
}

pub(super) fn clears(column: &str) -> bool {
    let kind = fields::TABLE.field(column).map(|field| field.kind);
    matches!(kind, Some(Kind::Text | Kind::Code | Kind::Date | Kind::Email))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::Nice;
    use paceline_core::diff;
    use paceline_core::user::{UserId, UserKey};
    use paceline_core::vendor::{Named, User, Writes as _};

    fn names() -> Names {
        let mut names = Names::default();
        let items = [
            ("skill", "1", "Spanish"),
            ("skill", "2", "Billing"),
            ("team", "10", "Blue"),
            ("team", "11", "Red"),
            ("user team", "t-10", "Blue"),
            ("user team", "t-11", "Red"),
            ("role", "r-1", "Agent"),
            ("role", "r-2", "Manager"),
        ];
        for (list, id, name) in items {
            names.add(list, Named { id: id.into(), name: name.into() });
        }
        names
    }

    fn plan(fields: Value, record: Value) -> Result<Vec<Change>, Refusal> {
        let fields = fields.as_object().cloned().unwrap_or_default();
        let row = Row { number: 3, line: 4, key: UserKey::id("7/u"), fields };
        Nice::new(None).changes(&row, &User { id: UserId("7/u".into()), version: None, record }, &names())
    }

    fn record() -> Value {
        json!({
            "agent": {"agentId": 7, "teamId": 10, "teamName": "Blue", "custom1": "x", "custom2": "", "phoneRefusalTimeout": "30", "isActive": "True"},
            "user": {"id": "u", "role": "Agent", "teamId": "t-10", "status": "ACTIVE", "firstName": "Ada"},
            "skills": [{"id": "1", "name": "Spanish", "proficiency": 2}],
        })
    }

    fn kinds(changes: &[Change]) -> Vec<(&str, &str)> {
        changes.iter().map(|change| (change.kind.as_str(), change.key.group.as_str())).collect()
    }

    #[test]
    fn a_person_that_is_right_already_needs_no_change() {
        let fields = json!({"custom1": "x", "phoneRefusalTimeout": 30, "isActive": true, "team": "blue", "active": true,
            "role": "agent", "skills+": [{"name": "Spanish", "proficiency": 2.0}], "skills-": ["Billing"], "custom2": null});
        assert_eq!(plan(fields, record()), Ok(vec![]));
    }

    #[test]
    fn the_team_goes_where_the_rows_other_columns_go() {
        let alone = plan(json!({"team": "Red", "custom1": "y"}), record()).unwrap();
        assert_eq!(kinds(&alone), [("agent", ""), ("team", "11")]);
        let with_role = plan(json!({"team": "Red", "role": "Manager"}), record()).unwrap();
        assert_eq!(kinds(&with_role), [("user", "")]);
        assert_eq!(with_role[0].after["team"], json!({"id": "t-11", "name": "Red"}));
        assert_eq!(with_role[0].before["role"], json!({"id": "r-1", "name": "Agent"}));
    }

    #[test]
    fn skills_are_replaced_by_removals_and_one_assignment() {
        let changes = plan(json!({"skills": [{"name": "Billing", "proficiency": 1.0}]}), record()).unwrap();
        assert_eq!(kinds(&changes), [("skills-", "1"), ("skills+", "")]);
        let removal = Nice::new(None).call(&changes[..1]);
        assert_eq!(
            (removal.template, removal.body),
            (
                "DELETE /incontactapi/services/{apiVersion}/skills/{skillId}/agents",
                Some(json!({"agents": [{"agentId": "7"}]}))
            )
        );
        let body = json!({"agentAndSkillDetails": [{"agentIds": ["7"],
            "skills": [{"skillIds": ["2"], "isActive": true, "proficiency": 1}]}]});
        assert_eq!(Nice::new(None).call(&changes[1..]).body, Some(body));
        let kept = plan(json!({"skills+": [{"name": "Billing"}, {"name": "Spanish"}]}), record()).unwrap();
        assert_eq!(Value::Object(kept[0].after.clone()), json!({"skills/2": {"name": "Billing", "proficiency": 3}}));
    }

    #[test]
    fn every_change_is_taken_back_by_its_undo() {
        let fields = json!({"custom1": "y", "custom2": "new", "phoneRefusalTimeout": 60, "team": "Red", "role": "Manager",
            "active": false, "skills": [{"name": "Billing", "proficiency": 1.0}], "firstName": "Eve"});
        for change in plan(fields, record()).unwrap() {
            let back = Nice::new(None).undo(&change);
            let (mut before, mut after) = (Map::new(), Map::new());
            for one in &back {
                before.extend(one.before.clone());
                after.extend(one.after.clone());
            }
            assert!(diff::same(&json!(before), &json!(change.after)), "{change:?} {back:?}");
            assert!(diff::same(&json!(after), &json!(change.before)), "{change:?} {back:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let message = |fields| plan(fields, record()).unwrap_err().message.unwrap();
        assert_eq!(message(json!({"team": "Bleu"})), "no team is called `Bleu`: did you mean `Blue`?");
        assert_eq!(message(json!({"role": "Mannager"})), "no role is called `Mannager`: did you mean `Manager`?");
    }

    #[test]
    fn a_misspelt_skill_is_its_rows_error_and_one_that_the_list_does_not_show_is_the_agents_own() {
        let message = |fields| plan(fields, record()).unwrap_err().message.unwrap();
        assert_eq!(
            message(json!({"skills+": [{"name": "Bilings"}]})),
            "no skill is called `Bilings`: did you mean `Billing`?"
        );
        let mut record = record();
        record["skills"] = json!([{"id": "9", "name": "Retired", "proficiency": 2}]);
        record["user"]["role"] = json!("Retired role");
        record["agent"]["teamName"] = json!("Retired team");
        record["agent"]["teamId"] = json!(99);
        let same =
            json!({"skills": [{"name": "retired", "proficiency": 2.0}], "role": "Retired Role", "firstName": "Ada"});
        assert_eq!(plan(same, record.clone()), Ok(vec![]));
        assert_eq!(plan(json!({"team": "retired team"}), record.clone()), Ok(vec![]));
        assert_eq!(kinds(&plan(json!({"skills-": ["9"]}), record).unwrap()), [("skills-", "9")]);
    }

    #[test]
    fn skills_that_were_not_told_are_the_rows_error() {
        let mut record = record();
        record.as_object_mut().unwrap().remove("skills");
        for fields in
            [json!({"skills": []}), json!({"skills+": [{"name": "Billing"}]}), json!({"skills-": ["Billing"]})]
        {
            assert_eq!(plan(fields, record.clone()).unwrap_err().code.as_deref(), Some("not.told"));
        }
    }

    #[test]
    fn what_was_not_told_is_cleared_all_the_same_and_attributes_are_the_rows_error() {
        let mut record = record();
        record["agent"].as_object_mut().unwrap().remove("custom2");
        let cleared = plan(json!({"custom2": null, "mobileNumber": null}), record.clone()).unwrap();
        assert_eq!(kinds(&cleared), [("user", ""), ("agent", "")]);
        assert!(
            cleared.iter().all(|change| change.before.is_empty() && Nice::new(None).undo(change).is_empty()),
            "{cleared:?}"
        );
        record["user"]["mobileNumber"] = json!("");
        assert_eq!(plan(json!({"mobileNumber": null}), record.clone()), Ok(vec![]));
        for value in [json!("1"), Value::Null] {
            let refusal = plan(json!({"customAttributes.floor": value}), record.clone()).unwrap_err();
            assert_eq!(refusal.code.as_deref(), Some("not.told"));
        }
        for none in [json!({}), Value::Null] {
            record["user"]["customAttributes"] = none;
            let changes = plan(json!({"customAttributes.floor": "1"}), record.clone()).unwrap();
            assert_eq!(kinds(&changes), [("user", "")]);
        }
    }

    #[test]
    fn a_proficiency_is_a_whole_number_and_stays_where_the_row_names_none() {
        let refusal = plan(json!({"skills+": [{"name": "Billing", "proficiency": 2.5}]}), record()).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("invalid.value"));
        let mut record = record();
        record["skills"] = json!([{"id": "1", "name": "Spanish", "proficiency": null}]);
        assert_eq!(plan(json!({"skills+": [{"name": "Spanish"}]}), record), Ok(vec![]));
    }

    #[test]
    fn a_deactivated_user_is_written_only_where_the_row_says_what_shall_become_of_that() {
        let mut record = record();
        record["user"]["status"] = json!("DELETED");
        let refusal = plan(json!({"firstName": "Eve"}), record.clone()).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("deactivated"));
        let revived = plan(json!({"firstName": "Eve", "active": true}), record.clone()).unwrap();
        assert_eq!(kinds(&revived), [("active+", ""), ("user", "")]);
        assert_eq!(plan(json!({"firstName": "Ada"}), record.clone()), Ok(vec![]));
        assert_eq!(plan(json!({"active": false}), record), Ok(vec![]));
    }

    #[test]
    fn an_address_in_another_case_or_waiting_to_be_verified_is_there() {
        let mut record = record();
        record["user"]["emailAddress"] = json!("ada@x.org");
        record["user"]["emailToBeVerified"] = json!("eve@x.org");
        assert_eq!(plan(json!({"email": "Ada@X.org"}), record.clone()), Ok(vec![]));
        assert_eq!(plan(json!({"email": "eve@x.org"}), record.clone()), Ok(vec![]));
        assert_eq!(kinds(&plan(json!({"email": "new@x.org"}), record).unwrap()), [("user", "")]);
    }

    #[test]
    fn a_team_that_was_not_told_is_set_without_a_before_and_not_taken_back() {
        let mut record = record();
        record["agent"] = json!({"agentId": 7});
        let changes = plan(json!({"team": "Red"}), record).unwrap();
        assert_eq!((kinds(&changes), changes[0].before.len()), (vec![("team", "11")], 0));
        assert_eq!(Nice::new(None).undo(&changes[0]), []);
    }
}
