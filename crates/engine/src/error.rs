//! Why a run stops before its end.

use paceline_core::summary::HaltNote;
use paceline_core::vendor::Refusal;
use paceline_journal as journal;
use std::time::Duration;

/// A cause that is everyone's and not one row's. Each can be resumed once it is mended.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The token endpoint refuses the credentials, in every form that the vendor takes.
    #[error("the credentials were refused: {}", .0.line())]
    Credentials(Refusal),
    /// Calls are refused although the token is fresh.
    #[error("a fresh access token was refused: {}", .0.line())]
    Unauthorized(Refusal),
    /// Every row is refused for a missing right.
    #[error("every call is refused for a missing permission: {}", .0.line())]
    Forbidden(Refusal),
    /// What answers is not the vendor's API or token endpoint.
    #[error("{what} did not answer as expected: {}", .refusal.line())]
    NotTheVendor {
        /// Which URL's owner.
        what: &'static str,
        /// What it said instead.
        refusal: Refusal,
    },
    /// Nothing answers.
    #[error("{what} cannot be reached: {why}")]
    Unreachable {
        /// Which URL's owner.
        what: &'static str,
        /// Why, as the network says.
        why: String,
    },
    /// The vendor is in trouble.
    #[error("the vendor is in trouble: {0}")]
    Trouble(String),
    /// Throttled for longer than `--max-wait`.
    #[error("the vendor asks to wait {}, longer than --max-wait", seconds(.0))]
    Throttled(Duration),
    /// `--max-failures` was reached.
    #[error("{0} rows have failed: --max-failures is reached")]
    MaxFailures(u64),
    /// A row of the canary failed.
    #[error("{failed} of the {sent} canary rows did not succeed")]
    Canary {
        /// Rows that did not.
        failed: u64,
        /// Rows sent.
        sent: u64,
    },
    /// Nothing is left to send, and rows have no outcome: a defect.
    #[error("{0} rows have no outcome although nothing is left to send: this is a defect of Paceline's")]
    LeftOver(u64),
    /// The operator said no.
    #[error("not confirmed: nothing more was sent")]
    Declined,
    /// The journal cannot be written.
    #[error("{0}")]
    Journal(#[from] journal::Error),
}

fn seconds(wait: &Duration) -> String {
    format!("{} s", wait.as_secs())
}

impl Halt {
    /// What to fix.
    pub fn hint(&self) -> String {
        match self {
            Self::Credentials(_) => {
                "check the client id and secret, and that the OAuth client lives in this region".into()
            }
            Self::Unauthorized(_) => "check that the OAuth client is active and allowed from this network".into(),
            Self::Forbidden(_) => "give the OAuth client a role with the permission, in the users' divisions".into(),
            Self::NotTheVendor { what, .. } => format!("check {what}: {}", flag_of(what)),
            Self::Unreachable { what, .. } => format!("check the network and {}", flag_of(what)),
            Self::Trouble(_) => "wait until the vendor has recovered".into(),
            Self::Throttled(_) => {
                "go on later, or allow a longer --max-wait; other programs may share this quota".into()
            }
            Self::MaxFailures(_) | Self::Canary { .. } => "look at the failures before going on".into(),
            Self::LeftOver(_) => "please report it with the journal's path".into(),
            Self::Declined => "go on when it is right".into(),
            Self::Journal(error) => error.hint().into(),
        }
    }

    /// What the summary and the journal keep of it.
    pub fn note(&self, run: &str) -> HaltNote {
        if let Self::Journal(journal::Error::Removed(_)) = self {
            return HaltNote { cause: self.to_string(), hint: self.hint() };
        }
        HaltNote { cause: self.to_string(), hint: format!("{}; then: paceline resume {run}", self.hint()) }
    }
}

pub(crate) const API: &str = "the API";
pub(crate) const TOKENS: &str = "the token endpoint";
pub(crate) const DISCOVERY: &str = "the discovery of the tenant's hosts";

fn flag_of(what: &str) -> &'static str {
    match what {
        TOKENS => "--auth-url",
        DISCOVERY => "--issuer, or say --base-url and --auth-url",
        _ => "--base-url (or --region)",
    }
}

/// Why a run is left.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// A cause that is not one row's.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// The user's.
    #[error("interrupted")]
    Interrupted,
}

impl From<journal::Error> for Stop {
    fn from(error: journal::Error) -> Self {
        Self::Halted(Halt::Journal(error))
    }
}
