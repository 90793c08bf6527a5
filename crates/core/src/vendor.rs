//! What a vendor is to Paceline: words and meanings, never a socket.
//!
//! A [`Vendor`] builds [`Request`]s and reads [`Answer`]s. It never sends one.

use crate::desired::Row;
use crate::pace::{Quota, Scope};
use crate::plan::{Change, ChangeKey};
use crate::user::{UserId, UserKey, Version};
use crate::validate::Table;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

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
    /// It writes, and may be sent again after a lost answer: a version guards it, or it sets the same values again.
    Write,
    /// It writes, and after a lost answer its users are read before it is sent again.
    WriteOnce,
}

/// One HTTP request to a vendor's API, without host and token.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
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

/// A request for an access token.
#[derive(Debug, Clone)]
pub struct Grant {
    /// HTTP Basic's user and password, where the grant uses it.
    pub basic: Option<(String, SecretString)>,
    /// The form, in order. Values may be secrets.
    pub form: Vec<(&'static str, SecretString)>,
}

/// An HTTP answer, read whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The values of a header, by its lower-case name.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + Clone + 'a {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, where it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Who asks for a token.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The OAuth client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// What the token endpoint's answer means.
#[derive(Debug)]
pub enum TokenVerdict {
    /// A token, and the seconds it lives where the answer says.
    Granted {
        /// The access token.
        token: SecretString,
        /// Its life in seconds.
        expires_in: Option<u64>,
    },
    /// Too many token requests: asked again later.
    Throttled(Refusal),
    /// The endpoint is in trouble: asked again later.
    Transient(Refusal),
    /// These credentials, in this form, get none.
    Refused(Refusal),
    /// That was no token endpoint.
    NotOAuth(Refusal),
}

/// What a vendor said when it did not do what was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The vendor's code, or Paceline's own (`timeout`, `not.found`).
    pub code: Option<String>,
    /// What was wrong.
    pub message: Option<String>,
    /// The vendor's id of the request.
    pub correlation_id: Option<String>,
}

impl Refusal {
    /// One of Paceline's own.
    pub fn own(code: &str, message: impl Into<String>) -> Self {
        Self { code: Some(code.into()), message: Some(message.into()), ..Self::default() }
    }

    /// One line for people: status, code and message, as far as they are known.
    pub fn line(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let parts = [status, self.code.clone(), self.message.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What one answer means for the change it was about. The variants' docs are the retry policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done. The user's new version, where the answer has one.
    Applied {
        /// The version after the write.
        version: Option<Version>,
    },
    /// We are going too fast. Sent again after the pause; spends no attempt.
    Throttled(Scope),
    /// The vendor is in trouble. Sent again after a backoff, `max_retries` times.
    Transient,
    /// The version was stale, or the value is somebody else's. The user is read back before anything is sent.
    Conflict,
    /// Refused for what it asks: the row's failure. Never sent again. A batch is halved until the guilty stand alone.
    Rejected,
    /// Refused for a right that every row needs: where nobody gets through, the run halts.
    Forbidden,
    /// The token was refused. With `renew`, one fresh token and one more attempt; without, the run halts.
    Unauthorized {
        /// Whether a fresh token may help.
        renew: bool,
    },
}

/// A user as the vendor shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its version, where the vendor has one.
    pub version: Option<Version>,
    /// Everything that was read.
    pub record: Value,
}

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
        list.by_name.entry(item.name.trim().to_lowercase()).or_default().push(at);
        list.items.push(item);
    }

    /// The object that a roster names: by id, by its exact name, or by its name without case.
    ///
    /// # Errors
    /// Where there is none (with the nearest names), or several.
    pub fn resolve(&self, list: &str, text: &str) -> Result<&Named, Refusal> {
        let found = self.lists.get(list);
        if let Some(item) = found.and_then(|found| Some(&found.items[*found.by_id.get(text)?])) {
            return Ok(item);
        }
        let hits: Vec<&Named> = found
            .and_then(|found| Some(found.by_name.get(&text.trim().to_lowercase())?.iter().map(|at| &found.items[*at])))
            .map(Iterator::collect)
            .unwrap_or_default();
        let exact: Vec<&Named> = hits.iter().copied().filter(|item| item.name == text).collect();
        match (&exact[..], &hits[..]) {
            ([one], _) | (_, [one]) => Ok(one),
            (_, []) => {
                let names = found.map(|found| found.items.iter().map(|item| item.name.as_str()));
                let near = names.and_then(|names| crate::validate::nearest(text, names));
                let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                Err(Refusal::own("unknown.name", format!("no {list} is called `{text}`{near}")))
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

/// What a vendor is called and what it publishes.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its columns.
    pub table: Table,
    /// The published quota of a token, before `--share`.
    pub quota: Quota,
    /// Users a call can read.
    pub read_width: usize,
    /// What a plan warns of: a field, the value that is meant (any where it is `None`), and why.
    pub warnings: &'static [(&'static str, Option<&'static str>, &'static str)],
    /// The columns of an export where none are asked for.
    pub export_columns: &'static [&'static str],
}

/// One vendor's words. Implemented in `paceline-vendors`; the engine knows nothing else of a vendor.
pub trait Vendor: Send + Sync + Debug {
    /// What it is called and what it publishes.
    fn facts(&self) -> &Facts;

    /// The request for a token, in the `form`th way that this vendor takes one (0 is the documented one); `None`
    /// where there are no more ways.
    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant>;

    /// What the token endpoint's answer means.
    fn token(&self, answer: &Answer) -> TokenVerdict;

    /// A harmless call that shows that a token works.
    fn whoami(&self) -> Request;

    /// What [`Vendor::whoami`]'s answer says of the tenant, for people.
    fn tenant(&self, answer: &Answer) -> Option<String>;

    /// The call that tells the token's quota, where there is one.
    fn quota_request(&self) -> Option<Request>;

    /// The quota that it tells.
    fn quota(&self, answer: &Answer) -> Option<Quota>;

    /// The tenant's lists whose names these columns use.
    fn lists(&self, columns: &BTreeSet<String>) -> Vec<&'static str>;

    /// One page of a list: the first, or the one that the last one pointed to.
    fn list(&self, list: &str, next: Option<&str>) -> Request;

    /// What a page holds, and where the next one is.
    fn listed(&self, answer: &Answer) -> Result<(Vec<Named>, Option<String>), Refusal>;

    /// The columns that name other users by e-mail.
    fn people(&self) -> &'static [&'static str];

    /// A read of what one user's other reads leave out and these columns need, and the key that its answer is kept at.
    fn read_more(&self, user: &UserId, columns: &BTreeSet<String>) -> Option<(Request, &'static str)>;

    /// Finds users by a key that is not the id, many a call.
    fn find(&self, keys: &[UserKey]) -> Request;

    /// The users found: for each what [`UserKey::value`] must equal, case aside, and the id.
    fn found(&self, answer: &Answer) -> Result<Vec<(String, UserId)>, Refusal>;

    /// Reads users, at most [`Facts::read_width`], with what `columns` need.
    fn read(&self, users: &[UserId], columns: &BTreeSet<String>) -> Request;

    /// One page of all users, of this state where it is given, with what `columns` need.
    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: u32) -> Request;

    /// Whether another page of users follows.
    fn more_follow(&self, answer: &Answer) -> bool;

    /// What a user holds in a column, as a JSON roster writes it; `null` where it is empty or not known.
    fn value(&self, user: &User, column: &str) -> Value;

    /// The users that were read. A user that is not there does not exist.
    fn users(&self, answer: &Answer) -> Result<Vec<User>, Refusal>;

    /// The changes that make `user` what `row` asks, none where it is already.
    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal>;

    /// The changes that take `change` back.
    fn undo(&self, change: &Change) -> Vec<Change>;

    /// Changes of this one's stage and group that a call may carry.
    fn width(&self, change: &Change) -> usize;

    /// The change that sends the row's fields as they are (`--blind`).
    fn blind(&self, row: &Row, user: UserId) -> Change {
        Change {
            key: ChangeKey { stage: 0, group: String::new(), row: row.number },
            kind: BLIND.into(),
            user,
            before: Map::new(),
            after: row.fields.clone(),
            columns: row.fields.keys().cloned().collect(),
            version: None,
        }
    }

    /// What `user` holds now of what `change` touches, as [`Change::after`] writes it.
    fn holds(&self, change: &Change, user: &User) -> Map<String, Value>;

    /// The call that carries these changes, all of one stage and group.
    fn call(&self, changes: &[Change]) -> Request;

    /// What an answer to any call but the token's means.
    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict;

    /// Whether this change's answer only says that it will be made (202): it is read back once in the end.
    fn is_asynchronous(&self, change: &Change) -> bool;

    /// What an answer that is no refusal as a whole says of each change, where it tells them apart.
    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Result<(), Refusal>>>;

    /// What the vendor said when it refused.
    fn refusal(&self, answer: &Answer) -> Refusal;
}

/// The field of a row that holds the changes to take back, in a run that undoes another.
pub const UNDO: &str = "undo";

/// The kind of a change that was planned without reading its user.
pub const BLIND: &str = "blind";
