//! A vendor's HTTP as plain values: what is asked, and what was answered. Nothing here sends.

use serde_json::Value;
use std::sync::OnceLock;

/// An HTTP method that a vendor's API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or reads by a body.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether a request changes anything at the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads: repeated without a thought.
    Read,
    /// It writes. Whether it may be sent again after a lost answer is its changes' guard's to say.
    Write,
}

/// Which of a vendor's hosts a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The API's.
    Base,
    /// The other one, of a vendor whose API is on two.
    Second,
}
/// One HTTP request to a vendor's API, without host and token.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The host.
    pub host: Host,
    /// The method.
    pub method: Method,
    /// Method and path template: what a service's own limit is counted by.
    pub template: &'static str,
    /// Path and query, encoded.
    pub target: String,
    /// The JSON body, where there is one.
    pub body: Option<Value>,
    /// Whether it writes.
    pub effect: Effect,
}

/// An HTTP answer, read whole.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The body as JSON: a large one is parsed once, whoever asks.
    parsed: OnceLock<Option<Value>>,
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        (self.status, &self.headers, &self.body) == (other.status, &other.headers, &other.body)
    }
}

impl Answer {
    /// An answer as it came.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body, parsed: OnceLock::new() }
    }

    /// The body's bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The values of a header, by its lower-case name.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + Clone + 'a {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, where it is. A byte order mark, which gateways put there, is no part of it.
    pub fn json(&self) -> Option<&Value> {
        let parse = || serde_json::from_slice(self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body)).ok();
        self.parsed.get_or_init(parse).as_ref()
    }

    /// The body as JSON; `null` where it is none.
    pub fn json_or_null(&self) -> &Value {
        static NULL: Value = Value::Null;
        self.json().unwrap_or(&NULL)
    }
}
