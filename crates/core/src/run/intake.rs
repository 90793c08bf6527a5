//! What the sender has of the journal, and what it wants next.

use super::{Block, Taken};
use crate::plan::ChangeKey;

/// Changes marked "may be sent" at once: at 300 calls a minute, a minute and a half ahead.
pub(super) const BLOCK: u32 = 500;

/// How far one of the journal's lists has been read.
#[derive(Debug, Default)]
struct Cursor {
    last: Option<ChangeKey>,
    all: bool,
}

impl Cursor {
    fn took(&mut self, taken: &[Taken]) {
        self.all = taken.len() < BLOCK as usize;
        if let Some(last) = taken.last() {
            self.last = Some(last.change.key.clone());
        }
    }
}

#[derive(Debug)]
pub(super) struct Intake {
    /// The last row that may be sent.
    through: u64,
    planned: Cursor,
    in_doubt: Cursor,
    /// A block is being fetched.
    fetching: bool,
}

impl Intake {
    pub(super) fn new(through: u64) -> Self {
        Self { through, planned: Cursor::default(), in_doubt: Cursor::default(), fetching: false }
    }

    fn block(&self, after: Option<&ChangeKey>, limit: u32) -> Block {
        Block { after: after.cloned(), through: self.through, limit }
    }

    /// The next block of what is planned, where there is one and none is being fetched.
    pub(super) fn fetch(&mut self) -> Option<Block> {
        let wanted = (!self.fetching && !self.planned.all).then(|| self.block(self.planned.last.as_ref(), BLOCK));
        self.fetching |= wanted.is_some();
        wanted
    }

    pub(super) fn is_fetching(&self) -> bool {
        self.fetching
    }

    pub(super) fn fetched(&mut self, taken: &[Taken]) {
        self.fetching = false;
        self.planned.took(taken);
    }

    /// The next block of what is in doubt, where not all of it is here.
    pub(super) fn in_doubt(&self) -> Option<Block> {
        (!self.in_doubt.all).then(|| self.block(self.in_doubt.last.as_ref(), BLOCK))
    }

    pub(super) fn found_in_doubt(&mut self, taken: &[Taken]) {
        self.in_doubt.took(taken);
    }

    /// What is in doubt is read from its beginning once more.
    pub(super) fn doubt_again(&mut self) {
        self.in_doubt = Cursor::default();
    }

    /// What of a group has not been fetched, `limit` changes of it at the most.
    pub(super) fn spread(&self, group: &str, limit: u32) -> Option<Block> {
        let last = self.planned.last.as_ref().filter(|last| last.group == group && !self.planned.all)?;
        Some(self.block(Some(last), limit))
    }
}
