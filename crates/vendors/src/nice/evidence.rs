//! What does an answer bear out of each change that it carried? A status alone is never trusted, and an item is CXone's word
//! only (facts/nice.md): what was said to be made is read back, and so is all that was not said.
//!
//! | kind | what says that it was made, in a 2xx |
//! | --- | --- |
//! | `user` | `"success": true` and no error |
//! | `active+` | the same, and the user's `uuid` where one is told |
//! | `active-` | `notDeletedUserIds` without the user |
//! | `agent`, `team`, `skills-` | the agent's item, with `"success": true` and no error |
//! | `skills+` | such an item for each of the agent's skills |
//! | a blind one | whatever does not say otherwise: no gateway's answers are published |

use super::person::ids;
use super::wire::{self, agent_id, flag, get, id_text, said};
use paceline_core::diff;
use paceline_core::plan::Change;
use paceline_core::vendor::{Answer, BLIND, Each, Refusal};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an answer that is no refusal as a whole says of each change; `None` where nothing is promised.
pub(super) fn each(changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
    let all = |one: &dyn Fn(&Change) -> Each| Some(changes.iter().map(one).collect());
    match changes.first()?.kind.as_str() {
        BLIND => {
            let complaint = complaint(answer.json_or_null())?;
            all(&|_| Each::Doubtful(refusal(answer, "not.confirmed", complaint.clone())))
        }
        "user" => all(&|_| succeeded(answer, true)),
        "active+" => all(&|change| revived(change, answer)),
        "active-" => {
            let kept = Kept::of(changes, answer);
            all(&|change| kept.one(change, answer))
        }
        _ => Some(Items::of(changes, answer).each(changes, answer)),
    }
}

fn refusal(answer: &Answer, code: &str, message: impl Into<String>) -> Refusal {
    Refusal { status: Some(answer.status), ..Refusal::own(code, message) }
}

const WHY: &[&str] = &["error", "errorDescription", "error_description", "message", "msg"];

const UNTOLD: &str = "the answer does not tell what became of it";

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

/// The answer to a call for one user.
fn succeeded(answer: &Answer, is_the_users: bool) -> Each {
    let body = answer.json_or_null();
    if is_the_users && says(body) == Says::Made && matches!(error_count(body), Count::Told(0) | Count::Untold) {
        return Each::Made;
    }
    Each::Doubtful(refusal(answer, "not.confirmed", said(body, WHY).unwrap_or_else(|| UNTOLD.into())))
}

fn revived(change: &Change, answer: &Answer) -> Each {
    let id = ids(change.user.as_str()).1;
    let named = said(answer.json_or_null(), &["uuid"]);
    let is_it = named.is_none_or(|named| id.is_some_and(|id| id.eq_ignore_ascii_case(&named)));
    succeeded(answer, is_it)
}

/// Who was not deactivated.
struct Kept {
    ids: Vec<String>,
    /// Whether the answer has such a list at all, and names nobody on it but those of the call.
    is_told: bool,
}

impl Kept {
    fn of(changes: &[Change], answer: &Answer) -> Self {
        let body = answer.json_or_null();
        let list = get(body, "notDeletedUserIds").as_array();
        let kept: Vec<String> = list.into_iter().flatten().map(|id| id_text(id).unwrap_or_default()).collect();
        let ours: BTreeSet<String> =
            changes.iter().filter_map(|change| ids(change.user.as_str()).1).map(str::to_lowercase).collect();
        let is_told = list.is_some() && kept.iter().all(|id| ours.contains(&id.to_lowercase()));
        Self { ids: kept, is_told: is_told && complaint(body).is_none() && flag(get(body, "success")) != Some(false) }
    }

    fn one(&self, change: &Change, answer: &Answer) -> Each {
        let id = ids(change.user.as_str()).1.unwrap_or_default();
        if self.ids.iter().any(|kept| kept.eq_ignore_ascii_case(id)) {
            // Somebody who was deactivated already may be told so too.
            return Each::Doubtful(refusal(answer, "not.deactivated", "it stayed active"));
        }
        if self.is_told { Each::Made } else { Each::Doubtful(refusal(answer, "not.confirmed", UNTOLD)) }
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
    refusal(answer, "item.failed", format!("{skill}{said}"))
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
    /// The rest of the answer fits what the items say, and they are all of this call.
    is_consistent: bool,
    /// More items have failed than the answer counts.
    is_overcounted: bool,
}

/// The skills that a change assigns: it has an item for each. Of any other kind there is one item, of no skill.
fn skills(change: &Change) -> Vec<Option<&str>> {
    match change.kind.as_str() {
        "skills+" => change.after.keys().filter_map(|key| key.strip_prefix("skills/")).map(Some).collect(),
        _ => vec![None],
    }
}

impl<'a> Items<'a> {
    fn of(changes: &[Change], answer: &'a Answer) -> Self {
        let body = answer.json_or_null();
        let is_rated = changes.first().is_some_and(|change| change.kind == "skills+");
        let list = if is_rated { "skillResults" } else { "agentResults" };
        let items = wire::items(body, &[list, "results"]).into_iter();
        let items: Vec<(&Value, Says)> = items.map(|item| (item, says(item))).collect();
        let ours: BTreeSet<&str> = changes.iter().filter_map(|change| ids(change.user.as_str()).0).collect();
        let is_ours = |item: &Value| agent_id(item).is_some_and(|id| ours.contains(id.as_str()));
        let failed = items.iter().filter(|(_, says)| *says == Says::Failed).count() as u64;
        let nameless = items.iter().find(|(item, says)| *says == Says::Failed && !is_ours(item)).map(|(item, _)| *item);
        let (count, set) = (error_count(body), get(body, "resultSet"));
        // "Partial success", a refusal or a complaint, of which no item says anything.
        let is_refused = [body, set].iter().any(|part| flag(get(part, "success")) == Some(false));
        let is_partial = matches!(answer.status, 206 | 207) || answer.status >= 300;
        let is_unexplained = failed == 0 && (is_partial || is_refused || complaint(body).is_some());
        let is_anothers = items.iter().any(|(item, _)| agent_id(item).is_some() && !is_ours(item));
        let is_counted = count == Count::Untold || count == Count::Told(failed);
        Self {
            by_position: positions(changes, &items),
            items,
            nameless,
            is_consistent: is_counted && !is_unexplained && !is_anothers,
            is_overcounted: matches!(count, Count::Told(count) if count < failed),
        }
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Vec<Each> {
        changes.iter().enumerate().map(|(at, change)| self.one(at, change, answer)).collect()
    }

    fn one(&self, at: usize, change: &Change, answer: &Answer) -> Each {
        let id = ids(change.user.as_str()).0;
        let is_mine = |item: &Value| id.is_some() && agent_id(item).as_deref() == id;
        let mine: Vec<(&Value, Says)> = self.items.iter().filter(|(item, _)| is_mine(item)).copied().collect();
        if let Some(refused) = self.refused(change, &mine, answer) {
            return refused;
        }
        let placed = self.by_position.as_ref().and_then(|positions| positions.get(at)).into_iter().flatten();
        let placed: Vec<(&Value, Says)> = placed.filter_map(|at| self.items.get(*at)).copied().collect();
        let is_made = |items: &[(&Value, Says)]| !items.is_empty() && items.iter().all(|(_, says)| *says == Says::Made);
        let wanted = skills(change);
        let has = |skill: &Option<&str>| {
            skill.is_none() || mine.iter().any(|(item, _)| said_skill(item).as_deref() == *skill)
        };
        let by_name = is_made(&mine) && wanted.iter().all(has);
        let by_position = mine.is_empty() && self.nameless.is_none() && is_made(&placed);
        if self.is_consistent && (by_name || by_position) {
            return Each::Made;
        }
        let failed = placed.iter().find(|(_, says)| *says == Says::Failed).map(|(item, _)| *item);
        Each::Doubtful(match failed.or(self.nameless) {
            Some(item) => why(item, answer),
            None => {
                let said = complaint(answer.json_or_null()).map(|said| format!("{UNTOLD}: {said}"));
                refusal(answer, "item.missing", said.unwrap_or_else(|| UNTOLD.into()))
            }
        })
    }

    /// What an item that names an agent says of its failure.
    fn refused(&self, change: &Change, mine: &[(&Value, Says)], answer: &Answer) -> Option<Each> {
        let of = |wanted: Says| mine.iter().filter(move |(_, says)| *says == wanted).map(|(item, _)| *item);
        let item = of(Says::Failed).next()?;
        let mut refusal = why(item, answer);
        let made: Vec<String> = of(Says::Made).filter_map(said_skill).collect();
        if let (false, Some(message)) = (made.is_empty(), &mut refusal.message) {
            *message += &format!("; assigned all the same: {}", made.join(", "));
        }
        let is_denied = of(Says::Failed).any(|item| of(Says::Made).any(|other| said_skill(other) == said_skill(item)));
        // A removal that was sent before finds nothing to remove.
        let is_doubtful = change.kind == "skills-" || is_denied || self.is_overcounted;
        Some(if is_doubtful { Each::Doubtful(refusal) } else { Each::Refused(refusal) })
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
        positions.iter().zip(skills(change)).all(|(at, skill)| {
            let item = items.get(*at).map_or(&Value::Null, |(item, _)| *item);
            agent_id(item).is_none_or(|found| Some(found.as_str()) == id)
                && said_skill(item).is_none_or(|found| skill.is_none_or(|skill| skill == found))
        })
    };
    (at == items.len() && changes.iter().zip(&all).all(is_there)).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::Nice;
    use paceline_core::plan::ChangeKey;
    use paceline_core::user::UserId;
    use paceline_core::vendor::Answers as _;
    use serde_json::{Map, json};

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
            (json!({"errorCount": 0, "agentResults": []}), ALL),
            (json!({"errorCount": "0"}), ALL),
            (json!({"resultSet": {"errorCount": 0}}), ALL),
            (json!({"success": true}), ALL),
            // It does of one.
            (json!({"errorCount": 0, "agentResults": [ok(1)]}), "made doubtful doubtful"),
        ];
        for (body, expected) in table {
            assert_eq!(words(&changes, &answer(200, &body)), expected, "{body}");
        }
        assert_eq!(words(&changes, &answer(206, &json!({"errorCount": 0, "agentResults": []}))), ALL);
        assert_eq!(words(&changes, &Answer::new(200, vec![], vec![])), ALL);
        assert_eq!(words(&changes, &Answer::new(204, vec![], vec![])), ALL);
    }

    #[test]
    fn items_are_judged_by_their_ids_and_the_rest_is_in_doubt_where_the_count_is_not_explained() {
        let changes = agents("agent", &json!({"custom1": "x"}));
        let nameless = json!({"success": false, "error": "no"});
        let body = |count: Value, items: &[Value]| json!({"errorCount": count, "agentResults": items});
        let table = [
            (200, body(json!("1"), &[ok(1), bad(2), ok(3)]), "made refused made"),
            (200, body(json!(1), &[bad(2)]), "doubtful refused doubtful"),
            (200, body(json!(2), &[bad(2)]), "doubtful refused doubtful"),
            (200, body(json!(null), &[bad(2)]), "doubtful refused doubtful"),
            // The count is not what the items say.
            (200, body(json!(2), &[ok(1), bad(2)]), "doubtful refused doubtful"),
            (200, body(json!(0), &[ok(1), bad(2), ok(3)]), ALL),
            (200, body(json!(1), &[ok(1), ok(2), ok(3)]), ALL),
            (206, body(json!(0), &[ok(1), ok(2), ok(3)]), ALL),
            // Nor is an item of somebody who was not in the call, or two of one agent that differ.
            (200, body(json!(0), &[ok(1), ok(2), ok(3), ok(9)]), ALL),
            (200, body(json!(1), &[ok(1), bad(1), ok(2), ok(3)]), "doubtful made made"),
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
            (200, body(json!(1), &[json!({"agentId": 1, "error": true}), ok(2), ok(3)]), "refused made made"),
            // A refusal says of nobody that he was made but by name.
            (400, body(json!(1), &[ok(1), bad(2)]), "made refused doubtful"),
            (206, body(json!(1), &[ok(1), bad(2)]), "made refused doubtful"),
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
        assert_eq!(words(&changes, &answer(200, &set(json!("0"), &all))), "made made doubtful");
        assert_eq!(words(&changes, &answer(200, &set(json!("1"), &all))), ALL);
        let failed = [item(1, 5, true), item(1, 6, false), item(2, 5, true), item(3, 5, true), item(3, 6, true)];
        let told = each(&changes, &answer(200, &set(json!(1), &failed))).unwrap();
        let Each::Refused(refusal) = &told[0] else { panic!("{told:?}") };
        let message = "skill 6: the vendor did not make it; assigned all the same: 5";
        assert_eq!(refusal.message.as_deref(), Some(message));
        assert_eq!(words(&changes, &answer(200, &set(json!(1), &failed))), "refused doubtful made");
        // An item that does not say of which skill it is says nothing of any.
        assert_eq!(words(&changes, &answer(200, &set(json!(0), &[ok(1), ok(1), ok(2), ok(2), ok(3), ok(3)]))), ALL);
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
    fn a_users_put_says_that_it_was_made_by_its_success_only() {
        let one = [change("user", "7/u1", json!({"rank": 1}), json!({"rank": 2, "mobileNumber": null}))];
        let table = [
            (200, json!({"success": true, "error": "", "message": "done"}), "made"),
            (200, json!({"success": "True"}), "made"),
            (200, json!({"success": true, "error": "no"}), "doubtful"),
            (200, json!({"success": true, "errorCount": 1}), "doubtful"),
            (200, json!({"success": false}), "doubtful"),
            (200, json!({"errorCount": 0}), "doubtful"),
            // An echo of what was sent.
            (200, json!({"user": {"id": "u1", "emailAddress": "a@x", "rank": 2}}), "doubtful"),
        ];
        for (status, body, expected) in table {
            assert_eq!(words(&one, &answer(status, &body)), expected, "{body}");
        }
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
            (json!({"notDeletedUserIds": [], "success": false}), ALL),
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
            (json!({"uuid": "a"}), "doubtful"),
            (json!({}), "doubtful"),
        ];
        for (body, expected) in table {
            assert_eq!(words(&on, &answer(200, &body)), expected, "{body}");
        }
    }

    /// One call of three for each kind that many share, of one for the others, and its published success.
    fn calls() -> Vec<(&'static str, Vec<Change>, Value)> {
        let items = |key: &str| json!({"errorCount": 0, key: [ok(1), ok(2), ok(3)]});
        let skill = |id: u64| json!({"agentId": id.to_string(), "skillId": "5", "success": true});
        let rated = json!({"errorCount": "0", "skillResults": [skill(1), skill(2), skill(3)]});
        let one = |kind: &str, after: Value| vec![change(kind, "1/a", json!({}), after)];
        vec![
            ("agent", agents("agent", &json!({"custom1": "x"})), items("agentResults")),
            ("team", agents("team", &json!({"team": {"id": "5"}})), json!({"resultSet": items("agentResults")})),
            ("skills+", agents("skills+", &json!({"skills/5": {"proficiency": 1}})), json!({"resultSet": rated})),
            ("skills-", agents("skills-", &json!({"skills/5": null})), json!({"resultSet": items("agentResults")})),
            ("active-", agents("active-", &json!({"active": false})), json!({"notDeletedUserIds": []})),
            ("active+", one("active+", json!({"active": true})), json!({"success": true, "uuid": "a"})),
            ("user", one("user", json!({"rank": 2})), json!({"success": true})),
        ]
    }

    #[test]
    fn of_every_kind_only_its_published_success_says_that_it_was_made_and_that_is_read_back() {
        let skill = |id: &str| json!({"agentId": "1", "skillId": id, "success": true});
        let odd = [
            json!(null),
            json!([]),
            json!({}),
            json!("ok"),
            json!(true),
            json!(0),
            json!([{"success": false}]),
            json!({"status": "ok"}),
            json!({"errorCount": 0}),
            json!({"errorCount": "0", "agentResults": []}),
            json!({"resultSet": {"errorCount": 0, "skillResults": []}}),
            json!({"resultSet": null}),
            json!({"resultSet": [], "success": null}),
            json!({"agentResults": {"1": true}}),
            json!({"agentResults": [true, true, true]}),
            json!({"agentResults": [{}, {}, {}]}),
            json!({"agentResults": [{"agentId": 1}, {"agentId": 2}, {"agentId": 3}]}),
            json!({"errorCount": 0, "agentResults": [ok(7), ok(8), ok(9)]}),
            json!({"errorCount": 3, "agentResults": [ok(1), ok(2), ok(3)]}),
            json!({"resultSet": {"errorCount": "0", "skillResults": [skill("6"), skill("7")]}}),
            json!({"success": true, "errorCount": 1}),
            json!({"success": true, "error": "no"}),
            json!({"success": true, "uuid": "z", "error": ["x"]}),
            json!({"notDeletedUserIds": null}),
            json!({"notDeletedUserIds": {}}),
            json!({"notDeletedUserIds": ["z"]}),
            json!({"notDeletedUserIds": [], "errors": ["x"]}),
            json!({"users": [{"id": "a", "status": "DELETED"}]}),
        ];
        let empty = [200, 201, 202, 204, 206].map(|status| Answer::new(status, vec![], vec![]));
        let answers: Vec<Answer> = odd.iter().map(|body| answer(200, body)).chain(empty).collect();
        for (kind, changes, published) in calls() {
            let said = each(&changes, &answer(200, &published)).unwrap();
            assert!(said.iter().all(|one| *one == Each::Made), "{kind} {said:?}");
            for one in Nice::new(None).each(&changes, &answer(200, &published)).unwrap() {
                assert!(matches!(&one, Each::Doubtful(why) if why.code.as_deref() == Some("not.applied")), "{one:?}");
            }
            for answer in &answers {
                for one in each(&changes, answer).unwrap() {
                    // What is not shown is no success either: that is for what was said to be made.
                    let is_doubtful = matches!(&one, Each::Doubtful(why) if why.code.as_deref() != Some("not.applied"));
                    assert!(is_doubtful, "{kind} {} {}: {one:?}", answer.status, answer.json_or_null());
                }
            }
        }
    }

    #[test]
    fn a_list_of_results_that_lacks_somebody_says_nothing_of_him() {
        for (kind, changes, published) in calls().into_iter().filter(|(_, changes, _)| changes.len() > 1) {
            let mut body = published;
            let key = if kind == "skills+" { "skillResults" } else { "agentResults" };
            let set = if body.get("resultSet").is_some() { &mut body["resultSet"] } else { &mut body };
            let Some(items) = set[key].as_array_mut() else { continue };
            items.remove(1);
            assert_eq!(words(&changes, &answer(200, &body)), "made doubtful made", "{kind}");
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
