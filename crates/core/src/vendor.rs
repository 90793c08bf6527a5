//! What a vendor is to Paceline: words and meanings, never a socket.
//!
//! A [`Vendor`] builds [`Request`]s and reads [`Answer`]s. It never sends one.

use crate::desired::Row;
use crate::pace::{Quota, Scope};
use crate::plan::{Change, ChangeKey, Guard};
use crate::user::{UserId, Version};
use crate::validate::{Table, comma_list_hint, fold};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
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

/// Where a tenant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Base URL of the API.
    pub base_url: String,
    /// Base URL of the other API, of a vendor that has two.
    pub second_url: Option<String>,
    /// URL of the token endpoint.
    pub auth_url: String,
}

/// What is given to find a tenant with.
#[derive(Debug, Clone, Default)]
pub struct Clues {
    /// The region, as its vendor or AWS names it.
    pub region: Option<String>,
    /// Who issues tokens, for a vendor whose hosts are discovered.
    pub issuer: Option<String>,
    /// URL of the token endpoint, where it is said.
    pub auth_url: Option<String>,
    /// Whether an access key comes without a client.
    pub key_alone: bool,
}

/// A step of finding out where a tenant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// This document is read, without a token.
    Document(String),
    /// The token endpoint at this URL is asked, and its whole answer read.
    Token(String),
    /// Found.
    Found(Hosts),
    /// It cannot be told; the names of regions that there are.
    Unknown(Vec<&'static str>),
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

/// A request for an access token.
#[derive(Debug, Clone)]
pub struct Grant {
    /// HTTP Basic's user and password, where the grant uses it.
    pub basic: Option<(String, SecretString)>,
    /// The fields of the body, in order. Values may be secrets.
    pub fields: Vec<(&'static str, SecretString)>,
    /// Whether they are a JSON object; else a form, as RFC 6749 has it.
    pub json: bool,
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

/// Who asks for a token.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The OAuth client's id; empty where an access key comes without one.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// A user's access key and its secret, of a vendor that has such.
    pub access_key: Option<(String, SecretString)>,
}

impl Credentials {
    /// An OAuth client's.
    pub fn client(id: impl Into<String>, secret: SecretString) -> Self {
        Self { client_id: id.into(), client_secret: secret, access_key: None }
    }

    /// What must not be told to anybody.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.client_secret).chain(self.access_key.as_ref().map(|(_, secret)| secret))
    }

    /// Who it is, for people.
    pub fn name(&self) -> &str {
        self.access_key.as_ref().map_or(&self.client_id, |(id, _)| id)
    }
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
        /// What the next one is had with, where the answer has such.
        refresh: Option<SecretString>,
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

    /// There is no such user.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: Some(404), ..Self::own("not.found", message) }
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
    /// The same, and the vendor has too much to do: our pace is cut as by a throttle.
    Overloaded,
    /// The version was stale, or somebody wrote at the same time. The user is read back before anything is sent: a
    /// refusal that spoke of no version after all is the row's.
    Conflict,
    /// A 2xx whose body is not the API's (a proxy's page, no JSON where JSON is due): a read is repeated within its
    /// bounds; after a write its users are read back, and where nobody gets through the run halts.
    NotTheApi,
    /// Refused for what it asks: the row's failure. Never sent again. A batch is narrowed down until the culprits stand alone.
    Rejected,
    /// Refused for a right that every row needs: where nobody gets through, the run halts.
    Forbidden,
    /// The token was refused. With `renew`, one fresh token and one more attempt; without, the run halts.
    Unauthorized {
        /// Whether a fresh token may help.
        renew: bool,
        /// Whether the vendor says the same of what a call asks for: then it is the row's where a fresh token does not
        /// help and nobody else is refused.
        may_be_the_rows: bool,
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

/// The parts of a user's record that were read: all records that came for its key, by part.
pub type Found = BTreeMap<Part, Vec<Value>>;

/// A part of a user's record that has a read of its own.
pub type Part = &'static str;

/// What is to be read next of a row's user.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// This part, by this key.
    Read(Part, String),
    /// Nothing more.
    Known(Box<User>),
}

/// What a read of a part has brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Records and the keys that they were asked by. A key's case does not matter.
    pub records: Vec<(String, Value)>,
    /// What follows.
    pub more: More,
}

/// What follows a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum More {
    /// Nothing.
    #[default]
    No,
    /// Whoever is missing is on another page: asked for again.
    Again,
    /// The page of that name.
    Page(String),
}

/// What the body of an answer that is no refusal as a whole bears out of one of its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Each {
    /// It is made.
    Made,
    /// The vendor makes it in its own time (202), or shows late that it has: its user is read back in the end, after pauses
    /// that grow.
    Accepted,
    /// It is not, by name.
    Refused(Refusal),
    /// The body does not bear it out (`not.applied`: other values than were sent, an empty answer where the record is
    /// due, a count of errors without items): its user is read back once, and what is seen there counts.
    Doubtful(Refusal),
}

/// Whose users they are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tenant {
    /// The vendor's id of it.
    pub id: String,
    /// Its name for people; the id where it has none.
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

/// What a vendor is called and what it publishes.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its columns.
    pub table: Table,
    /// The published quota of a token, before `--share`; our own ceiling where none is published.
    pub quota: Quota,
    /// Whether the vendor publishes it. Our own guess is halved at a throttle, and so are the calls in flight.
    pub quota_is_published: bool,
    /// Percent of it that a run takes unless it is told otherwise.
    pub share: u32,
    /// Calls in flight unless a run is told otherwise.
    pub max_concurrent: u32,
    /// What a plan tells of the vendor, once.
    pub note: Option<&'static str>,
    /// Columns whose values decide what is read besides the users. Lists are told as JSON.
    pub valued: &'static [&'static str],
    /// Parts of a user's record, in the order in which one leads to the next.
    pub parts: &'static [Part],
    /// What a plan warns of: a field, the value that is meant (any where it is `None`), and why.
    pub warnings: &'static [(&'static str, Option<&'static str>, &'static str)],
    /// The columns of an export where none are asked for.
    pub export_columns: &'static [&'static str],
    /// Environment variables that hold an OAuth client's id, its secret, an access key's id and its secret.
    pub variables: [&'static [&'static str]; 4],
    /// The environment variable that names a region, where the vendor's own tools have one.
    pub region_variable: Option<&'static str>,
    /// What to say where it is not known where the tenant is.
    pub hosts_hint: &'static str,
}

/// What a roster uses, as far as it bears on what is read for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Uses {
    /// Its columns.
    pub columns: BTreeSet<String>,
    /// The columns that its rows name their users by.
    pub keys: BTreeSet<String>,
    /// Its rows that are not ended.
    pub rows: u64,
    /// The different values that it has in [`Facts::valued`]; an undo's are the groups of its changes of that kind.
    pub values: BTreeMap<String, BTreeSet<String>>,
    /// Whether it takes another run back: its objects are known by their ids.
    pub undo: bool,
    /// Whether deleted users may be edited, where the roster has a column `state` to restore them by.
    pub include_deleted: bool,
}

/// One vendor's words. Implemented in `paceline-vendors`; the engine knows nothing else of a vendor.
pub trait Vendor: Send + Sync + Debug {
    /// What it is called and what it publishes.
    fn facts(&self) -> &Facts;

    /// The next step to find the tenant, after these documents.
    ///
    /// # Errors
    /// Where a document is not what it should be.
    fn lookup(&self, clues: &Clues, documents: &[Value]) -> Result<Lookup, Refusal>;

    /// The request for a token, in the `form`th way that this vendor takes one (0 is the documented one); `None`
    /// where there are no more ways.
    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant>;

    /// The request for the next token by what came with the last one; `None` where the vendor has no such.
    fn refresh(&self, _credentials: &Credentials, _refresh: &SecretString) -> Option<Grant> {
        None
    }

    /// What the token endpoint's answer means.
    fn token(&self, answer: &Answer) -> TokenVerdict;

    /// A harmless call that shows that a token works.
    fn whoami(&self) -> Request;

    /// What [`Vendor::whoami`]'s answer says of the tenant; `None` where it does not tell.
    fn tenant(&self, answer: &Answer) -> Option<Tenant>;

    /// The call that tells the token's quota, where there is one.
    fn quota_request(&self) -> Option<Request>;

    /// The quota that it tells.
    fn quota(&self, answer: &Answer) -> Option<Quota>;

    /// The tenant's lists that a roster needs.
    fn lists(&self, uses: &Uses) -> Vec<&'static str>;

    /// The lists that a roster needs as is seen once those of [`Vendor::lists`] are read.
    fn further_lists(&self, _uses: &Uses, _names: &Names) -> Vec<String> {
        vec![]
    }

    /// One page of a list: the first, or the one that the last one pointed to.
    fn list(&self, list: &str, next: Option<&str>) -> Request;

    /// Takes in what a page holds; says where the next one is.
    ///
    /// # Errors
    /// Where the answer is no page of it.
    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal>;

    /// The columns that name other users by e-mail, and the part that finds them.
    fn people(&self) -> (&'static [&'static str], Part);

    /// What is to be read next of the user of a row, after these parts. A row that undoes has the change's user for its
    /// key, and its columns are the run's.
    ///
    /// # Errors
    /// Where there is no such user, or several.
    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal>;

    /// Keys that a read of this part takes, where so many wait.
    fn part_width(&self, part: Part, waiting: usize) -> usize;

    /// Reads a part of these users, with what `columns` need: the first page, or the one that the last one named.
    fn read(&self, part: Part, keys: &[String], columns: &BTreeSet<String>, page: Option<&str>) -> Request;

    /// The records that the read of these keys has brought. A key without one does not exist there.
    ///
    /// # Errors
    /// Where the answer is none of this read.
    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal>;

    /// Where the effect of a change is seen: the part of its user, and the key.
    fn seen_in(&self, change: &Change) -> (Part, String);

    /// The user as that part shows it; `None` where there is none any more.
    fn seen(&self, change: &Change, records: &[Value]) -> Option<User>;

    /// Which of a user's records a change is to, of a vendor that has several: told where a row touches more than one.
    fn record_of(&self, _change: &Change) -> Option<&'static str> {
        None
    }

    /// How a change is kept from overwriting somebody.
    fn guard(&self, change: &Change) -> Guard;

    /// Whether a change's call carries the whole record, which [`Vendor::rebase`] takes from the user as it was just read:
    /// a plan does not keep it.
    fn writes_whole(&self, _change: &Change) -> bool {
        false
    }

    /// The change as it is to be sent to the user as it was just read.
    fn rebase(&self, change: Change, user: &User) -> Change {
        Change { version: user.version.or(change.version), ..change }
    }

    /// One page of all users, of this state where it is given, with what `columns` need; and the part that it is of.
    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request);

    /// The page to ask for after this one was refused for its size: the same users begin it, and fewer are on it.
    /// `None` where it cannot be smaller.
    fn smaller_page(&self, _part: Part, _page: Option<&str>) -> Option<String> {
        None
    }

    /// What a user holds in a column, as a JSON roster writes it; `null` where it is empty or not known.
    fn value(&self, user: &User, column: &str) -> Value;

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
            rest: Map::new(),
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

    /// What an answer that is no refusal as a whole bears out of each change; `None` where the description promises
    /// nothing of them: then all are made. A blind change is borne out by any answer of the API's.
    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>>;

    /// Whether [`Vendor::width`] is published. Where it is not, a batch that is refused may be too wide, and nobody in
    /// it to blame.
    fn width_is_published(&self, change: &Change) -> bool;

    /// What the vendor said when it refused.
    fn refusal(&self, answer: &Answer) -> Refusal;
}

/// The field of a row that holds the changes to take back, in a run that undoes another.
pub const UNDO: &str = "undo";

/// The kind of a change that was planned without reading its user.
pub const BLIND: &str = "blind";
