//! Reads users, many a call, and plans their changes.

use crate::error::{API, Halt};
use crate::event::Event;
use crate::recorder::Recorder;
use crate::scheduler::{Ending, Job, Phase};
use paceline_core::Moment;
use paceline_core::desired::Row;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::{Change, halves};
use paceline_core::summary::{Effort, Outcome};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{Answer, Named, Names, Refusal, Request, UNDO, User, Vendor, Verdict};
use paceline_journal::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Rows taken from the journal at once.
const BLOCK: u32 = 500;
/// Keys looked up a call: the search's page.
const FIND_WIDTH: usize = 100;
/// Reads refused without one success before the vendor is asked no more.
const REFUSED: u32 = 64;

/// What a read is about.
#[derive(Debug)]
pub(crate) enum Asked {
    /// What a user's other reads leave out, to be kept at a key.
    More(Row, Box<User>, &'static str),
    /// Rows that name their user by a key.
    Keys(Vec<Row>),
    /// Rows whose user's id is known.
    Users(Vec<(Row, UserId)>),
}

/// The planning of a run.
pub(crate) struct Planning<'a> {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) events: Arc<dyn Fn(Event) + Send + Sync>,
    columns: BTreeSet<String>,
    names: Names,
    last_row: u64,
    exhausted: bool,
    to_find: VecDeque<Row>,
    to_read: VecDeque<(Row, UserId)>,
    finds_out: usize,
    again: VecDeque<Asked>,
    read: bool,
    refused: u32,
}

impl<'a> Planning<'a> {
    pub(crate) fn new(
        vendor: Arc<dyn Vendor>,
        recorder: &'a mut Recorder,
        events: Arc<dyn Fn(Event) + Send + Sync>,
        columns: BTreeSet<String>,
        names: Names,
    ) -> Self {
        Self {
            vendor,
            recorder,
            events,
            columns,
            names,
            last_row: 0,
            exhausted: false,
            to_find: VecDeque::new(),
            to_read: VecDeque::new(),
            finds_out: 0,
            again: VecDeque::new(),
            read: false,
            refused: 0,
        }
    }

    fn job(&mut self, asked: Asked) -> Job<Asked> {
        let request = match &asked {
            Asked::Keys(rows) => {
                self.finds_out += 1;
                let keys: Vec<UserKey> = rows.iter().map(|row| row.key.clone()).collect();
                self.vendor.find(&keys)
            }
            Asked::Users(rows) => {
                let ids: Vec<UserId> = rows.iter().map(|(_, id)| id.clone()).collect();
                self.vendor.read(&ids, &self.columns)
            }
            Asked::More(_, user, _) => {
                let more = self.vendor.read_more(&user.id, &self.columns);
                more.map_or_else(|| self.vendor.whoami(), |(request, _)| request)
            }
        };
        Job::new(request, asked)
    }

    async fn refill(&mut self) -> Result<(), Halt> {
        let after = self.last_row;
        let rows = self.recorder.ask(move |journal| journal.rows(after, BLOCK, true)).await?;
        self.exhausted = rows.len() < BLOCK as usize;
        for row in rows.into_iter().map(|record| record.row) {
            self.last_row = row.number;
            match row.key.as_id() {
                Some(id) => self.to_read.push_back((row, id)),
                None => self.to_find.push_back(row),
            }
        }
        Ok(())
    }

    fn end(&mut self, row: u64, outcome: Outcome, refusal: Refusal) {
        (self.events)(Event::Ended { outcome });
        self.recorder.record(Entry::RowEnded { row, outcome, refusal });
    }

    /// A row of an undo holds the changes to make: those whose user is as the undone run left it, and none where
    /// somebody has since changed the same.
    fn undone(&self, row: &Row, user: &User) -> Option<Result<Vec<Change>, Refusal>> {
        let changes: Vec<Change> = serde_json::from_value(row.fields.get(UNDO)?.clone()).unwrap_or_default();
        let mut needed = vec![];
        for change in changes {
            match diff::settle(&change.before, &change.after, &self.vendor.holds(&change, user)) {
                Settled::Holds => {}
                Settled::Untouched => needed.push(Change { version: user.version, ..change }),
                Settled::Conflict(keys) => {
                    let message =
                        format!("`{}` was changed by someone else since: it is left as it is", keys.join("`, `"));
                    return Some(Err(Refusal::own("conflict", message)));
                }
            }
        }
        Some(Ok(needed))
    }

    fn planned(&mut self, row: &Row, user: &User) {
        if let Some(Err(refusal)) = self.undone(row, user) {
            return self.end(row.number, Outcome::Conflict, refusal);
        }
        let changes = self.undone(row, user).unwrap_or_else(|| self.vendor.changes(row, user, &self.names));
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
            Err(refusal) => self.end(row.number, Outcome::Failed, refusal),
        }
    }

    fn found(&mut self, rows: Vec<Row>, answer: &Answer) -> Result<(), Halt> {
        let found = self.vendor.found(answer).map_err(|refusal| Halt::NotTheVendor { what: API, refusal })?;
        let mut by_key: HashMap<String, BTreeSet<UserId>> = HashMap::new();
        for (value, id) in found {
            by_key.entry(value.to_lowercase()).or_default().insert(id);
        }
        for row in rows {
            let ids =
                by_key.get(&row.key.value.to_lowercase()).map(|ids| ids.iter().collect::<Vec<_>>()).unwrap_or_default();
            let UserKey { column, value } = &row.key;
            match ids[..] {
                [id] => self.to_read.push_back((row, id.clone())),
                [] => {
                    let message = format!("no user has the {column} `{value}`");
                    self.end(
                        row.number,
                        Outcome::Failed,
                        Refusal { status: Some(404), ..Refusal::own("not.found", message) },
                    );
                }
                _ => {
                    let ids = ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
                    let message = format!("{column} `{value}` is not unique: name one of {ids} by `id`");
                    self.end(row.number, Outcome::Failed, Refusal::own("ambiguous", message));
                }
            }
        }
        Ok(())
    }

    fn users(&mut self, rows: Vec<(Row, UserId)>, answer: &Answer) -> Result<(), Halt> {
        let users = self.vendor.users(answer).map_err(|refusal| Halt::NotTheVendor { what: API, refusal })?;
        self.read = true;
        // The vendor's ids have no case; a spreadsheet may have changed it.
        let users: HashMap<String, &User> = users.iter().map(|user| (user.id.0.to_lowercase(), user)).collect();
        let (found, missing): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(_, id)| users.contains_key(&id.0.to_lowercase()));
        // Where the answer is one page of several, the others are asked for again, as long as that gets on.
        let again = !missing.is_empty() && !found.is_empty() && self.vendor.more_follow(answer);
        let missing = if again {
            self.again.push_back(Asked::Users(missing));
            vec![]
        } else {
            missing
        };
        for (row, id) in found.into_iter().chain(missing) {
            match users.get(&id.0.to_lowercase()) {
                Some(user) => match self.vendor.read_more(&id, &self.columns) {
                    Some((_, key)) => self.again.push_back(Asked::More(row, Box::new((*user).clone()), key)),
                    None => self.planned(&row, user),
                },
                None => {
                    let refusal = Refusal {
                        status: Some(404),
                        ..Refusal::own("not.found", format!("no user has the id `{id}`"))
                    };
                    self.end(row.number, Outcome::Failed, refusal);
                }
            }
        }
        Ok(())
    }

    /// A read was refused: as a whole where it asked for many, for its row where it stands alone.
    fn refused(&mut self, asked: Asked, refusal: Refusal) -> Result<(), Halt> {
        self.refused += 1;
        let not_served = matches!(refusal.status, Some(300..=399 | 404 | 405 | 501));
        if !self.read && (not_served || self.refused > REFUSED) {
            return Err(Halt::NotTheVendor { what: API, refusal });
        }
        match asked {
            Asked::Keys(rows) if rows.len() > 1 => {
                let (first, second) = halves(rows);
                self.again.extend([Asked::Keys(first), Asked::Keys(second)]);
            }
            Asked::Users(rows) if rows.len() > 1 => {
                let (first, second) = halves(rows);
                self.again.extend([Asked::Users(first), Asked::Users(second)]);
            }
            Asked::More(row, ..) => self.end(row.number, Outcome::Failed, refusal),
            Asked::Keys(rows) => rows.iter().for_each(|row| self.end(row.number, Outcome::Failed, refusal.clone())),
            Asked::Users(rows) => {
                rows.iter().for_each(|(row, _)| self.end(row.number, Outcome::Failed, refusal.clone()))
            }
        }
        Ok(())
    }
}

impl Phase for Planning<'_> {
    type Tag = Asked;

    async fn next(&mut self, _idle: bool) -> Result<Option<Job<Asked>>, Halt> {
        let width = self.vendor.facts().read_width;
        loop {
            if let Some(asked) = self.again.pop_front() {
                return Ok(Some(self.job(asked)));
            }
            let last = self.exhausted && self.to_find.is_empty() && self.finds_out == 0;
            if self.to_read.len() >= width || (last && !self.to_read.is_empty()) {
                let batch = self.to_read.drain(..width.min(self.to_read.len())).collect();
                return Ok(Some(self.job(Asked::Users(batch))));
            }
            if self.to_find.len() >= FIND_WIDTH || (self.exhausted && !self.to_find.is_empty()) {
                let batch = self.to_find.drain(..FIND_WIDTH.min(self.to_find.len())).collect();
                return Ok(Some(self.job(Asked::Keys(batch))));
            }
            if self.exhausted {
                return Ok(None);
            }
            self.refill().await?;
        }
    }

    async fn ended(&mut self, job: Job<Asked>, ending: Ending) -> Result<(), Halt> {
        if matches!(job.tag, Asked::Keys(_)) {
            self.finds_out -= 1;
        }
        match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => match job.tag {
                Asked::Keys(rows) => self.found(rows, &answer),
                Asked::Users(rows) => self.users(rows, &answer),
                Asked::More(row, mut user, key) => {
                    let mut body = answer.json().unwrap_or_default();
                    user.record[key] = body["entities"].take();
                    self.planned(&row, &user);
                    Ok(())
                }
            },
            Ending::Answered(Verdict::Forbidden, answer) => Err(Halt::Forbidden(self.vendor.refusal(&answer))),
            Ending::Answered(_, answer) => self.refused(job.tag, self.vendor.refusal(&answer)),
            // A read that fails while others pass is too much for the vendor: fewer users a call may not be.
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => self.refused(job.tag, refusal),
        }
    }

    fn due(&self) -> Option<Moment> {
        self.recorder.due()
    }

    async fn tick(&mut self, effort: Effort) -> Result<(), Halt> {
        self.recorder.tick(effort).await
    }

    async fn left(&mut self, _unfinished: Vec<Job<Asked>>) -> Result<(), Halt> {
        // Rows that were not planned are still new: a resume reads them.
        self.recorder.flush().await
    }
}

/// The reading of the tenant's lists, and of the people that rows name by e-mail.
pub(crate) struct Listing {
    vendor: Arc<dyn Vendor>,
    pub(crate) names: Names,
    todo: VecDeque<Page>,
}

/// One page of them.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// Of a list: its name, and where the page is.
    List(&'static str, Option<String>),
    /// Of people.
    People(Vec<UserKey>),
}

impl Listing {
    pub(crate) fn new(vendor: Arc<dyn Vendor>, columns: &BTreeSet<String>, people: Vec<String>) -> Self {
        let lists = vendor.lists(columns).into_iter().map(|list| Page::List(list, None));
        let keys: Vec<UserKey> = people.into_iter().map(|value| UserKey { column: "email".into(), value }).collect();
        let people = keys.chunks(FIND_WIDTH).map(|keys| Page::People(keys.to_vec()));
        let todo = lists.chain(people).collect();
        Self { vendor, names: Names::default(), todo }
    }

    fn page(&mut self, page: Page, answer: &Answer) -> Result<(), Refusal> {
        match page {
            Page::List(list, _) => {
                let (items, next) = self.vendor.listed(answer)?;
                items.into_iter().for_each(|item| self.names.add(list, item));
                if next.is_some() {
                    self.todo.push_back(Page::List(list, next));
                }
            }
            Page::People(_) => {
                for (name, id) in self.vendor.found(answer)? {
                    self.names.add("user", Named { id: id.0, name });
                }
            }
        }
        Ok(())
    }
}

impl Phase for Listing {
    type Tag = Page;

    async fn next(&mut self, _idle: bool) -> Result<Option<Job<Page>>, Halt> {
        Ok(self.todo.pop_front().map(|page| {
            let request = match &page {
                Page::List(list, next) => self.vendor.list(list, next.as_deref()),
                Page::People(keys) => self.vendor.find(keys),
            };
            Job::new(request, page)
        }))
    }

    async fn ended(&mut self, job: Job<Page>, ending: Ending) -> Result<(), Halt> {
        let refusal = match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => match self.page(job.tag, &answer) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            },
            Ending::Answered(Verdict::Forbidden, answer) => return Err(Halt::Forbidden(self.vendor.refusal(&answer))),
            Ending::Answered(_, answer) => match job.tag {
                // Too many at once: unpublished maxima are found by halving.
                Page::People(keys) if keys.len() > 1 => {
                    let (first, second) = halves(keys);
                    self.todo.extend([Page::People(first), Page::People(second)]);
                    return Ok(());
                }
                _ => self.vendor.refusal(&answer),
            },
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => refusal,
        };
        Err(Halt::NotTheVendor { what: API, refusal })
    }

    fn due(&self) -> Option<Moment> {
        None
    }

    async fn tick(&mut self, _effort: Effort) -> Result<(), Halt> {
        Ok(())
    }

    async fn left(&mut self, _unfinished: Vec<Job<Page>>) -> Result<(), Halt> {
        Ok(())
    }
}

/// One read, by itself.
pub(crate) struct Single {
    pub(crate) request: Option<Request>,
    pub(crate) answer: Option<(Verdict, Answer)>,
}

impl Phase for Single {
    type Tag = ();

    async fn next(&mut self, _idle: bool) -> Result<Option<Job<()>>, Halt> {
        Ok(self.request.take().map(|request| Job::new(request, ())))
    }

    async fn ended(&mut self, _job: Job<()>, ending: Ending) -> Result<(), Halt> {
        if let Ending::Answered(verdict, answer) = ending {
            self.answer = Some((verdict, answer));
        }
        Ok(())
    }

    fn due(&self) -> Option<Moment> {
        None
    }

    async fn tick(&mut self, _effort: Effort) -> Result<(), Halt> {
        Ok(())
    }

    async fn left(&mut self, _unfinished: Vec<Job<()>>) -> Result<(), Halt> {
        Ok(())
    }
}
