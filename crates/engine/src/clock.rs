//! The engine's clock: tokio's, so that tests can stop it.

use paceline_core::Moment;
use std::time::SystemTime;
use tokio::time::Instant;

/// Tells the time of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    wall: SystemTime,
}

impl Clock {
    /// Starts now; `wall` is the calendar's time of it.
    pub fn start(wall: SystemTime) -> Self {
        Self { start: Instant::now(), wall }
    }

    /// The time since the start.
    pub fn now(&self) -> Moment {
        self.start.elapsed()
    }

    /// The calendar's time. It advances with the run's clock, so an adjusted system clock shortens no pause.
    pub fn wall(&self) -> SystemTime {
        self.wall + self.now()
    }

    /// Waits for a moment of the run.
    pub async fn until(&self, moment: Moment) {
        tokio::time::sleep_until(self.start + moment).await;
    }
}
