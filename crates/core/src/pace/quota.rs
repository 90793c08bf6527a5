//! How many calls a vendor allows in which stretch of time.

use std::time::Duration;

/// Calls allowed in any stretch of `window`.
///
/// ```
/// use paceline_core::pace::Quota;
/// use std::time::Duration;
/// let published = Quota { allowed: 300, window: Duration::from_secs(60) };
/// assert_eq!(published.share(80).allowed, 240, "others live in the tenant too");
/// assert_eq!(published.time_for(601), Duration::from_secs(120), "the last window is not waited out");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quota {
    /// Calls, at least one.
    pub allowed: u32,
    /// The stretch they are counted in.
    pub window: Duration,
}

impl Quota {
    /// `percent` of this quota, at least one call: others live in the tenant too.
    pub fn share(self, percent: u32) -> Self {
        let part = u64::from(self.allowed) * u64::from(percent.min(100)) / 100;
        Self { allowed: u32::try_from(part).unwrap_or(u32::MAX).max(1), ..self }
    }

    /// The least time that `calls` calls take: all but the last window in full (DESIGN.md, section 9).
    pub fn time_for(self, calls: u64) -> Duration {
        let windows = calls.saturating_sub(1) / u64::from(self.allowed.max(1));
        self.window.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX))
    }
}
