//! Parts of refused calls whose users are read again before they are sent.

use super::bisect::{Part, Target, Trail};
use super::queue::Sending;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug)]
struct Gathering {
    target: Target,
    trail: Trail<Sending>,
    items: Vec<Sending>,
    /// Users that have not been read.
    unread: usize,
}

#[derive(Debug, Default)]
pub(super) struct Gatherings {
    open: BTreeMap<u64, Gathering>,
    /// Parts of which all have been read.
    ready: VecDeque<(Target, Part<Sending>)>,
    begun: u64,
}

impl Gatherings {
    /// A part of so many begins; its number.
    pub(super) fn begin(&mut self, target: Target, trail: Trail<Sending>, unread: usize) -> u64 {
        self.begun += 1;
        self.open.insert(self.begun, Gathering { target, trail, items: vec![], unread });
        self.begun
    }

    /// One of a part has been read and is to be sent; gives it back where there is no such part.
    pub(super) fn add(&mut self, number: Option<u64>, sending: Sending) -> Option<Sending> {
        match number.and_then(|number| self.open.get_mut(&number)) {
            Some(gathering) => {
                gathering.items.push(sending);
                None
            }
            None => Some(sending),
        }
    }

    /// One more of a part has been read. Where that was the last, and nobody of it is to be sent: what waited behind it.
    pub(super) fn has_read(&mut self, number: Option<u64>) -> Option<(Target, Trail<Sending>)> {
        let number = number?;
        let gathering = self.open.get_mut(&number)?;
        gathering.unread -= 1;
        if gathering.unread > 0 {
            return None;
        }
        let Gathering { target, trail, mut items, .. } = self.open.remove(&number)?;
        if items.is_empty() {
            return Some((target, trail));
        }
        items.reverse();
        self.ready.push_back((target, Part { items, trail }));
        None
    }

    /// The next part of which all have been read.
    pub(super) fn next(&mut self) -> Option<(Target, Part<Sending>)> {
        self.ready.pop_front()
    }

    pub(super) fn drain(&mut self) -> Vec<Sending> {
        let ready = self.ready.drain(..).map(|(_, part)| part);
        let open =
            std::mem::take(&mut self.open).into_iter().map(|(_, Gathering { trail, items, .. })| Part { items, trail });
        ready.chain(open).flat_map(Part::everything).collect()
    }
}
