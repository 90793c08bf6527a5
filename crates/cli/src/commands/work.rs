//! What every command that works on a run has in common: plan, ask, send, close, write the results.

use crate::args::{Common, ShowArgs};
use crate::error::Failure;
use crate::exit::Exit;
use crate::printer;
use crate::progress::Progress;
use crate::report::results::Results;
use crate::report::text;
use crate::settings::{Connection, Whereabouts};
use paceline_core::summary::Summary;
use paceline_core::vendor::{Credentials, Hosts, Lookup};
use paceline_engine::{Clock, Http, Interrupt, Planned, Run, Settings, Stop, Tools};
use paceline_journal::{Journal, Sqlite, Store};
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
    pub(crate) store: Store,
    pub(crate) journal: Sqlite,
    pub(crate) id: String,
    pub(crate) columns: BTreeSet<String>,
    pub(crate) results: Vec<Results>,
    /// How far to go.
    pub(crate) goal: Goal,
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
    /// Show the plan, ask, send.
    Ask,
    /// Send.
    Send,
    /// Read the users again and compare them with a plan that was kept; show, ask, send.
    SendSaved {
        /// Without asking.
        confirmed: bool,
    },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Worked {
    /// The run was left as the summary says.
    Left {
        summary: Box<Summary>,
        /// Where the results are.
        results: Vec<PathBuf>,
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

/// Rows whose changes are shown unless all are asked for.
const SHOWN: u32 = 20;

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
        let journal = Box::new(self.journal);
        let run = Run::begin(tools, self.settings.clone(), journal, std::mem::take(&mut self.columns)).await;
        let mut run = run.map_err(|halt| Failure::from(Stop::from(halt)))?;
        let session = Session {
            yes: self.common.yes,
            goal: self.goal,
            showing: &self.showing,
            blind: self.settings.blind,
            progress: Arc::clone(&progress),
            interrupt: interrupt.clone(),
        };
        let ended = session.go(&mut run).await;
        progress.end();
        let ended = match ended {
            Ok(Reached::End) => Ok(()),
            Err(stop) if matches!(self.goal, Goal::Plan | Goal::Save) => {
                // It was to be looked at, not to be sent: a resume must not find it.
                drop(run);
                self.results.into_iter().for_each(Results::discard);
                self.store.forget(&self.id)?;
                return Err(stop.into());
            }
            Err(stop) => Err(stop),
            Ok(Reached::Plan(planned)) if self.goal == Goal::Save => {
                let saved = Some(run.save().await?);
                return Ok(Worked::Planned { planned: *planned, blind: session.blind, saved });
            }
            Ok(reached) => {
                // Nothing was sent: there is no run to speak of.
                drop(run);
                self.results.into_iter().for_each(Results::discard);
                self.store.forget(&self.id)?;
                return reached.forgotten(session.blind);
            }
        };
        let summary = run.close(ended).await;
        listening.abort();
        let summary = summary?;
        let paths: Vec<PathBuf> = self.results.iter().map(|results| results.path().to_owned()).collect();
        if !paths.is_empty() {
            let mut journal = self.store.look(&self.id)?;
            self.results.into_iter().try_for_each(|results| results.write(&mut journal))?;
        }
        Ok(Worked::Left { summary: Box::new(summary), results: paths })
    }
}

/// How far a session has come.
enum Reached {
    /// All is sent.
    End,
    /// The plan, which was all that was asked for.
    Plan(Box<Planned>),
    /// A plan that is larger than is allowed.
    TooLarge { changed: u64, rows: u64 },
}

impl Reached {
    fn forgotten(self, blind: bool) -> Result<Worked, Failure> {
        match self {
            Self::Plan(planned) => Ok(Worked::Planned { planned: *planned, blind, saved: None }),
            Self::TooLarge { changed, rows } => Err(Failure::wrong(
                format!("the plan changes {changed} of {rows} users, more than --max-changes allows: nothing was sent"),
                "look at it with `paceline plan`, or allow more",
            )),
            Self::End => Err(Failure::wrong("the run was forgotten", "run the same command again")),
        }
    }
}

/// One sitting with a run: plan, show, ask, send.
struct Session<'a> {
    yes: bool,
    goal: Goal,
    showing: &'a ShowArgs,
    blind: bool,
    progress: Arc<Progress>,
    interrupt: Interrupt,
}

impl Session<'_> {
    async fn go(&self, run: &mut Run) -> Result<Reached, Stop> {
        run.plan().await?;
        let counts = run.counts();
        let (changed, rows) = (counts.pending, counts.rows);
        if self.showing.max_changes.is_some_and(|most| most.exceeded(changed, rows)) {
            return Ok(Reached::TooLarge { changed, rows });
        }
        if matches!(self.goal, Goal::SendSaved { .. }) {
            run.look_first();
        }
        match self.goal {
            Goal::Plan | Goal::Save => return Ok(Reached::Plan(Box::new(self.planned(run, rows).await?))),
            Goal::Ask | Goal::SendSaved { confirmed: false } if changed > 0 => {
                let planned = self.planned(run, rows).await?;
                self.progress.aside(|| printer::stderr(text::plan(&planned, self.blind).trim_end()));
                if !ask(&self.interrupt, &self.progress, "Send this?".into()).await {
                    return Err(Stop::Interrupted);
                }
            }
            _ => {}
        }
        let (yes, interrupt, progress) = (self.yes, self.interrupt.clone(), Arc::clone(&self.progress));
        run.send(&mut move |sent| {
            let (interrupt, progress) = (interrupt.clone(), Arc::clone(&progress));
            Box::pin(async move {
                let question = format!("The canary's {sent} rows succeeded. Send the others?");
                yes || !printer::can_ask() || ask(&interrupt, &progress, question).await
            })
        })
        .await?;
        Ok(Reached::End)
    }

    async fn planned(&self, run: &mut Run, rows: u64) -> Result<Planned, Stop> {
        run.planned(if self.showing.full { u32::try_from(rows).unwrap_or(u32::MAX) } else { SHOWN }).await
    }
}

/// Asks a person. Ctrl-C is a no: whoever waits for a line must not keep the process.
async fn ask(interrupt: &Interrupt, progress: &Arc<Progress>, question: String) -> bool {
    let progress = Arc::clone(progress);
    let asking = tokio::task::spawn_blocking(move || progress.aside(|| printer::ask(&question)));
    tokio::select! {
        answer = asking => answer.unwrap_or(false),
        () = interrupt.pressed(1) => false,
    }
}

/// Ctrl-C and SIGTERM: the first is a request, the second an order.
async fn listen(interrupt: Interrupt) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut break_)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => interrupt.press(),
                Some(()) = break_.recv() => interrupt.press(),
                else => return,
            }
        }
    }
    #[cfg(not(unix))]
    while tokio::signal::ctrl_c().await.is_ok() {
        interrupt.press();
    }
}
