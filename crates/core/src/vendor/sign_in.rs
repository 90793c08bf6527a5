//! How is a token had, and where is the tenant?

use super::{Answer, Refusal};
use secrecy::SecretString;
use serde_json::Value;

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

/// A vendor's grants, and the way to a tenant's hosts.
pub trait SignIn {
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
}
