//! The tenant's lists: which object does a roster's name mean?

use super::Refusal;
use crate::validate::{comma_list_hint, fold};
use serde_json::Value;
use std::collections::HashMap;

/// An object of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The tenant's lists, read once a run.
#[derive(Debug, Clone, Default)]
pub struct Names {
    lists: HashMap<String, List>,
    notes: HashMap<String, HashMap<String, Vec<Value>>>,
}

#[derive(Debug, Clone, Default)]
struct List {
    items: Vec<Named>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Names {
    /// Adds to a list; names are compared without case.
    pub fn add(&mut self, list: &str, item: Named) {
        let list = self.lists.entry(list.to_owned()).or_default();
        if list.by_id.contains_key(&item.id) {
            return;
        }
        let at = list.items.len();
        list.by_id.insert(item.id.clone(), at);
        list.by_name.entry(fold(&item.name)).or_default().push(at);
        list.items.push(item);
    }

    /// Begins a list of notes, so that one that holds nothing can be told from one that was not read.
    pub fn note_list(&mut self, list: &str) {
        self.notes.entry(list.to_owned()).or_default();
    }

    /// Notes something about a key; keys have no case.
    pub fn note(&mut self, list: &str, key: &str, value: Value) {
        self.notes.entry(list.to_owned()).or_default().entry(key.to_lowercase()).or_default().push(value);
    }

    /// What was noted about a key; `None` where the list was not read.
    pub fn noted(&self, list: &str, key: &str) -> Option<&[Value]> {
        Some(self.notes.get(list)?.get(&key.to_lowercase()).map_or(&[], Vec::as_slice))
    }

    /// The object that a roster names: by id, by its exact name, or by a name that looks the same without case.
    ///
    /// # Errors
    /// Where there is none (with the nearest names), or several.
    pub fn resolve(&self, list: &str, text: &str) -> Result<&Named, Refusal> {
        let found = self.lists.get(list);
        if let Some(item) = found.and_then(|found| Some(&found.items[*found.by_id.get(text)?])) {
            return Ok(item);
        }
        let hits: Vec<&Named> = found
            .and_then(|found| Some(found.by_name.get(&fold(text))?.iter().map(|at| &found.items[*at])))
            .map(Iterator::collect)
            .unwrap_or_default();
        let exact: Vec<&Named> = hits.iter().copied().filter(|item| item.name == text).collect();
        match (&exact[..], &hits[..]) {
            ([one], _) | (_, [one]) => Ok(one),
            (_, []) => {
                let names = found.map(|found| found.items.iter().map(|item| item.name.as_str()));
                let near = names.and_then(|names| crate::validate::nearest(text, names));
                let near = near.map(|near| format!(": did you mean `{near}`?"));
                let is_known = |part: &str| found.is_some_and(|found| found.by_name.contains_key(&fold(part)));
                let hint = comma_list_hint(text, is_known).map(|hint| format!(": {hint}")).or(near).unwrap_or_default();
                Err(Refusal::own("unknown.name", format!("no {list} is called `{text}`{hint}")))
            }
            _ => {
                let ids = hits.iter().map(|item| item.id.as_str()).collect::<Vec<_>>().join(", ");
                Err(Refusal::own(
                    "ambiguous.name",
                    format!("several {list}s are called `{text}`: name one by its id, of {ids}"),
                ))
            }
        }
    }
}
