//! `POST /users/search`: an index, with limits of its own.

use serde_json::{Value, json};

/// Values of a criterion, users of a page, and results in all.
pub(super) const VALUES: usize = 50;
pub(super) const PAGE: usize = 100;
pub(super) const RESULTS: usize = 10_000;

/// Why a query is refused: its code and what it says.
pub(super) type Refused = (&'static str, String);

/// Whether the query is one that the vendor takes.
pub(super) fn check(criteria: &Value) -> Result<(), Refused> {
    let bad = |what: String| Err(("bad.request", what));
    let Some(criteria) = criteria.as_array() else { return bad("query is a list of criteria".into()) };
    for criterion in criteria {
        let Some(kind) = criterion["type"].as_str() else { return bad("a criterion has a type".into()) };
        const KINDS: &[&str] = &[
            "EXACT",
            "STARTS_WITH",
            "CONTAINS",
            "REGEX",
            "TERM",
            "TERMS",
            "REQUIRED_FIELDS",
            "MATCH_ALL",
            "QUERY_STRING",
            "RANGE",
            "LESS_THAN",
            "LESS_THAN_EQUAL_TO",
            "GREATER_THAN",
            "GREATER_THAN_EQUAL_TO",
        ];
        if !KINDS.contains(&kind) {
            return Err(("invalid.value", format!("[{kind}] is no type of a criterion")));
        }
        if kind == "REGEX" {
            return bad("The sandbox has no REGEX".into());
        }
        let values = values(criterion);
        if values.len() > VALUES || values.iter().any(|value| value.chars().count() > 300) {
            let what = format!("A criterion has at most {VALUES} values of at most 300 characters");
            return Err(("search.criteria.values.exceed.limit", what));
        }
        if criterion["fields"].as_array().is_none_or(Vec::is_empty)
            && kind != "MATCH_ALL"
            && criterion["group"].is_null()
        {
            return bad("a criterion has fields".into());
        }
        if !criterion["group"].is_null() {
            check(&criterion["group"])?;
        }
    }
    Ok(())
}

fn values(criterion: &Value) -> Vec<String> {
    let one = criterion["value"].as_str().into_iter();
    one.chain(criterion["values"].as_array().into_iter().flatten().filter_map(Value::as_str))
        .map(str::to_lowercase)
        .collect()
}

/// Whether a user is found. Deleted ones are found only where `state` is asked for.
pub(super) fn finds(criteria: &Value, user: &Value) -> bool {
    (names_state(criteria) || user["state"] != "deleted") && all(criteria, user)
}

fn names_state(criteria: &Value) -> bool {
    criteria.as_array().into_iter().flatten().any(|criterion| {
        let mut fields = criterion["fields"].as_array().into_iter().flatten();
        fields.any(|field| field == "state") || names_state(&criterion["group"])
    })
}

fn all(criteria: &Value, user: &Value) -> bool {
    let criteria = criteria.as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut must, mut may) = (true, None);
    for criterion in criteria {
        let fits = fits(criterion, user);
        match criterion["operator"].as_str() {
            Some("OR") => may = Some(may.unwrap_or(false) || fits),
            Some("NOT") => must &= !fits,
            _ => must &= fits,
        }
    }
    must && may.unwrap_or(true)
}

fn fits(criterion: &Value, user: &Value) -> bool {
    if criterion["group"].is_array() {
        return all(&criterion["group"], user);
    }
    let values = values(criterion);
    let held = |field: &Value| {
        let mut at = user;
        for part in field.as_str().unwrap_or_default().split('.') {
            at = &at[part];
        }
        match at {
            Value::String(text) => Some(text.to_lowercase()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    };
    let bound = |key: &str| criterion[key].as_str().map(str::to_lowercase);
    let one = |held: &str| {
        let any = |fits: &dyn Fn(&str) -> bool| values.iter().any(|value| fits(value));
        match criterion["type"].as_str().unwrap_or_default() {
            "STARTS_WITH" => any(&|value| held.starts_with(value)),
            "CONTAINS" | "QUERY_STRING" => any(&|value| held.contains(value)),
            "TERM" | "TERMS" => any(&|value| held == value || held.split(' ').any(|word| word == value)),
            "REQUIRED_FIELDS" => !held.is_empty(),
            "RANGE" => {
                bound("startValue").is_none_or(|from| *held >= *from) && bound("endValue").is_none_or(|to| *held <= *to)
            }
            "LESS_THAN" => any(&|value| held < value),
            "LESS_THAN_EQUAL_TO" => any(&|value| held <= value),
            "GREATER_THAN" => any(&|value| held > value),
            "GREATER_THAN_EQUAL_TO" => any(&|value| held >= value),
            _ => any(&|value| held == value),
        }
    };
    if criterion["type"] == "MATCH_ALL" {
        return true;
    }
    criterion["fields"].as_array().into_iter().flatten().any(|field| held(field).is_some_and(|held| one(&held)))
}

/// Addresses that a query asks for exactly, where they are all that can be found.
pub(super) fn addresses(criteria: &Value) -> Option<Vec<String>> {
    let of = |criterion: &Value| {
        criterion["type"] == "EXACT"
            && criterion["fields"] == json!(["email"])
            && matches!(criterion["operator"].as_str(), None | Some("AND"))
    };
    criteria.as_array()?.iter().find(|criterion| of(criterion)).map(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_find_whom_they_describe() {
        let user =
            json!({"name": "Ada Ito", "email": "Ada@example.com", "state": "active", "division": {"name": "Home"}});
        let exact = |field: &str, value: &str| json!({"type": "EXACT", "fields": [field], "value": value});
        let with = |mut criterion: Value, operator: &str| {
            criterion["operator"] = json!(operator);
            criterion
        };
        for (query, found) in [
            (json!([exact("email", "ada@EXAMPLE.com")]), true),
            (json!([exact("email", "ada@example.com"), exact("state", "deleted")]), false),
            (json!([{"type": "STARTS_WITH", "fields": ["name", "email"], "value": "ada"}]), true),
            (json!([{"type": "CONTAINS", "fields": ["name"], "value": "a i"}]), true),
            (json!([{"type": "TERM", "fields": ["name"], "value": "ito"}]), true),
            (json!([{"type": "TERM", "fields": ["name"], "value": "it"}]), false),
            (json!([{"type": "EXACT", "fields": ["state"], "values": ["inactive", "active"]}]), true),
            (json!([exact("division.name", "home")]), true),
            (json!([with(exact("name", "x"), "OR"), with(exact("state", "active"), "OR")]), true),
            (json!([with(exact("name", "x"), "OR"), with(exact("name", "y"), "OR")]), false),
            (json!([with(exact("name", "ada ito"), "NOT")]), false),
            (json!([{"type": "MATCH_ALL"}]), true),
            (json!([{"type": "REQUIRED_FIELDS", "fields": ["title"]}]), false),
            (json!([{"type": "RANGE", "fields": ["name"], "startValue": "a", "endValue": "b"}]), true),
            (json!([{"type": "EXACT", "group": [exact("name", "ada ito")]}]), true),
        ] {
            assert_eq!(check(&query), Ok(()), "{query}");
            assert_eq!(finds(&query, &user), found, "{query}");
        }
    }

    #[test]
    fn deleted_users_are_found_only_where_state_is_asked_for() {
        let user = json!({"email": "a@example.com", "state": "deleted"});
        let email = json!({"type": "EXACT", "fields": ["email"], "value": "a@example.com"});
        let state = json!({"type": "EXACT", "fields": ["state"], "values": ["active", "deleted"]});
        assert!(!finds(&json!([email]), &user));
        assert!(finds(&json!([email, state]), &user));
    }

    #[test]
    fn what_is_beyond_the_published_limits_is_refused_with_its_code() {
        let many: Vec<String> = (0..51).map(|at| at.to_string()).collect();
        for (query, code) in [
            (json!([{"type": "EXACT", "fields": ["email"], "values": many}]), "search.criteria.values.exceed.limit"),
            (
                json!([{"type": "EXACT", "fields": ["email"], "value": "x".repeat(301)}]),
                "search.criteria.values.exceed.limit",
            ),
            (json!([{"type": "LIKE", "fields": ["email"], "value": "x"}]), "invalid.value"),
            (json!([{"fields": ["email"], "value": "x"}]), "bad.request"),
            (json!([{"type": "EXACT", "value": "x"}]), "bad.request"),
            (json!({}), "bad.request"),
        ] {
            assert_eq!(check(&query).unwrap_err().0, code, "{query}");
        }
    }
}
