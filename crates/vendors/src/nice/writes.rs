//! Row and person → changes → calls that write.

use super::maker::Maker;
use super::need::USER;
use super::person::{self, ids};
use super::requests::{admin, segment, write};
use super::{Nice, body, changes, limits};
use paceline_core::desired::Row;
use paceline_core::plan::{Change, Guard};
use paceline_core::vendor::{BLIND, Directory as _, Host, Method, Names, Reads as _, Refusal, Request, User, Writes};
use serde_json::{Map, Value, json};

impl Writes for Nice {
    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal> {
        let mut maker = Maker { row: row.number, user, changes: vec![] };
        changes::fields(&mut maker, row, names)?;
        changes::is_living(row, user, &maker.changes)?;
        if let Some(team) = row.fields.get("team").and_then(Value::as_str).filter(|_| !changes::sets_user(row)) {
            let before = user.record.get("agent").and_then(|agent| person::place(agent, "team", names));
            if let Some(after) = changes::place(names, "team", team, before.as_ref())? {
                maker.push(
                    "team",
                    vec!["team".into()],
                    changes::one("team", before),
                    changes::one("team", Some(after)),
                );
            }
        }
        changes::skills(&mut maker, row, names)?;
        changes::active(&mut maker, row);
        maker.changes.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(maker.changes)
    }

    fn undo(&self, change: &Change) -> Vec<Change> {
        let user = User { id: change.user.clone(), version: None, record: Value::Null };
        let mut maker = Maker { row: change.key.row, user: &user, changes: vec![] };
        let (before, after) = (change.after.clone(), change.before.clone());
        match change.kind.as_str() {
            "skills+" | "skills-" => {
                let there =
                    |map: &Map<String, Value>| map.clone().into_iter().filter(|(_, item)| !item.is_null()).collect();
                changes::assign(&mut maker, &change.columns, &there(&before), &there(&after));
            }
            "active+" => maker.push("active-", change.columns.clone(), before, after),
            "active-" => maker.push("active+", change.columns.clone(), before, after),
            // A team that was not told, or none at all, cannot be gone back to.
            "team" if !change.before.get("team").is_some_and(|team| team["id"].is_string()) => {}
            kind => {
                // What was empty and has no empty value stays as it was set: a number cannot be cleared.
                let can = |(key, value): &(String, Value)| !value.is_null() || changes::clears(key);
                maker.push(kind, change.columns.clone(), before, after.into_iter().filter(can).collect());
            }
        }
        maker.changes
    }

    fn guard(&self, change: &Change) -> Guard {
        match change.kind.as_str() {
            // What is assigned anew or taken away replaces nothing. A proficiency that was there is replaced.
            "skills+" if change.before.values().all(Value::is_null) => Guard::Idempotent,
            "skills-" | BLIND => Guard::Idempotent,
            _ => Guard::Compare,
        }
    }

    fn record_of(&self, change: &Change) -> Option<&'static str> {
        Some(if self.seen_in(change).0 == USER { "the user" } else { "the agent" })
    }

    fn writes_whole(&self, change: &Change) -> bool {
        change.kind == "user"
    }

    fn rebase(&self, change: Change, user: &User) -> Change {
        // The whole user is written: as it is now, not as it was planned.
        let rest = user.record.get("user").and_then(Value::as_object).cloned().unwrap_or_default();
        if change.kind == "user" { Change { rest, ..change } } else { change }
    }

    fn width(&self, change: &Change) -> usize {
        limits::width(change).most
    }

    fn width_is_published(&self, change: &Change) -> bool {
        limits::width(change).is_published
    }

    fn call(&self, changes: &[Change]) -> Request {
        // The engine never asks for a call without changes; an empty one would be a read of nobody.
        let Some(change) = changes.first() else { return self.whoami() };
        let agents =
            || -> Value { changes.iter().map(|change| json!({"agentId": ids(change.user.as_str()).0})).collect() };
        let uuids = || -> Vec<&str> { changes.iter().filter_map(|change| ids(change.user.as_str()).1).collect() };
        let group = segment(&change.key.group);
        let admin = admin(&self.version);
        use Host::{Base, Second};
        use Method::{Delete, Patch, Post, Put};
        match change.kind.as_str() {
            "agent" => {
                let body = json!({"agents": changes.iter().map(body::agent).collect::<Vec<_>>()});
                let template = "PUT /incontactapi/services/{apiVersion}/agents";
                write(Base, Put, template, format!("{admin}/agents"), Some(body))
            }
            "skills+" => {
                let skill = |(key, item): (&String, &Value)| {
                    let mut one = json!({"skillIds": [key.trim_start_matches("skills/")], "isActive": true});
                    if !item["proficiency"].is_null() {
                        one["proficiency"] = item["proficiency"].clone();
                    }
                    one
                };
                let one = |change: &Change| json!({"agentIds": [ids(change.user.as_str()).0], "skills": change.after.iter().map(skill).collect::<Vec<_>>()});
                let body = json!({"agentAndSkillDetails": changes.iter().map(one).collect::<Vec<_>>()});
                let template = "POST /incontactapi/services/{apiVersion}/agents/skills";
                write(Base, Post, template, format!("{admin}/agents/skills"), Some(body))
            }
            "skills-" => {
                let template = "DELETE /incontactapi/services/{apiVersion}/skills/{skillId}/agents";
                write(
                    Base,
                    Delete,
                    template,
                    format!("{admin}/skills/{group}/agents"),
                    Some(json!({"agents": agents()})),
                )
            }
            "team" => {
                let template = "POST /incontactapi/services/{apiVersion}/teams/{teamId}/agents";
                write(Base, Post, template, format!("{admin}/teams/{group}/agents"), Some(json!({"agents": agents()})))
            }
            "active-" => {
                let target = "/user-management/v1/users/deactivate";
                let body = json!({"userIds": uuids()});
                write(Second, Post, "POST /user-management/v1/users/deactivate", target.into(), Some(body))
            }
            "active+" => {
                let target = format!(
                    "/user-management/v1/users/{}/revive",
                    segment(ids(change.user.as_str()).1.unwrap_or_default())
                );
                write(Second, Post, "POST /user-management/v1/users/{userId}/revive", target, None)
            }
            BLIND => {
                let target = format!("/api/v1/users/{}", segment(change.user.as_str()));
                write(Base, Patch, "PATCH /api/v1/users/{id}", target, Some(Value::Object(change.after.clone())))
            }
            _ => {
                let body = body::user(change);
                write(Second, Put, "PUT /user-management/v1/users", "/user-management/v1/users".into(), Some(body))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::pages::At;
    use crate::nice::reads;
    use paceline_core::plan::ChangeKey;
    use paceline_core::user::UserId;

    fn change(kind: &str, before: Value) -> Change {
        Change {
            key: ChangeKey { stage: 0, group: String::new(), row: 1 },
            kind: kind.into(),
            user: UserId("7/u".into()),
            before: before.as_object().cloned().unwrap_or_default(),
            after: Map::new(),
            rest: Map::new(),
            columns: vec![],
            version: None,
        }
    }

    #[test]
    fn what_replaces_a_value_is_compared_and_what_only_adds_or_takes_away_is_not() {
        let rated = json!({"name": "A", "proficiency": 2});
        let table = [
            ("user", json!({}), Guard::Compare),
            ("agent", json!({}), Guard::Compare),
            ("team", json!({}), Guard::Compare),
            ("active+", json!({}), Guard::Compare),
            ("active-", json!({}), Guard::Compare),
            ("skills+", json!({"skills/1": null, "skills/2": null}), Guard::Idempotent),
            ("skills+", json!({"skills/1": null, "skills/2": rated}), Guard::Compare),
            ("skills-", json!({"skills/1": rated}), Guard::Idempotent),
            (BLIND, json!({}), Guard::Idempotent),
        ];
        for (kind, before, expected) in table {
            assert_eq!(Nice::new(None).guard(&change(kind, before.clone())), expected, "{kind} {before}");
        }
    }

    #[test]
    fn no_id_leads_a_path_elsewhere() {
        let of = |kind: &str, user: &str, group: &str| {
            let one = change(kind, json!({}));
            let key = ChangeKey { group: group.into(), ..one.key };
            Change { key, user: UserId(user.into()), ..one }
        };
        let nice = Nice::new(None);
        let first = At::of(None, 1_000);
        for id in ["", ".", "..", "a/../b", "%2e%2e", "x?y#z", "\u{e9}"] {
            let requests = [
                nice.call(&[of(BLIND, id, "")]),
                nice.call(&[of("active+", &format!("7/{id}"), "")]),
                nice.call(&[of("skills-", "7", id)]),
                nice.call(&[of("team", "7", id)]),
                reads::agent_by_uuid(id, id),
                reads::skills_of("v34.0", id, first),
                reads::user(id),
                reads::gateway(id),
            ];
            for request in requests {
                let path = request.target.split('?').next().unwrap_or_default();
                let segments: Vec<&str> = path.split('/').skip(1).collect();
                assert_eq!(segments.len(), request.template.matches('/').count(), "{}", request.target);
                for segment in segments {
                    assert!(!matches!(segment.to_lowercase().replace("%2e", ".").as_str(), "" | "." | ".."), "{path}");
                    assert!(segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{path}");
                }
            }
        }
    }
}
