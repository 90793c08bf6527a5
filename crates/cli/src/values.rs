//! What the text of a flag, a variable or a profile's key means.

use paceline_core::backoff::Jitter;
use paceline_core::pace::Quota;
use paceline_engine::MaxFailures;
use std::time::Duration;

/// `N/SECONDS`.
pub(crate) fn rate(text: &str) -> Result<Quota, String> {
    let wrong = || format!("`{text}` is no rate: write calls per seconds, as in 300/60");
    let (calls, window) = text.split_once('/').ok_or_else(wrong)?;
    let allowed: u32 = calls.trim().parse().map_err(|_| wrong())?;
    let window = some_seconds(window).map_err(|_| wrong())?;
    if allowed == 0 { Err(wrong()) } else { Ok(Quota { allowed, window }) }
}

pub(crate) fn percent(text: &str) -> Result<u32, String> {
    let number = text.trim().trim_end_matches('%').trim();
    match number.parse() {
        Ok(percent @ 1..=100) => Ok(percent),
        _ => Err(format!("`{text}` is no share: write 1 to 100")),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no number of seconds");
    let seconds: f64 = text.trim().parse().map_err(|_| wrong())?;
    if (0.0..=1e9).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

pub(crate) fn some_seconds(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|wait| if wait.is_zero() { Err("must be more than 0".into()) } else { Ok(wait) })
}

pub(crate) fn jitter(text: &str) -> Result<Jitter, String> {
    serde_json::from_value(text.to_lowercase().into())
        .map_err(|_| format!("`{text}` is not one of none, proportional, equal, full, decorrelated"))
}

pub(crate) fn max_failures(text: &str) -> Result<MaxFailures, String> {
    let wrong = || format!("`{text}` is neither a number of rows nor a share as in 5%");
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            if (0.0..=100.0).contains(&percent) { Ok(MaxFailures::Percent(percent)) } else { Err(wrong()) }
        }
        None => text.trim().parse().map(MaxFailures::Rows).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_are_read_as_people_write_them() {
        assert_eq!(rate("300/6"), Ok(Quota { allowed: 300, window: Duration::from_secs(6) }));
        assert_eq!(rate(" 5 / 0.5 "), Ok(Quota { allowed: 5, window: Duration::from_millis(500) }));
        for wrong in ["300", "0/60", "300/0", "-1/60", "x/y", "300/60/2", "1/inf", "1/nan"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        assert_eq!(percent("80%"), Ok(80));
        assert!(percent("0").is_err() && percent("101").is_err());
        assert_eq!(max_failures("5%"), Ok(MaxFailures::Percent(5.0)));
        assert_eq!(max_failures("7"), Ok(MaxFailures::Rows(7)));
        assert!(max_failures("-1").is_err());
    }
}
