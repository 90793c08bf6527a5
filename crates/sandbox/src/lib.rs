//! Both vendors pretended, from their published descriptions.
//!
//! [`Sandbox::handle`] is a function of its state, the time and a request; [`serve()`] puts it behind a socket. It uses
//! nothing of Paceline's own crates, so that a mistake in one cannot hide in the other.

mod faults;
mod genesys;
mod http;
mod limits;
mod nice;
mod odd;
mod options;
mod people;
mod serve;
mod spoil;
mod visit;

pub use faults::{Colleague, Faults, Outage, explained};
pub use http::{Fate, Reply, Request};
pub use limits::{Limit, RetryAfter, Window};
pub use odd::{Form, Odd, Oddity};
pub use options::{Oddities, Options, Vendor};
pub use serve::{Served, serve};

use limits::Quota;
use odd::Odds;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use visit::Visit;

/// What the pretended vendor has received and done.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Requests by method and path template.
    pub calls: BTreeMap<String, u64>,
    /// Token requests.
    pub tokens: u64,
    /// Requests answered 429.
    pub throttled: u64,
    /// Requests on a token that came while a Retry-After it had been given still ran.
    pub during_pause: u64,
    /// Requests with a token that was not good.
    pub unauthorized: u64,
    /// Writes that were applied, by user.
    pub applied: BTreeMap<String, u64>,
    /// The most requests of one token in any stretch of its window.
    pub most_in_window: u64,
    /// Values that a colleague changed under the run, by user.
    pub colleague: BTreeMap<String, String>,
}

/// Requests that were on their way when the 429 was sent are nobody's fault.
const ON_THE_WAY: Duration = Duration::from_millis(250);

/// The pretended tenant, of either vendor.
#[derive(Debug)]
enum Tenant {
    Genesys(genesys::Tenant),
    Nice(nice::Tenant),
}

/// A pretended vendor.
#[derive(Debug)]
pub struct Sandbox {
    options: Options,
    tenant: Tenant,
    refresh_tokens: BTreeSet<String>,
    quota: Option<Quota>,
    tokens: BTreeMap<String, Duration>,
    minted: u64,
    paused: BTreeMap<String, (Duration, Duration)>,
    books: Books,
    recorded: Vec<Request>,
    chance: people::Chance,
    odds: Odds,
}

/// The OAuth client that every sandbox knows.
pub const CLIENT_ID: &str = "sandbox-client";
/// Its secret. It guards nothing.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// The access key that a NICE sandbox knows. Real ones end so too.
pub const ACCESS_KEY_ID: &str = "sandbox-key====";
/// Its secret.
pub const ACCESS_KEY_SECRET: &str = "sandbox-key-secret====";

impl Sandbox {
    /// A tenant as `options` say.
    pub fn new(options: Options) -> Self {
        Self {
            tenant: match options.vendor {
                Vendor::Genesys => Tenant::Genesys(genesys::Tenant::new(&options)),
                Vendor::Nice => Tenant::Nice(nice::Tenant::new(&options)),
            },
            refresh_tokens: BTreeSet::new(),
            quota: options.limit.map(Quota::new),
            tokens: BTreeMap::new(),
            minted: 0,
            paused: BTreeMap::new(),
            books: Books::default(),
            recorded: vec![],
            chance: people::Chance::new(options.seed ^ 0x5eed),
            odds: Odds::new(&options.faults.odd),
            options,
        }
    }

    /// What it has received and done.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The requests to the API, where they were to be kept.
    pub fn recorded(&self) -> &[Request] {
        &self.recorded
    }

    /// Its users' ids, in order.
    pub fn user_ids(&self) -> Vec<String> {
        match &self.tenant {
            Tenant::Genesys(tenant) => tenant.ids().to_vec(),
            Tenant::Nice(tenant) => tenant.ids().to_vec(),
        }
    }

    /// A user as it is now. Of NICE's, both records and the skills: `{"agent", "user", "skills"}`.
    pub fn user(&self, id: &str) -> Option<Value> {
        match &self.tenant {
            Tenant::Genesys(tenant) => tenant.user(id).cloned(),
            Tenant::Nice(tenant) => tenant.user(id),
        }
    }

    /// Somebody else edits a list of a user (`skills`, `division`, `groups` …: [`Odd::ColleagueEdits`] has them).
    pub fn edit_list_as_someone(&mut self, id: &str, list: &str) -> bool {
        match &mut self.tenant {
            Tenant::Genesys(tenant) => tenant.edit_list(id, list),
            Tenant::Nice(tenant) => tenant.edit_list(id, list),
        }
    }

    /// Somebody else sets a field.
    pub fn edit_as_someone(&mut self, id: &str, field: &str, value: &str) -> bool {
        match &mut self.tenant {
            Tenant::Genesys(tenant) => tenant.edit(id, field, value),
            Tenant::Nice(tenant) => tenant.edit(id, field, value),
        }
    }

    /// Changes the quota from now on.
    pub fn set_limit(&mut self, limit: Option<Limit>) {
        self.quota = limit.map(Quota::new);
    }

    /// Adds a fault from now on. What a tenant begins with (`deleted_users`) is as it was.
    ///
    /// # Errors
    /// As [`Options::fault`].
    pub fn add_fault(&mut self, text: &str) -> Result<(), String> {
        let options = self.options.clone().fault(text)?;
        if let Some(oddity) = options.faults.odd.get(self.options.faults.odd.len()) {
            self.odds.add(oddity.clone());
        }
        self.options = options;
        Ok(())
    }

    /// Answers a request that arrives at `now`; `wall` is the calendar's time of that.
    pub fn handle(&mut self, now: Duration, wall: SystemTime, request: &Request) -> Reply {
        let latency = self.options.latency_ms + (self.chance.draw() * self.options.jitter_ms as f64) as u64;
        let reply = self.reply(now, wall, request);
        let mut reply = Reply { delay: reply.delay + Duration::from_millis(latency), ..reply };
        let id = format!("sandbox-{}", self.books.calls.values().sum::<u64>() + self.books.tokens);
        reply.name_context(&id);
        reply.headers.push(("inin-correlation-id".into(), id));
        reply.headers.push(("date".into(), httpdate::fmt_http_date(wall)));
        reply
    }

    fn reply(&mut self, now: Duration, wall: SystemTime, request: &Request) -> Reply {
        let is_nice = self.options.vendor == Vendor::Nice;
        let meant: Cow<Request> = if is_nice {
            Cow::Owned(Request { target: nice::meant(&request.target), ..request.clone() })
        } else {
            Cow::Borrowed(request)
        };
        let path = meant.path();
        if path == "/sandbox/books" {
            return Reply::json(200, &self.books_json());
        }
        if path == "/sandbox/page" {
            return visit::html();
        }
        if path == "/oauth/token" || (is_nice && matches!(path, "/auth/token" | "/authentication/v1/token/access-key"))
        {
            return self.token(now, &meant);
        }
        let host = format!("http://{}", request.header("host").unwrap_or_default());
        if let Some(document) = nice::discovery(path, &host, &nice::tenant_id(&self.odds)).filter(|_| is_nice) {
            return document;
        }
        let template =
            if is_nice { nice::template(&request.method, path) } else { genesys::template(&request.method, path) };
        if self.options.record {
            self.recorded.push(request.clone());
        }
        *self.books.calls.entry(template.clone()).or_default() += 1;
        if let Some(outage) = self.options.faults.outage_at(now) {
            return self.worded(outage.reply(), path);
        }
        let Some(token) = self.token_of(now, request) else {
            self.books.unauthorized += 1;
            let refusal = match request.header("authorization") {
                Some(_) => Reply::error(401, "bad.credentials", "Invalid login credentials."),
                None => Reply::error(401, "authentication.required", "No authentication bearer token specified"),
            };
            return self.worded(refusal, path);
        };
        if let Some(reply) = self.throttle(now, wall, &token, &template) {
            return reply;
        }
        self.answer(now, &meant, &template)
    }

    /// A refusal in the words of the vendor that is pretended.
    fn worded(&self, reply: Reply, path: &str) -> Reply {
        if self.options.vendor == Vendor::Nice { nice::worded(reply, path) } else { reply }
    }

    /// What comes instead of an answer on purpose.
    fn odd_instead(&mut self, write: bool, call: &str) -> Option<Reply> {
        if self.odds.take(if write { Odd::HtmlWrite } else { Odd::HtmlRead }, call) {
            return Some(visit::html());
        }
        if self.odds.take(Odd::Redirect, call) {
            let headers = vec![("location".into(), "https://login.invalid/signin".into())];
            return Some(Reply { headers, ..Reply::empty(302) });
        }
        if !write {
            return None;
        }
        if self.odds.has(Odd::NoPermission, call) {
            let code = self.odds.value(Odd::NoPermission, call).unwrap_or_else(|| "missing.permissions".into());
            let message = "Unable to perform the requested action. You are missing the following permission(s)";
            return Some(Reply::error(403, &code, message));
        }
        let (status, code) =
            self.odds.value(Odd::Refuse, call)?.split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        Some(Reply::error(status.parse().ok()?, &code, "The request is refused"))
    }

    fn answer(&mut self, now: Duration, request: &Request, template: &str) -> Reply {
        let write = !["GET", "HEAD"].contains(&request.method.as_str()) && !template.ends_with("/search");
        let path = request.path();
        let fault = self.options.faults.draw(&mut self.chance, write, now);
        if let Some(reply) = fault.and_then(|fault| fault.instead()) {
            return self.worded(reply, path);
        }
        if write && self.options.faults.forbidden {
            let message = "Unable to perform the requested action. You are missing the following permission(s): directory:user:edit";
            return self.worded(Reply::error(403, "missing.permissions", message), path);
        }
        if let Some(reply) = self.odd_instead(write, template) {
            return self.worded(reply, path);
        }
        // NICE tells the people of a batch apart, and Genesys those of a team: their faults are the tenant's.
        let whole = write && self.options.vendor == Vendor::Genesys && !template.ends_with("/teams/{teamId}/members");
        let faulted = whole.then(|| self.options.faults.for_users(&genesys::users_of(request))).flatten();
        let reply = match faulted {
            Some(reply) => reply,
            None => {
                self.colleague(request, template, write);
                let mut visit = Visit {
                    now,
                    request,
                    call: template,
                    told: self.options.told_limit,
                    faulty: &self.options.faults.users,
                    odds: &mut self.odds,
                    applied: &mut self.books.applied,
                };
                match &mut self.tenant {
                    Tenant::Genesys(tenant) => tenant.answer(&mut visit),
                    Tenant::Nice(tenant) => tenant.answer(&mut visit),
                }
            }
        };
        let reply = spoil::spoil(reply, &mut self.odds, template, write);
        match fault {
            Some(fault) => fault.after(reply),
            None => reply,
        }
    }

    /// A colleague edits users just before our write arrives.
    fn colleague(&mut self, request: &Request, call: &str, write: bool) {
        if !write {
            return;
        }
        let edits = self.options.faults.colleague;
        if edits.chance > 0.0
            && self.chance.draw() < edits.chance
            && let Some(id) = request.path().strip_prefix("/api/v2/users/")
            && !self.books.colleague.contains_key(id)
            && let Tenant::Genesys(tenant) = &mut self.tenant
            && tenant.edit(id, edits.field(), "Changed by a colleague")
        {
            self.books.colleague.insert(id.into(), edits.field().into());
        }
        let lists = self.odds.words(Odd::ColleagueEdits, call);
        if lists.is_empty() {
            return;
        }
        let mut named = match &self.tenant {
            Tenant::Genesys(_) => genesys::users_of(request),
            Tenant::Nice(tenant) => tenant.people_of(request),
        };
        named.dedup();
        for id in named {
            if self.books.colleague.contains_key(&id) {
                continue;
            }
            let tenant = &mut self.tenant;
            let edit = |list: &String| match &mut *tenant {
                Tenant::Genesys(tenant) => tenant.edit_list(&id, list),
                Tenant::Nice(tenant) => tenant.edit_list(&id, list),
            };
            let made: Vec<bool> = lists.iter().map(edit).collect();
            if made.contains(&true) {
                self.books.colleague.insert(id, lists.join(","));
            }
        }
    }

    fn token(&mut self, now: Duration, request: &Request) -> Reply {
        self.books.tokens += 1;
        if let Some(outage) = self.options.faults.token_outage_at(now) {
            return outage.reply();
        }
        if self.options.vendor == Vendor::Nice {
            let known = |token: &str| self.refresh_tokens.contains(token);
            let (key, client) = ((ACCESS_KEY_ID, ACCESS_KEY_SECRET), (CLIENT_ID, CLIENT_SECRET));
            if !nice::granted(request, key, client, known) {
                return Reply::json(
                    401,
                    &json!({"error": "invalid_client", "errorDescription": "unknown key or client"}),
                );
            }
            return self.mint(now);
        }
        if self.odds.take(Odd::TokenThrottled, "POST /oauth/token") {
            let why = "rate limit exceeded; try again later";
            return Reply::json(400, &token_error("invalid_request", why));
        }
        let form = request.form();
        let basic = request.basic();
        let given = |key: &str| form.get(key).map(String::as_str);
        let (id, secret) = match &basic {
            Some((id, secret)) if self.options.basic => (Some(id.as_str()), Some(secret.as_str())),
            Some(_) => (None, None),
            None => (given("client_id"), given("client_secret")),
        };
        if given("grant_type") != Some("client_credentials") {
            return Reply::json(400, &token_error("unsupported_grant_type", "client_credentials only"));
        }
        if (id, secret) != (Some(CLIENT_ID), Some(CLIENT_SECRET)) {
            return Reply::json(401, &token_error("invalid_client", "client not found or wrong secret"));
        }
        self.mint(now)
    }

    fn mint(&mut self, now: Duration) -> Reply {
        self.minted += 1;
        let token = format!("sandbox-token-{:016x}", people::mix(self.options.seed ^ (self.minted << 20)));
        let ends = self.options.token_ends_s.unwrap_or(self.options.token_life_s);
        self.tokens.insert(token.clone(), now + Duration::from_secs_f64(ends));
        let mut body =
            json!({"access_token": token, "token_type": "bearer", "expires_in": self.options.token_life_s as u64});
        if self.options.vendor == Vendor::Nice {
            let refresh = format!("{token}-refresh");
            body["refresh_token"] = json!(refresh);
            body["id_token"] = json!(nice::id_token(&nice::tenant_id(&self.odds)));
            self.refresh_tokens.insert(refresh);
        }
        Reply::json(200, &body)
    }

    fn token_of(&self, now: Duration, request: &Request) -> Option<String> {
        let token = request.header("authorization")?.strip_prefix("Bearer ")?;
        (*self.tokens.get(token)? > now).then(|| token.to_owned())
    }

    fn throttle(&mut self, now: Duration, wall: SystemTime, token: &str, template: &str) -> Option<Reply> {
        if let Some((from, until)) = self.paused.get(token)
            && now > *from + ON_THE_WAY
            && now < *until
        {
            self.books.during_pause += 1;
        }
        let quota = self.quota.as_mut()?;
        let own = self.options.faults.service_limit(template);
        let rivals = self.options.faults.rival_calls(now);
        let wait = quota.count(token, template, own, rivals, now);
        self.books.most_in_window = self.books.most_in_window.max(quota.most());
        let (wait, service) = wait?;
        self.books.throttled += 1;
        let limit = quota.limit();
        if let (Some(said), None) = (limit.retry_after.said_wait(wait), &service) {
            self.paused.insert(token.to_owned(), (now, now + said));
        }
        let reply = limits::too_many(limit.retry_after, wait, wall, service);
        Some(if self.options.vendor == Vendor::Nice { nice::too_many(reply) } else { reply })
    }

    fn books_json(&self) -> Value {
        let Books { calls, tokens, throttled, during_pause, unauthorized, applied, most_in_window, colleague } =
            &self.books;
        let twice: BTreeMap<_, _> = applied.iter().filter(|(_, times)| **times > 1).collect();
        json!({
            "calls": calls, "tokens": tokens, "throttled": throttled, "during_pause": during_pause,
            "unauthorized": unauthorized, "users_written": applied.len(), "written_more_than_once": twice,
            "most_in_window": most_in_window, "colleague": colleague,
        })
    }
}

/// The token endpoint's own kind of error.
fn token_error(error: &str, why: &str) -> Value {
    json!({"error": error, "description": why, "error_description": why})
}
