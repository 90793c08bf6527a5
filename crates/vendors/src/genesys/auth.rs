//! Genesys Cloud's grant: OAuth client credentials (facts/genesys.md, section 1).

use super::wire;
use paceline_core::vendor::{Answer, Credentials, Grant, TokenVerdict};
use secrecy::SecretString;
use serde_json::Value;

/// HTTP Basic as documented; where a server does not take that, the id and secret as form fields.
pub(super) fn grant(credentials: &Credentials, form: usize) -> Option<Grant> {
    let grant_type = ("grant_type", SecretString::from("client_credentials"));
    match form {
        0 => Some(Grant {
            basic: Some((credentials.client_id.clone(), credentials.client_secret.clone())),
            fields: vec![grant_type],
            json: false,
        }),
        1 => Some(Grant {
            basic: None,
            fields: vec![
                grant_type,
                ("client_id", SecretString::from(credentials.client_id.as_str())),
                ("client_secret", credentials.client_secret.clone()),
            ],
            json: false,
        }),
        _ => None,
    }
}

pub(super) fn verdict(answer: &Answer) -> TokenVerdict {
    let refusal = wire::refusal(answer);
    let body = answer.json();
    match answer.status {
        200..=299 => {
            match body.as_ref().and_then(|body| body["access_token"].as_str()).filter(|token| !token.is_empty()) {
                Some(token) => TokenVerdict::Granted {
                    token: SecretString::from(token),
                    expires_in: body.as_ref().and_then(|body| seconds(&body["expires_in"])),
                    refresh: None,
                },
                None if body.as_ref().is_some_and(|body| body["error"].is_string()) => TokenVerdict::Refused(refusal),
                None => TokenVerdict::NotOAuth(refusal),
            }
        }
        429 => TokenVerdict::Throttled(refusal),
        // Too many token requests come as a 400: facts/genesys.md, section 1.3.
        400 if refusal.line().contains("rate limit exceeded") => TokenVerdict::Throttled(refusal),
        408 | 500..=599 => TokenVerdict::Transient(refusal),
        400 | 401 | 403 => TokenVerdict::Refused(refusal),
        _ => TokenVerdict::NotOAuth(refusal),
    }
}

/// `expires_in` is an integer by RFC 6749; gateways write it as a string or with a fraction.
fn seconds(value: &Value) -> Option<u64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}
