//! The one door to the network, so that tests can stand another in its place.

use crate::address::Insecure;
use paceline_core::vendor::{Answer, Grant, Request};
use secrecy::SecretString;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

/// One request on its way.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Whom it is for, and what it says.
    pub target: Target,
}

/// Whom a run speaks to.
#[derive(Debug, Clone)]
pub enum Target {
    /// The API, with an access token.
    Api {
        /// The request.
        request: Request,
        /// The access token.
        token: SecretString,
    },
    /// The token endpoint; another one than the known where a tenant is being looked for.
    Token(Grant, Option<String>),
    /// A public document, by its whole URL.
    Document(String),
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It was never sent: no connection came about.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It was never sent: its URL is none that a secret may be sent to. Asking again does not help.
    #[error("nothing was sent: its URL {0}")]
    Insecure(#[from] Insecure),
    /// No answer within the time allowed.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke before the answer was whole.
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl Lost {
    /// Whether the vendor may have done what was asked.
    pub fn in_doubt(&self) -> bool {
        !matches!(self, Self::NotSent(_) | Self::Insecure(_))
    }

    /// The code that reports give it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "unreachable",
            Self::Insecure(_) => "insecure.url",
            Self::Timeout => "timeout",
            Self::Broken(_) => "connection.broken",
        }
    }
}

/// A future of an answer.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Lost>> + Send + 'a>>;

/// Sends one request and reads its answer whole. Never retries, never follows. What it gives back, answer or trouble, tells
/// none of the secrets that it has sent.
pub trait Transport: Send + Sync + Debug {
    /// Sends it. The caller bounds the time.
    fn send(&self, outgoing: Outgoing) -> Answering<'_>;
}
