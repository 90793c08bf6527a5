//! All users of a tenant are read, whatever is refused on the way; whoever is not is told.

use paceline_core::vendor::{Answer, Credentials, Names, Uses};
use paceline_engine::{
    Answering, Caller, Clock, Everyone, Interrupt, Listed, Lost, Outgoing, Settings, Stop, Target, Tools, Transport,
};
use paceline_sandbox::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET, Fate, Options, Request, Sandbox, Vendor,
};
use paceline_vendors::by_name;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// What is answered instead of the sandbox, if anything.
type Instead = dyn Fn(&Request) -> Option<(u16, Value)> + Send + Sync;

/// The sandbox, but for what a test answers itself.
#[derive(Clone)]
struct Unkind {
    clock: Clock,
    sandbox: Arc<Mutex<Sandbox>>,
    instead: Arc<Instead>,
    calls: Arc<Mutex<usize>>,
}

impl fmt::Debug for Unkind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unkind")
    }
}

impl Transport for Unkind {
    fn send(&self, outgoing: Outgoing) -> Answering<'_> {
        let request = match outgoing.target {
            Target::Api { request, token } => Request {
                method: request.method.as_str().into(),
                target: request.target,
                headers: vec![("authorization".into(), format!("Bearer {}", token.expose_secret()))],
                body: request.body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            },
            Target::Token(grant, _) => {
                let mut fields: Vec<String> =
                    grant.fields.iter().map(|(key, value)| format!("{key}={}", value.expose_secret())).collect();
                let basic = grant.basic.iter().flat_map(|(id, secret)| {
                    [format!("client_id={id}"), format!("client_secret={}", secret.expose_secret())]
                });
                fields.extend(basic);
                let body = fields.join("&").into_bytes();
                Request { method: "POST".into(), target: "/oauth/token".into(), headers: vec![], body }
            }
            Target::Document(_) => return Box::pin(async { Err(Lost::Timeout) }),
        };
        if let Some((status, body)) = (self.instead)(&request) {
            *self.calls.lock().unwrap() += 1;
            return Box::pin(async move { Ok(Answer::new(status, vec![], body.to_string().into_bytes())) });
        }
        let reply = self.sandbox.lock().unwrap().handle(self.clock.now(), self.clock.wall(), &request);
        Box::pin(async move {
            match reply.fate {
                Fate::Delivered => Ok(Answer::new(reply.status, reply.headers, reply.body)),
                _ => Err(Lost::Timeout),
            }
        })
    }
}

struct Found {
    pages: Result<Vec<Listed>, Stop>,
    /// Calls that the test has answered.
    calls: usize,
}

impl Found {
    fn users(&self) -> Vec<String> {
        let pages = self.pages.as_ref().unwrap_or_else(|stop| panic!("{stop}"));
        pages.iter().flat_map(|page| page.users.iter().map(|user| user.id.0.clone())).collect()
    }

    fn unread(&self) -> Vec<String> {
        self.pages.as_ref().unwrap().iter().flat_map(|page| page.unread.iter().map(|(id, _)| id.clone())).collect()
    }

    fn broken_off(&self) -> Option<&'static str> {
        self.pages.as_ref().unwrap().last()?.broken_off
    }
}

fn options(vendor: Vendor, users: usize) -> Options {
    Options { vendor, users, limit: None, ..Options::default() }
}

async fn everyone(
    options: Options,
    columns: &[&str],
    instead: impl Fn(&Request) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> Found {
    everyone_of(None, options, columns, instead).await
}

async fn everyone_of(
    state: Option<&str>,
    options: Options,
    columns: &[&str],
    instead: impl Fn(&Request) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> Found {
    let clock = Clock::start(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let (name, key) = match options.vendor {
        Vendor::Genesys => ("genesys", None),
        Vendor::Nice => ("nice", Some((ACCESS_KEY_ID.to_owned(), SecretString::from(ACCESS_KEY_SECRET)))),
    };
    let sandbox = Arc::new(Mutex::new(Sandbox::new(options)));
    let unkind = Unkind { clock, sandbox, instead: Arc::new(instead), calls: Arc::default() };
    let client = Credentials::client(CLIENT_ID, SecretString::from(CLIENT_SECRET));
    let tools = Tools {
        vendor: Arc::from(by_name(name, None).unwrap()),
        transport: Arc::new(unkind.clone()),
        credentials: Credentials { access_key: key, ..client },
        clock,
        interrupt: Interrupt::new(),
        events: Arc::new(|_| {}),
        seed: 7,
    };
    let mut caller = Caller::new(tools, Settings::default());
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let uses = Uses { columns, undo: true, ..Uses::default() };
    let names: Names = caller.names(&uses).await.unwrap();
    let mut everyone = Everyone::new(caller, state.map(str::to_owned), uses, names);
    let mut pages = vec![];
    let pages = loop {
        match everyone.next().await {
            Ok(Some(page)) => pages.push(page),
            Ok(None) => break Ok(pages),
            Err(stop) => break Err(stop),
        }
    };
    let calls = *unkind.calls.lock().unwrap();
    Found { pages, calls }
}

fn ids(options: &Options) -> Vec<String> {
    Sandbox::new(options.clone()).user_ids()
}

#[tokio::test(start_paused = true)]
async fn a_user_that_cannot_be_read_is_told_by_its_id_and_the_others_are_read() {
    let options = options(Vendor::Genesys, 20);
    let ids = ids(&options);
    let bad = format!("/users/{}/customattributes", ids[3]);
    let refusal = json!({"status": 403, "code": "missing.division.permission", "message": "no"});
    let found = everyone(options, &["customAttributes.Desk data.floor_text"], move |request| {
        request.target.contains(&bad).then(|| (403, refusal.clone()))
    })
    .await;
    assert_eq!((found.unread(), found.users().len()), (vec![ids[3].clone()], 19));
    assert!(!found.users().contains(&ids[3]) && found.broken_off().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_may_read_halts_soon() {
    let refusal = json!({"status": 403, "code": "missing.permissions", "message": "no"});
    let found = everyone(options(Vendor::Genesys, 500), &["customAttributes.Desk data.floor_text"], move |request| {
        (request.target.contains("/customattributes") && request.target.contains("/bulk"))
            .then(|| (403, refusal.clone()))
    })
    .await;
    let stop = found.pages.unwrap_err().to_string();
    assert!(stop.contains("missing permission") && found.calls <= 12, "{stop} {}", found.calls);
}

#[tokio::test(start_paused = true)]
async fn reads_that_are_too_wide_are_halved_and_only_the_culprit_is_missing() {
    let options = options(Vendor::Nice, 300);
    let ids = ids(&options);
    let bad = Sandbox::new(options.clone()).user(&ids[7]).unwrap()["user"]["id"].as_str().unwrap().to_owned();
    let found = everyone(options, &["custom1", "firstName"], move |request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let asked = body["filter"]["id"].as_array().map_or(0, Vec::len);
        let names_it = asked > 0 && body.to_string().contains(&bad) || request.target.contains(&bad);
        (asked > 25 || names_it).then(|| (413, json!({"error": "too_large", "error_description": "too large"})))
    })
    .await;
    assert_eq!((found.unread(), found.users().len()), (vec![ids[7].clone()], 299));
    assert!(found.calls <= 12, "the width is learned: {} refusals", found.calls);
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_too_large_are_asked_for_smaller_and_nobody_is_lost() {
    let refusal = json!({"status": 400, "code": "response.entity.too.large", "message": "Response is too large"});
    for vendor in [Vendor::Genesys, Vendor::Nice] {
        let refusal = refusal.clone();
        let column = if vendor == Vendor::Nice { "custom1" } else { "skills" };
        let found = everyone(options(vendor, 250), &[column], move |request| {
            let after = |key: &str| request.target.split_once(key)?.1.split('&').next()?.parse::<u64>().ok();
            let size = after("pageSize=").or(after("top=")).unwrap_or(0);
            (size > 100).then(|| (400, refusal.clone()))
        })
        .await;
        let mut users = found.users();
        users.sort();
        users.dedup();
        assert_eq!((users.len(), found.unread().len(), found.broken_off()), (250, 0, None), "{vendor:?}");
        assert!((1..=4).contains(&found.calls), "{vendor:?}: {} refusals", found.calls);
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_users_are_left_out_unless_they_are_asked_for() {
    let user = |n: u64, state: &str| json!({"id": format!("u{n}"), "version": 1, "state": state});
    let page = json!({"entities": [user(1, "active"), user(2, "inactive"), user(3, "deleted")], "pageNumber": 1, "pageCount": 1});
    let (first, second) = (page.clone(), page);
    let is_list = |request: &Request| request.target.starts_with("/api/v2/users?");
    let found =
        everyone(options(Vendor::Genesys, 1), &["name"], move |one| is_list(one).then(|| (200, first.clone()))).await;
    assert_eq!(found.users(), ["u1", "u2"]);
    let asked =
        move |one: &Request| (is_list(one) && one.target.contains("state=deleted")).then(|| (200, second.clone()));
    let found = everyone_of(Some("deleted"), options(Vendor::Genesys, 1), &["name"], asked).await;
    assert!(found.users().contains(&"u3".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_repeats_itself_ends_and_says_so() {
    let user = |n: u64| json!({"id": format!("u{n}"), "name": "N", "version": 1, "state": "active"});
    let page = move |first: u64| {
        let users: Vec<Value> = (first..first + 3).map(user).collect();
        json!({"entities": users, "pageNumber": 1, "pageCount": 1_000_000_000, "total": 1_000_000_000_u64})
    };
    let is_list = |request: &Request| request.target.starts_with("/api/v2/users?");
    let found =
        everyone(options(Vendor::Genesys, 1), &["name"], move |request| is_list(request).then(|| (200, page(0)))).await;
    assert_eq!((found.users(), found.calls), (["u0", "u1", "u2"].map(str::to_owned).to_vec(), 2));
    assert_eq!(found.broken_off(), Some("the list of users repeats itself"));
}

#[tokio::test(start_paused = true)]
async fn a_user_that_moved_to_another_page_meanwhile_is_told_once() {
    let page = |request: &Request| -> Option<(u16, Value)> {
        let number: u64 = request.target.split_once("pageNumber=")?.1.split('&').next()?.parse().ok()?;
        let users: Vec<Value> =
            (number * 2..number * 2 + 3).map(|n| json!({"id": format!("U{n}"), "version": 1})).collect();
        Some((200, json!({"entities": users, "pageNumber": number, "pageCount": 3, "total": 9})))
    };
    let found = everyone(options(Vendor::Genesys, 1), &["name"], page).await;
    assert_eq!(found.users(), ["U2", "U3", "U4", "U5", "U6", "U7", "U8"]);
    assert!(found.broken_off().is_none());
}
