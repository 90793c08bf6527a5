//! How long to wait before a retry, where the vendor does not say.
//!
//! One pure function of the attempt, the last wait and a draw. The formulas: the tutorial's
//! `min(max, base·2^(n−1) + 10 % jitter)`, and "Exponential Backoff And Jitter" (Marc Brooker, AWS
//! Architecture Blog, 2015) for `full`, `equal` and `decorrelated`.

use std::time::Duration;

/// The random share of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jitter {
    /// No chance at all: `base·2^(n−1)`.
    None,
    /// The exponential part plus 0..10 % of it. The default, and the tutorial's.
    #[default]
    Proportional,
    /// Half of the exponential part plus 0..half of it.
    Equal,
    /// Anything from nothing to the exponential part.
    Full,
    /// Anything from `base` to three times the last wait.
    Decorrelated,
}

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Backoff {
    /// The exponential part of the first wait. Default 1 s.
    pub base: Duration,
    /// No own wait is longer than this. Default 60 s. A vendor's Retry-After may be.
    pub max: Duration,
    /// How chance enters.
    pub jitter: Jitter,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(1), max: Duration::from_secs(60), jitter: Jitter::default() }
    }
}

impl Backoff {
    /// The wait before retry `n` (1 is the first), after a wait of `last` (zero before the first).
    /// `draw` is uniform in `0.0..1.0`.
    pub fn wait(&self, n: u32, last: Duration, draw: f64) -> Duration {
        let base = self.base.as_secs_f64();
        let max = self.max.as_secs_f64();
        // 2^62 s is past every `max`; the exponent is bounded so that the product stays finite.
        let exponential = base * 2f64.powi(n.saturating_sub(1).min(62) as i32);
        let capped = exponential.min(max);
        let seconds = match self.jitter {
            Jitter::None => capped,
            Jitter::Proportional => exponential + 0.1 * exponential * draw,
            Jitter::Equal => capped / 2.0 + capped / 2.0 * draw,
            Jitter::Full => capped * draw,
            Jitter::Decorrelated => {
                let most = (last.as_secs_f64() * 3.0).max(base);
                base + (most - base) * draw
            }
        };
        Duration::from_secs_f64(seconds.min(max).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(jitter: Jitter) -> Backoff {
        Backoff { jitter, ..Backoff::default() }
    }

    #[test]
    fn waits_double_from_the_base_and_stop_at_the_longest() {
        let waits: Vec<u64> = (1..=8).map(|n| with(Jitter::None).wait(n, Duration::ZERO, 0.5).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn proportional_jitter_is_the_tutorials_ten_percent() {
        let backoff = with(Jitter::Proportional);
        assert_eq!(backoff.wait(3, Duration::ZERO, 0.0), Duration::from_secs(4));
        assert_eq!(backoff.wait(3, Duration::ZERO, 1.0), Duration::from_millis(4400));
        assert_eq!(backoff.wait(7, Duration::ZERO, 1.0), Duration::from_secs(60));
    }

    #[test]
    fn each_jitter_keeps_to_its_own_edges() {
        let s = Duration::from_secs;
        let table = [
            (Jitter::Equal, 3, s(0), s(2), s(4)),
            (Jitter::Full, 3, s(0), s(0), s(4)),
            (Jitter::Decorrelated, 3, s(2), s(1), s(6)),
            (Jitter::Decorrelated, 1, s(0), s(1), s(1)),
        ];
        for (jitter, n, last, least, most) in table {
            assert_eq!(with(jitter).wait(n, last, 0.0), least, "{jitter:?} least");
            assert_eq!(with(jitter).wait(n, last, 1.0), most, "{jitter:?} most");
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(
            n in 0u32..=u32::MAX, base in 0.0f64..1e6, max in 0.0f64..1e6, last in 0.0f64..1e6, draw in 0.0f64..1.0,
            jitter in prop_oneof![Just(Jitter::None), Just(Jitter::Proportional), Just(Jitter::Equal), Just(Jitter::Full), Just(Jitter::Decorrelated)],
        ) {
            let backoff = Backoff { base: Duration::from_secs_f64(base), max: Duration::from_secs_f64(max), jitter };
            prop_assert!(backoff.wait(n, Duration::from_secs_f64(last), draw) <= backoff.max);
        }
    }
}
