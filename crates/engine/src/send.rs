//! Drives the sending part of a run: [`Sender`] says what is to be done, this does it.

use crate::error::{API, Halt};
use crate::event::Event;
use crate::phase::{Next, Phase};
use crate::recorder::{Recorder, joined, on_journal};
use paceline_core::Moment;
use paceline_core::run::dispatch::Pending;
use paceline_core::run::{About, Block, Call, Cause, Ending, Landed, Sender, Taken, Todo, Turn};
use paceline_core::summary::Effort;
use paceline_journal::{Error, Journal};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A sender with a journal behind it.
pub(crate) struct Sending<'a> {
    sender: Sender,
    recorder: &'a mut Recorder,
    events: Arc<dyn Fn(Event) + Send + Sync>,
    /// The next block, which is marked while this one is being sent.
    fetching: Option<JoinHandle<Result<Vec<Taken>, Error>>>,
}

impl<'a> Sending<'a> {
    pub(crate) fn new(sender: Sender, recorder: &'a mut Recorder, events: Arc<dyn Fn(Event) + Send + Sync>) -> Self {
        Self { sender, recorder, events, fetching: None }
    }

    /// Writes down what has become known.
    fn note(&mut self) {
        let (notes, outcomes) = self.sender.noted();
        notes.into_iter().for_each(|note| self.recorder.record(note));
        outcomes.into_iter().for_each(|outcome| (self.events)(Event::Ended { outcome }));
    }

    async fn await_fetched(&mut self) -> Result<(), Halt> {
        if let Some(fetching) = self.fetching.take() {
            let taken = joined(fetching).await?;
            self.sender.fetched(taken, self.recorder.now());
        }
        Ok(())
    }
}

fn halt(cause: Cause) -> Halt {
    match cause {
        Cause::Forbidden(refusal) => Halt::Forbidden(refusal),
        Cause::NotTheVendor(refusal) => Halt::NotTheVendor { what: API, refusal },
        Cause::MaxFailures(failed) => Halt::MaxFailures(failed),
    }
}

fn landed(call: Pending<About>) -> Landed {
    let Pending { tag: about, attempts, in_doubt, history, left, .. } = call;
    Landed { about, attempts, in_doubt, history, left }
}

impl Phase for Sending<'_> {
    type Tag = About;

    async fn next(&mut self, turn: Turn) -> Result<Next<About>, Halt> {
        loop {
            let todo = self.sender.poll(turn);
            self.note();
            match todo.map_err(halt)? {
                Todo::Send(call) => {
                    let Call { request, about, history, fresh_until, begin_by } = *call;
                    let call = Pending::new(request, about).after(history).fresh_until(fresh_until).begin_by(begin_by);
                    return Ok(Next::Send(Box::new(call)));
                }
                Todo::Fetch(Block { after, through, limit }) => {
                    self.recorder.flush().await?;
                    let owner = self.recorder.owner();
                    let take = move |journal: &mut dyn Journal| journal.take(&owner, after.as_ref(), through, limit);
                    self.fetching = Some(on_journal(&self.recorder.shared(), take));
                }
                Todo::AwaitFetched => self.await_fetched().await?,
                Todo::InDoubt(Block { after, through, limit }) => {
                    let owner = self.recorder.owner();
                    let unknown =
                        move |journal: &mut dyn Journal| journal.unknown(&owner, after.as_ref(), through, limit);
                    let found = self.recorder.ask(unknown).await?;
                    self.sender.found_in_doubt(found);
                }
                Todo::Accepted(Block { after, through, limit }) => {
                    let owner = self.recorder.owner();
                    let marked =
                        move |journal: &mut dyn Journal| journal.marked(&owner, after.as_ref(), through, limit);
                    let found = self.recorder.ask(marked).await?;
                    self.sender.found_in_doubt(found);
                }
                Todo::Spread(Block { after, through, limit }) => {
                    let owner = self.recorder.owner();
                    let taken = match after {
                        Some(after) => {
                            self.recorder
                                .ask(move |journal| journal.take_spread(&owner, &after, through, limit))
                                .await?
                        }
                        None => vec![],
                    };
                    self.sender.spread(taken, self.recorder.now());
                }
                Todo::Flush => self.recorder.flush().await?,
                Todo::WhenOpen(calls) => return Ok(Next::WhenOpen(calls)),
                Todo::Later(at) => return Ok(Next::Later(at)),
                Todo::Nothing => return Ok(Next::Nothing),
            }
        }
    }

    async fn ended(&mut self, call: Pending<About>, ending: Ending) -> Result<(), Halt> {
        let ended = self.sender.landed(landed(call), ending, self.recorder.now());
        self.note();
        ended.map_err(halt)
    }

    fn due(&self) -> Option<Moment> {
        self.recorder.due()
    }

    async fn tick(&mut self, effort: Effort) -> Result<(), Halt> {
        self.recorder.tick(effort).await
    }

    fn wind_down(&mut self) {
        self.sender.wind_down();
    }

    async fn left(&mut self, unfinished: Vec<Pending<About>>) -> Result<(), Halt> {
        self.await_fetched().await?;
        self.sender.leave(unfinished.into_iter().map(landed).collect());
        self.note();
        self.recorder.flush().await
    }
}
