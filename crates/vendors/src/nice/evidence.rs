//! What does the body of a 2xx bear out? A status alone is never trusted (facts/nice.md): a count of errors, items with and
//! without ids, `"success": false`. What is not borne out is read back.

use super::person::{holds, ids};
use super::wire::{self, agent_id, flag, get, id_text, said, told, user_id};
use paceline_core::diff;
use paceline_core::plan::Change;
use paceline_core::vendor::{Answer, BLIND, Each, Refusal};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What an answer that is no refusal as a whole bears out of each change; `None` where nothing is promised.
pub(super) fn each(changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
    let kind = changes.first()?.kind.as_str();
    // 202 and 204 say that there is no more to say; a whole user is read back all the same.
    let is_silent = matches!(answer.status, 202 | 204) && wire::is_blank(answer);
    let all = |one: &dyn Fn(&Change) -> Each| Some(changes.iter().map(one).collect());
    match kind {
        "user" => all(&|change| user(change, answer)),
        _ if is_silent => None,
        BLIND => {
            let complaint = complaint(answer.json_or_null())?;
            all(&|_| Each::Doubtful(refusal(answer, complaint.clone())))
        }
        "active+" => all(&|change| revived(change, answer)),
        "active-" => {
            let kept = Kept::of(changes, answer);
            all(&|change| kept.one(change, answer))
        }
        _ => Some(Items::of(changes, answer).each(changes, answer)),
    }
}

/// What is told of the fields and teams of agents is the item's word only, and a read of 500 agents is cheap: it is read
/// back.
pub(super) fn read_back(changes: &[Change], each: Option<Vec<Each>>) -> Option<Vec<Each>> {
    let can_be_seen = |change: &Change| matches!(change.kind.as_str(), "agent" | "team");
    let one = |(change, one): (&Change, Each)| match one {
        Each::Made if can_be_seen(change) => {
            Each::Doubtful(Refusal::own("not.applied", "CXone says that it was made, and does not show it"))
        }
        one => one,
    };
    if !changes.iter().any(can_be_seen) {
        return each;
    }
    let each = each.unwrap_or_else(|| vec![Each::Made; changes.len()]);
    Some(changes.iter().zip(each).map(one).collect())
}

fn refusal(answer: &Answer, message: String) -> Refusal {
    Refusal { status: Some(answer.status), ..Refusal::own("not.applied", message) }
}

const WHY: &[&str] = &["error", "errorDescription", "error_description", "message", "msg"];

/// What a body says that went wrong, where it does not say that all is well.
fn complaint(body: &Value) -> Option<String> {
    let is_well = flag(get(body, "success")) == Some(true);
    let count = error_count(body);
    let errors = get(body, "errors");
    let said = said(body, &["error", "errorDescription", "error_description"]);
    let said = said.or_else(|| (!diff::is_empty(errors)).then(|| errors.to_string()));
    match (said, count) {
        (Some(said), _) if !is_well => Some(said),
        (_, Count::Told(0) | Count::Untold) => None,
        _ => Some("the answer counts an error".into()),
    }
}

/// Whether the answer's record shows what was set; where it shows none, the user is read back.
fn user(change: &Change, answer: &Answer) -> Each {
    let body = answer.json_or_null();
    let inner = match get(body, "user") {
        Value::Null => body,
        user => user,
    };
    let id = ids(change.user.as_str()).1;
    let is_it = inner.is_object()
        && told(inner, "emailAddress").is_some()
        && id.is_some_and(|id| user_id(inner).is_some_and(|found| found.eq_ignore_ascii_case(id)));
    let now = if is_it { holds(&json!({"user": inner}), change) } else { Map::new() };
    let shows = |(key, value): (&String, &Value)| now.get(key).is_some_and(|now| diff::same(now, value));
    if is_it && change.after.iter().all(shows) {
        return Each::Made;
    }
    let message = "CXone took the record, and does not show what was set";
    Each::Doubtful(refusal(answer, said(body, WHY).unwrap_or_else(|| message.into())))
}

fn revived(change: &Change, answer: &Answer) -> Each {
    let body = answer.json_or_null();
    let id = ids(change.user.as_str()).1;
    let named = said(body, &["uuid"]);
    let is_it = |named: &String| id.is_some_and(|id| id.eq_ignore_ascii_case(named));
    match (flag(get(body, "success")), &named) {
        (Some(true), None) => Each::Made,
        (Some(true) | None, Some(named)) if is_it(named) => Each::Made,
        _ => Each::Doubtful(refusal(answer, said(body, WHY).unwrap_or_else(|| "it was not revived".into()))),
    }
}

/// Who was not deactivated.
struct Kept {
    ids: Vec<String>,
    /// Whether the answer has such a list at all, and names nobody on it but those of the call.
    is_told: bool,
}

impl Kept {
    fn of(changes: &[Change], answer: &Answer) -> Self {
        let list = get(answer.json_or_null(), "notDeletedUserIds").as_array();
        let kept: Vec<String> = list.into_iter().flatten().map(|id| id_text(id).unwrap_or_default()).collect();
        let ours: BTreeSet<String> =
            changes.iter().filter_map(|change| ids(change.user.as_str()).1).map(str::to_lowercase).collect();
        let is_told = list.is_some() && kept.iter().all(|id| ours.contains(&id.to_lowercase()));
        Self { ids: kept, is_told }
    }

    fn one(&self, change: &Change, answer: &Answer) -> Each {
        let id = ids(change.user.as_str()).1.unwrap_or_default();
        let kept = self.ids.iter().any(|kept| kept.eq_ignore_ascii_case(id));
        if self.is_told && !kept && complaint(answer.json_or_null()).is_none() {
            return Each::Made;
        }
        // Somebody who was deactivated already may be told so too.
        let stayed = Refusal::own("not.deactivated", "it stayed active");
        Each::Doubtful(Refusal { status: Some(answer.status), ..stayed })
    }
}

/// How many errors an answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Untold,
    Told(u64),
    /// Something that is no number.
    Unclear,
}

/// `errorCount` is a number or a text, in the result set or on top.
fn error_count(body: &Value) -> Count {
    let sets = [get(body, "resultSet"), body];
    let keys = ["errorCount", "failedCount", "failureCount"];
    let found = sets.iter().flat_map(|set| keys.iter().map(|key| get(set, key))).filter(|count| !count.is_null());
    let counts = found.map(|count| match (count.as_u64(), count.as_f64(), count.as_str()) {
        (Some(count), ..) => Count::Told(count),
        (_, Some(count), _) if count.fract() == 0.0 && count >= 0.0 => Count::Told(count as u64),
        (.., Some(text)) => text.trim().parse().map_or(Count::Unclear, Count::Told),
        _ => Count::Unclear,
    });
    counts.fold(Count::Untold, |all, one| match (all, one) {
        (Count::Unclear, _) | (_, Count::Unclear) => Count::Unclear,
        (Count::Told(a), Count::Told(b)) => Count::Told(a.max(b)),
        (Count::Untold, one) => one,
        (all, Count::Untold) => all,
    })
}

/// What one item says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Made,
    Failed,
    /// Well and wrong at once, or neither.
    Unclear,
}

fn says(item: &Value) -> Says {
    let error = get(item, "error");
    let is_error = match error {
        Value::Bool(error) => *error,
        error => !diff::is_empty(error),
    };
    match (flag(get(item, "success")), is_error) {
        (Some(true), false) => Says::Made,
        (Some(false), _) | (None, true) => Says::Failed,
        _ => Says::Unclear,
    }
}

fn why(item: &Value, answer: &Answer) -> Refusal {
    let said = said(item, WHY).unwrap_or_else(|| "the vendor did not make it".into());
    let skill = said_skill(item).map(|skill| format!("skill {skill}: ")).unwrap_or_default();
    Refusal { status: Some(answer.status), ..Refusal::own("item.failed", format!("{skill}{said}")) }
}

fn said_skill(item: &Value) -> Option<String> {
    said(item, &["skillId"])
}

/// The per-item results of a call that many share.
struct Items<'a> {
    items: Vec<(&'a Value, Says)>,
    /// Items in the order of what was sent: one for each, or one for each skill of each.
    by_position: Option<Vec<Vec<usize>>>,
    /// A failure that nobody of the call is named for.
    nameless: Option<&'a Value>,
    /// Whether those who are in no item may have failed.
    is_open: bool,
}

/// The skills that a change assigns: it has an item for each.
fn skills(change: &Change) -> Vec<&str> {
    match change.kind.as_str() {
        "skills+" => change.after.keys().filter_map(|key| key.strip_prefix("skills/")).collect(),
        _ => vec![""],
    }
}

impl<'a> Items<'a> {
    fn of(changes: &[Change], answer: &'a Answer) -> Self {
        let body = answer.json_or_null();
        let items: Vec<(&Value, Says)> = wire::items(body).into_iter().map(|item| (item, says(item))).collect();
        let ours: BTreeSet<&str> = changes.iter().filter_map(|change| ids(change.user.as_str()).0).collect();
        let is_ours = |item: &Value| agent_id(item).is_some_and(|id| ours.contains(id.as_str()));
        let failed = items.iter().filter(|(_, says)| *says == Says::Failed).count() as u64;
        let nameless = items.iter().find(|(item, says)| *says == Says::Failed && !is_ours(item)).map(|(item, _)| *item);
        let is_open = match error_count(body) {
            Count::Told(count) => count > failed,
            Count::Unclear => true,
            Count::Untold => !items.is_empty() || flag(get(body, "success")) != Some(true),
        };
        // "Partial success" that no item and no count explains; and what a refusal does not say was made.
        let is_partial = matches!(answer.status, 206 | 207) && failed == 0;
        let is_open = is_open || is_partial || answer.status >= 300 || complaint(body).is_some_and(|_| failed == 0);
        Self { by_position: positions(changes, &items), items, nameless, is_open }
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Vec<Each> {
        changes.iter().enumerate().map(|(at, change)| self.one(at, change, answer)).collect()
    }

    fn one(&self, at: usize, change: &Change, answer: &Answer) -> Each {
        let id = ids(change.user.as_str()).0;
        let is_mine = |item: &Value| id.is_some() && agent_id(item).as_deref() == id;
        let mine: Vec<(&Value, Says)> = self.items.iter().filter(|(item, _)| is_mine(item)).copied().collect();
        let of = |wanted: Says| mine.iter().find(|(_, says)| *says == wanted).map(|(item, _)| *item);
        if let Some(item) = of(Says::Failed) {
            let mut refusal = why(item, answer);
            let made = mine.iter().filter(|(_, says)| *says == Says::Made).filter_map(|(item, _)| said_skill(item));
            let made: Vec<String> = made.collect();
            if let (false, Some(message)) = (made.is_empty(), &mut refusal.message) {
                *message += &format!("; assigned all the same: {}", made.join(", "));
            }
            // A removal that was sent before finds nothing to remove.
            return if change.kind == "skills-" { Each::Doubtful(refusal) } else { Each::Refused(refusal) };
        }
        let has = |skill: &&str| {
            let is_it = |item: &Value| skill.is_empty() || said_skill(item).is_none_or(|found| found == **skill);
            mine.iter().any(|(item, says)| *says == Says::Made && is_it(item))
        };
        if of(Says::Unclear).is_none() && skills(change).iter().all(has) {
            return Each::Made;
        }
        let placed = self.by_position.as_ref().and_then(|positions| positions.get(at));
        let placed = placed.into_iter().flatten().filter_map(|at| self.items.get(*at));
        if let Some((item, _)) = placed.clone().find(|(_, says)| *says == Says::Failed) {
            return Each::Doubtful(why(item, answer));
        }
        let is_made_by_position = mine.is_empty()
            && self.nameless.is_none()
            && placed.clone().next().is_some()
            && placed.clone().all(|(_, says)| *says == Says::Made);
        match self.nameless {
            _ if is_made_by_position => Each::Made,
            Some(item) => Each::Doubtful(why(item, answer)),
            None if self.is_open || of(Says::Unclear).is_some() => {
                let message = "the answer does not tell what became of it";
                let said = complaint(answer.json_or_null()).map(|said| format!("{message}: {said}"));
                let message = said.unwrap_or_else(|| message.to_owned());
                Each::Doubtful(Refusal { status: Some(answer.status), ..Refusal::own("item.missing", message) })
            }
            None => Each::Made,
        }
    }
}

/// Where each change's items are, where the answer has one for each of what was sent and none that is named stands
/// elsewhere.
fn positions(changes: &[Change], items: &[(&Value, Says)]) -> Option<Vec<Vec<usize>>> {
    let mut at = 0;
    let mut all = vec![];
    for change in changes {
        let count = skills(change).len();
        all.push((at..at + count).collect::<Vec<usize>>());
        at += count;
    }
    let is_there = |(change, positions): (&Change, &Vec<usize>)| {
        let id = ids(change.user.as_str()).0;
        positions.iter().all(|at| {
            items.get(*at).and_then(|(item, _)| agent_id(item)).is_none_or(|found| Some(found.as_str()) == id)
        })
    };
    (at == items.len() && changes.iter().zip(&all).all(is_there)).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::plan::ChangeKey;
    use paceline_core::user::UserId;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer::new(status, vec![], body.to_string().into_bytes())
    }

    fn change(kind: &str, user: &str, before: Value, after: Value) -> Change {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Change {
            key: ChangeKey { stage: 0, group: String::new(), row: 1 },
            kind: kind.into(),
            user: UserId(user.into()),
            before: map(before),
            after: map(after),
            rest: Map::new(),
            columns: vec![],
            version: None,
        }
    }

    fn agents(kind: &str, after: &Value) -> Vec<Change> {
        ["1/a", "2/b", "3/c"].iter().map(|user| change(kind, user, json!({}), after.clone())).collect()
    }

    fn words(changes: &[Change], answer: &Answer) -> String {
        let word = |one: &Each| match one {
            Each::Made => "made",
            Each::Refused(_) => "refused",
            Each::Accepted => "accepted",
            Each::Doubtful(_) => "doubtful",
        };
        each(changes, answer).map_or("none".into(), |each| each.iter().map(word).collect::<Vec<_>>().join(" "))
    }

    fn ok(id: u64) -> Value {
        json!({"agentId": id, "success": true})
    }

    fn bad(id: u64) -> Value {
        json!({"agentId": id.to_string(), "success": "False", "error": "no"})
    }

    const ALL: &str = "doubtful doubtful doubtful";
    const MADE: &str = "made made made";

    #[test]
    fn a_count_of_errors_without_items_that_say_whose_puts_everybody_of_the_call_in_doubt() {
        let changes = agents("agent", &json!({"custom1": "x"}));
        let table = [
            (json!({"errorCount": 2, "agentResults": []}), ALL),
            (json!({"errorCount": "2", "agentResults": []}), ALL),
            (json!({"ERRORCOUNT": "1"}), ALL),
            (json!({"resultSet": {"errorCount": 1.0}}), ALL),
            (json!({"errorCount": 1, "resultSet": {"errorCount": 0, "agentResults": []}}), ALL),
            (json!({"failedCount": 1}), ALL),
            (json!({"errorCount": "two"}), ALL),
            (json!({"errorCount": -1}), ALL),
            (json!({"success": true, "errorCount": 1}), ALL),
            (json!({"error": "InvalidAgentId"}), ALL),
            (json!({"errors": ["x"], "errorCount": 0}), ALL),
            // The body bears nothing out.
            (json!({}), ALL),
            (json!(null), ALL),
            (json!([]), ALL),
            (json!("ok"), ALL),
            (json!({"agents": [{"agentId": 1}]}), ALL),
            // It does.
            (json!({"errorCount": 0, "agentResults": []}), MADE),
            (json!({"errorCount": "0"}), MADE),
            (json!({"resultSet": {"errorCount": 0}}), MADE),
            (json!({"success": true}), MADE),
            (json!({"errorCount": 0, "agentResults": [ok(1)]}), MADE),
        ];
        for (body, expected) in table {
            assert_eq!(words(&changes, &answer(200, &body)), expected, "{body}");
        }
        assert_eq!(words(&changes, &answer(206, &json!({"errorCount": 0, "agentResults": []}))), ALL);
        assert_eq!(words(&changes, &Answer::new(200, vec![], vec![])), ALL);
        assert_eq!(words(&changes, &Answer::new(204, vec![], vec![])), "none");
    }

    #[test]
    fn items_are_judged_by_their_ids_and_the_rest_is_in_doubt_where_the_count_is_not_explained() {
        let changes = agents("agent", &json!({"custom1": "x"}));
        let nameless = json!({"success": false, "error": "no"});
        let body = |count: Value, items: &[Value]| json!({"errorCount": count, "agentResults": items});
        let table = [
            (200, body(json!("1"), &[ok(1), bad(2), ok(3)]), "made refused made"),
            (200, body(json!(1), &[bad(2)]), "made refused made"),
            (200, body(json!(2), &[bad(2)]), "doubtful refused doubtful"),
            (200, body(json!(null), &[bad(2)]), "doubtful refused doubtful"),
            (200, body(json!(2), &[ok(1), bad(2)]), "made refused doubtful"),
            // Items without ids are matched by position, then read back.
            (200, body(json!(1), &[ok(1), nameless.clone(), ok(3)]), "made doubtful made"),
            (200, body(json!(1), &[json!({"success": true}), nameless.clone(), ok(3)]), "doubtful doubtful made"),
            (200, body(json!(1), &[ok(3), nameless.clone(), ok(1)]), "made doubtful made"),
            (200, body(json!(1), &[ok(1), nameless.clone()]), "made doubtful doubtful"),
            (200, body(json!(1), std::slice::from_ref(&nameless)), ALL),
            (
                200,
                body(json!(0), &[json!({"success": true}), json!({"success": true}), json!({"success": true})]),
                MADE,
            ),
            // A failure of somebody who was not in the call is somebody's of it.
            (200, body(json!(1), &[bad(9)]), ALL),
            // Well and wrong at once, or neither.
            (
                200,
                body(json!(0), &[json!({"agentId": 1, "success": true, "error": "x"}), ok(2), ok(3)]),
                "doubtful made made",
            ),
            (200, body(json!(0), &[json!({"agentId": 1}), ok(2), ok(3)]), "doubtful made made"),
            (200, body(json!(0), &[json!({"agentId": 1, "error": true}), ok(2), ok(3)]), "refused made made"),
            // A refusal says of nobody that he was made but by name.
            (400, body(json!(1), &[ok(1), bad(2)]), "made refused doubtful"),
            (206, body(json!(1), &[ok(1), bad(2)]), "made refused made"),
        ];
        for (status, body, expected) in table {
            assert_eq!(words(&changes, &answer(status, &body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn skills_are_judged_by_agent_and_skill() {
        let item =
            |agent: u64, skill: u64, ok: bool| json!({"agentId": agent, "skillId": skill.to_string(), "success": ok});
        let changes = agents("skills+", &json!({"skills/5": {"proficiency": 1}, "skills/6": {"proficiency": 2}}));
        let set = |count: Value, items: &[Value]| json!({"resultSet": {"errorCount": count, "skillResults": items}});
        let all = [item(1, 5, true), item(1, 6, true), item(2, 5, true), item(2, 6, true), item(3, 5, true)];
        assert_eq!(words(&changes, &answer(200, &set(json!("0"), &all))), MADE);
        assert_eq!(words(&changes, &answer(200, &set(json!("1"), &all))), "made made doubtful");
        let failed = [item(1, 5, true), item(1, 6, false), item(2, 5, true), item(3, 5, true), item(3, 6, true)];
        let told = each(&changes, &answer(200, &set(json!(1), &failed))).unwrap();
        let Each::Refused(refusal) = &told[0] else { panic!("{told:?}") };
        let message = "skill 6: the vendor did not make it; assigned all the same: 5";
        assert_eq!(refusal.message.as_deref(), Some(message));
        assert_eq!(words(&changes, &answer(200, &set(json!(1), &failed))), "refused made made");
        // Positions count each skill of each agent.
        let mut nameless: Vec<Value> = (0..6).map(|_| json!({"success": true})).collect();
        nameless[3] = json!({"success": false, "skillId": "6"});
        assert_eq!(words(&changes, &answer(200, &set(json!(1), &nameless))), ALL);
        // A removal that was sent before finds nothing to remove.
        let removals = agents("skills-", &json!({"skills/5": null}));
        let body = json!({"resultSet": {"errorCount": 1, "agentResults": [ok(1), bad(2), ok(3)]}});
        assert_eq!(words(&removals, &answer(200, &body)), "made doubtful made");
    }

    #[test]
    fn a_whole_user_is_read_back_unless_the_answer_shows_what_was_set() {
        let one = [change("user", "7/u1", json!({"rank": 1}), json!({"rank": 2, "mobileNumber": null}))];
        let record = |id: &str, rank: Value| json!({"user": {"id": id, "emailAddress": "a@x", "rank": rank}});
        let table = [
            (200, json!({"success": true}), "doubtful"),
            (200, json!({}), "doubtful"),
            (200, json!(null), "doubtful"),
            (200, json!({"errorCount": 0}), "doubtful"),
            (200, record("U1", json!("2")), "made"),
            (200, record("u1", json!(1)), "doubtful"),
            (200, record("u2", json!(2)), "doubtful"),
            (200, json!({"id": "u1", "rank": 2}), "doubtful"),
        ];
        for (status, body, expected) in table {
            assert_eq!(words(&one, &answer(status, &body)), expected, "{body}");
        }
        assert_eq!(words(&one, &Answer::new(204, vec![], vec![])), "doubtful");
        let told = each(&one, &answer(200, &json!({"success": true}))).unwrap();
        let Each::Doubtful(refusal) = &told[0] else { panic!("{told:?}") };
        assert_eq!(refusal.code.as_deref(), Some("not.applied"));
    }

    #[test]
    fn who_was_not_deactivated_or_revived_is_read_back() {
        let off = agents("active-", &json!({"active": false}));
        let table = [
            (json!({"notDeletedUserIds": []}), MADE),
            (json!({"notDeletedUserIds": ["B"]}), "made doubtful made"),
            (json!({"notDeletedUserIds": ["x"]}), ALL),
            (json!({"notDeletedUserIds": "b"}), ALL),
            (json!({"notDeletedUserIds": [], "error": "no"}), ALL),
            (json!({}), ALL),
            (json!([]), ALL),
        ];
        for (body, expected) in table {
            assert_eq!(words(&off, &answer(200, &body)), expected, "{body}");
        }
        let on = [change("active+", "1/a", json!({"active": false}), json!({"active": true}))];
        let table = [
            (json!({"success": true, "uuid": "A"}), "made"),
            (json!({"success": "true"}), "made"),
            (json!({"success": true, "uuid": "b"}), "doubtful"),
            (json!({"uuid": "a"}), "made"),
            (json!({}), "doubtful"),
        ];
        for (body, expected) in table {
            assert_eq!(words(&on, &answer(200, &body)), expected, "{body}");
        }
    }

    #[test]
    fn a_blind_change_is_borne_out_by_all_that_does_not_say_otherwise() {
        let one = [change(BLIND, "u", json!({}), json!({"title": "x"}))];
        for body in [json!({}), json!({"title": "other"}), json!({"success": true}), json!([])] {
            assert_eq!(words(&one, &answer(200, &body)), "none", "{body}");
        }
        assert_eq!(words(&one, &answer(200, &json!({"error": "no"}))), "doubtful");
        assert_eq!(words(&one, &answer(200, &json!({"errorCount": 1}))), "doubtful");
    }
}
