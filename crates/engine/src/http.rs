//! The transport that users have: HTTP/1.1 over TLS.

use crate::address::{Insecure, is_this_machine, secure};
use crate::redact::redact;
use crate::transport::{Answering, Lost, Outgoing, Target, Transport};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use paceline_core::vendor::{Answer, Host, Hosts, Method};
use reqwest::{Client, RequestBuilder, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;
use url::Url;

/// Bytes of the longest answer. A page of these APIs has one or two million; what is larger is no answer of theirs, and
/// parsed it would take many times its size.
const LONGEST_BODY: usize = 16 << 20;

/// Tokens that are remembered, to be taken out of answers: more than any pool holds. The oldest are forgotten first.
const TOKENS: usize = 1_000;

/// Speaks HTTP to one tenant's API and token endpoint.
///
/// The one place where secrets leave, so the one that keeps them: nothing is sent in clear text to another machine, and no
/// answer, header or error goes on with a secret in it.
pub struct Http {
    connections: usize,
    /// Through the system's proxy, where it has one.
    proxied: OnceLock<Result<Client, String>>,
    /// To this machine: no proxy lies there, and none may see what is sent in clear text.
    direct: OnceLock<Result<Client, String>>,
    base_url: String,
    second_url: String,
    auth_url: String,
    sent: RwLock<Sent>,
}

/// The secrets that have been sent.
#[derive(Default)]
struct Sent {
    /// Those that tokens are had with.
    credentials: Vec<SecretString>,
    /// Access, refresh and id tokens, the newest last.
    tokens: VecDeque<SecretString>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http")
            .field("base_url", &self.base_url)
            .field("auth_url", &self.auth_url)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// `connections` are kept open, so that a burst pays for its handshakes once.
    ///
    /// # Errors
    /// Where the system's certificates cannot be loaded.
    pub fn new(hosts: &Hosts, connections: u32) -> Result<Self, String> {
        let Hosts { base_url, second_url, auth_url } = hosts;
        // Twice is no harm: the second call finds it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
        let http = Self {
            connections: connections as usize,
            proxied: OnceLock::new(),
            direct: OnceLock::new(),
            base_url: trimmed(base_url),
            second_url: trimmed(second_url.as_deref().unwrap_or(base_url)),
            auth_url: auth_url.clone(),
            sent: RwLock::default(),
        };
        for url in [base_url, auth_url].into_iter().chain(second_url).filter_map(|url| secure(url).ok()) {
            http.client(&url)?;
        }
        Ok(http)
    }

    /// Whoever speaks to this URL: by its host, however it is spelt.
    fn client(&self, url: &Url) -> Result<&Client, String> {
        let here = is_this_machine(url);
        let built = if here { &self.direct } else { &self.proxied };
        built.get_or_init(|| self.built(here)).as_ref().map_err(Clone::clone)
    }

    fn built(&self, direct: bool) -> Result<Client, String> {
        let builder = Client::builder()
            .user_agent(concat!("paceline/", env!("CARGO_PKG_VERSION")))
            // A token must not follow a redirect to another host, and a write must not be sent twice unseen.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .pool_max_idle_per_host(self.connections);
        let builder = if direct { builder.no_proxy() } else { builder };
        builder.build().map_err(|error| chain(&error))
    }

    /// The whole URL of what is asked, where it may be sent there.
    fn url(&self, target: &Target) -> Result<Url, Insecure> {
        match target {
            Target::Api { request, .. } => {
                let host = match request.host {
                    Host::Base => &self.base_url,
                    Host::Second => &self.second_url,
                };
                secure(&format!("{host}{}", request.target))
            }
            Target::Token(_, at) => secure(at.as_ref().unwrap_or(&self.auth_url)),
            Target::Document(url) => secure(url),
        }
    }

    fn request(&self, target: &Target) -> Result<RequestBuilder, Lost> {
        let url = self.url(target)?;
        let client = self.client(&url).map_err(Lost::NotSent)?;
        Ok(match target {
            Target::Api { request, token } => {
                let method = match request.method {
                    Method::Get => reqwest::Method::GET,
                    Method::Post => reqwest::Method::POST,
                    Method::Put => reqwest::Method::PUT,
                    Method::Patch => reqwest::Method::PATCH,
                    Method::Delete => reqwest::Method::DELETE,
                };
                let builder = client.request(method, url).bearer_auth(token.expose_secret());
                match &request.body {
                    Some(body) => builder.header("content-type", "application/json").body(body.to_string()),
                    None => builder,
                }
            }
            Target::Token(grant, _) => {
                let builder = client.post(url);
                let fields = grant.fields.iter().map(|(key, value)| (*key, value.expose_secret()));
                let builder = if grant.json {
                    let body: serde_json::Map<_, _> =
                        fields.map(|(key, value)| (key.to_owned(), value.into())).collect();
                    let body = serde_json::Value::Object(body).to_string();
                    builder.header("content-type", "application/json").body(body)
                } else {
                    let form: Vec<String> =
                        fields.map(|(key, value)| format!("{key}={}", form_encode(value))).collect();
                    builder.header("content-type", "application/x-www-form-urlencoded").body(form.join("&"))
                };
                match &grant.basic {
                    Some((user, password)) => builder.basic_auth(user, Some(password.expose_secret())),
                    None => builder,
                }
            }
            Target::Document(_) => client.get(url),
        }
        .header("accept", "application/json"))
    }

    async fn exchange(&self, outgoing: Outgoing) -> Result<Answer, Lost> {
        let request = self.request(&outgoing.target)?;
        self.remember(&outgoing.target);
        let answered = read(request).await;
        let is_token = matches!(outgoing.target, Target::Token(..));
        match answered {
            Ok(answer) if is_token => Ok(self.token_answer(answer)),
            Ok(answer) => Ok(self.without_secrets(answer, true)),
            Err(Lost::NotSent(why)) => Err(Lost::NotSent(self.text_without_secrets(&why))),
            Err(Lost::Broken(why)) => Err(Lost::Broken(self.text_without_secrets(&why))),
            Err(lost) => Err(lost),
        }
    }

    fn remember(&self, target: &Target) {
        let mut sent = self.sent.write().unwrap_or_else(PoisonError::into_inner);
        match target {
            Target::Api { token, .. } => sent.token(token.expose_secret()),
            Target::Token(grant, _) => {
                for (key, value) in &grant.fields {
                    match *key {
                        "refresh_token" => sent.token(value.expose_secret()),
                        key if PUBLIC.contains(&key) => {}
                        _ => sent.credential(value.expose_secret()),
                    }
                }
                if let Some((user, password)) = &grant.basic {
                    let password = password.expose_secret();
                    sent.credential(password);
                    // The header that goes out, up to its padding.
                    sent.credential(BASE64.encode(format!("{user}:{password}")).trim_end_matches('='));
                }
            }
            Target::Document(_) => {}
        }
    }

    /// A token that is granted again must not be taken out of the answer that grants it; the credentials that it was asked for
    /// with may be, where the tokens are what they were.
    fn token_answer(&self, answer: Answer) -> Answer {
        let granted = |answer: &Answer| -> Vec<String> {
            let body = answer.json().filter(|_| (200..300).contains(&answer.status));
            let texts = body.into_iter().flat_map(|body| TOKEN_KEYS.iter().filter_map(|key| body.get(*key)?.as_str()));
            texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        let tokens = granted(&answer);
        if tokens.is_empty() {
            return self.without_secrets(answer, true);
        }
        let cleaned = self.without_secrets(answer.clone(), false);
        let mut sent = self.sent.write().unwrap_or_else(PoisonError::into_inner);
        tokens.iter().for_each(|token| sent.token(token));
        if granted(&cleaned) == tokens { cleaned } else { answer }
    }

    fn without_secrets(&self, mut answer: Answer, tokens_too: bool) -> Answer {
        let sent = self.sent.read().unwrap_or_else(PoisonError::into_inner);
        let secrets = sent.all(tokens_too);
        for (_, value) in &mut answer.headers {
            if let Cow::Owned(cleaned) = redact(value.as_bytes(), &secrets) {
                *value = String::from_utf8_lossy(&cleaned).into_owned();
            }
        }
        match redact(answer.body(), &secrets) {
            Cow::Borrowed(_) => answer,
            Cow::Owned(body) => Answer::new(answer.status, answer.headers, body),
        }
    }

    fn text_without_secrets(&self, text: &str) -> String {
        let sent = self.sent.read().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&redact(text.as_bytes(), &sent.all(true))).into_owned()
    }
}

/// Fields of a grant that are no secrets; every other one is.
const PUBLIC: &[&str] = &["grant_type", "client_id", "username", "accessKeyId", "scope"];

/// Where a token endpoint's answer holds tokens (RFC 6749; `token` is NICE's older endpoint's).
const TOKEN_KEYS: &[&str] = &["access_token", "refresh_token", "id_token", "token"];

impl Sent {
    fn credential(&mut self, secret: &str) {
        if self.credentials.iter().all(|known| known.expose_secret() != secret) {
            self.credentials.push(SecretString::from(secret));
        }
    }

    fn token(&mut self, token: &str) {
        // The newest first: nearly every call is sent with one of those.
        if self.tokens.iter().rev().all(|known| known.expose_secret() != token) {
            self.tokens.push_back(SecretString::from(token));
            if self.tokens.len() > TOKENS {
                self.tokens.pop_front();
            }
        }
    }

    fn all(&self, tokens_too: bool) -> Vec<&str> {
        let tokens = self.tokens.iter().filter(|_| tokens_too);
        self.credentials.iter().chain(tokens).map(ExposeSecret::expose_secret).collect()
    }
}

/// Sends a request and reads its answer whole.
async fn read(request: RequestBuilder) -> Result<Answer, Lost> {
    let mut response = request.send().await.map_err(lost)?;
    let status = response.status().as_u16();
    let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = response.headers().iter().map(header).collect();
    let mut body = vec![];
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > LONGEST_BODY {
            let longest = LONGEST_BODY >> 20;
            return Err(Lost::Broken(format!("the answer is longer than {longest} MB, and no answer of this API is")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer::new(status, headers, body))
}

impl Transport for Http {
    fn send(&self, outgoing: Outgoing) -> Answering<'_> {
        Box::pin(self.exchange(outgoing))
    }
}

fn lost(error: reqwest::Error) -> Lost {
    if error.is_connect() || error.is_builder() {
        Lost::NotSent(chain(&error))
    } else if error.is_timeout() {
        Lost::Timeout
    } else {
        Lost::Broken(chain(&error))
    }
}

/// The innermost cause says the most; the URL is left out, for it may hold what a user typed as a secret.
fn chain(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    text.unwrap_or_else(|| "the request failed".into())
}

/// application/x-www-form-urlencoded: access keys end in `====`.
fn form_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::vendor::{Effect, Grant, Request};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    const SECRET: &str = "client-secret/=";
    const TOKEN: &str = "tok-0123456789";

    /// Answers so many connections, each with what `answer` makes of the request, and gives the requests back.
    fn server(answers: Vec<String>) -> (u16, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            answers
                .into_iter()
                .map(|answer| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let (mut request, mut buffer) = (vec![], [0; 4096]);
                    let whole = |request: &[u8]| {
                        let text = String::from_utf8_lossy(request).to_lowercase();
                        let (head, body) = text.split_once("\r\n\r\n")?;
                        let length = head
                            .split_once("content-length: ")
                            .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
                        (body.len() >= length).then_some(())
                    };
                    while whole(&request).is_none() {
                        let read = stream.read(&mut buffer).unwrap();
                        request.extend_from_slice(&buffer[..read]);
                    }
                    stream.write_all(answer.as_bytes()).unwrap();
                    String::from_utf8(request).unwrap()
                })
                .collect()
        });
        (port, serving)
    }

    fn answer(status: u16, header: &str, body: &str) -> String {
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{header}content-length: {}\r\n\r\n{body}", body.len())
    }

    fn hosts(base_url: String, auth_url: String) -> Hosts {
        Hosts { base_url, second_url: None, auth_url }
    }

    fn api(token: &str) -> Target {
        let request = Request {
            host: Host::Base,
            method: Method::Get,
            template: "GET /x",
            target: "/x".into(),
            body: None,
            effect: Effect::Read,
        };
        Target::Api { request, token: SecretString::from(token) }
    }

    fn grant() -> Target {
        let basic = Some(("client".to_owned(), SecretString::from(SECRET)));
        Target::Token(
            Grant { basic, fields: vec![("grant_type", SecretString::from("client_credentials"))], json: false },
            None,
        )
    }

    async fn send(http: &Http, target: Target) -> Result<Answer, Lost> {
        http.send(Outgoing { target }).await
    }

    fn body(answer: &Answer) -> String {
        String::from_utf8(answer.body().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn nothing_is_sent_in_clear_text_to_another_machine() {
        // This machine answers on 0.0.0.0 too, so a connection would be seen.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let elsewhere = format!("http://0.0.0.0:{}", listener.local_addr().unwrap().port());
        let http = Http::new(&hosts(elsewhere.clone(), format!("{elsewhere}/oauth/token")), 1).unwrap();
        let Target::Token(basic, _) = grant() else { unreachable!() };
        for target in [
            api(TOKEN),
            grant(),
            Target::Token(basic, Some(elsewhere.to_uppercase())),
            Target::Document(format!("{elsewhere}/.well-known/openid-configuration")),
        ] {
            let lost = send(&http, target).await.unwrap_err();
            assert_eq!(lost, Lost::Insecure(Insecure::PlainHttp));
            assert!(!lost.in_doubt() && lost.to_string().contains("plain http"));
        }
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody has called");
    }

    #[tokio::test]
    async fn what_was_sent_is_told_by_no_answer_header_or_status() {
        let base64 = BASE64.encode(format!("client:{SECRET}"));
        let echo = format!(
            r#"{{"error":"{SECRET}","basic":"Basic {base64}","form":"client%2Dsecret%2F%3D","old":"{TOKEN}","json":"tok\u002d0123456789"}}"#
        );
        let statuses = [200, 204, 302, 400, 401, 404, 500];
        let mut answers =
            vec![answer(200, "", &format!(r#"{{"access_token":"{TOKEN}","note":"{SECRET}"}}"#)), answer(200, "", "{}")];
        for status in statuses {
            let header = format!("location: /?t={TOKEN}\r\nx-id: {base64}\r\n");
            answers.push(answer(status, &header, &echo));
            answers.push(answer(status, &header, &echo));
        }
        let (port, serving) = server(answers);
        let url = format!("http://127.0.0.1:{port}");
        let http = Http::new(&hosts(url.clone(), format!("{url}/oauth/token")), 1).unwrap();
        let granted = body(&send(&http, grant()).await.unwrap());
        assert_eq!(granted, format!(r#"{{"access_token":"{TOKEN}","note":"[secret]"}}"#));
        send(&http, api("tok-another")).await.unwrap();
        for status in statuses {
            for target in [api("tok-another"), grant()] {
                let answer = send(&http, target).await.unwrap();
                let told = format!("{} {:?}", body(&answer), answer.headers);
                assert_eq!(answer.status, status);
                assert!(![SECRET, TOKEN, &base64, "%2D", "u002d"].iter().any(|secret| told.contains(secret)), "{told}");
                assert!(status == 204 || told.contains("[secret]"), "{told}");
            }
        }
        let requests = serving.join().unwrap();
        assert!(requests[0].contains(&base64) && requests[1].contains("Bearer tok-another"), "{requests:?}");
    }

    #[tokio::test]
    async fn a_token_that_is_granted_again_comes_through_and_short_secrets_garble_nothing() {
        let granted = format!(r#"{{"access_token":"{TOKEN}","refresh_token":"refresh-me"}}"#);
        let (port, serving) =
            server(vec![answer(200, "", &granted), answer(200, "", &granted), answer(400, "", "a b c no")]);
        let url = format!("http://127.0.0.1:{port}");
        let http = Http::new(&hosts(url.clone(), url), 1).unwrap();
        let fields = |refresh: &str| {
            vec![
                ("grant_type", SecretString::from("refresh_token")),
                ("refresh_token", SecretString::from(refresh)),
                ("client_secret", SecretString::from("a")),
            ]
        };
        let refresh = |token: &str| Target::Token(Grant { basic: None, fields: fields(token), json: false }, None);
        assert_eq!(body(&send(&http, refresh("refresh-me")).await.unwrap()), granted);
        assert_eq!(body(&send(&http, refresh("refresh-me")).await.unwrap()), granted);
        assert_eq!(body(&send(&http, api(TOKEN)).await.unwrap()), "a b c no");
        serving.join().unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_is_longer_than_any_of_these_apis_is_not_read_on() {
        let (port, _serving) = server(vec![answer(200, "", &"x".repeat(LONGEST_BODY + 1))]);
        let url = format!("http://127.0.0.1:{port}");
        let http = Http::new(&hosts(url.clone(), url), 1).unwrap();
        let lost = send(&http, api(TOKEN)).await.unwrap_err();
        assert_eq!(
            lost.to_string(),
            "the connection broke: the answer is longer than 16 MB, and no answer of this API is"
        );
    }
}
