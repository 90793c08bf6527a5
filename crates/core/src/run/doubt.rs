//! Changes whose users are read to find out what became of them, or before they are sent.
//!
//! [`judge`] is the table: what is seen of a user now says what follows, by why it was asked.

use super::queue::Sending;
use crate::diff::{self, Settled};
use crate::plan::{Change, Guard};
use crate::summary::Outcome;
use crate::vendor::{Refusal, User};
use serde_json::{Map, Value};

/// Times that a change is sent again after conflicts in which others raised its user's version and did not touch its values.
const CONFLICTS: u32 = 10;
/// Times that one without a version is, where nothing shows that anybody wrote at all.
const BARE_CONFLICTS: u32 = 2;

/// Why a user is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The change has not been sent, or is to be sent again: it is compared first.
    Revalidate,
    /// It was sent, and no answer was seen.
    Lost,
    /// The same, and it was the last attempt.
    Exhausted,
    /// It was refused for a conflict.
    Conflict,
    /// Its answer was a success and does not bear it out.
    NotBorneOut,
    /// Something between here and the API answered in its place.
    NotTheApi,
    /// The vendor has accepted it and makes it in its own time; with `last` it is not waited for any longer.
    Accepted {
        /// See above.
        last: bool,
    },
}

/// A change whose user is read.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) sending: Sending,
    pub(super) why: Why,
    /// What was said last: the row's refusal, where the change comes to nothing.
    pub(super) refusal: Refusal,
    /// The part of a refused call that it is read for, by number.
    pub(super) gathering: Option<u64>,
}

impl Doubt {
    /// It is compared before it is sent.
    pub(super) fn revalidate(sending: Sending) -> Self {
        let refusal = Refusal::own("conflict", "it was changed since it was planned");
        Self { sending, why: Why::Revalidate, refusal, gathering: None }
    }

    /// Whether its user is read ahead of its turn.
    pub(super) fn is_read_ahead(&self) -> bool {
        self.why == Why::Revalidate && self.gathering.is_none()
    }
}

/// What follows from a fresh look at a user.
#[derive(Debug, PartialEq)]
pub(super) enum Judgement {
    /// The change is made.
    Made,
    /// It is sent, from the user as it was just read.
    Send,
    /// It is not made, and its row ends so.
    NotMade(Outcome, Refusal),
    /// It is not made; whose fault that is depends on whether others get through.
    Suspect(Refusal),
    /// It is asked for again later.
    Wait,
}

/// What follows from `user`, who holds `now` of what the change touches; `None` where there is none any more.
pub(super) fn judge(doubt: &Doubt, user: Option<(&User, Map<String, Value>)>, guard: Guard, force: bool) -> Judgement {
    let Doubt { sending, why, refusal, .. } = doubt;
    let change = &sending.change;
    let Some((user, now)) = user else {
        return Judgement::NotMade(
            Outcome::Failed,
            Refusal::not_found(format!("no user has the id `{}` any more", change.user)),
        );
    };
    let settled = diff::settle(&change.before, &change.after, &now);
    match (settled, why) {
        (Settled::Holds, _) => Judgement::Made,
        (_, Why::Accepted { last: false }) => Judgement::Wait,
        (_, Why::Accepted { last: true }) => Judgement::NotMade(Outcome::Failed, refusal.clone()),
        // What is read back does not tell everything that was set, and what it tells is right.
        (_, Why::NotBorneOut) if refusal.code.as_deref() == Some(NOT_APPLIED) && nothing_differs(change, &now) => {
            Judgement::Made
        }
        // The write was answered as done: whatever is there instead is what the vendor made of it.
        (_, Why::NotBorneOut) => Judgement::NotMade(Outcome::Failed, not_applied(refusal, change, &now)),
        (Settled::Conflict(keys), _) if !force => Judgement::NotMade(Outcome::Conflict, conflict(&keys, refusal)),
        (_, Why::Exhausted) => Judgement::NotMade(Outcome::Failed, refusal.clone()),
        (_, Why::NotTheApi) => Judgement::Suspect(refusal.clone()),
        // Its version is the one that was sent: the refusal was about something else.
        (_, Why::Conflict) if guard == Guard::Version && change.version.is_some() && user.version == change.version => {
            Judgement::NotMade(Outcome::Failed, refusal.clone())
        }
        (_, Why::Conflict) if guard != Guard::Version && sending.conflicts >= BARE_CONFLICTS => {
            Judgement::NotMade(Outcome::Failed, refusal.clone())
        }
        (_, Why::Conflict) if sending.conflicts >= CONFLICTS => Judgement::NotMade(Outcome::Conflict, refusal.clone()),
        // What was known and is not told now cannot be compared, and is not overwritten unseen.
        (_, Why::Conflict | Why::Revalidate | Why::Lost) => match untold(change, &now).filter(|_| !force) {
            Some(key) => Judgement::NotMade(Outcome::Failed, not_told(key)),
            None => Judgement::Send,
        },
    }
}

/// A value that was known when the change was planned and that the vendor does not tell now.
fn untold<'a>(change: &'a Change, now: &Map<String, Value>) -> Option<&'a str> {
    let is_untold = |key: &&String| change.before.contains_key(*key) && !now.contains_key(*key);
    change.after.keys().find(is_untold).map(String::as_str)
}

fn not_told(key: &str) -> Refusal {
    let message = format!("`{key}` was not told when the user was read again: what is there is not overwritten unseen");
    Refusal::own("not.told", message)
}

/// The code of a success that is not borne out by what is shown.
const NOT_APPLIED: &str = "not.applied";

fn nothing_differs(change: &Change, now: &Map<String, Value>) -> bool {
    change.after.iter().all(|(key, value)| now.get(key).is_none_or(|found| diff::alike(found, value)))
}

fn conflict(keys: &[String], refusal: &Refusal) -> Refusal {
    let message = format!("`{}` was changed by someone else since it was read; --force overwrites", keys.join("`, `"));
    let code = refusal.code.clone().or(Some("conflict".into()));
    Refusal { message: Some(message), code, ..refusal.clone() }
}

fn not_applied(refusal: &Refusal, change: &Change, now: &Map<String, Value>) -> Refusal {
    if refusal.code.as_deref() != Some(NOT_APPLIED) {
        return refusal.clone();
    }
    let seen = change.after.iter().find(|(key, value)| now.get(*key).is_some_and(|found| !diff::alike(found, value)));
    let Some((key, _)) = seen else { return refusal.clone() };
    let said = refusal.message.clone().unwrap_or_default();
    let held = now.get(key).map(short).unwrap_or_default();
    Refusal { message: Some(format!("{said}; read back, `{key}` is {held}")), ..refusal.clone() }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 80 { format!("{}…", text.chars().take(79).collect::<String>()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ChangeKey;
    use crate::run::History;
    use crate::user::UserId;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn doubt(why: Why) -> Doubt {
        let change = Change {
            key: ChangeKey { stage: 1, group: String::new(), row: 1 },
            kind: "fields".into(),
            user: UserId("u".into()),
            before: map(json!({"title": "A"})),
            after: map(json!({"title": "B"})),
            rest: Map::new(),
            columns: vec![],
            version: Some(3),
        };
        let history = History::default();
        let (in_doubt, rebased, read_at) = (false, false, None);
        let sending = Sending {
            change,
            siblings: 1,
            left: 1,
            attempts: 1,
            conflicts: 0,
            stale: 0,
            read_at,
            in_doubt,
            rebased,
            history,
        };
        Doubt { sending, why, refusal: Refusal::own("said", "what was said"), gathering: None }
    }

    fn seen(title: &str, version: i64) -> (User, Map<String, Value>) {
        let record = json!({"title": title});
        (User { id: UserId("u".into()), version: Some(version), record: record.clone() }, map(record))
    }

    #[test]
    fn what_is_seen_of_a_user_decides_by_why_it_was_asked() {
        let word = |why: Why, title: &str, version: i64, guard: Guard, force: bool| {
            let (user, now) = seen(title, version);
            match judge(&doubt(why), Some((&user, now)), guard, force) {
                Judgement::Made => "made",
                Judgement::Send => "send",
                Judgement::NotMade(Outcome::Conflict, _) => "conflict",
                Judgement::NotMade(..) => "failed",
                Judgement::Suspect(_) => "suspect",
                Judgement::Wait => "wait",
            }
        };
        let (version, compare) = (Guard::Version, Guard::Compare);
        let table = [
            (Why::Revalidate, "A", 3, compare, false, "send"),
            (Why::Revalidate, "B", 3, compare, false, "made"),
            (Why::Revalidate, "C", 3, compare, false, "conflict"),
            (Why::Revalidate, "C", 3, compare, true, "send"),
            (Why::Lost, "A", 3, version, false, "send"),
            (Why::Lost, "B", 4, version, false, "made"),
            (Why::Lost, " B ", 4, version, false, "made"),
            (Why::Lost, "C", 4, version, false, "conflict"),
            (Why::Exhausted, "A", 3, version, false, "failed"),
            (Why::Exhausted, "B", 4, version, false, "made"),
            (Why::Exhausted, "C", 4, version, false, "conflict"),
            (Why::Conflict, "A", 4, version, false, "send"),
            (Why::Conflict, "A", 3, version, false, "failed"),
            (Why::Conflict, "A", 3, compare, false, "send"),
            (Why::Conflict, "C", 4, version, false, "conflict"),
            (Why::NotBorneOut, "A", 4, version, false, "failed"),
            (Why::NotBorneOut, "C", 4, version, false, "failed"),
            (Why::NotBorneOut, "B", 4, version, false, "made"),
            (Why::NotTheApi, "A", 3, version, false, "suspect"),
            (Why::NotTheApi, "B", 3, version, false, "made"),
            (Why::Accepted { last: false }, "A", 3, Guard::Idempotent, false, "wait"),
            (Why::Accepted { last: true }, "A", 3, Guard::Idempotent, false, "failed"),
            (Why::Accepted { last: false }, "B", 3, Guard::Idempotent, false, "made"),
        ];
        for (why, title, at, guard, force, expected) in table {
            assert_eq!(word(why, title, at, guard, force), expected, "{why:?} {title} {at} {guard:?} {force}");
        }
        assert!(matches!(
            judge(&doubt(Why::Lost), None, version, false),
            Judgement::NotMade(Outcome::Failed, refusal) if refusal.status == Some(404)
        ));
    }

    #[test]
    fn what_is_not_told_any_more_is_not_overwritten() {
        let record = json!({"name": "x"});
        let user = User { id: UserId("u".into()), version: Some(4), record: record.clone() };
        for why in [Why::Revalidate, Why::Lost, Why::Conflict] {
            let judged = judge(&doubt(why), Some((&user, map(record.clone()))), Guard::Compare, false);
            assert!(
                matches!(&judged, Judgement::NotMade(Outcome::Failed, refusal) if refusal.code.as_deref() == Some("not.told")),
                "{judged:?}"
            );
        }
    }

    #[test]
    fn a_conflict_that_lasts_where_nobody_has_touched_anything_is_the_changes_failure() {
        let (user, now) = seen("A", 3);
        let judged = |conflicts| {
            let mut doubt = doubt(Why::Conflict);
            doubt.sending.conflicts = conflicts;
            judge(&doubt, Some((&user, now.clone())), Guard::Compare, false)
        };
        assert_eq!((judged(0), judged(1)), (Judgement::Send, Judgement::Send));
        assert!(matches!(judged(2), Judgement::NotMade(Outcome::Failed, _)));
    }

    #[test]
    fn what_was_not_applied_is_told_with_what_is_there_instead() {
        let (user, now) = seen("C", 4);
        let refusal = Refusal::own("not.applied", "what was said");
        let doubt = Doubt { refusal, ..doubt(Why::NotBorneOut) };
        let Judgement::NotMade(_, refusal) = judge(&doubt, Some((&user, now)), Guard::Version, false) else {
            panic!("it was not made");
        };
        assert_eq!(refusal.message.as_deref(), Some("what was said; read back, `title` is \"C\""));
    }
}
