//! A call that carries many users was refused as a whole: was it too wide, is its target gone, or who is to blame?
//!
//! Plain bookkeeping over parts of refused calls; it sends nothing. The promises: nobody is to blame who was not refused
//! alone; a width that is ours and not the vendor's is halved before anybody is suspected, and what passes is remembered
//! for the run; a target that nobody gets through to, of probes from all over those who wait for it, is found out in a
//! dozen calls, however many they are.
//!
//! Culprits are found by binary splitting as in group testing (F. K. Hwang, "A method for detecting all defective members
//! in a population by group testing", 1972): a piece of what was refused is sent; where it passes, the other piece is
//! suspected without being asked. That only decides what is asked next: the last suspect is asked alone.

use crate::plan::Change;
use crate::vendor::{Refusal, Verdict};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The largest piece of a refused part that is sent at once: with three culprits among 50 the least calls on average,
/// found by trying all sizes.
const PIECE: usize = 9;
/// A call of no more than this is hardly too wide: the narrowest whose width is known carries so many.
const WIDE: usize = 25;
/// Suspects that are asked one by one: splitting so few saves nothing.
const FEW: usize = 3;
/// Probes that are refused alone and alike, with nobody getting through: so many, from all over those who wait for the
/// target, show that it is to blame.
pub(super) const PROBES: usize = 7;
/// Where among those who wait the probes stand: the last, the middle, and then the middles between.
const SPREAD: [f64; PROBES] = [1.0, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375];
/// Culprits that are found in a part without anybody of it getting through: its others are then asked one by one, as
/// long as that is so.
const BARREN: u32 = 2;

/// What changes share a call by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Target {
    /// Their kind.
    pub(super) kind: String,
    /// Their group.
    pub(super) group: String,
}

impl Target {
    /// A change's.
    pub(super) fn of(change: &Change) -> Self {
        Self { kind: change.kind.clone(), group: change.key.group.clone() }
    }

    /// Whether a refusal may be the target's and not its users': there is one (a division, a queue), and the status says
    /// that something is not there or not allowed (RFC 9110: 403, 404, 410), or it is trouble that lasts with it. Of what a
    /// call asks, each answers for itself.
    fn may_be_to_blame(&self, said: &Said) -> bool {
        let of_a_target = matches!(said.refusal.status, Some(403 | 404 | 410)) || said.verdict == Verdict::Transient;
        !self.group.is_empty() && of_a_target
    }
}

/// What was said of a part that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// What it means.
    pub(super) verdict: Verdict,
    /// In the vendor's words.
    pub(super) refusal: Refusal,
}

impl Said {
    fn is_like(&self, other: &Self) -> bool {
        self.verdict == other.verdict
            && (self.refusal.status, &self.refusal.code) == (other.refusal.status, &other.refusal.code)
    }
}

/// What goes into one call.
#[derive(Debug)]
pub(super) struct Part<T> {
    /// Its changes.
    pub(super) items: Vec<T>,
    /// What is known of others.
    pub(super) trail: Trail<T>,
}

impl<T> Part<T> {
    /// Changes that nothing is known of.
    pub(super) fn new(items: Vec<T>) -> Self {
        Self { items, trail: Trail::default() }
    }

    fn size(&self) -> usize {
        self.items.len() + self.trail.other.len() + self.trail.rest.len()
    }

    /// It and those that wait behind it.
    pub(super) fn everything(self) -> impl Iterator<Item = T> {
        let Trail { other, rest, .. } = self.trail;
        self.items.into_iter().chain(other).chain(rest)
    }
}

/// Those that wait for what becomes of a part.
#[derive(Debug)]
pub(super) struct Trail<T> {
    /// They hold a culprit if the part passes.
    other: Vec<T>,
    /// Nothing is known of them.
    rest: Vec<T>,
    /// How many of `rest` are sent at once.
    step: usize,
    /// Culprits found since anybody got through.
    barren: u32,
    /// The size of what was refused, where the part is the last suspect of it.
    last_of: Option<usize>,
}

impl<T> Default for Trail<T> {
    fn default() -> Self {
        Self { other: vec![], rest: vec![], step: usize::MAX, barren: 0, last_of: None }
    }
}

/// What a refusal comes to.
#[derive(Debug)]
pub(super) enum Refused<T> {
    /// Its parts are asked.
    Split,
    /// These were refused alone, and are to blame.
    Culprits(Vec<(T, Said)>),
    /// The target is to blame: all that wait for it end with this, and whatever comes for it later.
    Ended(Said, Vec<T>),
}

#[derive(Debug)]
struct Group<T> {
    /// Somebody got through to the target, or what is refused cannot be its: refusals are its users'.
    passed: bool,
    /// Calls that are out.
    out: u32,
    parts: VecDeque<Part<T>>,
    /// Nobody got through, and it may be to blame: probes are sent.
    doubted: bool,
    /// Probes from outside the refused calls; `None` until they have been given.
    probes: Option<VecDeque<T>>,
    /// Refused alone while nobody got through: they, or the target.
    undecided: Vec<(T, Said)>,
    ended: Option<Said>,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self {
            passed: false,
            out: 0,
            parts: VecDeque::new(),
            doubted: false,
            probes: None,
            undecided: vec![],
            ended: None,
        }
    }
}

impl<T> Group<T> {
    /// Whether it is asked by probes alone.
    fn is_probed(&self) -> bool {
        self.doubted && !self.passed && self.ended.is_none()
    }

    fn waits(&self) -> bool {
        !self.parts.is_empty() || self.probes.as_ref().is_some_and(|probes| !probes.is_empty())
    }

    /// The next that is asked alone: by turns one from outside the refused calls and one of theirs.
    fn probe(&mut self) -> Option<T> {
        let outside = |group: &mut Self| group.probes.as_mut()?.pop_front();
        let inside = |group: &mut Self| {
            let place = SPREAD[group.undecided.len() % SPREAD.len()];
            let mut part = group.parts.pop_front()?;
            let Trail { other, rest, .. } = &mut part.trail;
            let from = [rest, other, &mut part.items].into_iter().find(|items| !items.is_empty())?;
            // Far from those who were refused: what they have in common may be where they stand.
            let at = ((from.len() - 1) as f64 * place).round() as usize;
            let probe = from.remove(at.min(from.len() - 1));
            if part.size() > 0 {
                group.parts.push_front(part);
            }
            Some(probe)
        };
        if self.undecided.len().is_multiple_of(2) {
            outside(self).or_else(|| inside(self))
        } else {
            inside(self).or_else(|| outside(self))
        }
    }
}

/// What is known of how wide the calls of a kind may be, where the vendor does not publish it.
#[derive(Debug, Default)]
struct Width {
    /// The widest that passed.
    passed: usize,
    /// No wider ones are sent.
    most: Option<usize>,
    /// Somebody was refused alone: from then on refusals are taken to be somebody's. Where a call is too wide all the same,
    /// the splitting of suspects tells.
    culprit: bool,
}

/// The refused calls of a run, target by target.
#[derive(Debug)]
pub(super) struct Bisect<T> {
    /// In an order of their own, so that the same run goes the same way.
    groups: BTreeMap<Target, Group<T>>,
    /// Targets that have parts to be sent, in order.
    waiting: VecDeque<Target>,
    widths: HashMap<String, Width>,
    any_ended: bool,
}

impl<T> Default for Bisect<T> {
    fn default() -> Self {
        Self { groups: BTreeMap::new(), waiting: VecDeque::new(), widths: HashMap::new(), any_ended: false }
    }
}

impl<T> Bisect<T> {
    /// Whether a call to this target may leave: until somebody has got through to it, one at a time. So a target that is
    /// gone is found out by few.
    pub(super) fn may_send(&self, target: &Target) -> bool {
        self.groups.get(target).is_none_or(|group| group.ended.is_none() && (group.passed || group.out == 0))
    }

    /// What ended a target, where it is to blame.
    pub(super) fn ended(&self, target: &Target) -> Option<&Said> {
        self.groups.get(target)?.ended.as_ref()
    }

    /// Whether any target is to blame.
    pub(super) fn has_ended(&self) -> bool {
        self.any_ended
    }

    /// A target in doubt whose probes are to be given: [`PROBES`] at most, from all over those who wait for it and were
    /// not in a call yet.
    pub(super) fn wants_probes(&self) -> Option<&Target> {
        self.groups.iter().find(|(_, group)| group.is_probed() && group.probes.is_none()).map(|(target, _)| target)
    }

    /// Gives a target its probes.
    pub(super) fn give_probes(&mut self, target: &Target, probes: Vec<T>) {
        self.group(target).probes = Some(probes.into());
        self.enlist(target);
    }

    /// Changes that a call to this target carries, of `assumed` at most.
    pub(super) fn width(&self, target: &Target, assumed: usize) -> usize {
        let alone = self.groups.get(target).is_some_and(Group::is_probed);
        let most = self.widths.get(&target.kind).and_then(|width| width.most).unwrap_or(assumed);
        if alone { 1 } else { most.min(assumed).max(1) }
    }

    /// A call to it leaves.
    pub(super) fn sent(&mut self, target: &Target) {
        self.group(target).out += 1;
    }

    /// The next part of a refused call that may be sent.
    pub(super) fn next_part(&mut self) -> Option<(Target, Part<T>)> {
        let at = self.waiting.iter().position(|target| self.may_send(target))?;
        let target = self.waiting.remove(at)?;
        let most = self.width(&target, usize::MAX);
        let group = self.group(&target);
        let part = if group.is_probed() {
            Part::new(vec![group.probe()?])
        } else {
            let mut part = group.parts.pop_front()?;
            if part.items.len() > most {
                // What was learned while it waited.
                let beyond = part.items.split_off(most);
                part.trail.rest = beyond.into_iter().chain(part.trail.other.drain(..)).chain(part.trail.rest).collect();
                part.trail.step = most;
            }
            part
        };
        self.enlist(&target);
        Some((target, part))
    }

    /// A part of `size` passed, as far as the call goes. Tells those who are to blame now that somebody got through.
    pub(super) fn passed(&mut self, target: &Target, size: usize, trail: Trail<T>) -> Vec<(T, Said)> {
        let Trail { other, rest, step, last_of, .. } = trail;
        let width = self.widths.entry(target.kind.clone()).or_default();
        width.passed = width.passed.max(size);
        width.most = width.most.filter(|most| *most >= size);
        if let (Some(refused), true) = (last_of, other.is_empty()) {
            // All that were refused together have passed apart: the call was too wide.
            let passed = width.passed;
            if passed < refused {
                width.most = Some(width.most.map_or(passed, |most| most.min(passed)));
            }
        }
        let group = self.group(target);
        group.out = group.out.saturating_sub(1);
        let culprits = self.clear(target);
        if !other.is_empty() {
            self.suspect(target, other, rest, step, 0, last_of);
        } else if !rest.is_empty() {
            self.unknown(target, rest, step.saturating_mul(2).max(1), 0);
        }
        culprits
    }

    /// A part was refused as a whole. `published`: its width is the vendor's own maximum or less.
    pub(super) fn refused(&mut self, target: &Target, part: Part<T>, said: Said, published: bool) -> Refused<T> {
        let Part { mut items, trail: Trail { other, rest, step, barren, .. } } = part;
        let size = items.len();
        let group = self.group(target);
        group.out = group.out.saturating_sub(1);
        let unknown: Vec<T> = other.into_iter().chain(rest).collect();
        let may_be_to_blame = target.may_be_to_blame(&said);
        if size > 1 {
            let width = self.widths.entry(target.kind.clone()).or_default();
            if !(published || may_be_to_blame || width.culprit) && width.passed < size && size > WIDE {
                // Perhaps the call was too wide, and nobody is to blame: the half is tried, and then the other.
                let half = size.div_ceil(2);
                width.most = Some(half);
                let second = items.split_off(half);
                let trail = Trail { rest: second.into_iter().chain(unknown).collect(), step: half, ..Trail::default() };
                self.push(target, Part { items, trail: Trail { barren, ..trail } });
                return Refused::Split;
            }
            self.suspect(target, items, unknown, step, barren, Some(size));
            self.group(target).doubted |= may_be_to_blame;
            return match may_be_to_blame {
                true => Refused::Split,
                false => Refused::Culprits(self.clear(target)),
            };
        }
        // Somebody stood alone and was refused all the same: the width was not to blame.
        let width = self.widths.entry(target.kind.clone()).or_default();
        (width.most, width.culprit) = (None, true);
        let barren = barren + 1;
        let step = if barren >= BARREN { 1 } else { (unknown.len() * 2).div_ceil(3).max(1) };
        self.unknown(target, unknown, step, barren);
        let group = self.group(target);
        group.doubted = true;
        group.undecided.extend(items.into_iter().map(|item| (item, said.clone())));
        let alike = group.undecided.iter().all(|(_, other)| other.is_like(&said));
        if group.passed || !may_be_to_blame || !alike {
            return Refused::Culprits(self.clear(target));
        }
        if group.undecided.len() < PROBES {
            return Refused::Split;
        }
        group.ended = Some(said.clone());
        let undecided = group.undecided.drain(..).map(|(item, _)| item);
        let probes = group.probes.take().into_iter().flatten();
        let ended = undecided.chain(probes).chain(group.parts.drain(..).flat_map(Part::everything)).collect();
        self.any_ended = true;
        self.waiting.retain(|other| other != target);
        Refused::Ended(said, ended)
    }

    /// The target is not to blame: those who were refused alone are.
    fn clear(&mut self, target: &Target) -> Vec<(T, Said)> {
        let group = self.group(target);
        group.passed = true;
        let culprits = std::mem::take(&mut group.undecided);
        let probes: Vec<T> = group.probes.replace(VecDeque::new()).into_iter().flatten().collect();
        self.unknown(target, probes, 1, 0);
        culprits
    }

    /// Nothing was learned of a part, and its changes go their own way: those behind it are sent.
    pub(super) fn lost(&mut self, target: &Target, trail: Trail<T>) {
        let group = self.group(target);
        group.out = group.out.saturating_sub(1);
        let Trail { other, rest, step, barren, .. } = trail;
        self.unknown(target, other.into_iter().chain(rest).collect(), step, barren);
    }

    /// Nothing is left to be sent to anybody: those who were refused alone are to blame.
    pub(super) fn give_up(&mut self) -> Vec<(T, Said)> {
        self.groups.values_mut().flat_map(|group| std::mem::take(&mut group.undecided)).collect()
    }

    /// Everything that waits, for a run that stops.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.waiting.clear();
        let all = |group: &mut Group<T>| -> Vec<T> {
            let undecided = group.undecided.drain(..).map(|(item, _)| item);
            let probes = group.probes.take().into_iter().flatten();
            undecided.chain(probes).chain(group.parts.drain(..).flat_map(Part::everything)).collect()
        };
        self.groups.values_mut().flat_map(all).collect()
    }

    fn group(&mut self, target: &Target) -> &mut Group<T> {
        self.groups.entry(target.clone()).or_default()
    }

    fn push(&mut self, target: &Target, part: Part<T>) {
        self.group(target).parts.push_back(part);
        self.enlist(target);
    }

    /// Whoever has something that may be sent is in the list once.
    fn enlist(&mut self, target: &Target) {
        if self.group(target).waits() && !self.waiting.contains(target) {
            self.waiting.push_back(target.clone());
        }
    }

    fn unknown(&mut self, target: &Target, mut items: Vec<T>, step: usize, barren: u32) {
        if !items.is_empty() {
            let rest = items.split_off(step.clamp(1, items.len()));
            self.push(target, Part { items, trail: Trail { rest, step, barren, ..Trail::default() } });
        }
    }

    /// `suspects` hold a culprit, or were refused together for their number: a piece of them is sent.
    fn suspect(
        &mut self,
        target: &Target,
        mut suspects: Vec<T>,
        rest: Vec<T>,
        step: usize,
        barren: u32,
        last_of: Option<usize>,
    ) {
        let piece = if suspects.len() <= FEW { 1 } else { suspects.len().div_ceil(2).min(PIECE) };
        let other = suspects.split_off(piece);
        self.push(target, Part { items: suspects, trail: Trail { other, rest, step, barren, last_of } });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn target() -> Target {
        Target { kind: "division".into(), group: "d1".into() }
    }

    fn said(status: u16) -> Said {
        Said { verdict: Verdict::Rejected, refusal: Refusal { status: Some(status), ..Refusal::default() } }
    }

    /// A target at a vendor: who is refused there, what is too wide for it, whether it is gone.
    #[derive(Debug, Clone, Default)]
    struct World {
        bad: BTreeSet<usize>,
        most: Option<usize>,
        gone: bool,
        status: u16,
    }

    impl World {
        fn refuses(&self, items: &[usize]) -> bool {
            self.gone
                || self.most.is_some_and(|most| items.len() > most)
                || items.iter().any(|one| self.bad.contains(one))
        }
    }

    #[derive(Debug, Default, PartialEq)]
    struct Told {
        calls: Vec<Vec<usize>>,
        culprits: BTreeSet<usize>,
        ended: bool,
    }

    /// The last of those that wait, and others from all over them.
    fn spread(fresh: &mut VecDeque<usize>) -> Vec<usize> {
        let (last, count) = (fresh.len().saturating_sub(1), fresh.len().min(PROBES));
        let places: BTreeSet<usize> = (1..=count).map(|number| last * number / count.max(1)).collect();
        places.into_iter().rev().filter_map(|at| fresh.remove(at)).collect()
    }

    /// Sends `changes` in batches of `width`, one call at a time.
    fn run(world: &World, changes: usize, width: usize, published: bool) -> (Told, Bisect<usize>) {
        let (mut bisect, mut told, target) = (Bisect::default(), Told::default(), target());
        let mut fresh: VecDeque<usize> = (0..changes).collect();
        loop {
            if bisect.wants_probes().is_some() {
                let probes = spread(&mut fresh);
                bisect.give_probes(&target, probes);
            }
            let part = match bisect.next_part() {
                Some((_, part)) => part,
                None if !fresh.is_empty() && bisect.ended(&target).is_none() => {
                    let wide = bisect.width(&target, width).min(fresh.len());
                    Part::new(fresh.drain(..wide).collect())
                }
                None => break,
            };
            assert!(bisect.may_send(&target));
            bisect.sent(&target);
            told.calls.push(part.items.clone());
            if !world.refuses(&part.items) {
                let blamed = bisect.passed(&target, part.items.len(), part.trail);
                told.culprits.extend(blamed.into_iter().map(|(item, _)| item));
                continue;
            }
            match bisect.refused(&target, part, said(world.status.max(400)), published) {
                Refused::Split => {}
                Refused::Culprits(culprits) => told.culprits.extend(culprits.into_iter().map(|(item, _)| item)),
                Refused::Ended(..) => told.ended = true,
            }
        }
        told.culprits.extend(bisect.give_up().into_iter().map(|(item, _)| item));
        (told, bisect)
    }

    #[test]
    fn three_culprits_of_fifty_are_found_in_few_calls() {
        for bad in [[3, 20, 41], [0, 1, 2], [47, 48, 49], [0, 25, 49]] {
            for (published, status) in [(true, 400), (false, 400), (true, 403), (false, 403)] {
                let world = World { bad: bad.into(), status, ..World::default() };
                let (told, _) = run(&world, 50, 50, published);
                assert_eq!(told.culprits, bad.into());
                assert!(told.calls.len() <= 20, "{bad:?} {published} took {}", told.calls.len());
            }
        }
    }

    #[test]
    fn one_culprit_costs_no_more_than_a_dozen_calls_and_fifty_cost_little_more_than_one_each() {
        for bad in 0..50 {
            let world = World { bad: [bad].into(), ..World::default() };
            assert!(run(&world, 50, 50, true).0.calls.len() <= 12, "{bad}");
        }
        let world = World { bad: (1..50).collect(), ..World::default() };
        assert!(run(&world, 50, 50, true).0.calls.len() <= 64);
    }

    #[test]
    fn a_width_of_ours_that_is_too_wide_blames_nobody_and_is_learned() {
        for (most, width) in [1, 2, 5, 10, 16, 24, 25, 30, 49].into_iter().flat_map(|most| [(most, 50), (most, 100)]) {
            let world = World { most: Some(most), ..World::default() };
            let (told, bisect) = run(&world, 1_000, width, false);
            assert_eq!(told.culprits, BTreeSet::new(), "{most}");
            let learned = bisect.width(&target(), width);
            assert!(learned <= most && learned * 3 >= most, "{most} of {width}: {learned}");
            let refused = told.calls.iter().filter(|call| world.refuses(call)).count();
            assert!(refused <= 7, "{most} of {width}: {refused} refusals");
        }
    }

    #[test]
    fn a_target_that_is_gone_ends_in_a_dozen_calls_however_many_wait_for_it() {
        for (changes, width) in [(50, 50), (5_000, 50), (5_000, 100), (5_000, 25), (10, 100), (4, 100)] {
            for published in [true, false] {
                for status in [403, 404, 410] {
                    let world = World { gone: true, status, ..World::default() };
                    let (told, _) = run(&world, changes, width, published);
                    let ended = told.ended || told.culprits.len() == changes;
                    assert!(ended && told.calls.len() <= 12, "{changes} {width}: {:?}", told.calls.len());
                }
            }
        }
    }

    #[test]
    fn a_whole_first_batch_that_is_refused_ends_nobody_who_stands_behind_it() {
        for (changes, width, good) in [(26, 25, 25..26), (51, 50, 50..51), (1_000, 50, 600..1_000), (50, 50, 20..30)] {
            for (status, published) in [(400, true), (403, true), (404, true), (403, false), (404, false)] {
                let bad = (0..changes).filter(|one| !good.contains(one)).collect();
                let world = World { bad, status, ..World::default() };
                let (told, _) = run(&world, changes, width, published);
                assert_eq!((told.ended, &told.culprits), (false, &world.bad), "{changes} {width} {status}");
            }
        }
    }

    #[test]
    fn of_what_a_call_asks_each_answers_for_itself_however_alike_they_are_refused() {
        // 400 is about the content; and where there is no target, there is nothing that could be gone.
        let world = World { gone: true, status: 400, ..World::default() };
        let (told, _) = run(&world, 60, 50, true);
        assert_eq!((told.ended, told.culprits.len()), (false, 60));
        let mut bisect = Bisect::default();
        let nobody = Target { kind: "agent".into(), group: String::new() };
        bisect.sent(&nobody);
        bisect.refused(&nobody, Part::new((0..20).collect::<Vec<_>>()), said(404), true);
        let mut alone = 0;
        while let Some((target, part)) = bisect.next_part() {
            bisect.sent(&target);
            alone += usize::from(part.items.len() == 1);
            assert!(!matches!(bisect.refused(&target, part, said(404), true), Refused::Ended(..)));
        }
        assert_eq!(alone, 20);
    }

    #[test]
    fn two_who_are_refused_alone_with_nobody_else_there_are_to_blame_themselves() {
        let world = World { bad: [0, 1].into(), status: 404, ..World::default() };
        let (told, _) = run(&world, 2, 50, true);
        assert_eq!((told.culprits, told.ended), ([0, 1].into(), false));
    }

    proptest! {
        #[test]
        fn nobody_is_blamed_who_was_not_refused_alone_and_no_culprit_is_missed(
            changes in 1usize..250, width in 1usize..101, published in any::<bool>(),
            bad in proptest::collection::btree_set(0usize..250, 0..12), most in proptest::option::of(1usize..101),
            status in prop_oneof![Just(400u16), Just(403), Just(404)],
        ) {
            let most = most.filter(|_| !published);
            let world = World { bad: bad.into_iter().filter(|one| *one < changes).collect(), most, gone: false, status };
            let (told, mut bisect) = run(&world, changes, width, published);
            let alone: BTreeSet<usize> =
                told.calls.iter().filter(|call| call.len() == 1 && world.refuses(call)).map(|call| call[0]).collect();
            prop_assert!(told.culprits.is_subset(&alone));
            if !told.ended {
                prop_assert_eq!(&told.culprits, &world.bad);
                let made: BTreeSet<usize> = told.calls.iter().filter(|call| !world.refuses(call)).flatten().copied().collect();
                prop_assert_eq!(made.len() + world.bad.len(), changes);
            }
            prop_assert!(bisect.drain().is_empty());
            // Whatever happens, no more than a few calls a change.
            prop_assert!(told.calls.len() <= 8 + 2 * changes + 14 * world.bad.len());
        }
    }
}
