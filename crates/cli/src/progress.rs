//! The progress line on a terminal's standard error; nothing where that is none.
//!
//! A run tells what happens and goes on: it only writes it down here. A thread of its own draws and prints, so that a terminal
//! that takes nothing (Ctrl-S, a pipe that nobody reads) holds up nobody but itself.

use crate::printer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use paceline_core::summary::Outcome;
use paceline_engine::Event;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::time::Instant;

/// How often the line is drawn.
const TICK: Duration = Duration::from_millis(200);

/// How long the end of a run waits for what is still to be printed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Notes that wait to be printed, at most: beyond, nobody reads.
const NOTES: usize = 1_000;

/// Shows how far a run is.
pub(crate) struct Progress {
    bar: ProgressBar,
    shared: Arc<Shared>,
    drawing: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    since: Instant,
    done: u64,
    throttled: u64,
    planned: u64,
    paused: Option<Instant>,
    notes: VecDeque<String>,
    ending: bool,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        Self::printing(bar, printer::note)
    }

    /// With what prints a note.
    fn printing(bar: ProgressBar, print: impl Fn(&str) + Send + 'static) -> Self {
        let seen = Seen {
            since: Instant::now(),
            done: 0,
            throttled: 0,
            planned: 0,
            paused: None,
            notes: VecDeque::new(),
            ending: false,
            ended: false,
        };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), changed: Condvar::new() });
        let (theirs, line, before) = (Arc::clone(&shared), bar.clone(), bar.position());
        let draws =
            std::thread::Builder::new().name("progress".into()).spawn(move || draw(&theirs, &line, before, &print));
        Self { bar, shared, drawing: Mutex::new(draws.ok()) }
    }

    /// Takes notice of what happened. Waits for nobody.
    pub(crate) fn see(&self, event: &Event) {
        let mut seen = self.shared.lock();
        match event {
            Event::Planned { rows } => seen.planned += rows,
            Event::Ended { outcome } => {
                if *outcome != Outcome::Unchanged && seen.done == 0 {
                    seen.since = Instant::now();
                }
                seen.done += 1;
            }
            Event::Throttled { wait, .. } => {
                seen.throttled += 1;
                seen.paused = Instant::now().checked_add(*wait);
            }
            Event::Note(text) => self.note(&mut seen, text.clone()),
            Event::Stopping { in_flight } => {
                let text = format!("stopping: waiting for {in_flight} calls in flight; once more to stop at once");
                self.note(&mut seen, text);
            }
            Event::Retry { .. } | Event::Quota { .. } => {}
        }
    }

    fn note(&self, seen: &mut Seen, text: String) {
        if seen.notes.len() < NOTES {
            seen.notes.push_back(text);
            self.shared.changed.notify_all();
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

    /// Takes the line away, once what was noted is printed. A terminal that takes nothing is not waited for.
    pub(crate) fn end(&self) {
        let Some(drawing) = self.drawing.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let mut seen = self.shared.lock();
        seen.ending = true;
        self.shared.changed.notify_all();
        let waited = self.shared.changed.wait_timeout_while(seen, PATIENCE, |seen| !seen.ended);
        let ended = waited.map_or_else(|poisoned| poisoned.into_inner().0.ended, |(seen, _)| seen.ended);
        if ended {
            let _ = drawing.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Draws until the end. Nothing is held while it prints.
fn draw(shared: &Shared, bar: &ProgressBar, before: u64, print: &dyn Fn(&str)) {
    loop {
        let idle = |seen: &mut Seen| seen.notes.is_empty() && !seen.ending;
        let waited = shared.changed.wait_timeout_while(shared.lock(), TICK, idle);
        let mut seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        let notes = std::mem::take(&mut seen.notes);
        let (done, ending) = (seen.done, seen.ending);
        let text = message(&seen, bar.length().unwrap_or(0).saturating_sub(before + done));
        drop(seen);
        for note in notes {
            bar.suspend(|| print(&note));
        }
        if ending {
            bar.finish_and_clear();
            shared.lock().ended = true;
            shared.changed.notify_all();
            return;
        }
        if !bar.is_hidden() {
            bar.set_position(before + done);
            bar.set_message(text);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_terminal_that_takes_nothing_holds_up_no_run() {
        let (open, opened) = mpsc::channel::<()>();
        let (told, tells) = mpsc::channel();
        let progress = Progress::printing(ProgressBar::hidden(), move |note| {
            // Ctrl-S: the write does not return until Ctrl-Q.
            let _ = opened.recv();
            let _ = told.send(note.to_owned());
        });
        for n in 0..10_000 {
            progress.see(&Event::Note(format!("note {n}")));
            progress.see(&Event::Ended { outcome: Outcome::Updated });
        }
        assert!(tells.try_recv().is_err(), "nothing was printed, and here we are");
        let waiting = progress.shared.lock().notes.len();
        assert!(waiting <= NOTES, "{waiting} notes wait");
        drop(open);
        progress.end();
        assert_eq!(tells.recv().unwrap(), "note 0");
    }

    #[test]
    fn what_was_noted_is_printed_before_the_end() {
        let (told, tells) = mpsc::channel();
        let progress = Progress::printing(ProgressBar::hidden(), move |note| drop(told.send(note.to_owned())));
        progress.see(&Event::Note("a".into()));
        progress.see(&Event::Stopping { in_flight: 3 });
        progress.end();
        let notes: Vec<String> = tells.try_iter().collect();
        assert_eq!(notes.len(), 2);
        assert!(notes[0] == "a" && notes[1].contains("3 calls in flight"), "{notes:?}");
    }
}
