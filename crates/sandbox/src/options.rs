//! Which vendor is pretended, and how it is to behave.

use crate::faults::Faults;
use crate::limits::{Limit, RetryAfter, Window};
use crate::odd::{self, Odd, Oddity};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The vendor that is pretended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Genesys Cloud.
    #[default]
    Genesys,
    /// NICE CXone.
    Nice,
}

impl Vendor {
    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "genesys" => Some(Self::Genesys),
            "nice" => Some(Self::Nice),
            _ => None,
        }
    }

    /// Where it grants tokens.
    pub fn token_path(self) -> &'static str {
        match self {
            Self::Genesys => "/oauth/token",
            Self::Nice => "/auth/token",
        }
    }
}

/// How the pretended vendor is to behave.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which it is.
    pub vendor: Vendor,
    /// Users of the tenant.
    pub users: usize,
    /// What makes it repeatable.
    pub seed: u64,
    /// The quota of each token; none at all where it is `None`.
    pub limit: Option<Limit>,
    /// What the limits call tells, a minute; it is not served where this is `None`.
    pub told_limit: Option<u32>,
    /// Seconds that a token is said to live.
    pub token_life_s: f64,
    /// Seconds after which it really ends, where that is not what it says.
    pub token_ends_s: Option<f64>,
    /// Milliseconds that an answer takes.
    pub latency_ms: u64,
    /// Milliseconds more at most, by chance.
    pub jitter_ms: u64,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether PATCH without `version` is refused, as the published description says. Off by default: gateways in front
    /// of the API, and the tutorial, send none.
    pub strict: bool,
    /// Whether the token endpoint takes HTTP Basic.
    pub basic: bool,
    /// Users that a page holds at most, whatever is asked for.
    pub page_limit: Option<usize>,
    /// Whether requests are kept, to be looked at afterwards.
    pub record: bool,
    /// NICE CXone's oddities.
    pub nice: Oddities,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vendor: Vendor::Genesys,
            users: 1_000,
            seed: 1,
            limit: Some(Limit { calls: 300, window_s: 60.0, kind: Window::Fixed, retry_after: RetryAfter::Seconds }),
            told_limit: None,
            token_life_s: 86_400.0,
            token_ends_s: None,
            latency_ms: 0,
            jitter_ms: 0,
            faults: Faults::default(),
            strict: false,
            basic: true,
            page_limit: None,
            record: false,
            nice: Oddities::default(),
        }
    }
}

/// What is odd about a tenant of NICE CXone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oddities {
    /// People that a batched write carries at most; a larger one is refused as a whole. 100 where it is not said.
    pub batch_cap: Option<usize>,
    /// Failed items do not say whose they are.
    pub nameless: bool,
    /// The status of a batch of which some items failed: 200, 206 or 400. 200 where it is not said.
    pub partial_status: Option<u16>,
    /// Agents that a search by id takes at most.
    pub search_cap: Option<usize>,
}

impl Options {
    /// Adds a fault as it is written for `--fault`: an odd answer (`omit=skills@GET`: [`Odd`] has them all), or a
    /// field of [`Faults`] (`error_500=0.1`, `users.ID=404`) or, after `nice.`, of [`Oddities`].
    ///
    /// # Errors
    /// Where there is no such fault, or its value is none.
    pub fn fault(mut self, text: &str) -> Result<Self, String> {
        if Odd::ALL.iter().any(|odd| odd.name() == odd::name_of(text)) {
            self.faults.odd.push(Oddity::try_from(text.to_owned())?);
            return Ok(self);
        }
        let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is no fault of the sandbox"))?;
        let value: Value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        let told = |error: serde_json::Error| format!("`{text}`: {error}");
        let set = |mut all: Value, name: &str| {
            match name.split_once('.') {
                Some((group, key)) => all[group][key] = value.clone(),
                None => all[name] = value.clone(),
            }
            all
        };
        match name.strip_prefix("nice.") {
            Some(name) => {
                let all = set(serde_json::to_value(&self.nice).map_err(told)?, name);
                self.nice = serde_json::from_value(all).map_err(told)?;
            }
            None => {
                let all = set(serde_json::to_value(&self.faults).map_err(told)?, name);
                self.faults = serde_json::from_value(all).map_err(told)?;
            }
        }
        Ok(self)
    }
}
