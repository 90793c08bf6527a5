//! Answers that are right and shown wrong.

use crate::http::Reply;
use crate::odd::{Odd, Odds};
use crate::visit::html;
use serde_json::{Value, json};

/// What stands in the place of a value; nothing where it is left out.
type Put = dyn Fn(&Value) -> Option<Value>;

/// Puts an odd value in the place of each of these keys, or takes them away.
fn at_keys(value: &mut Value, keys: &[String], put: &Put) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| at_keys(item, keys, put)),
        Value::Object(fields) => {
            for key in keys {
                if let Some(held) = fields.get(key) {
                    match put(held) {
                        Some(odd) => drop(fields.insert(key.clone(), odd)),
                        None => drop(fields.remove(key)),
                    }
                }
            }
            let others = fields.iter_mut().filter(|(key, _)| !keys.contains(key));
            others.for_each(|(_, value)| at_keys(value, keys, put));
        }
        _ => {}
    }
}

/// The answer as it arrives.
pub(crate) fn spoil(reply: Reply, odds: &mut Odds, call: &str, write: bool) -> Reply {
    if odds.is_empty() || !(200..300).contains(&reply.status) {
        return reply;
    }
    if write && odds.take(Odd::HtmlAfter, call) {
        return html();
    }
    if write && odds.take(Odd::NoContent, call) {
        return Reply { delay: reply.delay, ..Reply::empty(204) };
    }
    if odds.take(if write { Odd::EmptyWrite } else { Odd::EmptyRead }, call) {
        return Reply { delay: reply.delay, ..Reply::empty(200) };
    }
    let mut reply = reply;
    if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
        let whole = body.clone();
        let odd: [(Odd, &Put); 4] = [
            (Odd::Omit, &|_| None),
            (Odd::Array, &|held| Some(json!([held]))),
            (Odd::Text, &|held| Some(json!(held.as_str().map_or_else(|| held.to_string(), str::to_owned)))),
            (Odd::Null, &|_| Some(Value::Null)),
        ];
        for (odd, put) in odd {
            let keys = odds.words(odd, call);
            if keys.is_empty() && odds.has(odd, call) {
                body = put(&body).unwrap_or_default();
            } else if !keys.is_empty() {
                at_keys(&mut body, &keys, put);
            }
        }
        if body != whole {
            reply.body = body.to_string().into_bytes();
        }
    }
    if odds.has(Odd::Bom, call) && !reply.body.is_empty() {
        reply.body.splice(..0, *b"\xef\xbb\xbf");
    }
    if odds.take(Odd::Cut, call) {
        reply.body.truncate(reply.body.len() / 2);
    }
    reply
}
