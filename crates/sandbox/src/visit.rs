//! What a tenant is told with a request, and the pages that it answers with.

use crate::http::{Reply, Request};
use crate::odd::{Odd, Odds};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A request at its time, and what it may meet.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) now: Duration,
    pub(crate) request: &'a Request,
    /// Method and path template.
    pub(crate) call: &'a str,
    /// What the limits call tells.
    pub(crate) told: Option<u32>,
    /// Users that are refused.
    pub(crate) faulty: &'a BTreeMap<String, u16>,
    pub(crate) odds: &'a mut Odds,
    pub(crate) applied: &'a mut BTreeMap<String, u64>,
}

impl Visit<'_> {
    pub(crate) fn has(&self, odd: Odd) -> bool {
        self.odds.has(odd, self.call)
    }

    pub(crate) fn take(&mut self, odd: Odd) -> bool {
        self.odds.take(odd, self.call)
    }

    /// Whether what is written of a field or list is stored.
    pub(crate) fn stores(&self, field: &str) -> bool {
        !self.odds.covers(Odd::NotStored, self.call, field)
    }

    /// What is stored of a value that is written.
    pub(crate) fn normal(&self, field: &str, value: Value) -> Value {
        match value.as_str() {
            Some(text) if self.odds.covers(Odd::Normalises, self.call, field) => json!(text.to_uppercase()),
            _ => value,
        }
    }

    /// Counts a write to a user.
    pub(crate) fn applied(&mut self, id: &str) {
        *self.applied.entry(id.to_owned()).or_default() += 1;
    }

    /// An absolute URI of what stands at `path` here.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.request.base())
    }

    /// Whether a target, by id or name, is gone when it is written to.
    pub(crate) fn gone(&self, id: &str, name: &str) -> bool {
        self.odds.words(Odd::Gone, self.call).iter().any(|gone| gone.eq_ignore_ascii_case(name) || gone == id)
    }

    /// Whether so many users are more than a call may carry today.
    pub(crate) fn too_wide(&self, users: usize) -> bool {
        self.odds.number(Odd::Width, self.call).is_some_and(|most| users > most)
    }

    /// The status of what finds nobody, where it is not the usual one.
    pub(crate) fn nobody(&self) -> Option<u16> {
        self.odds.number(Odd::Nobody, self.call).and_then(|status| u16::try_from(status).ok())
    }

    /// So many at most, where pages are cut.
    pub(crate) fn cut(&self, most: usize) -> usize {
        self.odds.number(Odd::SmallPages, self.call).map_or(most, |small| small.min(most)).max(1)
    }
}

/// A stretch of a list: from here, so many; of a list without end, it goes round.
pub(crate) fn stretch<T: Clone>(items: &[T], from: usize, most: usize, endless: bool) -> Vec<T> {
    if endless && !items.is_empty() {
        return items.iter().cycle().skip(from % items.len()).take(most.min(items.len())).cloned().collect();
    }
    items.iter().skip(from).take(most).cloned().collect()
}

/// Whether a text is a boolean, in any case.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A page in HTML, as what stands in between shows.
pub(crate) fn html() -> Reply {
    let body = b"<!DOCTYPE html><html><head><title>Blocked</title></head><body>This page is blocked.</body></html>";
    let headers = vec![("content-type".into(), "text/html; charset=utf-8".into())];
    Reply { headers, body: body.to_vec(), ..Reply::empty(200) }
}
