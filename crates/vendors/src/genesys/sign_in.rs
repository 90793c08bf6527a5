//! Genesys Cloud's grant, OAuth client credentials, and its regions.

use super::{Genesys, regions};
use crate::http;
use paceline_core::vendor::{Answer, Answers as _, Clues, Credentials, Grant, Lookup, Refusal, SignIn, TokenVerdict};
use secrecy::SecretString;
use serde_json::Value;

impl SignIn for Genesys {
    fn lookup(&self, clues: &Clues, _documents: &[Value]) -> Result<Lookup, Refusal> {
        let found = clues.region.as_deref().and_then(regions::hosts);
        Ok(found.map_or_else(|| Lookup::Unknown(regions::names()), Lookup::Found))
    }

    /// HTTP Basic as documented; where a server does not take that, the id and secret as form fields.
    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant> {
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

    fn token(&self, answer: &Answer) -> TokenVerdict {
        let refusal = self.refusal(answer);
        // Too many token requests come as a 400.
        if answer.status == 400 && refusal.line().contains("rate limit exceeded") {
            return TokenVerdict::Throttled(refusal);
        }
        http::token(answer, refusal)
    }
}
