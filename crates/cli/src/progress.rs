//! The progress line on a terminal's standard error; nothing where that is none.

use crate::printer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use paceline_core::summary::Outcome;
use paceline_engine::Event;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Shows how far a run is.
pub(crate) struct Progress {
    bar: ProgressBar,
    seen: Mutex<Seen>,
}

struct Seen {
    since: Instant,
    done: u64,
    throttled: u64,
    planned: u64,
    paused: Option<Instant>,
}

impl Progress {
    /// For a run of `rows` rows of which `done` have their outcome already.
    pub(crate) fn new(rows: u64, done: u64, shown: bool) -> Self {
        let target = if shown && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(rows), target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(done);
        let seen = Seen { since: Instant::now(), done: 0, throttled: 0, planned: 0, paused: None };
        Self { bar, seen: Mutex::new(seen) }
    }

    /// Takes notice of what happened.
    pub(crate) fn see(&self, event: &Event) {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Planned { rows } => seen.planned += rows,
            Event::Ended { outcome } => {
                if *outcome != Outcome::Unchanged && seen.done == 0 {
                    seen.since = Instant::now();
                }
                seen.done += 1;
                self.bar.inc(1);
            }
            Event::Throttled { wait, .. } => {
                seen.throttled += 1;
                seen.paused = Some(Instant::now() + *wait);
            }
            Event::Note(text) => self.bar.suspend(|| printer::note(text)),
            Event::Stopping { in_flight } => self.bar.suspend(|| {
                printer::note(&format!("stopping: waiting for {in_flight} calls in flight; once more to stop at once"));
            }),
            Event::Retry { .. } | Event::Quota { .. } => {}
        }
        if !self.bar.is_hidden() {
            self.bar.set_message(message(&seen, self.bar.length().unwrap_or(0).saturating_sub(self.bar.position())));
        }
    }

    /// Takes the line out of the way of a question; gives back what [`Progress::show`] goes on from.
    pub(crate) fn hide(&self) -> u64 {
        let done = self.bar.position();
        self.bar.finish_and_clear();
        done
    }

    /// Shows the line again.
    pub(crate) fn show(&self, done: u64) {
        self.bar.reset();
        self.bar.set_position(done);
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn message(seen: &Seen, left: u64) -> String {
    if let Some(left) = seen.paused.and_then(|until| until.checked_duration_since(Instant::now())) {
        return format!("throttled {}, the vendor asks to wait {} s", seen.throttled, left.as_secs() + 1);
    }
    if seen.done == 0 {
        return format!("planned {}", seen.planned);
    }
    let elapsed = seen.since.elapsed().as_secs_f64().max(0.001);
    let rate = seen.done as f64 / elapsed;
    let eta = Duration::from_secs_f64((left as f64 / rate).min(1e7));
    format!("{rate:.1}/s, throttled {}, ETA {}", seen.throttled, crate::report::text::time(eta))
}
