//! The world of a whole run without a socket: users and colleagues at the vendor, a journal, a network that loses, a process
//! that dies. It draws everything from one seed and keeps books of what must never happen.

use super::reference::Reference;
use super::{About, Block, Bounds, Call, Cause, Ending, History, Landed, MaxFailures, Sender, Taken, Todo, Turn};
use crate::Moment;
use crate::backoff::Backoff;
use crate::entry::Entry;
use crate::plan::{Change, ChangeKey, OWN, SHARED};
use crate::summary::{Counts, Outcome};
use crate::user::{UserId, Version};
use crate::vendor::{Answer, Effect, Refusal, Request, Verdict};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What a world is like. Shares are in percent of calls.
#[derive(Debug, Clone)]
pub(super) struct Nature {
    pub(super) seed: u64,
    pub(super) users: usize,
    pub(super) width: usize,
    pub(super) published: bool,
    /// The widest call that the vendor really takes.
    pub(super) cap: usize,
    pub(super) bad: usize,
    /// A target that is gone, with its status.
    pub(super) gone: Option<u16>,
    pub(super) lost: u32,
    pub(super) trouble: u32,
    pub(super) throttled: u32,
    pub(super) odd: u32,
    pub(super) colleagues: usize,
    pub(super) crashes: usize,
    pub(super) max_concurrent: usize,
    pub(super) max_failures: Option<u64>,
    /// Answers take up to so many seconds.
    pub(super) slow: u64,
}

#[derive(Debug, Clone)]
struct Held {
    version: Version,
    values: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Planned,
    Marked,
    Made,
    NotMade,
}

#[derive(Debug)]
struct Row {
    changes: Vec<ChangeKey>,
    version: Option<Version>,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
struct Flight {
    about: About,
    request: Request,
    attempts: u32,
    in_doubt: bool,
    history: History,
    fresh: Option<Moment>,
    left: Moment,
}

#[derive(Debug)]
enum Arrived {
    Answer(Verdict, Answer),
    Lost,
    Trouble,
    Throttled,
}

/// What happened, in order, with what it led to: fed to another sender, it must lead to the same.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Poll(Turn),
    Fetched(Vec<Taken>, Moment),
    InDoubt(Vec<Taken>),
    Spread(Vec<Taken>, Moment),
    Landed { call: usize, attempts: u32, in_doubt: bool, history: History, left: Moment, ending: Told, now: Moment },
}

/// An [`Ending`] that can be told twice.
#[derive(Debug, Clone)]
pub(super) enum Told {
    Answered(Verdict, Answer),
    Exhausted(Refusal),
    Doubtful(Refusal),
    Stale,
}

impl Told {
    fn ending(self) -> Ending {
        match self {
            Self::Answered(verdict, answer) => Ending::Answered(verdict, answer),
            Self::Exhausted(refusal) => Ending::Exhausted(refusal),
            Self::Doubtful(refusal) => Ending::Doubtful(refusal),
            Self::Stale => Ending::Stale,
        }
    }
}

/// One process's life: what went into its sender and what came out.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    bounds: Bounds,
    counts: Counts,
    inputs: Vec<Input>,
    outputs: Vec<String>,
    /// Writing down everything takes longer than the run.
    kept: bool,
}

pub(super) struct World {
    nature: Nature,
    chance: Chance,
    now: Moment,
    held: BTreeMap<String, Held>,
    bad: BTreeSet<String>,
    /// When a colleague set a key of a user.
    edits: Vec<(Moment, String, String)>,
    rows: BTreeMap<u64, Row>,
    changes: BTreeMap<ChangeKey, (Change, Mark)>,
    /// Entries that are not durable yet.
    noted: Vec<Entry>,
    /// Users whose rows may fail for the network's sake.
    unlucky: BTreeSet<String>,
    /// Users who were refused by a call of their own or by name.
    refused_alone: BTreeSet<String>,
    pub(super) violations: Vec<String>,
    pub(super) writes: usize,
    pub(super) faults: usize,
    pub(super) traces: Vec<Trace>,
    pub(super) cause: Option<Cause>,
}

/// Draws from a seed (SplitMix64, Steele et al. 2014): the same everywhere, without a crate.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn percent(&mut self, share: u32) -> bool {
        self.below(100) < u64::from(share)
    }
}

const GONE: &str = "g0";

impl World {
    pub(super) fn new(nature: Nature) -> Self {
        let mut chance = Chance(nature.seed);
        let mut world = Self {
            now: Moment::ZERO,
            held: BTreeMap::new(),
            bad: BTreeSet::new(),
            edits: vec![],
            rows: BTreeMap::new(),
            changes: BTreeMap::new(),
            noted: vec![],
            unlucky: BTreeSet::new(),
            refused_alone: BTreeSet::new(),
            violations: vec![],
            writes: 0,
            faults: 0,
            traces: vec![],
            cause: None,
            chance: Chance(chance.next()),
            nature,
        };
        for number in 1..=world.nature.users {
            let user = format!("u{number}");
            let values = ["state", "title", "skills", "division", "join/g0", "join/g1"];
            let values = values.into_iter().map(|key| (key.to_owned(), json!("old"))).collect();
            world.held.insert(user.clone(), Held { version: 1, values });
            world.plan(number as u64, &user, &mut chance);
        }
        for _ in 0..world.nature.bad {
            let user = format!("u{}", 1 + chance.below(world.nature.users as u64));
            world.bad.insert(user);
        }
        world
    }

    fn plan(&mut self, row: u64, user: &str, chance: &mut Chance) {
        let group = format!("g{}", chance.below(2));
        let all = [
            (OWN, "", "state", "state".to_owned()),
            (OWN + 1, "", "fields", "title".to_owned()),
            (OWN + 2, "", "skills", "skills".to_owned()),
            (SHARED, group.as_str(), "move", "division".to_owned()),
            (SHARED + 1, group.as_str(), "join", format!("join/{group}")),
        ];
        let mut keys = vec![];
        let certain = chance.below(5) as usize;
        for (at, (stage, group, kind, key)) in all.into_iter().enumerate() {
            if at != certain && chance.percent(60) {
                continue;
            }
            let name = ChangeKey { stage, group: group.to_owned(), row };
            let one = |value: &str| Map::from_iter([(key.clone(), json!(value))]);
            let change = Change {
                key: name.clone(),
                kind: kind.to_owned(),
                user: UserId(user.to_owned()),
                before: one("old"),
                after: one(&format!("new {group}")),
                rest: Map::new(),
                columns: vec![],
                version: Some(1),
            };
            self.changes.insert(name.clone(), (change, Mark::Planned));
            keys.push(name);
        }
        self.rows.insert(row, Row { changes: keys, version: None, outcome: None });
    }

    // --- the journal

    fn taken(&self, key: &ChangeKey) -> Taken {
        let row = &self.rows[&key.row];
        let left = row.changes.iter().filter(|key| self.changes[*key].1 != Mark::Made).count() as u32;
        let mut change = self.changes[key].0.clone();
        change.version = row.version.or(change.version);
        Taken { change, siblings: row.changes.len() as u32, left }
    }

    fn list(&self, block: &Block, mark: Mark) -> Vec<ChangeKey> {
        let is_one = |(key, (_, found)): &(&ChangeKey, &(Change, Mark))| {
            *found == mark
                && key.row <= block.through
                && self.rows[&key.row].outcome.is_none()
                && block.after.as_ref().is_none_or(|after| *key > after)
        };
        self.changes.iter().filter(is_one).map(|(key, _)| key.clone()).collect()
    }

    fn take(&mut self, keys: Vec<ChangeKey>) -> Vec<Taken> {
        for key in &keys {
            self.set(key, Mark::Marked);
        }
        keys.iter().map(|key| self.taken(key)).collect()
    }

    fn set(&mut self, key: &ChangeKey, mark: Mark) {
        if let Some((_, found)) = self.changes.get_mut(key) {
            *found = mark;
        }
    }

    fn flush(&mut self) {
        for entry in std::mem::take(&mut self.noted) {
            self.write_down(entry);
        }
    }

    fn write_down(&mut self, entry: Entry) {
        match entry {
            Entry::Withdrawn { key, .. } => {
                if self.changes[&key].1 != Mark::Marked {
                    self.violations.push(format!("{key:?} was withdrawn and is {:?}", self.changes[&key].1));
                }
                self.set(&key, Mark::Planned);
            }
            Entry::Made { key, version, .. } => {
                if self.changes[&key].1 == Mark::Made {
                    self.violations.push(format!("{key:?} was made twice"));
                }
                self.set(&key, Mark::Made);
                let row = self.rows.get_mut(&key.row).unwrap();
                row.version = version.or(row.version);
                let all = row.changes.iter().all(|key| self.changes[key].1 == Mark::Made);
                if all && row.outcome.is_none() {
                    row.outcome = Some(Outcome::Updated);
                }
                // Whoever is told as updated holds it, or held it until a colleague came.
                let (change, _) = &self.changes[&key];
                for (name, value) in &change.after {
                    let user = change.user.as_str();
                    if self.held[user].values[name] != *value
                        && !self.edits.iter().any(|(_, whom, what)| (whom.as_str(), what) == (user, name))
                    {
                        self.violations.push(format!("{user} is told as updated and holds no {name}"));
                    }
                }
            }
            Entry::NotMade { key, outcome, refusal, .. } => {
                self.set(&key, Mark::NotMade);
                let row = self.rows.get_mut(&key.row).unwrap();
                if row.outcome.is_none() {
                    row.outcome = Some(outcome);
                    self.judge(&key, outcome, &refusal);
                }
            }
            other => self.violations.push(format!("no sender writes {other:?}")),
        }
    }

    /// Nobody is blamed unasked, and nobody is a conflict whom no colleague has touched.
    fn judge(&mut self, key: &ChangeKey, outcome: Outcome, refusal: &Refusal) {
        let user = self.changes[key].0.user.to_string();
        let touched = self.edits.iter().any(|(_, whom, _)| *whom == user);
        let gone = self.nature.gone.is_some() && key.group == GONE;
        let right = match outcome {
            Outcome::Conflict => touched,
            // An answer that told nothing, and then a colleague: what was made cannot be seen any more.
            _ if refusal.code.as_deref() == Some("not.confirmed") && touched => true,
            _ => self.refused_alone.contains(&user) || gone || self.unlucky.contains(&user),
        };
        if !right {
            self.violations.push(format!("{user} is {outcome:?} for {key:?}: {refusal:?}"));
        }
    }

    // --- the vendor

    fn arrive(&mut self, flight: &mut Flight) -> Arrived {
        if flight.request.effect == Effect::Read {
            return self.read(&flight.request);
        }
        self.writes += 1;
        let dice = self.chance.below(100) as u32;
        let Nature { lost, trouble, throttled, odd, .. } = self.nature;
        if dice < throttled {
            self.faults += 1;
            return Arrived::Throttled;
        }
        let loses = dice < throttled + lost;
        let troubles = !loses && dice < throttled + lost + trouble;
        if loses || troubles {
            self.faults += 1;
            if self.chance.percent(50) {
                self.write(flight, false);
            }
            let users = flight.request.body.iter().flat_map(users).collect::<Vec<_>>();
            self.unlucky.extend(users);
            return if loses { Arrived::Lost } else { Arrived::Trouble };
        }
        let odd = self.chance.percent(odd);
        let (status, body) = self.write(flight, odd);
        let verdict = match status {
            200 => Verdict::Applied { version: body["version"].as_i64() },
            409 => Verdict::Conflict,
            403 => Verdict::Forbidden,
            _ => Verdict::Rejected,
        };
        Arrived::Answer(verdict, Answer::new(status, vec![], body.to_string().into_bytes()))
    }

    fn read(&mut self, request: &Request) -> Arrived {
        let keys = request.body.iter().flat_map(|body| body.as_array().into_iter().flatten()).filter_map(Value::as_str);
        let mut records = vec![];
        for key in keys.collect::<Vec<_>>() {
            let Held { version, values } = &self.held[key];
            records.push(json!({"id": key, "version": version, "values": values}));
        }
        Arrived::Answer(
            Verdict::Applied { version: None },
            Answer::new(200, vec![], Value::from(records).to_string().into_bytes()),
        )
    }

    /// What the vendor does, and says.
    fn write(&mut self, Flight { request, left, .. }: &Flight, odd: bool) -> (u16, Value) {
        let left = *left;
        let items: Vec<Value> = request.body.iter().flat_map(|body| body.as_array().cloned()).flatten().collect();
        let (kind, group) = request.target.split_once(' ').unwrap_or((&request.target, ""));
        let whose = |item: &Value| item["user"].as_str().unwrap_or_default().to_owned();
        let alone = items.len() == 1;
        if let (Some(status), true) = (self.nature.gone, group == GONE) {
            return (status, json!({}));
        }
        if items.len() > self.nature.cap {
            return (400, json!({}));
        }
        let by_name = kind == "join";
        let mut told = Map::new();
        if items.iter().any(|item| self.bad.contains(&whose(item))) && !by_name {
            if alone {
                self.refused_alone.insert(whose(&items[0]));
            }
            return (400, json!({}));
        }
        let mut version = None;
        for item in &items {
            let user = whose(item);
            if self.bad.contains(&user) {
                self.refused_alone.insert(user.clone());
                told.insert(user, json!("refused"));
                continue;
            }
            let found = self.held[&user].version;
            if item["version"].as_i64().is_some_and(|carried| carried != found) {
                return (409, json!({}));
            }
            if odd {
                told.insert(user.clone(), json!(if by_name && self.chance.percent(50) { "accepted" } else { "odd" }));
            }
            for (key, value) in item["after"].as_object().into_iter().flatten() {
                self.overwrites(kind, &user, key, value, left);
                let held = self.held.get_mut(&user).unwrap();
                held.values.insert(key.clone(), value.clone());
                held.version += i64::from(matches!(kind, "state" | "fields"));
                version = Some(held.version);
            }
        }
        (200, json!({"version": version.filter(|_| alone), "items": told}))
    }

    /// No lost update: a version guards whole; a comparison guards what was there five seconds before the call left.
    fn overwrites(&mut self, kind: &str, user: &str, key: &str, value: &Value, left: Moment) {
        let found = &self.held[user].values[key];
        if *found == json!("old") || found == value {
            return;
        }
        let last = self.edits.iter().rfind(|(_, whom, what)| (whom.as_str(), what.as_str()) == (user, key));
        let seen = last.is_some_and(|(at, ..)| *at + Duration::from_secs(5) < left);
        if matches!(kind, "state" | "fields") || seen {
            self.violations.push(format!("{user}: a colleague's {key} was overwritten by {kind}"));
        }
    }

    fn colleague(&mut self) {
        let user = format!("u{}", 1 + self.chance.below(self.nature.users as u64));
        let key = ["state", "title", "skills", "division", "department"][self.chance.below(5) as usize];
        let held = self.held.get_mut(&user).unwrap();
        held.version += 1;
        held.values.insert(key.to_owned(), json!(format!("colleague {}", held.version)));
        self.edits.push((self.now, user, key.to_owned()));
    }

    // --- the process

    /// The whole story, with crashes: a process after the other until nothing is left, or somebody has to look.
    pub(super) fn play(&mut self) {
        let mut crashes = self.nature.crashes;
        for life in 0..12 {
            let dies_after = (crashes > 0).then(|| {
                crashes -= 1;
                1 + self.chance.below(60) as usize
            });
            let ended = self.live(life > 0, dies_after);
            match ended {
                Life::Died => {}
                Life::Halted(Cause::MaxFailures(_)) => self.nature.max_failures = None,
                Life::Halted(cause) => {
                    self.cause = Some(cause);
                    break;
                }
                Life::Ended => break,
            }
        }
        self.flush();
    }

    fn live(&mut self, again: bool, dies_after: Option<usize>) -> Life {
        let outcomes = || self.rows.values().filter_map(|row| row.outcome);
        let count = |wanted: Outcome| outcomes().filter(|outcome| *outcome == wanted).count() as u64;
        let counts = Counts {
            rows: self.rows.len() as u64,
            failed: count(Outcome::Failed),
            conflict: count(Outcome::Conflict),
            ..Counts::default()
        };
        let bounds = Bounds {
            through: u64::MAX,
            look_first: again,
            planned_at: (!again && self.chance.percent(50)).then_some(self.now),
            force: false,
            max_concurrent: self.nature.max_concurrent,
            max_failures: self.nature.max_failures.map(MaxFailures::Rows),
            backoff: Backoff::default(),
        };
        let vendor = Arc::new(Reference { width: self.nature.width, published: self.nature.published });
        let mut sender = Sender::new(vendor, bounds.clone(), counts);
        let mut trace =
            Trace { bounds, counts, inputs: vec![], outputs: vec![], kept: self.nature.seed.is_multiple_of(16) };
        let ended = self.work(&mut sender, &mut trace, dies_after);
        self.traces.push(trace);
        ended
    }

    fn work(&mut self, sender: &mut Sender, trace: &mut Trace, dies_after: Option<usize>) -> Life {
        let mut desk = Desk::default();
        for step in 0..50_000 {
            if dies_after.is_some_and(|most| step >= most) {
                return self.die(desk);
            }
            match self.hand_out(sender, trace, &mut desk) {
                Ok(false) => {}
                Ok(true) => return Life::Ended,
                Err(cause) => return self.leave(sender, desk, cause),
            }
            if self.nature.colleagues > 0 && self.chance.percent(10) {
                self.nature.colleagues -= 1;
                self.colleague();
            }
            let Some(((at, call), arrived)) = desk.agenda.pop_first() else {
                let Some(at) = desk.later else {
                    self.violations.push("nothing is out and nothing is to be done".into());
                    return Life::Ended;
                };
                self.now = at;
                continue;
            };
            self.now = self.now.max(at);
            let landed = match arrived {
                None => {
                    let arrived = self.arrive(desk.flights.get_mut(&call).unwrap());
                    let way = Duration::from_millis(1 + self.chance.below(1 + self.nature.slow * 1_000));
                    desk.agenda.insert((self.now + way, call), Some(arrived));
                    Ok(())
                }
                Some(arrived) => self.land(sender, trace, &mut desk, call, arrived),
            };
            if let Err(cause) = landed {
                return self.leave(sender, desk, cause);
            }
        }
        self.violations.push("it never ends".into());
        Life::Ended
    }

    /// The process dies: what is out may still arrive; what was noted last is lost with it.
    fn die(&mut self, mut desk: Desk) -> Life {
        for (at, arrived) in desk.agenda {
            if arrived.is_none() && self.chance.percent(50) {
                self.arrive(desk.flights.get_mut(&at.1).unwrap());
            }
        }
        let kept = self.chance.below(self.noted.len() as u64 + 1) as usize;
        self.noted.truncate(kept);
        self.flush();
        Life::Died
    }

    /// Calls leave as long as some may; whether all is done.
    fn hand_out(&mut self, sender: &mut Sender, trace: &mut Trace, desk: &mut Desk) -> Result<bool, Cause> {
        while desk.flights.len() < self.nature.max_concurrent {
            let turn = Turn {
                idle: desk.flights.is_empty(),
                now: self.now,
                room: self.nature.max_concurrent - desk.flights.len(),
                most: self.nature.max_concurrent,
                apart: None,
            };
            let todo = sender.poll(turn);
            trace.add(Input::Poll(turn), &todo);
            self.noted.extend(sender.noted().0);
            desk.later = None;
            match todo? {
                Todo::Send(call) => self.send(desk, *call),
                Todo::WhenOpen(_) => break,
                Todo::Later(at) if at <= self.now => {}
                Todo::Later(at) => {
                    desk.later = Some(at);
                    break;
                }
                Todo::Nothing => return Ok(desk.flights.is_empty()),
                todo => self.ask_journal(sender, trace, desk, todo),
            }
        }
        Ok(false)
    }

    fn send(&mut self, desk: &mut Desk, call: Call) {
        let Call { request, about, history, fresh_until: fresh, .. } = call;
        let left = self.now;
        self.is_alone(&desk.flights, &request);
        let flight = Flight { about, request, attempts: 1, in_doubt: false, history, fresh, left };
        desk.flights.insert(desk.calls, flight);
        let way = Duration::from_millis(1 + self.chance.below(200));
        desk.agenda.insert((self.now + way, desk.calls), None);
        desk.calls += 1;
    }

    fn ask_journal(&mut self, sender: &mut Sender, trace: &mut Trace, desk: &mut Desk, todo: Todo) {
        match todo {
            Todo::Fetch(block) => {
                self.flush();
                let mut keys = self.list(&block, Mark::Planned);
                keys.truncate(block.limit as usize);
                desk.fetching = Some(self.take(keys));
            }
            Todo::AwaitFetched => {
                let taken = desk.fetching.take().unwrap_or_default();
                trace.add(Input::Fetched(taken.clone(), self.now), &());
                sender.fetched(taken, self.now);
            }
            Todo::InDoubt(block) | Todo::Accepted(block) => {
                let mut keys = self.list(&block, Mark::Marked);
                keys.truncate(block.limit as usize);
                let found: Vec<Taken> = keys.iter().map(|key| self.taken(key)).collect();
                trace.add(Input::InDoubt(found.clone()), &());
                sender.found_in_doubt(found);
            }
            Todo::Spread(block) => {
                let last = block.after.clone().unwrap();
                let mut keys = self.list(&block, Mark::Planned);
                keys.retain(|key| (key.stage, &key.group) == (last.stage, &last.group));
                keys.reverse();
                keys.truncate(block.limit as usize);
                let taken = self.take(keys);
                trace.add(Input::Spread(taken.clone(), self.now), &());
                sender.spread(taken, self.now);
            }
            _ => self.flush(),
        }
    }

    fn land(
        &mut self,
        sender: &mut Sender,
        trace: &mut Trace,
        desk: &mut Desk,
        call: usize,
        arrived: Arrived,
    ) -> Result<(), Cause> {
        let flight = desk.flights.get_mut(&call).unwrap();
        let told = match Self::follows(flight, arrived) {
            Ok(told) => told,
            Err(wait) => {
                // It is sent again after a wait.
                flight.attempts += 1;
                flight.left = self.now + wait;
                desk.agenda.insert((self.now + wait, call), None);
                return Ok(());
            }
        };
        let Flight { about, attempts, in_doubt, history, left, .. } = desk.flights.remove(&call).unwrap();
        let (landed, now) = (Landed { about, attempts, in_doubt, history, left }, self.now);
        let ended = sender.landed(landed, told.clone().ending(), now);
        trace.add(Input::Landed { call, attempts, in_doubt, history, left, ending: told, now }, &ended);
        self.noted.extend(sender.noted().0);
        if self.chance.percent(20) {
            self.flush();
        }
        ended
    }

    /// What the engine's policy makes of an answer: an ending, or another attempt after a wait.
    fn follows(flight: &mut Flight, arrived: Arrived) -> Result<Told, Duration> {
        let refusal = Refusal { status: Some(503), ..Refusal::own("trouble", "said the vendor") };
        match arrived {
            Arrived::Answer(verdict, answer) => return Ok(Told::Answered(verdict, answer)),
            Arrived::Throttled if flight.fresh.is_some() => return Ok(Told::Stale),
            Arrived::Throttled => return Err(Duration::from_secs(5)),
            Arrived::Lost | Arrived::Trouble => {}
        }
        flight.in_doubt = true;
        flight.history.failures += 1;
        if flight.fresh.is_some() {
            Ok(Told::Doubtful(refusal))
        } else if flight.history.failures > 2 {
            Ok(Told::Exhausted(refusal))
        } else {
            Err(Duration::from_secs(1))
        }
    }

    /// Never two writes to one user side by side.
    fn is_alone(&mut self, flights: &BTreeMap<usize, Flight>, request: &Request) {
        if request.effect == Effect::Read {
            return;
        }
        let mine: BTreeSet<String> = request.body.iter().flat_map(users).collect();
        for other in flights.values().filter(|other| other.request.effect == Effect::Write) {
            if other.request.body.iter().flat_map(users).any(|user| mine.contains(&user)) {
                self.violations.push(format!("two writes at once: {} and {}", other.request.target, request.target));
            }
        }
    }

    /// It stops; what is out is left, as a second Ctrl-C leaves it.
    fn leave(&mut self, sender: &mut Sender, desk: Desk, cause: Cause) -> Life {
        if let Some(taken) = desk.fetching {
            sender.fetched(taken, self.now);
        }
        let landed = |flight: Flight| {
            let Flight { about, attempts, history, left, request, .. } = flight;
            let in_doubt = request.effect == Effect::Write;
            Landed { about, attempts, in_doubt, history, left }
        };
        sender.leave(desk.flights.into_values().map(landed).collect());
        self.noted.extend(sender.noted().0);
        self.flush();
        Life::Halted(cause)
    }

    // --- afterwards

    pub(super) fn changes(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn pending(&self) -> usize {
        self.rows.values().filter(|row| row.outcome.is_none()).count()
    }

    pub(super) fn count(&self, wanted: Outcome) -> usize {
        self.rows.values().filter(|row| row.outcome == Some(wanted)).count()
    }
}

/// What a process has in its hands.
#[derive(Default)]
struct Desk {
    flights: BTreeMap<usize, Flight>,
    /// What happens when: a call arrives at the vendor, then its answer arrives here.
    agenda: BTreeMap<(Moment, usize), Option<Arrived>>,
    calls: usize,
    fetching: Option<Vec<Taken>>,
    later: Option<Moment>,
}

enum Life {
    Died,
    Halted(Cause),
    Ended,
}

/// The users that a body is about.
fn users(body: &Value) -> Vec<String> {
    let items = body.as_array().into_iter().flatten();
    items.filter_map(|item| item["user"].as_str().map(str::to_owned)).collect()
}

impl Trace {
    fn add(&mut self, input: Input, output: &dyn std::fmt::Debug) {
        if !self.kept {
            return;
        }
        self.inputs.push(input);
        self.outputs.push(format!("{output:?}"));
    }

    /// What another sender says to the same inputs.
    pub(super) fn replay(&self, width: usize, published: bool) -> Vec<String> {
        let mut sender = Sender::new(Arc::new(Reference { width, published }), self.bounds.clone(), self.counts);
        let mut out: Vec<Option<About>> = vec![];
        let said = |input: Input| match input {
            Input::Poll(turn) => {
                let todo = sender.poll(turn);
                let said = format!("{todo:?}");
                if let Ok(Todo::Send(call)) = todo {
                    out.push(Some(call.about));
                }
                said
            }
            Input::Fetched(taken, now) => format!("{:?}", sender.fetched(taken, now)),
            Input::InDoubt(found) => format!("{:?}", sender.found_in_doubt(found)),
            Input::Spread(taken, now) => format!("{:?}", sender.spread(taken, now)),
            Input::Landed { call, attempts, in_doubt, history, left, ending, now } => {
                let about = out[call].take().unwrap();
                let landed = Landed { about, attempts, in_doubt, history, left };
                format!("{:?}", sender.landed(landed, ending.ending(), now))
            }
        };
        self.inputs.iter().cloned().map(said).collect()
    }

    pub(super) fn outputs(&self) -> &[String] {
        &self.outputs
    }
}
