//! Users that are read back: many a call, page by page, in halves where a read is refused as a whole.

use super::doubt::Doubt;
use crate::Moment;
use crate::plan::{Widths, halves};
use crate::vendor::{Answer, More, Part, Refusal, Request, Vendor};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// Calls that doubts wait for company.
const PATIENCE: u32 = 100;
/// Pages of one read of users, at the most.
const PAGES: u32 = 10_000;

/// A read of one part of the users in doubt.
#[derive(Debug)]
pub(super) struct Settling {
    pub(super) part: Part,
    pub(super) doubts: Vec<Doubt>,
    page: Option<String>,
    pages: u32,
    /// What earlier pages have brought, by lower-case key.
    got: HashMap<String, Vec<Value>>,
    /// When its first page was asked for.
    pub(super) asked_at: Option<Moment>,
    /// When its last page was there.
    pub(super) answered_at: Moment,
}

impl Settling {
    pub(super) fn new(part: Part, doubts: Vec<Doubt>) -> Self {
        Self { part, doubts, page: None, pages: 0, got: HashMap::new(), asked_at: None, answered_at: Moment::ZERO }
    }

    /// What was read of a doubt's user.
    pub(super) fn records(&self, vendor: &dyn Vendor, doubt: &Doubt) -> &[Value] {
        self.got.get(&key(vendor, doubt)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn request(&self, vendor: &dyn Vendor) -> Request {
        let changes = self.doubts.iter().map(|doubt| &doubt.sending.change);
        let columns: BTreeSet<String> = changes.flat_map(|change| change.columns.clone()).collect();
        vendor.read(self.part, &self.keys(vendor), &columns, self.page.as_deref())
    }

    /// Whom it asks for: a user of whom several changes are in doubt once.
    fn keys(&self, vendor: &dyn Vendor) -> Vec<String> {
        let mut seen = HashSet::new();
        let keys = self.doubts.iter().map(|doubt| vendor.seen_in(&doubt.sending.change).1);
        keys.filter(|key| seen.insert(key.to_lowercase())).collect()
    }
}

/// Keys have no case.
fn key(vendor: &dyn Vendor, doubt: &Doubt) -> String {
    vendor.seen_in(&doubt.sending.change).1.to_lowercase()
}

#[derive(Debug, Default)]
pub(super) struct Reader {
    doubts: BTreeMap<Part, VecDeque<Doubt>>,
    /// Calls that have left since the doubts began to wait.
    calls_since: u32,
    /// Reads that go on: next pages, and halves of refused ones.
    reads: VecDeque<Settling>,
    /// Widths of reads that were refused as a whole, halved.
    widths: Widths,
    /// Users could be read.
    has_read: bool,
}

impl Reader {
    /// Its user is read back, with others.
    pub(super) fn doubt(&mut self, vendor: &dyn Vendor, doubt: Doubt) {
        let (part, _) = vendor.seen_in(&doubt.sending.change);
        self.doubts.entry(part).or_default().push_back(doubt);
    }

    /// Their users are read next.
    pub(super) fn read_next(&mut self, vendor: &dyn Vendor, doubts: impl Iterator<Item = Doubt>) {
        let mut parts: BTreeMap<Part, Vec<Doubt>> = BTreeMap::new();
        for doubt in doubts {
            parts.entry(vendor.seen_in(&doubt.sending.change).0).or_default().push(doubt);
        }
        for (part, mut doubts) in parts {
            let width = self.width(vendor, part, doubts.len());
            while !doubts.is_empty() {
                let rest = doubts.split_off(width.min(doubts.len()));
                self.reads.push_back(Settling::new(part, std::mem::replace(&mut doubts, rest)));
            }
        }
    }

    /// Users that one read of a part carries, of what is known by now.
    pub(super) fn width(&self, vendor: &dyn Vendor, part: Part, waiting: usize) -> usize {
        self.widths.of(part, vendor.part_width(part, waiting))
    }

    /// A call leaves.
    pub(super) fn call_leaves(&mut self) {
        self.calls_since += u32::from(!self.doubts.is_empty());
    }

    /// A read that goes on, whatever else there is.
    pub(super) fn going_on(&mut self) -> Option<Settling> {
        self.reads.pop_front()
    }

    /// The next read: when a call is full, when waiting for more would keep the run, or where it is `urgent` for a doubt.
    pub(super) fn next(
        &mut self,
        vendor: &dyn Vendor,
        no_more: bool,
        urgent: impl Fn(&Doubt) -> bool,
    ) -> Option<Settling> {
        if let Some(settling) = self.going_on() {
            return Some(settling);
        }
        let (widths, since) = (&self.widths, self.calls_since);
        let width = |part: Part, waiting: usize| widths.of(part, vendor.part_width(part, waiting));
        let part = self.doubts.iter().find_map(|(part, doubts)| {
            let width = width(part, doubts.len());
            let patience = u32::try_from(width).unwrap_or(u32::MAX).min(PATIENCE);
            let full = doubts.len() >= width || since >= patience;
            (full || no_more || doubts.front().is_some_and(&urgent)).then_some(*part)
        })?;
        let doubts = self.doubts.get_mut(part)?;
        let width = width(part, doubts.len());
        let found = Settling::new(part, doubts.drain(..width.min(doubts.len())).collect());
        self.calls_since = 0;
        self.doubts.retain(|_, doubts| !doubts.is_empty());
        Some(found)
    }

    pub(super) fn in_doubt(&self) -> usize {
        self.doubts.values().map(VecDeque::len).sum()
    }

    /// Users could be read, now or when the plan was made.
    pub(super) fn can_read(&mut self) {
        self.has_read = true;
    }

    pub(super) fn has_read(&self) -> bool {
        self.has_read
    }

    /// Takes in an answer: the read, where it is whole now. Gives it back with what was said, where the answer is none.
    pub(super) fn take_in(
        &mut self,
        vendor: &dyn Vendor,
        mut settling: Settling,
        answer: &Answer,
        at: Moment,
    ) -> Result<Option<Settling>, Box<(Settling, Refusal)>> {
        let page = match vendor.records(settling.part, &settling.keys(vendor), settling.page.as_deref(), answer) {
            Ok(page) => page,
            Err(refusal) => return Err(Box::new((settling, refusal))),
        };
        self.has_read = true;
        settling.answered_at = at;
        settling.pages += 1;
        for (key, record) in page.records {
            settling.got.entry(key.to_lowercase()).or_default().push(record);
        }
        if let More::Page(next) = &page.more
            && settling.page.as_ref() != Some(next)
            && settling.pages < PAGES
        {
            settling.page = Some(next.clone());
            self.reads.push_back(settling);
            return Ok(None);
        }
        // Where the answer is one page of several, those that are not on it are asked for again.
        if page.more == More::Again {
            let doubts = std::mem::take(&mut settling.doubts);
            let (here, missing): (Vec<_>, Vec<_>) =
                doubts.into_iter().partition(|doubt| settling.got.contains_key(&key(vendor, doubt)));
            if here.is_empty() || missing.is_empty() {
                settling.doubts.extend(here.into_iter().chain(missing));
            } else {
                settling.doubts = here;
                self.reads.push_back(Settling::new(settling.part, missing));
            }
        }
        Ok(Some(settling))
    }

    /// A read was refused as a whole: its halves are asked. Gives back the doubt that stood alone.
    pub(super) fn refused(&mut self, settling: Settling) -> Option<Doubt> {
        let Settling { part, mut doubts, .. } = settling;
        if doubts.len() <= 1 {
            return doubts.pop();
        }
        self.widths.refused(part, doubts.len());
        let (first, second) = halves(doubts);
        self.reads.extend([Settling::new(part, first), Settling::new(part, second)]);
        None
    }

    pub(super) fn drain(&mut self) -> Vec<Doubt> {
        let reads = self.reads.drain(..).flat_map(|settling| settling.doubts);
        reads.chain(std::mem::take(&mut self.doubts).into_values().flatten()).collect()
    }
}
