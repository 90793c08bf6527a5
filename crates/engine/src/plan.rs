//! Reads users, many a call, and plans their changes.

use crate::error::{API, Halt};
use crate::event::Event;
use crate::phase::{Next, Phase};
use crate::recorder::Recorder;
use crate::scheduler::Scheduler;
use paceline_core::Moment;
use paceline_core::desired::Row;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::{Change, Widths, halves};
use paceline_core::run::dispatch::Pending;
use paceline_core::run::{Ending, Turn};
use paceline_core::summary::{Effort, Outcome};
use paceline_core::user::UserId;
use paceline_core::vendor::{Answer, Found, More, Names, Need, Page, Part, Refusal, UNDO, User, Uses, Vendor, Verdict};
use paceline_journal::Entry;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Rows taken from the journal at once.
const BLOCK: u32 = 500;
/// Reads refused without one success before the vendor is asked no more.
const REFUSED: u32 = 64;
/// Users whose read is forbidden, each asked for alone and nobody read, before that is everyone's.
const FORBIDDEN: usize = 2;
/// Pages of one read, at the most: one that goes on for ever must not.
const PAGES: u32 = 10_000;

/// Rows planned at once where no user has to be read.
const BLIND_BLOCK: u32 = 1_000;

/// A row on its way to its changes.
#[derive(Debug, Clone)]
pub(crate) struct Seeking {
    row: Row,
    key: String,
    found: Found,
}

/// A read of one part of some users.
#[derive(Debug)]
pub(crate) struct Asked {
    part: Part,
    rows: Vec<Seeking>,
    page: Option<String>,
    pages: u32,
    /// What earlier pages have brought, by lower-case key.
    got: HashMap<String, Vec<Value>>,
}

impl Asked {
    fn new(part: Part, rows: Vec<Seeking>) -> Self {
        Self { part, rows, page: None, pages: 0, got: HashMap::new() }
    }
}

/// The planning of a run.
pub(crate) struct Planning<'a> {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    uses: Uses,
    names: Names,
    last_row: u64,
    exhausted: bool,
    /// Rows whose users' next part is to be read, and reads of it that have not ended, part by part.
    waiting: Vec<(Part, VecDeque<Seeking>, usize)>,
    again: VecDeque<Asked>,
    /// Widths of reads that were refused as a whole, halved: unpublished maxima are found that way.
    widths: Widths,
    read: bool,
    refused: u32,
    /// Rows whose users' read was forbidden, asked for alone, while nobody was read.
    forbidden: Vec<(u64, Refusal)>,
    /// When the first users were asked for.
    since: Option<Moment>,
}

impl<'a> Planning<'a> {
    pub(crate) fn new(
        vendor: Arc<dyn Vendor>,
        recorder: &'a mut Recorder,
        events: Arc<dyn Fn(Event) + Send + Sync>,
        uses: Uses,
        names: Names,
    ) -> Self {
        let waiting = vendor.facts().parts.iter().map(|part| (*part, VecDeque::new(), 0)).collect();
        Self {
            vendor,
            recorder,
            events,
            uses,
            names,
            last_row: 0,
            exhausted: false,
            waiting,
            again: VecDeque::new(),
            widths: Widths::default(),
            read: false,
            refused: 0,
            forbidden: vec![],
            since: None,
        }
    }

    /// No user that the plan was made from was read earlier.
    pub(crate) fn since(&self) -> Option<Moment> {
        self.since
    }

    fn call(&mut self, asked: Asked) -> Pending<Asked> {
        if let Some(seeking) = self.seeking(asked.part) {
            seeking.2 += 1;
        }
        let keys: Vec<String> = asked.rows.iter().map(|seeking| seeking.key.clone()).collect();
        Pending::new(self.vendor.read(asked.part, &keys, &self.uses.columns, asked.page.as_deref()), asked)
    }

    fn seeking(&mut self, part: Part) -> Option<&mut (Part, VecDeque<Seeking>, usize)> {
        self.waiting.iter_mut().find(|(known, ..)| *known == part)
    }

    /// The next read: a full one of any part; where no more rows come, what is left of the first part that no earlier
    /// one can lead to.
    fn next_read(&mut self) -> Option<Asked> {
        let vendor = Arc::clone(&self.vendor);
        let last = self.exhausted;
        let all = usize::try_from(self.uses.rows).unwrap_or(usize::MAX);
        let mut nothing_before = true;
        for (part, rows, out) in &mut self.waiting {
            let no_more = last && nothing_before;
            let width = vendor.part_width(part, if no_more { rows.len() } else { rows.len().max(all) });
            let width = self.widths.of(part, width);
            if !rows.is_empty() && (rows.len() >= width || no_more) {
                return Some(Asked::new(part, rows.drain(..width.min(rows.len())).collect()));
            }
            nothing_before &= rows.is_empty() && *out == 0;
        }
        None
    }

    async fn refill(&mut self) -> Result<(), Halt> {
        let after = self.last_row;
        let rows = self.recorder.ask(move |journal| journal.rows(after, BLOCK, true)).await?;
        self.exhausted = rows.len() < BLOCK as usize;
        for row in rows.into_iter().map(|record| record.row) {
            self.last_row = row.number;
            self.seek(row, Found::new());
        }
        Ok(())
    }

    /// Sees what a row needs next.
    fn seek(&mut self, row: Row, found: Found) {
        match self.vendor.need(&row, &self.uses, &self.names, &found) {
            Ok(Need::Read(part, key)) => match self.seeking(part) {
                Some((_, rows, _)) => rows.push_back(Seeking { row, key, found }),
                None => self.end(row.number, Outcome::Failed, Refusal::own("unread", format!("`{part}` is not read"))),
            },
            Ok(Need::Known(user)) => self.planned(&row, &user),
            Err(refusal) => self.end(row.number, Outcome::Failed, refusal),
        }
    }

    fn end(&mut self, row: u64, outcome: Outcome, refusal: Refusal) {
        (self.events)(Event::Ended { outcome });
        self.recorder.record(Entry::RowEnded { row, outcome, refusal });
    }

    /// The changes that take another run back, as their row holds them: those whose user is as that run left it, and none
    /// where somebody has since changed the same.
    fn undone(&self, changes: &Value, user: &User) -> Result<Vec<Change>, (Outcome, Refusal)> {
        let changes: Vec<Change> = Deserialize::deserialize(changes).map_err(|error| {
            let message = format!("what is to be undone cannot be read from the journal: {error}");
            (Outcome::Failed, Refusal::own("not.understood", message))
        })?;
        let mut needed = vec![];
        for change in changes {
            match diff::settle(&change.before, &change.after, &self.vendor.holds(&change, user)) {
                Settled::Holds => {}
                Settled::Untouched => needed.push(self.vendor.rebase(change, user)),
                Settled::Conflict(keys) => {
                    let message =
                        format!("`{}` was changed by someone else since: it is left as it is", keys.join("`, `"));
                    return Err((Outcome::Conflict, Refusal::own("conflict", message)));
                }
            }
        }
        Ok(needed)
    }

    fn planned(&mut self, row: &Row, user: &User) {
        let changes = match row.fields.get(UNDO) {
            Some(changes) => self.undone(changes, user),
            None => self.vendor.changes(row, user, &self.names).map_err(|refusal| (Outcome::Failed, refusal)),
        };
        match changes {
            Ok(changes) => {
                let event = if changes.is_empty() {
                    Event::Ended { outcome: Outcome::Unchanged }
                } else {
                    Event::Planned { rows: 1 }
                };
                (self.events)(event);
                self.recorder.record(Entry::Planned { row: row.number, user: user.id.clone(), changes });
            }
            Err((outcome, refusal)) => self.end(row.number, outcome, refusal),
        }
    }

    fn answered(&mut self, mut asked: Asked, answer: &Answer) -> Result<(), Halt> {
        let keys: Vec<String> = asked.rows.iter().map(|seeking| seeking.key.clone()).collect();
        let Page { records, more } = self
            .vendor
            .records(asked.part, &keys, asked.page.as_deref(), answer)
            .map_err(|refusal| Halt::NotTheVendor { what: API, refusal })?;
        self.read = true;
        asked.pages += 1;
        for (row, refusal) in std::mem::take(&mut self.forbidden) {
            self.end(row, Outcome::Failed, refusal);
        }
        for (key, record) in records {
            asked.got.entry(key.to_lowercase()).or_default().push(record);
        }
        if let More::Page(page) = &more
            && asked.page.as_ref() != Some(page)
            && asked.pages < PAGES
        {
            asked.page = Some(page.clone());
            self.again.push_back(asked);
            return Ok(());
        }
        let Asked { part, rows, mut got, .. } = asked;
        // The vendors' ids have no case; a spreadsheet may have changed it.
        let (here, missing): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|seeking| got.contains_key(&seeking.key.to_lowercase()));
        // Where the answer is one page of several, the others are asked for again, as long as that gets on.
        let again = more == More::Again && !missing.is_empty() && !here.is_empty();
        let missing = if again {
            self.again.push_back(Asked::new(part, missing));
            vec![]
        } else {
            missing
        };
        let mut times: HashMap<String, usize> = HashMap::new();
        here.iter().for_each(|seeking| *times.entry(seeking.key.to_lowercase()).or_default() += 1);
        for Seeking { row, key, mut found } in here.into_iter().chain(missing) {
            let key = key.to_lowercase();
            let left = times.entry(key.clone()).or_default();
            *left = left.saturating_sub(1);
            let records = if *left == 0 { got.remove(&key) } else { got.get(&key).cloned() };
            found.insert(part, records.unwrap_or_default());
            self.seek(row, found);
        }
        Ok(())
    }

    /// A read was refused: as a whole where it asked for many, for its row where it stands alone.
    fn refused(&mut self, mut asked: Asked, refusal: Refusal, forbidden: bool) -> Result<(), Halt> {
        self.refused += 1;
        let not_served = matches!(refusal.status, Some(300..=399 | 404 | 405 | 501));
        if !self.read && (not_served || self.refused > REFUSED) {
            return Err(Halt::NotTheVendor { what: API, refusal });
        }
        if asked.rows.len() > 1 {
            let part = asked.part;
            self.widths.refused(part, asked.rows.len());
            let (first, second) = halves(asked.rows);
            // Depth first: whoever stands alone soon tells whether it is one user's or everyone's.
            self.again.push_front(Asked::new(part, second));
            self.again.push_front(Asked::new(part, first));
        } else if let Some(seeking) = asked.rows.pop() {
            self.widths.forget(asked.part);
            if !forbidden || self.read {
                self.end(seeking.row.number, Outcome::Failed, refusal);
                return Ok(());
            }
            self.forbidden.push((seeking.row.number, refusal));
            if self.forbidden.len() >= FORBIDDEN {
                return self.everyones();
            }
        }
        Ok(())
    }

    /// Nobody was read, and everybody who was asked for alone was forbidden.
    fn everyones(&mut self) -> Result<(), Halt> {
        self.forbidden.pop().map_or(Ok(()), |(_, refusal)| Err(Halt::Forbidden(refusal)))
    }
}

impl Phase for Planning<'_> {
    type Tag = Asked;

    async fn next(&mut self, turn: Turn) -> Result<Next<Asked>, Halt> {
        self.since.get_or_insert(turn.now);
        loop {
            if let Some(mut asked) = self.again.pop_front() {
                let known = self.widths.learned(asked.part);
                if let Some(width) = known.filter(|width| asked.page.is_none() && *width < asked.rows.len()) {
                    // What was learned while it waited.
                    self.again.push_front(Asked::new(asked.part, asked.rows.split_off(width)));
                }
                return Ok(Next::Send(Box::new(self.call(asked))));
            }
            if let Some(asked) = self.next_read() {
                return Ok(Next::Send(Box::new(self.call(asked))));
            }
            if self.exhausted {
                if turn.idle {
                    self.everyones()?;
                }
                return Ok(Next::Nothing);
            }
            self.refill().await?;
        }
    }

    async fn ended(&mut self, call: Pending<Asked>, ending: Ending) -> Result<(), Halt> {
        if let Some(seeking) = self.seeking(call.tag.part) {
            seeking.2 -= 1;
        }
        match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => self.answered(call.tag, &answer),
            Ending::Answered(Verdict::NotTheApi, answer) => {
                Err(Halt::NotTheVendor { what: API, refusal: self.vendor.refusal(&answer) })
            }
            Ending::Answered(verdict, answer) => {
                self.refused(call.tag, self.vendor.refusal(&answer), verdict == Verdict::Forbidden)
            }
            // A read that fails while others pass is too much for the vendor: fewer users a call may not be.
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => self.refused(call.tag, refusal, false),
            Ending::Stale => self.refused(call.tag, Refusal::default(), false),
        }
    }

    fn due(&self) -> Option<Moment> {
        self.recorder.due()
    }

    async fn tick(&mut self, effort: Effort) -> Result<(), Halt> {
        self.recorder.tick(effort).await
    }

    async fn left(&mut self, _unfinished: Vec<Pending<Asked>>) -> Result<(), Halt> {
        // Rows that were not planned are still new: a resume reads them.
        self.recorder.flush().await
    }
}

/// Makes rows changes as they are, without a look at their users.
pub(crate) async fn blind(recorder: &mut Recorder, scheduler: &Scheduler) -> Result<(), Halt> {
    let mut after = 0;
    loop {
        let vendor = Arc::clone(&scheduler.vendor);
        let planned = recorder.ask(move |journal| {
            let rows = journal.rows(after, BLIND_BLOCK, true)?;
            let entries: Vec<Entry> = rows
                .iter()
                .map(|record| {
                    let user = UserId(record.row.key.value.clone());
                    let change = vendor.blind(&record.row, user.clone());
                    Entry::Planned { row: record.row.number, user, changes: vec![change] }
                })
                .collect();
            journal.append(&entries)?;
            Ok(rows.last().map(|record| (record.row.number, rows.len() as u64)))
        });
        let Some((last, rows)) = planned.await? else { return Ok(()) };
        (scheduler.events)(Event::Planned { rows });
        after = last;
    }
}
