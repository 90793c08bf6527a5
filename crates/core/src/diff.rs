//! Which values differ, and whose change is it when they do?

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

/// Whether two values mean the same to a vendor: an absent one is an empty one, a list has no order, `3` is `3.0`, and one
/// text has one meaning in all of Unicode's canonical forms (UAX #15).
pub fn same(a: &Value, b: &Value) -> bool {
    equal(a, b, |a, b| a == b || a.nfc().eq(b.nfc()))
}

/// Whether a vendor that was sent `sent` may show it as `shown`: the same, but for what vendors normalise (outer and
/// repeated white space, the case of e-mail addresses, the writing of telephone numbers). For what was written, never for
/// what is to be.
pub fn alike(shown: &Value, sent: &Value) -> bool {
    equal(shown, sent, |shown, sent| normalised(shown) == normalised(sent))
}

/// The same by structure, with texts compared by `texts`.
fn equal(a: &Value, b: &Value, texts: fn(&str, &str) -> bool) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => texts(a, b),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && members(a, b, texts),
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.into_iter()
                .all(|key| equal(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), texts))
        }
        _ => a == b || (is_empty(a) && is_empty(b)),
    }
}

fn members(a: &[Value], b: &[Value], texts: fn(&str, &str) -> bool) -> bool {
    let mut left: Vec<&Value> = b.iter().collect();
    a.iter().all(|member| match left.iter().position(|other| equal(member, other, texts)) {
        Some(found) => {
            left.swap_remove(found);
            true
        }
        None => false,
    })
}

fn normalised(text: &str) -> String {
    let plain = text.nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    let is_number = digits >= 5 && plain.chars().all(|c| c.is_ascii_digit() || "+-().  /".contains(c));
    if is_number {
        plain.chars().filter(|c| c.is_ascii_digit()).collect()
    } else if plain.contains('@') {
        plain.to_lowercase()
    } else {
        plain
    }
}

/// Nothing, as JSON may write it.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        _ => false,
    }
}

/// The keys of `after` whose value in `before` is another one, or is not known.
pub fn changed(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    after
        .iter()
        .filter(|(key, value)| before.get(*key).is_none_or(|old| !same(old, value)))
        .map(|(key, _)| key.clone())
        .collect()
}

/// What a fresh look at a user says of a change that may have happened, or that was refused for its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The user holds what the change asks.
    Holds,
    /// What the change touches is as it was: it may be sent again, on the version just read.
    Untouched,
    /// Somebody else changed these keys: nothing may be overwritten.
    Conflict(Vec<String>),
}

/// Settles a change by value. A key that `now` does not know cannot speak against the change; one that `before`
/// did not know cannot be told from a colleague's edit, so only its holding what is asked counts. A value that the vendor
/// has normalised is what was asked.
pub fn settle(before: &Map<String, Value>, after: &Map<String, Value>, now: &Map<String, Value>) -> Settled {
    let holds = |key: &String, value: &Value| {
        now.get(key).is_some_and(|found| {
            // What was there before and is only written otherwise is no effect of the change.
            same(found, value) || (alike(found, value) && !before.get(key).is_some_and(|old| same(found, old)))
        })
    };
    if after.iter().all(|(key, value)| holds(key, value)) {
        return Settled::Holds;
    }
    let touched: Vec<String> = after
        .iter()
        .filter(|(key, value)| !holds(key, value))
        .filter(|(key, _)| match (before.get(*key), now.get(*key)) {
            (Some(old), Some(found)) => !same(old, found),
            _ => false,
        })
        .map(|(key, _)| key.clone())
        .collect();
    if touched.is_empty() { Settled::Untouched } else { Settled::Conflict(touched) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn values_are_the_same_by_meaning() {
        let table = [
            (json!(3), json!(3.0), true),
            (json!(null), json!(""), true),
            (json!([]), json!(null), true),
            (json!(["a", "b"]), json!(["b", "a"]), true),
            (json!(["a", "a"]), json!(["a", "b"]), false),
            (json!({"a": 1, "b": null}), json!({"a": 1.0}), true),
            (json!("a"), json!("A"), false),
            (json!("Jos\u{e9}"), json!("Jose\u{301}"), true),
            (json!("Jose"), json!("Jose\u{301}"), false),
            (json!(false), json!(null), false),
        ];
        for (a, b, expected) in table {
            assert_eq!(same(&a, &b), expected, "{a} {b}");
            assert_eq!(same(&b, &a), expected, "{b} {a}");
        }
    }

    #[test]
    fn what_a_vendor_normalises_is_what_it_was_sent() {
        let table = [
            (json!("Team  Lead "), json!("Team Lead"), true),
            (json!("ann@x.org"), json!("Ann@X.org"), true),
            (json!("+13175550100"), json!("+1 (317) 555-0100"), true),
            (
                json!([{"address": "+13175550100", "type": "WORK"}]),
                json!([{"address": "+1 317 555 0100", "type": "WORK"}]),
                true,
            ),
            (json!("lead"), json!("Lead"), false),
            (json!("+13175550100"), json!("+13175550101"), false),
            (json!("Lead"), json!(""), false),
        ];
        for (shown, sent, expected) in table {
            assert_eq!(alike(&shown, &sent), expected, "{shown} {sent}");
        }
        let (before, after) = (map(json!({"title": "Lead "})), map(json!({"title": "Lead"})));
        assert_eq!(settle(&before, &after, &before), Settled::Untouched);
    }

    #[test]
    fn what_is_not_known_counts_as_changed() {
        let before = map(json!({"title": "A", "department": "x"}));
        let after = map(json!({"title": "B", "department": "x", "manager": "m"}));
        assert_eq!(changed(&before, &after), ["title", "manager"]);
    }

    #[test]
    fn a_lost_answer_is_told_from_a_colleagues_edit() {
        let before = map(json!({"title": "A", "department": "x"}));
        let after = map(json!({"title": "B", "department": "y"}));
        let table = [
            (json!({"title": "B", "department": "y"}), Settled::Holds),
            (json!({"title": "A", "department": "x"}), Settled::Untouched),
            (json!({"title": "B", "department": "x"}), Settled::Untouched),
            (json!({"title": "C", "department": "x"}), Settled::Conflict(vec!["title".into()])),
            (json!({}), Settled::Untouched),
        ];
        for (now, settled) in table {
            assert_eq!(settle(&before, &after, &map(now.clone())), settled, "{now}");
        }
    }
}
