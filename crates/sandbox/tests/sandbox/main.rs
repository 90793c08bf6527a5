//! Requests in, answers out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and stop")]

mod genesys;
mod nice;
mod odd;
mod published;

use paceline_sandbox::{CLIENT_ID, CLIENT_SECRET, Options, Reply, Request, Sandbox, Vendor};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// A sandbox, signed in, at a time that stands still until it is told to go on.
pub(crate) struct Client {
    pub(crate) sandbox: Sandbox,
    token: String,
    pub(crate) now: Duration,
}

pub(crate) fn options(users: usize, faults: &[&str]) -> Options {
    let options = Options { users, limit: None, record: true, ..Options::default() };
    faults.iter().fold(options, |options, fault| options.fault(fault).unwrap())
}

pub(crate) fn genesys(users: usize, faults: &[&str]) -> Client {
    Client::new(options(users, faults))
}

pub(crate) fn nice(users: usize, faults: &[&str]) -> Client {
    Client::new(Options { vendor: Vendor::Nice, ..options(users, faults) })
}

impl Client {
    pub(crate) fn new(options: Options) -> Self {
        let mut client = Self { sandbox: Sandbox::new(options), token: String::new(), now: Duration::ZERO };
        let form = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
        let signed = client.raw("POST", "/oauth/token", form.into_bytes(), None);
        client.token = body(&signed)["access_token"].as_str().unwrap().to_owned();
        client
    }

    pub(crate) fn raw(&mut self, method: &str, target: &str, body: Vec<u8>, token: Option<&str>) -> Reply {
        let mut headers = vec![("host".to_owned(), "sandbox.test".to_owned())];
        headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        let request = Request { method: method.into(), target: target.into(), headers, body };
        self.sandbox.handle(self.now, SystemTime::UNIX_EPOCH + self.now, &request)
    }

    pub(crate) fn send(&mut self, method: &str, target: &str, body: Value) -> Reply {
        let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
        let token = self.token.clone();
        self.raw(method, target, body, Some(&token))
    }

    /// Status and body.
    pub(crate) fn call(&mut self, method: &str, target: &str, sent: Value) -> (u16, Value) {
        let reply = self.send(method, target, sent);
        (reply.status, body(&reply))
    }

    pub(crate) fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.call("GET", target, Value::Null);
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// Status and code of a refusal.
    pub(crate) fn refused(&mut self, method: &str, target: &str, sent: Value) -> (u16, String) {
        let (status, body) = self.call(method, target, sent);
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn id(&self, at: usize) -> String {
        self.sandbox.user_ids()[at].clone()
    }

    pub(crate) fn user(&mut self, at: usize, expand: &str) -> Value {
        self.get(&format!("/api/v2/users/{}?expand={expand}", self.id(at)))
    }

    /// PATCH of a user on its version.
    pub(crate) fn patch(&mut self, at: usize, mut fields: Value) -> (u16, Value) {
        fields["version"] = self.sandbox.user(&self.id(at)).unwrap()["version"].clone();
        let id = self.id(at);
        self.call("PATCH", &format!("/api/v2/users/{id}"), fields)
    }

    /// The id of an item of a list, by name.
    pub(crate) fn named(&mut self, path: &str, name: &str) -> String {
        let mut target = path.to_owned();
        loop {
            let list = self.get(&target);
            let items = list["entities"].as_array().unwrap();
            if let Some(item) = items.iter().find(|item| item["name"] == name) {
                return item["id"].as_str().unwrap().to_owned();
            }
            let next = list["nextUri"].as_str().unwrap_or_else(|| panic!("no {name} in {path}"));
            target = next.strip_prefix("http://sandbox.test").unwrap().to_owned();
        }
    }
}

pub(crate) fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

pub(crate) fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect()
}

#[test]
fn the_same_requests_at_the_same_times_get_the_same_answers() {
    let play = || {
        let mut client = genesys(30, &["error_500=0.2", "colleague_edits=skills", "another_user=2", "late_members"]);
        let id = client.id(3);
        let calls = [
            ("GET", "/api/v2/users?pageSize=10&expand=skills".to_owned(), Value::Null),
            ("PATCH", format!("/api/v2/users/{id}"), json!({"title": "Lead"})),
            ("GET", format!("/api/v2/users/{id}"), Value::Null),
        ];
        (0..30)
            .map(|at| {
                let (method, target, sent) = calls[at % 3].clone();
                client.now += Duration::from_millis(100);
                client.send(method, &target, sent)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(play(), play());
}

#[test]
fn a_fault_that_is_none_is_refused_by_name() {
    for (text, why) in [
        ("eror_500=0.1", "eror_500"),
        ("nice.cap=3", "cap"),
        ("users.x", "`users.x` is no fault"),
        ("error_500=often", "error_500"),
    ] {
        let told = Options::default().fault(text).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
    let options = Options::default().fault("users.u1=404").unwrap().fault("nice.batch_cap=3").unwrap();
    assert_eq!((options.faults.users["u1"], options.nice.batch_cap), (404, Some(3)));
}
