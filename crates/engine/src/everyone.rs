//! Who is there? All users of a tenant, a page at a time, each with all that is asked about it.
//!
//! Reads that are refused are made smaller, until whoever cannot be read stands alone: it is told by its id, and the others are
//! read. A list that repeats itself or has no end is left.

use crate::caller::Caller;
use crate::error::{API, Halt, Stop};
use paceline_core::desired::Row;
use paceline_core::plan::{Widths, halves};
use paceline_core::user::UserKey;
use paceline_core::vendor::{
    Answer, Found, More, Names, Need, Page, Part, Refusal, Request, User, Uses, Vendor, Verdict,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

/// Pages that are followed. Ten million users have fewer.
const PAGES: u64 = 100_000;

/// Pages in a row that may hold nobody: a vendor may leave out whom it does not show.
const EMPTY: u32 = 1_000;

/// Times that a page is made smaller: from 1,000 users to one.
const SMALLER: u32 = 10;

/// Users in a row that may be refused alone before anybody was read: from there on it is not theirs.
const REFUSED: u32 = 10;

/// What a page has brought.
#[derive(Debug, Default)]
pub struct Listed {
    /// Its users, as far as they were not on an earlier one.
    pub users: Vec<User>,
    /// Those that could not be read, by their ids, and why.
    pub unread: Vec<(String, Refusal)>,
    /// Why the list ends here although it promises more.
    pub broken_off: Option<&'static str>,
}

/// The reading of all users.
pub struct Everyone {
    caller: Caller,
    vendor: Arc<dyn Vendor>,
    state: Option<String>,
    uses: Uses,
    names: Names,
    page: Option<String>,
    ended: bool,
    pages: u64,
    empty: u32,
    /// Users and pages that have been seen, by their hashes.
    seen: HashSet<u64>,
    followed: HashSet<u64>,
    brought: HashSet<u64>,
    widths: Widths,
    read: HashSet<Part>,
    refused: u32,
}

/// A user on the way to being known.
struct Seeking {
    key: String,
    row: Row,
    found: Found,
}

/// What a page has brought: how many users, and who they are, as a hash.
struct Brought {
    users: usize,
    ids: u64,
}

impl Brought {
    fn of(records: &[(String, Value)]) -> Self {
        let ids: Vec<&str> = records.iter().map(|(id, _)| id.as_str()).collect();
        Self { users: ids.len(), ids: hash(&ids) }
    }
}

/// Why a read has brought nothing.
struct Refused {
    refusal: Refusal,
    /// A smaller one may be answered.
    narrows: bool,
    halt: fn(Refusal) -> Halt,
}

impl Everyone {
    /// Nothing is sent yet. `uses` says what is to be known of each user.
    pub fn new(caller: Caller, state: Option<String>, uses: Uses, names: Names) -> Self {
        Self {
            vendor: caller.vendor(),
            caller,
            state,
            uses,
            names,
            page: None,
            ended: false,
            pages: 0,
            empty: 0,
            seen: HashSet::new(),
            followed: HashSet::new(),
            brought: HashSet::new(),
            widths: Widths::default(),
            read: HashSet::new(),
            refused: 0,
        }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// Where the run of these calls halts, or nobody can be read.
    pub async fn next(&mut self) -> Result<Option<Listed>, Stop> {
        if self.ended {
            return Ok(None);
        }
        let (part, Page { records, more }) = self.page().await?;
        let brought = Brought::of(&records);
        let new: Vec<(String, Value)> =
            records.into_iter().filter(|(id, _)| self.seen.insert(hash(&id.to_lowercase()))).collect();
        let broken_off = self.follow(more, &brought, new.len());
        let mut listed = self.known(part, new).await?;
        listed.broken_off = broken_off;
        Ok(Some(listed))
    }

    /// Where the list goes on, of a page that brought so many users, so many of them new.
    fn follow(&mut self, more: More, brought: &Brought, new: usize) -> Option<&'static str> {
        self.pages += 1;
        self.empty = if brought.users == 0 { self.empty + 1 } else { 0 };
        // Users who moved to the last page meanwhile are no repetition; the same page again is one.
        let again = brought.users > 0 && !self.brought.insert(brought.ids);
        let (next, repeats) = match more {
            More::Page(next) => {
                let repeats = again || !self.followed.insert(hash(&next)) || (brought.users > 0 && new == 0);
                (Some(next), repeats)
            }
            _ => (None, again),
        };
        let endless = next.is_some() && (self.pages >= PAGES || self.empty >= EMPTY);
        self.ended = next.is_none() || repeats || endless;
        self.page = next;
        match (repeats, endless) {
            (true, _) => Some("the list of users repeats itself"),
            (_, true) => Some("the list of users has no end"),
            _ => None,
        }
    }

    /// The page that is due; where it is refused, a smaller one that begins with the same users.
    async fn page(&mut self) -> Result<(Part, Page), Stop> {
        let mut times = 0;
        loop {
            let page = self.page.clone();
            let (part, request) = self.vendor.everyone(self.state.as_deref(), &self.uses.columns, page.as_deref());
            let Refused { refusal, narrows, halt } = match self.records(part, &[], page.as_deref(), request).await? {
                Ok(found) => return Ok((part, found)),
                Err(refused) => refused,
            };
            times += 1;
            match self.vendor.smaller_page(part, page.as_deref()).filter(|_| narrows && times <= SMALLER) {
                Some(smaller) => self.page = Some(smaller),
                None => return Err(halt(refusal).into()),
            }
        }
    }

    /// All that is asked about these users.
    async fn known(&mut self, part: Part, records: Vec<(String, Value)>) -> Result<Listed, Stop> {
        let mut seeking: VecDeque<Seeking> = VecDeque::new();
        for (number, (id, record)) in (0u64..).zip(records) {
            let fields = self.uses.columns.iter().map(|column| (column.clone(), Value::Null)).collect();
            let row = Row { number, line: number, key: UserKey::id(id), fields };
            seeking.push_back(Seeking { key: String::new(), row, found: Found::from([(part, vec![record])]) });
        }
        let mut listed = Listed::default();
        let mut users: BTreeMap<u64, User> = BTreeMap::new();
        while !seeking.is_empty() {
            let mut reads: BTreeMap<Part, Vec<Seeking>> = BTreeMap::new();
            for mut one in seeking.drain(..) {
                match self.vendor.need(&one.row, &self.uses, &self.names, &one.found) {
                    Ok(Need::Known(user)) => drop(users.insert(one.row.number, *user)),
                    Ok(Need::Read(part, key)) => {
                        one.key = key;
                        reads.entry(part).or_default().push(one);
                    }
                    Err(refusal) => listed.unread.push((one.row.key.value, refusal)),
                }
            }
            for (part, rows) in reads {
                self.part(part, rows, &mut seeking, &mut listed.unread).await?;
            }
        }
        listed.users = users.into_values().collect();
        Ok(listed)
    }

    /// Reads a part of these users. Each comes back with it, or is told as unread.
    async fn part(
        &mut self,
        part: Part,
        rows: Vec<Seeking>,
        back: &mut VecDeque<Seeking>,
        unread: &mut Vec<(String, Refusal)>,
    ) -> Result<(), Stop> {
        let mut batches = VecDeque::from([rows]);
        while let Some(mut some) = batches.pop_front() {
            let width = self.widths.of(part, self.vendor.part_width(part, some.len()));
            if width < some.len() {
                batches.push_front(some.split_off(width));
            }
            let keys: Vec<String> = some.iter().map(|one| one.key.clone()).collect();
            match self.all_pages(part, &keys).await? {
                Ok((got, again)) => {
                    self.read.insert(part);
                    let is_here = |one: &Seeking| got.contains_key(&one.key.to_lowercase());
                    let (here, missing): (Vec<_>, Vec<_>) = some.into_iter().partition(is_here);
                    // One page of several: the others are asked for again, as long as that gets on.
                    let gets_on = again && !here.is_empty() && !missing.is_empty();
                    let (missing, later) = if gets_on { (vec![], missing) } else { (missing, vec![]) };
                    for mut one in here.into_iter().chain(missing) {
                        one.found.insert(part, got.get(&one.key.to_lowercase()).cloned().unwrap_or_default());
                        back.push_back(one);
                    }
                    batches.extend(Some(later).filter(|later| !later.is_empty()));
                }
                Err(Refused { refusal, narrows: true, .. }) if some.len() > 1 => {
                    tracing::debug!(part, users = some.len(), why = refusal.line(), "a read is halved");
                    self.widths.refused(part, some.len());
                    let (first, second) = halves(some);
                    batches.push_front(second);
                    batches.push_front(first);
                }
                Err(Refused { refusal, narrows: true, halt }) => {
                    self.widths.forget(part);
                    self.refused += 1;
                    if !self.read.contains(part) && self.refused >= REFUSED {
                        return Err(halt(refusal).into());
                    }
                    unread.extend(some.into_iter().map(|one| (one.row.key.value, refusal.clone())));
                }
                Err(Refused { refusal, halt, .. }) => return Err(halt(refusal).into()),
            }
        }
        Ok(())
    }

    /// What all pages of a read hold by key, and whether those that are missing are to be asked for again.
    async fn all_pages(
        &mut self,
        part: Part,
        keys: &[String],
    ) -> Result<Result<(HashMap<String, Vec<Value>>, bool), Refused>, Stop> {
        let mut got: HashMap<String, Vec<Value>> = HashMap::new();
        let mut seen: HashSet<u64> = HashSet::new();
        let mut page: Option<String> = None;
        loop {
            let request = self.vendor.read(part, keys, &self.uses.columns, page.as_deref());
            let found = match self.records(part, keys, page.as_deref(), request).await? {
                Ok(found) => found,
                Err(refused) => return Ok(Err(refused)),
            };
            let before = seen.len();
            for (key, record) in found.records {
                let key = key.to_lowercase();
                // A list of pages that repeats itself gives a user nothing twice.
                if seen.insert(hash(&(&key, record.to_string()))) {
                    got.entry(key).or_default().push(record);
                }
            }
            match found.more {
                More::Page(next) if seen.len() > before && page.as_ref() != Some(&next) => page = Some(next),
                more => return Ok(Ok((got, more == More::Again))),
            }
        }
    }

    async fn records(
        &mut self,
        part: Part,
        keys: &[String],
        page: Option<&str>,
        request: Request,
    ) -> Result<Result<Page, Refused>, Stop> {
        let not_the_vendor = |refusal| Halt::NotTheVendor { what: API, refusal };
        let answer = match self.caller.answer(request).await? {
            Some((Verdict::Applied { .. }, answer)) => answer,
            Some((verdict, answer)) => return Ok(Err(self.refused(verdict, &answer))),
            None => {
                let refusal = Refusal::own("not.answered", "the call failed every time it was sent");
                let halt = |refusal: Refusal| Halt::Trouble(refusal.line());
                return Ok(Err(Refused { refusal, narrows: true, halt }));
            }
        };
        let found = self.vendor.records(part, keys, page, &answer);
        Ok(found.map_err(|refusal| Refused { refusal, narrows: false, halt: not_the_vendor }))
    }

    fn refused(&self, verdict: Verdict, answer: &Answer) -> Refused {
        let not_served = matches!(answer.status, 300..=399 | 404 | 405 | 501) && self.pages == 0;
        Refused {
            refusal: self.vendor.refusal(answer),
            narrows: verdict != Verdict::NotTheApi && !not_served,
            halt: match verdict {
                Verdict::Forbidden => Halt::Forbidden,
                _ => |refusal| Halt::NotTheVendor { what: API, refusal },
            },
        }
    }
}

fn hash(value: &(impl std::hash::Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
