//! Reads of what is not a user's: the tenant's lists, people by their e-mail, and one thing by itself.

use crate::error::{API, Halt, Stop};
use crate::phase::{Next, Phase};
use crate::scheduler::Scheduler;
use Wanted::{List, People};
use paceline_core::Moment;
use paceline_core::plan::halves;
use paceline_core::run::dispatch::Pending;
use paceline_core::run::{Ending, Turn};
use paceline_core::summary::Effort;
use paceline_core::vendor::{Answer, More, Named, Names, Refusal, Request, Uses, Vendor, Verdict};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Pages of one list, at the most: one that goes on for ever must not.
const PAGES: u32 = 10_000;

/// The reading of the tenant's lists, and of the people that rows name by e-mail.
pub(crate) struct Listing {
    vendor: Arc<dyn Vendor>,
    pub(crate) names: Names,
    todo: VecDeque<Wanted>,
    /// Pages that were read of each list, and the last one's body.
    pages: HashMap<String, (u32, Vec<u8>)>,
}

/// One page of them.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// Of a list: its name, and where the page is.
    List(String, Option<String>),
    /// Of people, and where the page is.
    People(Vec<String>, Option<String>),
}

impl Listing {
    pub(crate) fn new(vendor: Arc<dyn Vendor>, uses: &Uses, people: Vec<String>) -> Self {
        let lists = vendor.lists(uses).into_iter().map(|list| List(list.to_owned(), None));
        let width = vendor.part_width(vendor.people().1, people.len()).max(1);
        let people = people.chunks(width).map(|keys| People(keys.to_vec(), None));
        let todo = lists.chain(people).collect();
        Self { vendor, names: Names::default(), todo, pages: HashMap::new() }
    }

    /// Reads these lists too.
    pub(crate) fn add(&mut self, lists: Vec<String>) {
        self.todo.extend(lists.into_iter().map(|list| List(list, None)));
    }

    fn page(&mut self, page: Wanted, answer: &Answer) -> Result<(), Refusal> {
        match page {
            List(list, page) => {
                let next = self.vendor.listed(&list, page.as_deref(), answer, &mut self.names)?;
                let (pages, last) = self.pages.entry(list.clone()).or_default();
                *pages += 1;
                if *pages >= PAGES {
                    let message = format!("the list of {list}s does not end: {pages} pages were read");
                    return Err(Refusal::own("never.ends", message));
                }
                // A page that comes again ends the list, as the vendor's own client has it.
                if next.is_some() && last != answer.body() {
                    *last = answer.body().to_vec();
                    self.todo.push_back(List(list, next));
                }
            }
            People(keys, page) => {
                let found = self.vendor.records(self.vendor.people().1, &keys, page.as_deref(), answer)?;
                if let More::Page(next) = found.more
                    && page.as_ref() != Some(&next)
                {
                    self.todo.push_back(People(keys, Some(next)));
                }
                for (name, record) in found.records {
                    if let Some(id) = record["id"].as_str() {
                        self.names.add("user", Named { id: id.to_owned(), name });
                    }
                }
            }
        }
        Ok(())
    }
}

impl Phase for Listing {
    type Tag = Wanted;

    async fn next(&mut self, _turn: Turn) -> Result<Next<Wanted>, Halt> {
        Ok(self.todo.pop_front().map_or(Next::Nothing, |page| {
            let request = match &page {
                List(list, next) => self.vendor.list(list, next.as_deref()),
                People(keys, page) => {
                    let (columns, part) = self.vendor.people();
                    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
                    self.vendor.read(part, keys, &columns, page.as_deref())
                }
            };
            Next::Send(Box::new(Pending::new(request, page)))
        }))
    }

    async fn ended(&mut self, call: Pending<Wanted>, ending: Ending) -> Result<(), Halt> {
        let refusal = match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => match self.page(call.tag, &answer) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            },
            Ending::Answered(Verdict::Forbidden, answer) => return Err(Halt::Forbidden(self.vendor.refusal(&answer))),
            Ending::Answered(_, answer) => match call.tag {
                // Too many at once: unpublished maxima are found by halving.
                People(keys, _) if keys.len() > 1 => {
                    let (first, second) = halves(keys);
                    self.todo.extend([People(first, None), People(second, None)]);
                    return Ok(());
                }
                _ => self.vendor.refusal(&answer),
            },
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => refusal,
            Ending::Stale => Refusal::default(),
        };
        Err(Halt::NotTheVendor { what: API, refusal })
    }

    fn due(&self) -> Option<Moment> {
        None
    }

    async fn tick(&mut self, _effort: Effort) -> Result<(), Halt> {
        Ok(())
    }

    async fn left(&mut self, _unfinished: Vec<Pending<Wanted>>) -> Result<(), Halt> {
        Ok(())
    }
}

/// Makes one call by itself: its answer and what that means; `None` where it failed every time it was sent.
pub(crate) async fn single(scheduler: &mut Scheduler, request: Request) -> Result<Option<(Verdict, Answer)>, Stop> {
    let mut asking = Single { request: Some(request), answer: None };
    scheduler.drive(&mut asking).await?;
    Ok(asking.answer)
}

/// One call, by itself.
struct Single {
    request: Option<Request>,
    answer: Option<(Verdict, Answer)>,
}

impl Phase for Single {
    type Tag = ();

    async fn next(&mut self, _turn: Turn) -> Result<Next<()>, Halt> {
        Ok(self.request.take().map_or(Next::Nothing, |request| Next::Send(Box::new(Pending::new(request, ())))))
    }

    async fn ended(&mut self, _call: Pending<()>, ending: Ending) -> Result<(), Halt> {
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

    async fn left(&mut self, _unfinished: Vec<Pending<()>>) -> Result<(), Halt> {
        Ok(())
    }
}
