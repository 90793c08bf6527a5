//! The vendor's quota: fixed and sliding windows, and what a 429 says.

use crate::http::Reply;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

/// The kind of stretch that calls are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// Opened by the first call, then counted anew.
    Fixed,
    /// The last so many seconds, at any time.
    Sliding,
}

/// The form of a 429's Retry-After.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryAfter {
    /// Whole seconds, rounded up.
    Seconds,
    /// Seconds with a fraction.
    Decimal,
    /// An HTTP date.
    Date,
    /// None.
    Absent,
    /// A word.
    Malformed,
    /// This many seconds more than is needed.
    Longer(u64),
}

impl RetryAfter {
    fn header(self, wait: Duration, wall: SystemTime) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Malformed => Some("soon".into()),
            // Dates have whole seconds: the next one that is late enough.
            Self::Date => Some(httpdate::fmt_http_date(wall + wait + Duration::from_millis(999))),
            Self::Decimal => Some(format!("{:.1}", wait.as_secs_f64() + 0.05)),
            Self::Seconds | Self::Longer(_) => self.said_wait(wait).map(|wait| wait.as_secs().to_string()),
        }
    }

    /// The wait that the header asks for, where it asks for one that can be read.
    pub(crate) fn said_wait(self, wait: Duration) -> Option<Duration> {
        let whole = Duration::from_secs(wait.as_secs_f64().ceil() as u64);
        match self {
            Self::Absent | Self::Malformed => None,
            Self::Date | Self::Decimal => Some(wait),
            Self::Seconds => Some(whole),
            Self::Longer(more) => Some(whole + Duration::from_secs(more)),
        }
    }
}

/// A token's quota.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Calls a window.
    pub calls: u32,
    /// The window's seconds.
    pub window_s: f64,
    /// Its kind.
    pub kind: Window,
    /// What a 429 says.
    pub retry_after: RetryAfter,
}

#[derive(Debug, Default)]
struct Count {
    opened: Option<Duration>,
    calls: VecDeque<Duration>,
}

#[derive(Debug)]
pub(crate) struct Quota {
    limit: Limit,
    tokens: BTreeMap<String, Count>,
    services: BTreeMap<String, Count>,
    most: u64,
}

impl Quota {
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit, tokens: BTreeMap::new(), services: BTreeMap::new(), most: 0 }
    }

    pub(crate) fn limit(&self) -> Limit {
        self.limit
    }

    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    /// Counts a call; where there is no room, how long until there is, and whose limit it was. `rivals` is how many
    /// calls others of the same quota have made in the window so far.
    pub(crate) fn count(
        &mut self,
        token: &str,
        template: &str,
        service: Option<u32>,
        rivals: impl Fn(Duration, Duration) -> u32,
        now: Duration,
    ) -> Option<(Duration, Option<String>)> {
        let window = Duration::from_secs_f64(self.limit.window_s);
        if let Some(most) = service {
            let count = self.services.entry(template.to_owned()).or_default();
            if let Some(wait) = count.take(self.limit.kind, window, most, |_, _| 0, now) {
                return Some((wait, Some(template.to_owned())));
            }
        }
        let count = self.tokens.entry(token.to_owned()).or_default();
        let wait = count.take(self.limit.kind, window, self.limit.calls, rivals, now);
        self.most = self.most.max(count.calls.len() as u64);
        wait.map(|wait| (wait, None))
    }
}

impl Count {
    fn take(
        &mut self,
        kind: Window,
        window: Duration,
        most: u32,
        rivals: impl Fn(Duration, Duration) -> u32,
        now: Duration,
    ) -> Option<Duration> {
        match kind {
            Window::Fixed => {
                if self.opened.is_none_or(|opened| now >= opened + window) {
                    self.opened = Some(now);
                    self.calls.clear();
                }
            }
            Window::Sliding => {
                while self.calls.front().is_some_and(|at| *at + window <= now) {
                    self.calls.pop_front();
                }
            }
        }
        let from = match kind {
            Window::Fixed => self.opened.unwrap_or(now),
            Window::Sliding => now.saturating_sub(window),
        };
        if self.calls.len() as u32 + rivals(from, now) < most {
            self.calls.push_back(now);
            return None;
        }
        Some(match kind {
            Window::Fixed => (from + window).saturating_sub(now),
            Window::Sliding => self.calls.front().map_or(window / 10, |oldest| (*oldest + window).saturating_sub(now)),
        })
    }
}

pub(crate) fn too_many(form: RetryAfter, wait: Duration, wall: SystemTime, service: Option<String>) -> Reply {
    let seconds = wait.as_secs_f64().ceil();
    let mut body = json!({
        "message": format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds"),
        "code": "too.many.requests.retry.after", "status": 429, "contextId": "", "details": [], "errors": [],
    });
    if service.is_some() {
        body["limit"] = json!({"key": "users.rate.per.minute", "namespace": "users", "value": Value::Null});
    }
    let mut reply = Reply::json(429, &body);
    if let Some(value) = form.header(wait, wall) {
        reply.headers.push(("retry-after".into(), value));
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(kind: Window, at: &[u64]) -> Vec<Option<u64>> {
        let limit = Limit { calls: 2, window_s: 10.0, kind, retry_after: RetryAfter::Seconds };
        let mut quota = Quota::new(limit);
        let mut count = |now| quota.count("t", "GET /", None, |_, _| 0, Duration::from_secs(now));
        at.iter().map(|now| count(*now).map(|(wait, _)| wait.as_secs())).collect()
    }

    #[test]
    fn a_fixed_window_opens_with_its_first_call_and_counts_anew() {
        assert_eq!(waits(Window::Fixed, &[5, 14, 14, 15, 15, 15]), [None, None, Some(1), None, None, Some(10)]);
    }

    #[test]
    fn a_sliding_window_frees_one_call_at_a_time() {
        assert_eq!(waits(Window::Sliding, &[5, 14, 14, 15, 15, 24]), [None, None, Some(1), None, Some(9), None]);
    }
}
