//! Listings by page, as the published description has them.

use crate::http::Reply;
use crate::odd::Odd;
use crate::visit::{Visit, stretch};
use serde_json::{Value, json};

/// A page that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) size: usize,
    number: usize,
}

impl Page {
    /// The page of the query. What is larger than `most` is cut without a word.
    pub(super) fn asked(visit: &Visit, most: usize) -> Result<Self, Reply> {
        let number = |name: &str, default: usize| match visit.request.query(name).first() {
            None => Ok(default),
            Some(value) => {
                value.parse().ok().filter(|value| (1..=i32::MAX as usize).contains(value)).ok_or_else(|| {
                    let message = format!("The value of query parameter [{name}] is not valid: {value}");
                    Reply::error(400, "invalid.query.param.value", &message)
                })
            }
        };
        let (size, number) = (number("pageSize", 25)?, number("pageNumber", 1)?);
        Ok(Self { size: size.min(visit.cut(most)), number })
    }

    pub(super) fn of<T: Clone>(self, visit: &Visit, items: &[T]) -> Vec<T> {
        stretch(items, (self.number - 1).saturating_mul(self.size), self.size, visit.has(Odd::Endless))
    }

    /// The listing around `entities`, of so many in all.
    pub(super) fn listing(self, visit: &Visit, total: usize, entities: Vec<Value>) -> Value {
        let endless = visit.has(Odd::Endless) && !entities.is_empty();
        let total = if endless { (self.number + 1) * self.size } else { total };
        let pages = total.div_ceil(self.size);
        let uri = |number: usize| {
            let (path, query) = visit.request.target.split_once('?').unwrap_or((&visit.request.target, ""));
            let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("pageNumber="));
            let query: Vec<String> = kept.map(str::to_owned).chain([format!("pageNumber={number}")]).collect();
            json!(visit.uri(&format!("{path}?{}", query.join("&"))))
        };
        let mut listing = json!({
            "entities": entities, "pageSize": self.size, "pageNumber": self.number, "total": total, "pageCount": pages,
            "firstUri": uri(1), "selfUri": uri(self.number), "lastUri": uri(pages.max(1)),
        });
        if self.number > 1 {
            listing["previousUri"] = uri(self.number - 1);
        }
        if self.number < pages {
            listing["nextUri"] = uri(self.number + 1);
        }
        listing
    }

    /// One page of `items`.
    pub(super) fn reply(self, visit: &Visit, items: &[Value]) -> Reply {
        let entities = self.of(visit, items);
        Reply::json(200, &self.listing(visit, items.len(), entities))
    }
}

/// One page of a list whose pages are found by cursor.
pub(super) fn by_cursor(visit: &Visit, items: &[Value], most: usize) -> Reply {
    let number = |name: &str| visit.request.query(name).first().and_then(|value| value.parse().ok());
    let from: usize = number("after").unwrap_or(0);
    let size = number("pageSize").unwrap_or(25).clamp(1, visit.cut(most));
    let endless = visit.has(Odd::Endless);
    let shown = stretch(items, from, size, endless);
    let path = visit.request.path();
    let uri = |after: usize| json!(visit.uri(&format!("{path}?pageSize={size}&after={after}")));
    let mut body = json!({"entities": shown, "selfUri": uri(from)});
    let next = from + shown.len();
    if (endless && !shown.is_empty()) || next < items.len() {
        body["nextUri"] = uri(next);
    }
    Reply::json(200, &body)
}
