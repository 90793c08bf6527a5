//! What every command that works on a run has in common: plan, ask, send, close, write the results.

use crate::args::Common;
use crate::error::Failure;
use crate::exit::Exit;
use crate::printer;
use crate::progress::Progress;
use crate::report::results::Results;
use crate::report::text;
use crate::settings::Connection;
use paceline_core::summary::Summary;
use paceline_core::vendor::Credentials;
use paceline_engine::{Clock, Http, Interrupt, Planned, Run, Settings, Stop, Tools};
use paceline_journal::{Journal, Sqlite, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// What a journal keeps of how its run was begun, to resume it with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) settings: Settings,
    pub(crate) columns: BTreeSet<String>,
    pub(crate) base_url: String,
    pub(crate) auth_url: String,
    pub(crate) profile: Option<String>,
    pub(crate) results: Option<PathBuf>,
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
    pub(crate) results: Option<Results>,
    /// Stop after the plan, and forget the run.
    pub(crate) dry_run: bool,
    /// Do not ask before sending.
    pub(crate) confirmed: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Worked {
    /// The run was left as the summary says.
    Left {
        summary: Box<Summary>,
        /// Where the results are.
        results: Option<PathBuf>,
    },
    /// Only the plan was asked for.
    Planned { planned: Planned, blind: bool },
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
    let http = Http::new(&connection.base_url, &connection.auth_url, connections).map_err(|why| {
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

impl Work<'_> {
    pub(crate) async fn run(mut self) -> Result<Worked, Failure> {
        let interrupt = Interrupt::new();
        let listening = tokio::spawn(listen(interrupt.clone()));
        let counts = self.journal.counts()?;
        let progress = Arc::new(Progress::new(counts.rows, counts.rows - counts.pending, !self.common.no_progress));
        let connections = self.settings.max_concurrent;
        let tools = tools(&self.connection, self.credentials.clone(), connections, interrupt, Arc::clone(&progress))?;
        let blind = self.settings.blind;
        let run = Run::begin(tools, self.settings.clone(), Box::new(self.journal), self.columns).await;
        let mut run = run.map_err(|halt| Failure::from(Stop::from(halt)))?;
        let planned = run.plan().await;
        let ended = match planned {
            Ok(planned) if self.dry_run => {
                progress.end();
                drop(run);
                self.results.into_iter().for_each(Results::discard);
                self.store.forget(&self.id)?;
                return Ok(Worked::Planned { planned, blind });
            }
            Ok(planned) if self.confirmed || planned.counts.pending == 0 => {
                send(&mut run, &progress, self.common.yes).await
            }
            Ok(planned) => {
                progress.end();
                printer::stderr(text::plan(&planned, blind).trim_end());
                if printer::ask("Send this?") {
                    send(&mut run, &progress, self.common.yes).await
                } else {
                    Err(Stop::Interrupted)
                }
            }
            Err(stop) => Err(stop),
        };
        let summary = run.close(ended).await;
        progress.end();
        listening.abort();
        let summary = summary?;
        let results = match self.results {
            Some(results) => {
                let path = results.path().to_owned();
                let mut journal = self.store.look(&self.id)?;
                results.write(&mut journal)?;
                Some(path)
            }
            None => None,
        };
        Ok(Worked::Left { summary: Box::new(summary), results })
    }
}

async fn send(run: &mut Run, progress: &Arc<Progress>, yes: bool) -> Result<(), Stop> {
    let progress = Arc::clone(progress);
    run.send(&mut move |sent| {
        if yes || !printer::can_ask() {
            return true;
        }
        progress.end();
        printer::ask(&format!("The canary's {sent} rows succeeded. Send the others?"))
    })
    .await
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
