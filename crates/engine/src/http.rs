//! The transport that users have: HTTP/1.1 over TLS.

use crate::transport::{Answering, Lost, Outgoing, Target, Transport};
use paceline_core::vendor::{Answer, Host, Hosts, Method};
use reqwest::{Client, RequestBuilder, redirect, retry};
use secrecy::ExposeSecret;
use std::error::Error as _;
use std::time::Duration;

/// An answer longer than this is no answer of these APIs.
const LONGEST_BODY: usize = 64 << 20;

/// Speaks HTTP to one tenant's API and token endpoint.
#[derive(Debug)]
pub struct Http {
    client: Client,
    base_url: String,
    second_url: String,
    auth_url: String,
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
        let mut builder = Client::builder()
            .user_agent(concat!("paceline/", env!("CARGO_PKG_VERSION")))
            // A token must not follow a redirect to another host, and a write must not be sent twice unseen.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .pool_max_idle_per_host(connections as usize);
        if auth_url.starts_with("http://") {
            // Plain HTTP is for loopback only: no proxy lies there.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| chain(&error))?;
        let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
        Ok(Self {
            client,
            base_url: trimmed(base_url),
            second_url: trimmed(second_url.as_deref().unwrap_or(base_url)),
            auth_url: auth_url.clone(),
        })
    }

    fn request(&self, target: &Target) -> RequestBuilder {
        match target {
            Target::Api { request, token } => {
                let method = match request.method {
                    Method::Get => reqwest::Method::GET,
                    Method::Post => reqwest::Method::POST,
                    Method::Put => reqwest::Method::PUT,
                    Method::Patch => reqwest::Method::PATCH,
                    Method::Delete => reqwest::Method::DELETE,
                };
                let host = match request.host {
                    Host::Base => &self.base_url,
                    Host::Second => &self.second_url,
                };
                let builder = self
                    .client
                    .request(method, format!("{host}{}", request.target))
                    .bearer_auth(token.expose_secret())
                    .header("accept", "application/json");
                match &request.body {
                    Some(body) => builder.header("content-type", "application/json").body(body.to_string()),
                    None => builder,
                }
            }
            Target::Token(grant, at) => {
                let builder =
                    self.client.post(at.as_ref().unwrap_or(&self.auth_url)).header("accept", "application/json");
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
            Target::Document(url) => self.client.get(url).header("accept", "application/json"),
        }
    }

    async fn exchange(&self, outgoing: Outgoing) -> Result<Answer, Lost> {
        let mut response = self.request(&outgoing.target).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LONGEST_BODY {
                return Err(Lost::Broken("the answer is too long".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer::new(status, headers, body))
    }
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
