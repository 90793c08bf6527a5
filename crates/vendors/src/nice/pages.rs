//! Where is a page of a list, and what follows it? Lists are counted by `skip`; the server may cut a page smaller than it
//! was asked for, so what follows is counted from what came.

use super::limits;
use super::need::{AGENT, SKILLS};
use super::wire::{get, not_understood};
use crate::http::number;
use paceline_core::vendor::{Answer, Part, Refusal};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A page of a list. Its name is `SKIP/TOP/PAGES/SEEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// Where it begins.
    pub(super) skip: usize,
    /// Rows that are asked for.
    pub(super) top: usize,
    /// Pages before it.
    pages: usize,
    /// What the page before it held: where this one holds the same, the list does not go on.
    seen: u64,
}

impl At {
    /// The page of that name; the first where there is none.
    pub(super) fn of(page: Option<&str>, top: usize) -> Self {
        let page = page.map(|page| page.rsplit(':').next().unwrap_or(page)).unwrap_or_default();
        let mut parts = page.split('/');
        let mut next = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let count = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
        let skip = count(next()).unwrap_or(0);
        let top = count(next()).unwrap_or(top).clamp(1, top.max(1));
        Self { skip, top, pages: count(next()).unwrap_or(0), seen: next().unwrap_or(0) }
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        format!("{}/{}/{}/{}", self.skip, self.top, self.pages, self.seen)
    }

    /// The page after this one, which held `items`; `None` where the list ends: nothing came, nothing more is told of, or
    /// what came is what the page before held.
    ///
    /// # Errors
    /// Where the list never ends.
    pub(super) fn next(self, answer: &Answer, items: &[Value]) -> Result<Option<Self>, Refusal> {
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return Ok(None) };
        let body = answer.json_or_null();
        let skip = self.skip.saturating_add(items.len());
        let total = number(get(body, "totalRecords")).and_then(|total| usize::try_from(total).ok());
        let linked = get(get(body, "_links"), "next").as_str().is_some_and(|next| !next.is_empty());
        let more = linked || total.map_or(items.len() >= self.top, |total| skip < total);
        let seen = fingerprint(items.len(), first, last);
        if !more || (self.pages > 0 && self.seen == seen) {
            return Ok(None);
        }
        if self.pages >= limits::PAGES.most {
            return Err(not_understood(
                answer,
                format!("the list does not end: {skip} records in {} pages", limits::PAGES.most),
            ));
        }
        Ok(Some(Self { skip, pages: self.pages + 1, seen, ..self }))
    }

    /// The page that begins here and holds fewer; `None` where it cannot be smaller.
    pub(super) fn smaller(self) -> Option<Self> {
        (self.top > limits::LEAST_PAGE.most).then(|| Self { top: (self.top / 2).max(limits::LEAST_PAGE.most), ..self })
    }
}

/// The page of a part's list.
pub(super) fn at(part: Part, page: Option<&str>) -> At {
    At::of(page, if matches!(part, AGENT | SKILLS) { limits::ADMIN_PAGE.most } else { limits::HUB_PAGE.most })
}

const ACTIVE: &str = "active";
const INACTIVE: &str = "inactive";

/// Whether a page is of the active agents' skills: those come first.
pub(super) fn is_of_active(page: Option<&str>) -> bool {
    page.is_none_or(|page| !page.starts_with(INACTIVE))
}

/// The name of a page of everybody's skills.
pub(super) fn skills_page(active: bool, at: At) -> String {
    format!("{}:{}", if active { ACTIVE } else { INACTIVE }, at.name())
}

fn fingerprint(count: usize, first: &Value, last: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    (count, first.to_string(), last.to_string()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn walk(top: usize, page: impl Fn(At) -> Value) -> Result<usize, Refusal> {
        let mut at = At::of(None, top);
        let mut rows = 0;
        for _ in 0..30_000 {
            let answer = Answer::new(200, vec![], page(at).to_string().into_bytes());
            let items = answer.json_or_null()["rows"].as_array().cloned().unwrap_or_default();
            rows += items.len();
            match at.next(&answer, &items)? {
                Some(next) => at = At::of(Some(&next.name()), top),
                None => return Ok(rows),
            }
        }
        unreachable!("the list never ends")
    }

    #[test]
    fn every_page_is_read_however_small_the_server_cuts_it() {
        let rows = |from: usize, to: usize| (from..to.max(from)).map(|id| json!({"id": id})).collect::<Vec<_>>();
        for cut in [1, 7, 100, 5_000] {
            let page = |at: At| rows(at.skip, (at.skip + cut.min(at.top)).min(730));
            assert_eq!(walk(1_000, |at| json!({"totalRecords": "730", "rows": page(at)})), Ok(730), "{cut}");
            let linked = |at: At| if at.skip + cut.min(at.top) < 730 { "?skip=" } else { "" };
            assert_eq!(walk(1_000, |at| json!({"_links": {"next": linked(at)}, "rows": page(at)})), Ok(730), "{cut}");
        }
        // Neither a total nor a link: a full page is followed.
        assert_eq!(walk(100, |at| json!({"rows": rows(at.skip, (at.skip + at.top).min(250))})), Ok(250));
    }

    #[test]
    fn a_list_that_never_ends_is_bounded() {
        let same = |_: At| json!({"totalRecords": 1_000_000_000, "rows": [{"id": 1}]});
        assert_eq!(walk(1_000, same), Ok(2), "a page that brings nobody new ends it");
        let ever_new = |at: At| json!({"totalRecords": 1_000_000_000, "rows": [{"id": at.skip}]});
        assert!(walk(1_000, ever_new).unwrap_err().message.unwrap().contains("does not end"));
        assert_eq!(walk(1_000, |_| json!({"totalRecords": -1, "rows": []})), Ok(0));
    }

    #[test]
    fn a_page_that_was_too_large_begins_where_it_began_and_shrinks_to_a_floor() {
        let mut at = At::of(Some("3000/1000/3/77"), 1_000);
        let mut tops = vec![];
        while let Some(smaller) = at.smaller() {
            assert_eq!((smaller.skip, smaller.pages, smaller.seen), (3_000, 3, 77));
            tops.push(smaller.top);
            at = At::of(Some(&smaller.name()), 1_000);
        }
        assert_eq!(tops, [500, 250, 125, 62, 31, 25]);
    }

    #[test]
    fn a_strange_name_is_a_page_all_the_same() {
        for name in ["", "/", "x/y/z", "99999999999999999999999/0", "active:5/0", "💥"] {
            let at = At::of(Some(name), 1_000);
            assert!((1..=1_000).contains(&at.top), "{name}");
        }
    }
}
