//! `paceline runs`: what has been run.

use crate::args::{Common, Output, RunsCommand};
use crate::commands::resume::is_look_only;
use crate::commands::work::Worked;
use crate::error::Failure;
use crate::{printer, report, settings};
use paceline_core::summary::{Counts, State, Summary};
use paceline_journal::{Error, Phase, RunRecord, Store};
use serde_json::json;
use std::fmt::Write as _;

/// What was asked for.
pub(crate) enum Told {
    List(Vec<Line>),
    Run(Worked),
    Forgotten(String),
}

/// A run in a list.
pub(crate) struct Line {
    id: String,
    record: Result<(RunRecord, Counts), Error>,
    held: bool,
}

pub(crate) fn run(common: &Common, command: Option<&RunsCommand>) -> Result<Told, Failure> {
    let profile = settings::profile(common)?;
    let store = settings::store(common, &profile)?;
    match command {
        None => list(store.as_ref()).map(Told::List),
        Some(RunsCommand::Show { run }) => as_left(store.as_ref(), run).map(Told::Run),
        Some(RunsCommand::Forget { run }) => {
            let question = format!("Forget run {run}? It can be neither resumed nor undone then.");
            let ask = || {
                printer::prompt(&question);
                printer::is_yes()
            };
            let agreed = common.yes || (printer::can_ask() && ask());
            if !agreed {
                return Err(Failure::wrong(
                    format!("run {run} is kept"),
                    "give --yes to forget it without being asked",
                ));
            }
            store.forget(run)?;
            Ok(Told::Forgotten(run.clone()))
        }
    }
}

fn list(store: &dyn Store) -> Result<Vec<Line>, Failure> {
    let lines = store.list()?.into_iter().map(|listed| {
        let counts = |record: RunRecord| {
            let counts = store.look(&listed.id).and_then(|mut journal| journal.counts());
            counts.map(|counts| (record, counts))
        };
        let record = listed.record.and_then(counts);
        Line { id: listed.id, record, held: listed.held }
    });
    // A roster that is being read is no run yet, and what was only to be looked at never is one: what is left of either
    // when its process has died is nothing at all.
    let is_no_run = |line: &Line| matches!(&line.record, Ok((record, _)) if record.phase == Phase::Importing || is_look_only(record));
    let (unbegun, begun): (Vec<Line>, Vec<Line>) = lines.partition(is_no_run);
    for line in unbegun.iter().filter(|line| !line.held) {
        // Another process may be quicker.
        let _ = store.forget(&line.id);
    }
    Ok(begun)
}

/// The summary of a run as it was left.
pub(crate) fn as_left(store: &dyn Store, id: &str) -> Result<Worked, Failure> {
    let mut journal = store.look(id)?;
    // A summary of what is damaged would be told as if it were whole.
    journal.check()?;
    let record = journal.record()?;
    let summary = Summary {
        run: record.run.id,
        vendor: record.run.vendor,
        // A crash writes nothing down: the run was interrupted, by whatever it was.
        state: record.state.unwrap_or(State::Interrupted),
        counts: journal.counts()?,
        effort: record.effort,
        halt: record.halt,
        failures: journal.failures(5)?,
    };
    Ok(Worked::Left { summary: Box::new(summary), results: vec![], trouble: vec![] })
}

impl Line {
    fn state(&self) -> &'static str {
        match &self.record {
            Err(Error::Corrupt { .. }) => "damaged",
            Err(_) => "unreadable",
            Ok(_) if self.held => "running",
            Ok((record, _)) if record.run.command == "plan" && record.phase == Phase::Planned => "planned",
            Ok((record, _)) => match record.state {
                Some(State::Finished) => "finished",
                Some(State::Halted) => "halted",
                Some(State::Interrupted) => "interrupted",
                None => "cut",
            },
        }
    }

    fn json(&self) -> serde_json::Value {
        match &self.record {
            Ok((record, counts)) => json!({
                "run": self.id, "state": self.state(), "vendor": record.run.vendor, "command": record.run.command,
                "roster": record.run.roster, "created": record.run.created, "counts": counts,
            }),
            Err(why) => json!({"run": self.id, "state": self.state(), "error": why.to_string()}),
        }
    }

    fn text(&self, out: &mut String) {
        let _ = match &self.record {
            Ok((record, counts)) => writeln!(
                out,
                "{:<22} {:<12} {:<8} {:>9} rows {:>9} updated {:>7} failed {:>9} pending  {}",
                self.id,
                self.state(),
                record.run.command,
                counts.rows,
                counts.updated,
                counts.failed + counts.conflict,
                counts.pending,
                printer::visible(&record.run.roster)
            ),
            Err(why) => writeln!(out, "{:<22} {:<12} {}", self.id, self.state(), printer::visible(&why.to_string())),
        };
    }
}

impl Told {
    pub(crate) fn text(&self, format: Output) -> String {
        match (self, format) {
            (Self::Run(worked), format) => report::worked(worked, format),
            (Self::Forgotten(run), Output::Text) => format!("Forgot run {run}\n"),
            (Self::Forgotten(run), Output::Json) => format!("{}\n", json!({"forgotten": run})),
            (Self::List(lines), Output::Json) => {
                format!("{}\n", json!(lines.iter().map(Line::json).collect::<Vec<_>>()))
            }
            (Self::List(lines), Output::Text) if lines.is_empty() => "No runs\n".into(),
            (Self::List(lines), Output::Text) => {
                let mut out = String::new();
                lines.iter().for_each(|line| line.text(&mut out));
                out
            }
        }
    }
}
