//! The calls of a phase that have not ended.

use crate::Moment;
use crate::run::{Ending, History};
use crate::vendor::{Effect, Request};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// One call until its end, with what its phase knows it by.
#[derive(Debug)]
pub struct Pending<T> {
    /// What is sent.
    pub request: Request,
    /// Whatever its phase needs to know it by.
    pub tag: T,
    /// Times it was sent.
    pub attempts: u32,
    /// Whether an attempt may have had an effect that no answer told of.
    pub in_doubt: bool,
    /// What it has been through; what it carries keeps it where it goes on in another call.
    pub history: History,
    /// When it left last.
    pub left: Moment,
    /// It was made from users as they were just read: it is never sent a second time, and not at all after this moment.
    pub(super) fresh: Option<Moment>,
    /// It is not begun after this moment.
    pub(super) begin_by: Option<Moment>,
    /// It is not sent again when its wait is over, but ends so.
    pub(super) ends: Option<Ending>,
}

impl<T> Pending<T> {
    /// One that was not sent yet.
    pub fn new(request: Request, tag: T) -> Self {
        Self {
            request,
            tag,
            attempts: 0,
            in_doubt: false,
            history: History::default(),
            left: Moment::ZERO,
            fresh: None,
            begin_by: None,
            ends: None,
        }
    }

    /// What it carries has been through this before.
    pub fn after(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// It was made from users as they were just read, and is good until then.
    pub fn fresh_until(self, until: Option<Moment>) -> Self {
        Self { fresh: until, ..self }
    }

    /// It begins until then, or not at all: what follows it was compared to be sent at once.
    pub fn begin_by(self, by: Option<Moment>) -> Self {
        Self { begin_by: by, ..self }
    }

    pub(super) fn writes(&self) -> bool {
        self.request.effect == Effect::Write
    }

    fn ends(&self, now: Moment) -> bool {
        self.ends.is_some()
            || self.fresh.is_some_and(|until| self.attempts > 0 || until <= now)
            || self.begin_by.is_some_and(|by| self.attempts == 0 && by <= now)
    }
}

/// A call that is out.
#[derive(Debug)]
pub(super) struct Out<T> {
    pub(super) call: Pending<T>,
    pub(super) sent: Moment,
    pub(super) slot: usize,
    pub(super) generation: u64,
}

/// The calls of a phase that have not ended.
#[derive(Debug)]
pub struct Flow<T> {
    pub(super) ready: VecDeque<Pending<T>>,
    waiting: BTreeMap<(Moment, u64), Pending<T>>,
    pub(super) out: HashMap<u64, Out<T>>,
    sequence: u64,
}

impl<T> Default for Flow<T> {
    fn default() -> Self {
        Self { ready: VecDeque::new(), waiting: BTreeMap::new(), out: HashMap::new(), sequence: 0 }
    }
}

impl<T> Flow<T> {
    /// A phase's next call.
    pub fn offer(&mut self, call: Pending<T>) {
        self.ready.push_back(call);
    }

    /// What was sent, of a call that is out.
    pub fn request(&self, call: u64) -> Option<&Request> {
        self.out.get(&call).map(|out| &out.call.request)
    }

    /// Whether calls are ready and may not leave yet.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Calls that are out.
    pub fn out(&self) -> usize {
        self.out.len()
    }

    /// Nothing is out and nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.out.is_empty() && self.waiting.is_empty()
    }

    /// Nobody else is there.
    pub(super) fn is_empty(&self) -> bool {
        self.is_idle() && self.ready.is_empty()
    }

    /// Those that were not out, for a run that stops.
    pub fn unfinished(self) -> impl Iterator<Item = Pending<T>> {
        self.ready.into_iter().chain(self.waiting.into_values())
    }

    pub(super) fn number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn wait(&mut self, until: Moment, call: Pending<T>) {
        let number = self.number();
        self.waiting.insert((until, number), call);
    }

    /// Those whose wait is over go before those that have not been sent.
    pub(super) fn wake(&mut self, now: Moment) {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let call = entry.remove();
            self.ready.push_front(call);
        }
    }

    /// One that ends without being sent (again).
    pub(super) fn ended(&mut self, now: Moment) -> Option<(Pending<T>, Ending)> {
        let at = self.ready.iter().position(|call| call.ends(now))?;
        let mut call = self.ready.remove(at)?;
        let ending = call.ends.take().unwrap_or(Ending::Stale);
        Some((call, ending))
    }

    /// When the next wait is over.
    pub fn next_due(&self) -> Option<Moment> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }
}
