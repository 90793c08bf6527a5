//! A vendor of a hundred lines that keeps a log and lets a test step in, for what the sandbox is too kind to do.

use crate::stage::new_run;
use paceline_core::desired::Row;
use paceline_core::user::UserKey;
use paceline_core::vendor::{Answer, Credentials, Request};
use paceline_engine::{Answering, Clock, Interrupt, Lost, Outgoing, Run, Settings, Target, Tools, Transport};
use paceline_journal::{Roster as _, Sqlite};
use paceline_vendors::by_name;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// What a test does before the vendor does anything; an answer of its own stands in place of the vendor's.
type StepIn = Box<dyn FnMut(&mut Books, &Request) -> Option<Result<Answer, Lost>> + Send>;

/// The vendor's users, and what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) now: Duration,
    pub(crate) users: BTreeMap<String, Value>,
    /// When which request came.
    pub(crate) log: Vec<(Duration, Request)>,
}

impl Books {
    /// Requests of a template that came.
    pub(crate) fn count(&self, template: &str) -> usize {
        self.log.iter().filter(|(_, request)| request.template == template).count()
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        let query = request.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let body = request.body.clone().unwrap_or_default();
        let named = |names: &[&str]| -> Value {
            names.iter().map(|name| json!({"id": name.to_lowercase(), "name": name})).collect()
        };
        let segments: Vec<&str> = path.trim_start_matches("/api/v2/").split('/').collect();
        match (request.method.as_str(), &segments[..]) {
            ("GET", ["users"]) => {
                let ids: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("id=")).collect();
                let found: Vec<&Value> = ids.iter().filter_map(|id| self.users.get(*id)).collect();
                json_answer(200, &json!({"entities": found, "pageNumber": 1, "pageCount": 1}))
            }
            ("GET", ["organizations", "me"]) => json_answer(200, &json!({"id": "org", "name": "Org"})),
            ("GET", ["authorization", "divisions"]) => json_answer(
                200,
                &json!({"entities": named(&["Home", "Sales", "Support"]), "pageNumber": 1, "pageCount": 1}),
            ),
            ("GET", ["routing", "skills"]) => json_answer(
                200,
                &json!({"entities": named(&["Spanish", "French", "Billing"]), "pageNumber": 1, "pageCount": 1}),
            ),
            ("PATCH", ["users", id]) => {
                let Some(user) = self.users.get_mut(*id) else { return refused(404, "not.found") };
                if user["version"] != body["version"] {
                    return refused(409, "general.conflict");
                }
                for (key, value) in body.as_object().into_iter().flatten().filter(|(key, _)| *key != "version") {
                    user[key] = value.clone();
                }
                user["version"] = json!(user["version"].as_i64().unwrap_or(0) + 1);
                json_answer(200, user)
            }
            ("PUT", ["users", id, "routingskills", "bulk"]) => {
                let Some(user) = self.users.get_mut(*id) else { return refused(404, "not.found") };
                let one =
                    |item: &Value| json!({"id": item["id"], "name": item["id"], "proficiency": item["proficiency"]});
                user["skills"] = body.as_array().into_iter().flatten().map(one).collect();
                json_answer(200, &json!({"entities": user["skills"]}))
            }
            ("PATCH", ["users", id, "routingskills", "bulk"]) => {
                let Some(user) = self.users.get_mut(*id) else { return refused(404, "not.found") };
                for item in body.as_array().into_iter().flatten() {
                    let skills = user["skills"].as_array_mut().unwrap();
                    skills.retain(|held| held["id"] != item["id"]);
                    skills.push(json!({"id": item["id"], "name": item["id"], "proficiency": item["proficiency"]}));
                }
                json_answer(200, &json!({"entities": user["skills"]}))
            }
            ("POST", ["authorization", "divisions", division, "objects", "USER"]) => {
                for id in body.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if let Some(user) = self.users.get_mut(id) {
                        user["division"] = json!({"id": division, "name": division});
                    }
                }
                Answer::new(204, vec![], vec![])
            }
            _ => refused(404, "not.found"),
        }
    }
}

pub(crate) fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, vec![("content-type".into(), "application/json".into())], body.to_string().into_bytes())
}

pub(crate) fn refused(status: u16, code: &str) -> Answer {
    json_answer(status, &json!({"status": status, "code": code, "message": code}))
}

pub(crate) fn throttled(seconds: u64) -> Answer {
    let body = json!({"status": 429, "code": "too.many.requests.retry.after"}).to_string();
    Answer::new(429, vec![("retry-after".into(), seconds.to_string())], body.into_bytes())
}

/// The vendor in the network's place.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) clock: Clock,
    books: Arc<Mutex<Books>>,
    step_in: Arc<Mutex<StepIn>>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// Users `u1`, `u2` … of the division Home.
    pub(crate) fn new(
        users: usize,
        step_in: impl FnMut(&mut Books, &Request) -> Option<Result<Answer, Lost>> + Send + 'static,
    ) -> Self {
        let user = |id: &String| {
            json!({"id": id, "version": 1, "title": "Agent", "division": {"id": "home", "name": "Home"},
                "skills": [{"id": "spanish", "name": "Spanish", "proficiency": 3.0}]})
        };
        let users = (1..=users).map(|number| format!("u{number}")).map(|id| (id.clone(), user(&id))).collect();
        let clock = Clock::start(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let books = Arc::new(Mutex::new(Books { users, ..Books::default() }));
        Self { clock, books, step_in: Arc::new(Mutex::new(Box::new(step_in))) }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// A run in which each of the users is to have these fields.
    pub(crate) async fn run(&self, settings: Settings, fields: Value) -> Run {
        self.run_each(settings, |_| fields.clone()).await
    }

    /// A run in which the user of each number is to have fields of its own.
    pub(crate) async fn run_each(&self, settings: Settings, fields: impl Fn(usize) -> Value) -> Run {
        let users = self.books().users.len();
        let fields = |number: usize| fields(number).as_object().cloned().unwrap();
        let columns: BTreeSet<String> =
            (1..=users).flat_map(|number| fields(number).into_iter().map(|(key, _)| key)).collect();
        let mut rows = (1..=users).map(|number| Row {
            number: number as u64,
            line: number as u64 + 1,
            key: UserKey::id(format!("u{number}")),
            fields: fields(number),
        });
        let mut journal = Sqlite::temporary(&new_run()).unwrap();
        journal.import(&mut || rows.next()).unwrap();
        let tools = Tools {
            vendor: Arc::from(by_name("genesys", None).unwrap()),
            transport: Arc::new(self.clone()),
            credentials: Credentials::client("client", SecretString::from("secret-0123456789")),
            clock: self.clock,
            interrupt: Interrupt::new(),
            events: Arc::new(|_| {}),
            seed: 7,
        };
        Run::begin(tools, settings, Box::new(journal), columns).await.unwrap()
    }
}

impl Transport for Fake {
    fn send(&self, outgoing: Outgoing) -> Answering<'_> {
        Box::pin(async move {
            let way = Duration::from_millis(10);
            self.clock.until(self.clock.now() + way).await;
            let Target::Api { request, .. } = outgoing.target else {
                return Ok(json_answer(200, &json!({"access_token": "token-0123456789", "expires_in": 86400})));
            };
            let result = {
                let mut books = self.books();
                books.now = self.clock.now();
                let now = books.now;
                books.log.push((now, request.clone()));
                let own = (self.step_in.lock().unwrap())(&mut books, &request);
                own.unwrap_or_else(|| Ok(books.answer(&request)))
            };
            self.clock.until(self.clock.now() + way).await;
            result
        })
    }
}
