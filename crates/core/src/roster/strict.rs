//! JSON as a roster may have it: no key twice, no list without end.
//!
//! serde_json keeps the last of two equal keys; a person who wrote both meant both.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::{Cell, RefCell};
use std::fmt;

/// Items that a list of a row may have, in a cell or in JSON.
pub const LONGEST_LIST: usize = 10_000;
/// Values that a row's JSON may hold, nested ones counted: more is no row.
const MOST_VALUES: usize = 250_000;
/// What is told of one text.
const TOLD: usize = 100;

/// Something in a JSON text that is not to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The key, dotted from the text's top.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a JSON value. Keys that are there twice and lists without end are told; of both the first is kept.
///
/// # Errors
/// Where the text is not JSON.
pub fn strict(text: &[u8]) -> Result<(Value, Vec<Trouble>), serde_json::Error> {
    let notes = Notes { found: RefCell::default(), values: Cell::new(0) };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Seed { notes: &notes, path: None }.deserialize(&mut reader)?;
    reader.end()?;
    Ok((value, notes.found.into_inner()))
}

struct Notes {
    found: RefCell<Vec<Trouble>>,
    values: Cell<usize>,
}

impl Notes {
    fn tell(&self, key: String, message: String) {
        let mut found = self.found.borrow_mut();
        let trouble = Trouble { key, message };
        if found.len() < TOLD && !found.contains(&trouble) {
            found.push(trouble);
        }
    }
}

/// Where in the text a value is.
struct Path<'a> {
    before: Option<&'a Path<'a>>,
    key: &'a str,
}

fn dotted(path: Option<&Path<'_>>) -> String {
    let mut keys = vec![];
    let mut at = path;
    while let Some(Path { before, key }) = at {
        keys.push(*key);
        at = *before;
    }
    keys.reverse();
    keys.join(".")
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    notes: &'a Notes,
    path: Option<&'a Path<'a>>,
}

impl Seed<'_> {
    /// Whether one more value may be kept.
    fn room(&self) -> bool {
        let values = self.notes.values.get() + 1;
        self.notes.values.set(values);
        if values == MOST_VALUES + 1 {
            self.notes.tell(dotted(self.path), format!("the row holds more than {MOST_VALUES} values"));
        }
        values <= MOST_VALUES
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // Beyond 64 bits serde_json rounds: an id or telephone number would become another.
        if value.abs() >= 9e18 {
            self.notes.tell(dotted(self.path), format!("the number {value} has lost digits: write it in quotes"));
        }
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = vec![];
        while let Some(item) = access.next_element_seed(self)? {
            if list.len() == LONGEST_LIST {
                self.notes.tell(dotted(self.path), format!("the list has more than {LONGEST_LIST} items"));
            } else if self.room() {
                list.push(item);
            }
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = Path { before: self.path, key: &key };
            let value = access.next_value_seed(Seed { notes: self.notes, path: Some(&path) })?;
            if object.contains_key(&key) {
                self.notes.tell(dotted(Some(&path)), "the key is there twice".into());
            } else if self.room() {
                object.insert(key, value);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_that_is_there_twice_is_told_wherever_it_is() {
        let text = br#"{"id": "a", "updates": {"title": "A", "title": "B", "list": [{"x": 1, "x": 1}]}, "id": "b"}"#;
        let (value, troubles) = strict(text).unwrap();
        let keys: Vec<&str> = troubles.iter().map(|trouble| trouble.key.as_str()).collect();
        assert_eq!(keys, ["updates.title", "updates.list.x", "id"]);
        assert_eq!((value["id"].as_str(), value["updates"]["title"].as_str()), (Some("a"), Some("A")));
    }

    #[test]
    fn a_list_without_end_is_told_and_cut() {
        let long = format!("[{}1]", "0,".repeat(LONGEST_LIST + 5));
        let (value, troubles) = strict(long.as_bytes()).unwrap();
        assert_eq!((value.as_array().map(Vec::len), troubles.len()), (Some(LONGEST_LIST), 1));
        let nested = format!("[{}[]]", format!("[{}1],", "0,".repeat(9_000)).repeat(100));
        let (_, troubles) = strict(nested.as_bytes()).unwrap();
        assert_eq!(troubles[0].message, "the row holds more than 250000 values");
    }

    #[test]
    fn a_number_that_would_be_rounded_is_told() {
        let text = br#"{"a": 18446744073709551615, "b": 123456789012345678901234567890, "c": 0.5}"#;
        let (value, troubles) = strict(text).unwrap();
        assert_eq!(
            (value["a"].to_string().as_str(), troubles.len(), &*troubles[0].key),
            ("18446744073709551615", 1, "b")
        );
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in ["{", "nope", "{} {}", "[1,]", "NaN", ""] {
            assert!(strict(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn other_json_is_read_as_serde_json_reads_it(list in proptest::collection::vec((".*", proptest::num::i64::ANY, ".*"), 0..8)) {
            let value: Value = list.into_iter().map(|(key, number, text)| (key, serde_json::json!([number, text, null, true, 0.5]))).collect::<Map<_, _>>().into();
            let (read, troubles) = strict(value.to_string().as_bytes()).unwrap();
            prop_assert!(troubles.is_empty());
            prop_assert_eq!(read, value);
        }
    }
}
