//! Genesys Cloud's grant: OAuth client credentials (facts/genesys.md, section 1).

use super::verdicts;
use crate::http;
use paceline_core::vendor::{Answer, Credentials, Grant, TokenVerdict};
use secrecy::SecretString;

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
    let refusal = verdicts::refusal(answer);
    // Too many token requests come as a 400: facts/genesys.md, section 1.3.
    if answer.status == 400 && refusal.line().contains("rate limit exceeded") {
        return TokenVerdict::Throttled(refusal);
    }
    http::token(answer, refusal)
}
