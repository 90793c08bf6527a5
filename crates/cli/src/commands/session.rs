//! One sitting with a run: its tenant, its plan, the consent to it, the sending.

use crate::args::ShowArgs;
use crate::commands::apply::now;
use crate::commands::ask::{Reply, ask};
use crate::commands::work::{Goal, Kept, Origin};
use crate::progress::Progress;
use crate::report::text;
use crate::{printer, settings};
use paceline_core::summary::Counts;
use paceline_engine::{Halt, Interrupt, MaxFailures, Planned, Run, Stop};
use paceline_journal::{Canary, Consent, Phase, Reach, RunTenant};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows whose changes are shown unless all are asked for.
const SHOWN: u32 = 20;

/// How far a session has come.
pub(super) enum Reached {
    /// All is sent.
    End,
    /// The plan, which was all that was asked for.
    Plan(Box<Planned>),
    /// A plan that is larger than is allowed.
    TooLarge { changed: u64, rows: u64 },
    /// The vendor's organisation is not the run's.
    OtherTenant { then: Box<RunTenant>, now: Box<RunTenant> },
    /// Somebody was asked and did not agree: nothing was sent by this command.
    Declined(Reply),
}

/// One sitting with a run: tenant, plan, consent, sending.
pub(super) struct Session<'a> {
    pub(super) yes: bool,
    pub(super) goal: Goal,
    pub(super) origin: Origin,
    pub(super) showing: &'a ShowArgs,
    pub(super) blind: bool,
    pub(super) base_url: &'a str,
    pub(super) kept: Option<&'a Kept>,
    pub(super) expected: Option<&'a RunTenant>,
    pub(super) progress: Arc<Progress>,
    pub(super) interrupt: Interrupt,
}

impl Session<'_> {
    pub(super) async fn go(&self, run: &mut Run) -> Result<Reached, Stop> {
        let now = run.learn_tenant(self.base_url).await?;
        if let Some(then) = self.expected.filter(|then| then.is_other(&now)) {
            return Ok(Reached::OtherTenant { then: Box::new(then.clone()), now: Box::new(now) });
        }
        // What a vendor does not tell today it may have told before.
        let known = self.expected.filter(|_| now.id.is_none()).cloned().unwrap_or_default();
        run.keep_tenant(RunTenant { id: now.id.or(known.id), name: now.name.or(known.name), ..now }).await?;
        let (phase, is_agreed_to) = (run.record().phase, run.record().consent.is_some());
        if self.origin == Origin::Resumed && phase < Phase::Planned && !is_agreed_to {
            let consent = self.beforehand(run.counts(), run.settings().canary, run.record().tenant.clone());
            if let Some(consent) = consent {
                run.agreed(consent).await?;
            }
        }
        run.plan().await?;
        let counts = run.counts();
        let (changed, rows) = (counts.pending, counts.rows);
        if self.showing.max_changes.is_some_and(|most| most.exceeded(changed, rows)) {
            return Ok(Reached::TooLarge { changed, rows });
        }
        if matches!(self.goal, Goal::Plan | Goal::Save) {
            return Ok(Reached::Plan(Box::new(self.planned(run, rows).await?)));
        }
        if let Some(kept) = self.kept {
            run.keep_when_agreed(serde_json::to_value(kept).unwrap_or_default());
        }
        if changed > 0 {
            match self.agree(run).await? {
                Reply::Yes => {}
                reply => return Ok(Reached::Declined(reply)),
            }
        }
        if run.record().consent.as_ref().is_some_and(|consent| consent.kept_plan) {
            run.look_first();
        }
        self.send(run).await.map(|()| Reached::End)
    }

    /// The consent that was given before anybody could know the plan: a run that is cut while it is planned is gone on with
    /// as it was begun.
    pub(super) fn beforehand(&self, counts: Counts, canary: Option<u64>, tenant: Option<RunTenant>) -> Option<Consent> {
        let is_sent = matches!(self.goal, Goal::Ask | Goal::Send);
        let consent = || Consent { canary, changes: None, ..self.consent(counts, tenant) };
        (is_sent && self.is_agreed()).then(consent)
    }

    /// Records the consent that the run needs before anything is sent; asks for it where it was not given beforehand.
    async fn agree(&self, run: &mut Run) -> Result<Reply, Stop> {
        let canary = run.canary().await?;
        let given = run.record().consent.clone();
        let (question, reach) = match (&given, canary) {
            (None, canary) => {
                if !self.is_agreed() {
                    let planned = self.planned(run, run.counts().rows).await?;
                    printer::stderr(text::plan(&planned, self.blind).trim_end());
                }
                let tenant = run.record().tenant.as_ref().and_then(|tenant| tenant.name.as_deref());
                let question = tenant.map_or("Send this?".into(), |name| format!("Send this to {name}?"));
                (question, canary.map_or(Reach::All, |_| Reach::Canary))
            }
            (Some(given), Some(canary)) if canary.has_run() && !given.covers_the_rest(canary.lost()) => {
                (after_the_canary(&canary, run.counts().pending), Reach::All)
            }
            (Some(given), canary) => {
                self.confirmed(run, given, canary).await?;
                return Ok(Reply::Yes);
            }
        };
        // Whoever says yes beforehand says it to the rest too, if the canary succeeds; to a question, only to what it is about.
        let (asked, reach) = if self.is_agreed() { (false, Reach::All) } else { (true, reach) };
        if asked {
            let reply = ask(&question, &self.interrupt, &self.progress).await;
            if reply != Reply::Yes {
                return Ok(reply);
            }
        }
        let canary = run.settings().canary.filter(|_| given.is_none());
        let consent = Consent { asked, reach, canary, ..self.consent_to(run) };
        run.agreed(consent).await?;
        Ok(Reply::Yes)
    }

    /// Records what came to a consent since it was given: the plan that it was given to beforehand, or a canary that is asked
    /// for only now, on which those that follow it hang.
    async fn confirmed(&self, run: &mut Run, given: &Consent, canary: Option<Canary>) -> Result<(), Stop> {
        let new = canary.filter(|canary| !canary.has_run()).and(run.settings().canary);
        let canary = new.or(given.canary);
        let is_first = run.record().phase < Phase::Sending;
        if is_first || canary != given.canary {
            let changes = if is_first { Some(run.counts().pending) } else { given.changes };
            run.agreed(Consent { canary, changes, tenant: run.record().tenant.clone(), ..given.clone() }).await?;
        }
        Ok(())
    }

    fn is_agreed(&self) -> bool {
        self.yes || self.goal == Goal::Send
    }

    async fn send(&self, run: &mut Run) -> Result<(), Stop> {
        let rest = self.consent_to(run);
        let pending = run.counts().pending;
        let covered = run.record().consent.as_ref().is_some_and(|consent| consent.covers_the_rest(0));
        let is_agreed = self.is_agreed() || covered;
        let (interrupt, progress) = (self.interrupt.clone(), Arc::clone(&self.progress));
        let was_interrupted = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&was_interrupted);
        let mut confirm = move |canary: Canary| -> Pin<Box<dyn Future<Output = Option<Consent>> + Send>> {
            let (interrupt, progress, tell) = (interrupt.clone(), Arc::clone(&progress), Arc::clone(&tell));
            let rest = rest.clone();
            Box::pin(async move {
                if is_agreed {
                    return Some(rest);
                }
                if !printer::can_ask() {
                    return None;
                }
                let question = after_the_canary(&canary, pending.saturating_sub(canary.counts.updated));
                match ask(&question, &interrupt, &progress).await {
                    Reply::Yes => Some(Consent { asked: true, ..rest }),
                    Reply::No => None,
                    Reply::Interrupted => {
                        tell.store(true, Ordering::Relaxed);
                        None
                    }
                }
            })
        };
        match run.send(&mut confirm).await {
            Err(Stop::Halted(Halt::Declined)) if was_interrupted.load(Ordering::Relaxed) => Err(Stop::Interrupted),
            sent => sent,
        }
    }

    /// A consent to everything, said beforehand.
    fn consent(&self, counts: Counts, tenant: Option<RunTenant>) -> Consent {
        let most = |most| match most {
            MaxFailures::Rows(rows) => rows.to_string(),
            MaxFailures::Percent(percent) => format!("{percent}%"),
        };
        Consent {
            at: now(),
            by: settings::operator(),
            asked: false,
            reach: Reach::All,
            canary: None,
            max_changes: self.showing.max_changes.map(most),
            rows: counts.rows,
            changes: Some(counts.pending),
            tenant,
            kept_plan: self.origin == Origin::KeptPlan,
        }
    }

    /// The same to a run as it stands.
    fn consent_to(&self, run: &Run) -> Consent {
        let record = run.record();
        let kept_plan = record.consent.as_ref().is_some_and(|given| given.kept_plan);
        let consent = self.consent(run.counts(), record.tenant.clone());
        Consent { kept_plan: consent.kept_plan || kept_plan, ..consent }
    }

    async fn planned(&self, run: &mut Run, rows: u64) -> Result<Planned, Stop> {
        run.planned(if self.showing.full { u32::try_from(rows).unwrap_or(u32::MAX) } else { SHOWN }).await
    }
}

/// What is asked when a canary has run.
fn after_the_canary(canary: &Canary, others: u64) -> String {
    let rows = canary.counts.rows;
    let these = if rows == 1 { "The canary's row".into() } else { format!("The canary's {rows} rows") };
    match canary.lost() {
        0 => format!("{these} succeeded. Send the other {others}?"),
        lost if lost == rows => format!("{these} did not succeed. Send the other {others}?"),
        lost => format!("{lost} of the canary's {rows} rows did not succeed. Send the other {others}?"),
    }
}
