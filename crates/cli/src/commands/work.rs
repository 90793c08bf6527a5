//! What every command that works on a run has in common: a session with it, and what becomes of it, sent or not.

use crate::args::{Common, ShowArgs};
use crate::commands::ask::{Reply, listen};
use crate::commands::session::{Reached, Session};
use crate::error::Failure;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::report::results;
use crate::settings::{Connection, Whereabouts};
use paceline_core::summary::Summary;
use paceline_core::vendor::{Credentials, Hosts, Lookup};
use paceline_engine::{Clock, Http, Interrupt, MaxFailures, Planned, Run, Settings, Stop, Tools};
use paceline_files::results::Results;
use paceline_journal::{Entry, Journal, Phase, RunTenant, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What a journal keeps of how its run was begun, to resume it with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) settings: Settings,
    pub(crate) columns: BTreeSet<String>,
    pub(crate) base_url: String,
    #[serde(default)]
    pub(crate) second_url: Option<String>,
    pub(crate) auth_url: String,
    #[serde(default)]
    pub(crate) api_version: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) results: Option<PathBuf>,
    #[serde(default)]
    pub(crate) report: Option<PathBuf>,
    /// The most changes that are allowed: a bound of the consent that may be given long after.
    #[serde(default)]
    pub(crate) max_changes: Option<MaxFailures>,
    /// It was only to be looked at: nothing of it is ever sent.
    #[serde(default)]
    pub(crate) look_only: bool,
}

/// A path that means the same wherever a resume is typed.
pub(crate) fn anywhere(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A run that is ready to be worked on.
pub(crate) struct Work<'a> {
    pub(crate) common: &'a Common,
    pub(crate) connection: Connection,
    pub(crate) credentials: Credentials,
    pub(crate) settings: Settings,
    pub(crate) store: Box<dyn Store>,
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) id: String,
    pub(crate) columns: BTreeSet<String>,
    pub(crate) results: Vec<Results>,
    /// How far to go.
    pub(crate) goal: Goal,
    /// Where the run comes from.
    pub(crate) origin: Origin,
    /// What a plan that was kept is to be resumed with, once it is agreed to.
    pub(crate) kept: Option<Kept>,
    /// The tenant that it must be on, where that is known.
    pub(crate) expected: Option<RunTenant>,
    /// What is shown of the plan, and how large it may be.
    pub(crate) showing: ShowArgs,
}

/// How far to go with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Show the plan, and forget the run.
    Plan,
    /// Show the plan, and keep the run to be sent later.
    Save,
    /// Send what somebody agrees to: show the plan and ask, where no consent is recorded.
    Ask,
    /// Send: it was agreed to beforehand.
    Send,
}

/// Where a run that is worked on comes from: what becomes of it when nothing of it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was begun by this command, and is forgotten.
    New,
    /// It is a plan that was kept, and stays one. Its users are read again before they are written.
    KeptPlan,
    /// It is gone on with: it stays, if anything of it was ever agreed to.
    Resumed,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Worked {
    /// The run was left as the summary says.
    Left {
        summary: Box<Summary>,
        /// Where the results are.
        results: Vec<PathBuf>,
        /// What could not be done after the sending. It changes no exit code: that is the run's own.
        trouble: Vec<Failure>,
    },
    /// Only the plan was asked for; where it was kept, as which run.
    Planned { planned: Planned, blind: bool, saved: Option<String> },
}

impl Worked {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Left { summary, .. } => Exit::from(summary.as_ref()),
            Self::Planned { .. } => Exit::Done,
        }
    }

    /// What is to be told besides.
    pub(crate) fn trouble(&self) -> &[Failure] {
        match self {
            Self::Left { trouble, .. } => trouble,
            Self::Planned { .. } => &[],
        }
    }
}

/// The tools of a run against a real server.
#[expect(clippy::disallowed_methods, reason = "the edge: the calendar's time enters here")]
pub(crate) fn tools(
    connection: &Connection,
    credentials: Credentials,
    connections: u32,
    interrupt: Interrupt,
    progress: Arc<Progress>,
) -> Result<Tools, Failure> {
    let http = Http::new(&connection.hosts, connections).map_err(|why| {
        Failure::wrong(format!("no secure connection can be made: {why}"), "check the system's certificates")
    })?;
    Ok(Tools {
        vendor: Arc::clone(&connection.vendor),
        transport: Arc::new(http),
        credentials,
        clock: Clock::start(SystemTime::now()),
        interrupt,
        events: Arc::new(move |event| progress.see(&event)),
        seed: fastrand::u64(..),
    })
}

/// Finds out where the tenant is, as far as it was not said.
pub(crate) async fn connect(
    whereabouts: Whereabouts,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<Connection, Failure> {
    let vendor = Arc::clone(&whereabouts.vendor);
    if whereabouts.base_url.is_some() {
        return Ok(Connection { hosts: whereabouts.hosts(None)?, vendor });
    }
    let nowhere = String::new();
    let auth_url = whereabouts.clues.issuer.clone().unwrap_or_default();
    let seeking =
        Connection { vendor: Arc::clone(&vendor), hosts: Hosts { base_url: nowhere, second_url: None, auth_url } };
    let progress = Arc::new(Progress::new(0, 0, false));
    let tools = tools(&seeking, credentials.clone(), 1, Interrupt::new(), progress)?;
    let found = match paceline_engine::locate(&tools, &whereabouts.clues, timeout).await? {
        Lookup::Found(hosts) => Some(hosts),
        _ => None,
    };
    Ok(Connection { hosts: whereabouts.hosts(found)?, vendor })
}

impl Work<'_> {
    pub(crate) async fn run(mut self) -> Result<Worked, Failure> {
        let interrupt = Interrupt::new();
        let listening = tokio::spawn(listen(interrupt.clone()));
        let counts = self.journal.counts()?;
        let shown = !self.common.no_progress;
        let progress = Arc::new(Progress::new(counts.rows, counts.rows - counts.pending, shown));
        let connections = self.settings.max_concurrent;
        let tools =
            tools(&self.connection, self.credentials.clone(), connections, interrupt.clone(), Arc::clone(&progress))?;
        let session = Session {
            yes: self.common.yes,
            goal: self.goal,
            origin: self.origin,
            showing: &self.showing,
            blind: self.settings.blind,
            base_url: &self.connection.hosts.base_url,
            kept: self.kept.as_ref(),
            expected: self.expected.as_ref(),
            progress: Arc::clone(&progress),
            interrupt,
        };
        if self.origin == Origin::New {
            // What was said beforehand is written down before there is a run that a resume finds.
            let consent = session.beforehand(counts, self.settings.canary, None);
            self.journal.append(&consent.map(Entry::Consented).into_iter().collect::<Vec<_>>())?;
        }
        let run = Run::begin(tools, self.settings.clone(), self.journal, std::mem::take(&mut self.columns)).await;
        let mut run = run.map_err(|halt| Failure::from(Stop::from(halt)))?;
        let reached = session.go(&mut run).await;
        progress.end();
        let unsent = Unsent { store: self.store.as_ref(), id: &self.id, origin: self.origin };
        let ended = match reached {
            Ok(Reached::End) => Ok(()),
            Ok(Reached::Plan(planned)) if self.goal == Goal::Save => {
                let saved = Some(run.put_back().await?);
                return Ok(Worked::Planned { planned: *planned, blind: session.blind, saved });
            }
            Ok(reached) => {
                results::discard(self.results);
                return unsent.leave(run, reached, session.blind).await;
            }
            Err(stop) if unsent.is_no_run(self.goal, &run) => {
                results::discard(self.results);
                return Err(unsent.stopped(run, stop).await?);
            }
            Err(stop) => Err(stop),
        };
        let closed = run.close(ended).await;
        let exit = Exit::from(&closed.summary);
        let (mut results, mut trouble) = (vec![], vec![]);
        for file in self.results {
            let path = file.path().to_owned();
            match tokio::task::block_in_place(|| results::write(file, &mut **closed.journal())) {
                Ok(()) => results.push(path),
                Err(failure) => trouble.push(failure.after(exit).hinting(later(&self.id, &path, &closed.trouble))),
            }
        }
        trouble.extend(closed.trouble.map(|error| Failure::from(error).after(exit)));
        listening.abort();
        Ok(Worked::Left { summary: Box::new(closed.summary), results, trouble })
    }
}

/// How results that could not be written are had after all.
fn later(id: &str, path: &Path, journal: &Option<paceline_journal::Error>) -> String {
    match journal {
        None => format!("nothing is lost: paceline report {id} --output {}", path.display()),
        Some(_) => "the summary is all that is left of it".into(),
    }
}

/// A run of which this command has sent nothing.
struct Unsent<'a> {
    store: &'a dyn Store,
    id: &'a str,
    origin: Origin,
}

impl Unsent<'_> {
    /// Whether what was stopped is nothing that a resume should find: it was only to be looked at, or is a plan still.
    fn is_no_run(&self, goal: Goal, run: &Run) -> bool {
        matches!(goal, Goal::Plan | Goal::Save)
            || (self.origin == Origin::KeptPlan && run.record().phase < Phase::Sending)
    }

    /// Leaves a run that was stopped before anything could be agreed to.
    async fn stopped(&self, run: Run, stop: Stop) -> Result<Failure, Failure> {
        let is_kept = self.origin == Origin::KeptPlan;
        self.keep_or_forget(run, is_kept).await?;
        Ok(match stop {
            Stop::Interrupted => Failure::cancelled(self.cancelled(is_kept, false), Exit::Interrupted),
            Stop::Halted(_) if is_kept => {
                let hint = format!("the plan is kept: paceline apply --plan {}", self.id);
                Failure::from(stop).hinting(hint)
            }
            Stop::Halted(_) => stop.into(),
        })
    }

    /// Leaves a run that was not sent as it is to be left.
    async fn leave(&self, run: Run, reached: Reached, blind: bool) -> Result<Worked, Failure> {
        let sent_before = run.record().phase >= Phase::Sending;
        let is_kept = match (&reached, self.origin) {
            (_, Origin::KeptPlan) => true,
            (Reached::OtherTenant { .. }, Origin::Resumed) => true,
            (_, Origin::Resumed) => sent_before,
            (_, Origin::New) => false,
        };
        self.keep_or_forget(run, is_kept).await?;
        match reached {
            Reached::Plan(planned) => Ok(Worked::Planned { planned: *planned, blind, saved: None }),
            Reached::TooLarge { changed, rows } => Err(Failure::wrong(
                format!("the plan changes {changed} of {rows} users, more than --max-changes allows: nothing was sent"),
                "look at it with `paceline plan`, or allow more",
            )),
            Reached::OtherTenant { then, now } => Err(Failure::wrong(
                format!("what is to be sent is of the tenant {then}, and this is {now}: nothing was sent"),
                "use the profile or the credentials of that tenant",
            )),
            Reached::Declined(reply) => {
                let exit = if reply == Reply::Interrupted { Exit::Interrupted } else { Exit::Wrong };
                Err(Failure::cancelled(self.cancelled(is_kept, sent_before), exit))
            }
            Reached::End => Err(Failure::wrong("the run was forgotten", "run the same command again")),
        }
    }

    fn cancelled(&self, is_kept: bool, sent_before: bool) -> String {
        match (is_kept, sent_before) {
            (false, _) => "Cancelled: nothing was sent, nothing is kept".into(),
            (true, false) => "Cancelled: nothing was sent, the plan is kept".into(),
            (true, true) => format!("Cancelled: nothing more was sent; go on with: paceline resume {}", self.id),
        }
    }

    async fn keep_or_forget(&self, run: Run, is_kept: bool) -> Result<(), Failure> {
        if is_kept {
            run.put_back().await?;
        } else {
            drop(run);
            match self.store.forget(self.id) {
                // It is gone already: somebody removed it meanwhile.
                Ok(()) | Err(paceline_journal::Error::NoSuchRun { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
