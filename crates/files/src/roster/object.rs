//! A row of JSON: `{"id": …, "updates": {…}}`.

use paceline_core::desired::{Raw, Record};
use paceline_core::user::Place;
use paceline_core::validate::{Problem, Trouble, strict, type_of};
use serde_json::Value;

const SHAPE: &str = r#"a row is {"id": "…", "updates": {"title": "…"}}"#;

/// The record of a row's JSON text.
pub(super) fn from_text(
    number: u64,
    place: Place,
    text: &[u8],
) -> Result<Result<Record, Vec<Problem>>, serde_json::Error> {
    let (value, troubles) = strict(text)?;
    if troubles.is_empty() {
        return Ok(from_object(number, place, value).map_err(|problem| vec![problem]));
    }
    let problem = |Trouble { key, message }| {
        let place = if key.is_empty() { place.clone() } else { place.column(key) };
        Problem::new(place, message)
    };
    Ok(Err(troubles.into_iter().map(problem).collect()))
}

/// What a JSON error is told with, where it is one that scripts make.
pub(super) fn json_hint(text: &[u8]) -> Option<&'static str> {
    let holds = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    (holds(b"NaN") || holds(b"Infinity"))
        .then_some("`NaN` and `Infinity` are no JSON: write null to clear a field, leave its key out to leave it alone")
}

/// A record of `{"id": …, "updates": {…}}`. Which columns name a user is the vendor's to say: what else stands beside
/// `updates` is told with its row.
fn from_object(number: u64, place: Place, value: Value) -> Result<Record, Problem> {
    let Value::Object(object) = value else {
        return Err(Problem::new(place, format!("the row must be an object, not {}", type_of(&value))).hint(SHAPE));
    };
    let mut columns = vec![];
    let mut updates = None;
    for (key, value) in object {
        match (key.as_str(), value) {
            ("updates", Value::Object(fields)) => updates = Some(fields),
            ("updates", other) => {
                let message = format!("must be an object, not {}", type_of(&other));
                return Err(Problem::new(place.column("updates"), message).hint(SHAPE));
            }
            (_, value) => columns.push((key, Raw::Json(value))),
        }
    }
    let Some(updates) = updates else {
        let odd = columns.iter().find(|(key, _)| !matches!(key.as_str(), "id" | "email"));
        return Err(match odd {
            Some((key, _)) => Problem::new(place.column(key), "does not belong beside `id` and `updates`")
                .hint(format!("{SHAPE}: put it inside `updates`")),
            None => Problem::new(place, "the row has no `updates`").hint(SHAPE),
        });
    };
    let beside = columns.len();
    columns.extend(updates.into_iter().map(|(key, value)| (key, Raw::Json(value))));
    Ok(Record { number, place, columns, beside })
}
