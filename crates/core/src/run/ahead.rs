//! Users that are read before they are written: how many are worth it, and for which targets.

use super::bisect::Target;
use super::doubt::Doubt;
use crate::vendor::Part;
use std::collections::HashMap;

/// Users whose changes are written one by one that are read ahead, to begin with and at most: what gets old unsent halves
/// it.
const AHEAD: (usize, usize) = (20, 100);

#[derive(Debug)]
pub(super) struct Ahead {
    most: usize,
    /// Changes whose users' read is out, by the part that is read, and their targets.
    out: HashMap<Part, usize>,
    targets: HashMap<Target, usize>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { most: AHEAD.0, out: HashMap::new(), targets: HashMap::new() }
    }
}

impl Ahead {
    /// Users that are read ahead where each is written by a call of their own.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn out(&self, part: Part) -> usize {
        self.out.get(part).copied().unwrap_or(0)
    }

    pub(super) fn is_out_for(&self, target: &Target) -> bool {
        self.targets.contains_key(target)
    }

    /// A read of these begins; `again` where some of them had been read and not been written in time.
    pub(super) fn begins(&mut self, part: Part, doubts: &[Doubt], again: bool) {
        self.most = if again { (self.most / 2).max(1) } else { (self.most + 4).min(AHEAD.1) };
        for doubt in doubts {
            *self.targets.entry(doubt.sending.target()).or_default() += 1;
        }
        *self.out.entry(part).or_default() += doubts.len();
    }

    /// It has ended for those of `doubts` who were read so.
    pub(super) fn ended(&mut self, part: Part, doubts: &[Doubt]) {
        for doubt in doubts.iter().filter(|doubt| doubt.is_read_ahead()) {
            let target = doubt.sending.target();
            if let Some(out) = self.out.get_mut(part) {
                *out = out.saturating_sub(1);
            }
            if let Some(reads) = self.targets.get_mut(&target) {
                *reads = reads.saturating_sub(1);
                if *reads == 0 {
                    self.targets.remove(&target);
                }
            }
        }
    }
}
