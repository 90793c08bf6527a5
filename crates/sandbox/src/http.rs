//! Requests and answers as values.

use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The path.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    /// The query's values of a name.
    pub fn query(&self, name: &str) -> Vec<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let plus = |value: &str| decode(&value.replace('+', " "));
        pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| plus(value)).collect()
    }

    /// The values of a name whose lists may be written as several or joined by commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let values = self.query(name);
        values.iter().flat_map(|list| list.split(',')).filter(|one| !one.is_empty()).map(str::to_owned).collect()
    }

    /// The scheme and host that it was sent to.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("127.0.0.1"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        let text = String::from_utf8_lossy(&self.body);
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (decode(key), decode(&value.replace('+', " ")))).collect()
    }

    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()?;
        text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    }
}

/// Undoes percent-encoding.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is delivered.
    Delivered,
    /// The connection closes instead.
    Reset,
    /// Nothing ever comes.
    Hang,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
    /// What becomes of it.
    pub fate: Fate,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".into(), "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes(), delay: Duration::ZERO, fate: Fate::Delivered }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { headers: vec![], body: vec![], ..Self::json(status, &Value::Null) }
    }

    /// An error's `contextId` is the correlation id of its answer.
    pub(crate) fn name_context(&mut self, id: &str) {
        if self.status >= 400
            && let Ok(mut body) = serde_json::from_slice::<Value>(&self.body)
            && body.get("contextId").is_some()
        {
            body["contextId"] = json!(id);
            self.body = body.to_string().into_bytes();
        }
    }

    /// Genesys Cloud's error body. Its `contextId` becomes the correlation id of the answer.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({"message": message, "code": code, "status": status, "contextId": "", "details": [], "errors": []}),
        )
    }
}
