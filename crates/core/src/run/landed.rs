//! What has become of calls, and what follows for what they carried. [`super::sender`] says what is to be done next.

use super::bisect::{Part, Refused, Said, Target};
use super::doubt::{Doubt, Judgement, Why, judge};
use super::queue::Sending;
use super::reader::Settling;
use super::sender::{Purpose, Sender};
use super::suspects::Suspect;
use super::{About, Cause, Ending, History, Landed};
use crate::Moment;
use crate::entry::Entry;
use crate::plan::Guard;
use crate::summary::Outcome;
use crate::user::Version;
use crate::vendor::{Answer, BLIND, Each, Refusal, Verdict};

/// Times that a change is sent again after an answer that was not the API's, where others get through.
const ODD_ANSWERS: u32 = 2;
/// Conflicts of a whole call after which its parts are asked.
const WHOLE_CONFLICTS: u32 = 1;

impl Sender {
    /// A call has ended.
    ///
    /// # Errors
    /// A cause that is everyone's: nothing more is to be sent.
    pub fn landed(&mut self, landed: Landed, ending: Ending, now: Moment) -> Result<(), Cause> {
        let Landed { about: About(purpose), attempts, in_doubt, history, left } = landed;
        match purpose {
            Purpose::Read(mut settling) => {
                settling.asked_at = settling.asked_at.or(Some(left));
                self.read_ended(settling, ending, now)?;
            }
            Purpose::Write(target, mut part) => {
                // What was refused had no effect, and is as fresh as it was; whatever had to wait or was not heard of is not.
                let old = attempts > 0 && !matches!(ending, Ending::Answered(..));
                for sending in &mut part.items {
                    sending.attempts += attempts;
                    sending.history = history;
                    sending.in_doubt |= in_doubt;
                    if old {
                        (sending.read_at, sending.stale) = (None, 0);
                    }
                }
                self.write_ended(target, part, ending);
            }
        }
        self.sweep();
        self.check()
    }

    // --- one change

    fn made(&mut self, sending: Sending, version: Option<Version>) {
        self.pass();
        if self.queue.made(&sending, version) {
            self.outcomes.push(Outcome::Updated);
        }
        let Sending { change, attempts, .. } = sending;
        self.notes.push(Entry::Made { key: change.key, attempts, version });
    }

    /// The version that a call has brought, where the row's other changes may go on it: it carried the version that the row
    /// was planned at, or what was made on that, and was answered itself. Whatever a later look at the user has told may be
    /// a colleague's work, which the others have not been compared with.
    fn handed_on(&self, sending: &Sending, answered: Option<Version>) -> Option<Version> {
        let carried = self.vendor.guard(&sending.change) == Guard::Version && sending.change.version.is_some();
        answered.filter(|_| carried && !sending.rebased)
    }

    fn not_made(&mut self, sending: Sending, outcome: Outcome, mut refusal: Refusal) {
        if let (true, Some(record)) = (sending.siblings > 1, self.vendor.record_of(&sending.change)) {
            let message = refusal.message.as_deref().unwrap_or("refused");
            refusal.message = Some(format!("{record}: {message}"));
        }
        if self.queue.ended(&sending) {
            self.outcomes.push(outcome);
            self.failed += 1;
        }
        let Sending { change, attempts, .. } = sending;
        self.notes.push(Entry::NotMade { key: change.key, attempts, outcome, refusal });
    }

    pub(super) fn doubt(&mut self, sending: Sending, why: Why, refusal: Refusal) {
        let sending = Sending { read_at: None, ..sending };
        self.reader.doubt(self.vendor.as_ref(), Doubt { sending, why, refusal, gathering: None });
    }

    /// A change was refused, alone or by name.
    pub(super) fn refused_alone(&mut self, sending: Sending, verdict: Verdict, refusal: Refusal) {
        let blind = sending.change.kind == BLIND;
        match verdict {
            // An attempt that nobody heard of may have had its effect, and be what is refused now.
            Verdict::Rejected | Verdict::Transient if sending.in_doubt && !blind => {
                self.doubt(sending, Why::Exhausted, refusal);
            }
            Verdict::Conflict if blind => self.not_made(sending, Outcome::Conflict, refusal),
            Verdict::Conflict => self.doubt(sending, Why::Conflict, refusal),
            Verdict::Forbidden => self.suspect(sending, refusal, false),
            _ => self.not_made(sending, Outcome::Failed, refusal),
        }
    }

    // --- whose fault it is

    /// Somebody got through: whoever was suspected is refused for themselves.
    fn pass(&mut self) {
        for suspect in self.suspects.pass() {
            self.answers_for_itself(suspect);
        }
    }

    fn suspect(&mut self, sending: Sending, refusal: Refusal, odd: bool) {
        let suspect = Suspect { sending, refusal, odd };
        if self.suspects.passed() {
            self.answers_for_itself(suspect);
        } else if let Some(cause) = self.suspects.add(suspect) {
            self.cause.get_or_insert(cause);
        }
    }

    pub(super) fn answers_for_itself(&mut self, Suspect { mut sending, refusal, odd }: Suspect) {
        if odd && self.suspects.passed() && sending.conflicts < ODD_ANSWERS {
            sending.conflicts += 1;
            self.queue.again(sending);
        } else {
            self.refused_alone(sending, Verdict::Rejected, refusal);
        }
    }

    // --- a call that writes

    fn write_ended(&mut self, target: Option<Target>, part: Part<Sending>, ending: Ending) {
        match ending {
            Ending::Answered(verdict, answer) => self.answered(target, part, verdict, &answer),
            Ending::Doubtful(refusal) => self.all(target, part, Why::Lost, &refusal),
            Ending::Stale => {
                // Those that were not sent keep the mark of what got old; the others are read as if for the first time.
                self.unlearned(target, part).into_iter().rev().for_each(|sending| self.queue.again(sending));
            }
            Ending::Exhausted(refusal) => self.exhausted(target, part, refusal),
        }
    }

    /// One answer for many: for each its own verdict where the body tells them apart; where it refuses them as a whole,
    /// its parts are asked.
    fn answered(&mut self, target: Option<Target>, mut part: Part<Sending>, verdict: Verdict, answer: &Answer) {
        let together = part.items.iter().map(|sending| sending.conflicts).max().unwrap_or(0);
        match (verdict, target) {
            (Verdict::Applied { version }, target) => {
                let Part { items, trail } = part;
                if let Some(target) = target {
                    let culprits = self.bisect.passed(&target, items.len(), trail);
                    culprits.into_iter().for_each(|(item, said)| self.refused_alone(item, said.verdict, said.refusal));
                }
                self.borne_out(items, version, answer);
            }
            (Verdict::NotTheApi, target) => self.all(target, part, Why::NotTheApi, &self.vendor.refusal(answer)),
            (Verdict::Conflict, target) if part.items.len() == 1 || together < WHOLE_CONFLICTS => {
                part.items.iter_mut().for_each(|sending| sending.read_at = None);
                self.all(target, part, Why::Conflict, &self.vendor.refusal(answer));
            }
            (verdict, None) => {
                let refusal = self.vendor.refusal(answer);
                part.everything().for_each(|sending| self.refused_alone(sending, verdict.clone(), refusal.clone()));
            }
            (verdict, Some(target)) => {
                let said = Said { verdict, refusal: self.vendor.refusal(answer) };
                self.refused(&target, part, said);
            }
        }
    }

    /// What an answer that is no refusal says of each of its changes.
    fn borne_out(&mut self, items: Vec<Sending>, version: Option<Version>, answer: &Answer) {
        let each = Sending::ask(&items, |changes| self.vendor.each(changes, answer));
        let each = each.unwrap_or_else(|| vec![Each::Made; items.len()]);
        // Only the answer to a call for one user tells that user's version.
        let alone = items.iter().all(|sending| self.vendor.width(&sending.change) == 1);
        for (sending, one) in items.into_iter().zip(each) {
            match one {
                Each::Accepted => {
                    self.confirming.wait();
                    self.pass();
                    self.queue.free(&sending.change.user);
                }
                Each::Made => {
                    let version = self.handed_on(&sending, version.filter(|_| alone));
                    self.made(sending, version);
                }
                Each::Refused(refusal) => {
                    self.pass();
                    self.refused_alone(sending, Verdict::Rejected, refusal);
                }
                Each::Doubtful(refusal) => self.doubt(sending, Why::NotBorneOut, refusal),
            }
        }
    }

    /// A call that many share was refused as a whole.
    fn refused(&mut self, target: &Target, part: Part<Sending>, said: Said) {
        let published = part.items.first().is_some_and(|first| self.vendor.width_is_published(&first.change));
        match self.bisect.refused(target, part, said, published) {
            Refused::Split => {}
            Refused::Culprits(culprits) => {
                culprits.into_iter().for_each(|(item, said)| self.refused_alone(item, said.verdict, said.refusal));
            }
            Refused::Ended(Said { verdict, refusal }, items) => {
                items.into_iter().for_each(|item| self.refused_alone(item, verdict.clone(), refusal.clone()));
                self.sweep();
            }
        }
    }

    /// A call's attempts are spent. What many share is nobody's own: its parts are asked, each with attempts of its own.
    fn exhausted(&mut self, target: Option<Target>, mut part: Part<Sending>, refusal: Refusal) {
        let Some(target) = target else {
            return part
                .everything()
                .for_each(|sending| self.refused_alone(sending, Verdict::Transient, refusal.clone()));
        };
        if part.items.len() > 1 {
            for sending in &mut part.items {
                (sending.read_at, sending.history) = (None, History::default());
            }
        }
        self.refused(&target, part, Said { verdict: Verdict::Transient, refusal });
    }

    /// Nothing was learned of a call's target: its changes go their own way.
    fn unlearned(&mut self, target: Option<Target>, part: Part<Sending>) -> Vec<Sending> {
        let Part { items, trail } = part;
        if let Some(target) = target {
            self.bisect.lost(&target, trail);
        }
        items
    }

    /// All of a call are in doubt, for one reason.
    fn all(&mut self, target: Option<Target>, part: Part<Sending>, why: Why, refusal: &Refusal) {
        for sending in self.unlearned(target, part) {
            match why {
                Why::Conflict => self.refused_alone(sending, Verdict::Conflict, refusal.clone()),
                why => self.doubt(sending, why, refusal.clone()),
            }
        }
    }

    // --- a call that reads

    fn read_ended(&mut self, settling: Settling, ending: Ending, at: Moment) -> Result<(), Cause> {
        let own = matches!(ending, Ending::Answered(..) | Ending::Exhausted(_));
        let (settling, refusal) = match ending {
            Ending::Answered(Verdict::Applied { .. }, answer) => {
                match self.reader.take_in(self.vendor.as_ref(), settling, &answer, at) {
                    Ok(whole) => {
                        whole.into_iter().for_each(|settling| self.settle(settling));
                        return Ok(());
                    }
                    Err(refused) => *refused,
                }
            }
            Ending::Answered(_, answer) => (settling, self.vendor.refusal(&answer)),
            Ending::Exhausted(refusal) | Ending::Doubtful(refusal) => (settling, refusal),
            Ending::Stale => (settling, Refusal::default()),
        };
        if settling.doubts.iter().all(|doubt| doubt.sending.change.kind == BLIND) {
            self.unreadable_blind(settling.doubts);
            return Ok(());
        }
        let part = settling.part;
        let Some(doubt) = self.reader.refused(settling) else { return Ok(()) };
        self.ahead.ended(part, std::slice::from_ref(&doubt));
        if !(self.reader.has_read() && own) {
            // It stays "may be sent" in the journal: a resume settles it when users can be read again.
            return Err(Cause::NotTheVendor(refusal));
        }
        // Other users can be read: it is this one's.
        let Doubt { sending, gathering, .. } = doubt;
        let made = if sending.in_doubt { "; whether the change was made is not known" } else { "" };
        let said = refusal.message.as_deref().unwrap_or("refused");
        let message = Some(format!("the user cannot be read{made}: {said}"));
        self.not_made(sending, Outcome::Failed, Refusal { message, ..refusal });
        self.gathered(gathering);
        Ok(())
    }

    /// Behind a gateway there may be nothing to read. A blind change sets what its row says, whoever set it before: sending
    /// it again does no harm that sending it once did not.
    fn unreadable_blind(&mut self, doubts: Vec<Doubt>) {
        for Doubt { sending, why, refusal, .. } in doubts {
            match why {
                Why::Lost | Why::Conflict | Why::Revalidate => self.queue.again(sending),
                Why::NotTheApi => self.suspect(sending, refusal, true),
                _ => self.not_made(sending, Outcome::Failed, refusal),
            }
        }
    }

    /// Ends the doubts that have been read.
    fn settle(&mut self, mut settling: Settling) {
        let doubts = std::mem::take(&mut settling.doubts);
        self.ahead.ended(settling.part, &doubts);
        // Those that are to be sent go before the others, in their order.
        for doubt in doubts.into_iter().rev() {
            let records = settling.records(self.vendor.as_ref(), &doubt);
            let user = self.vendor.seen(&doubt.sending.change, records);
            let seen = user.as_ref().map(|user| (user, self.vendor.holds(&doubt.sending.change, user)));
            let guard = self.vendor.guard(&doubt.sending.change);
            let judgement = judge(&doubt, seen, guard, self.bounds.force);
            let Doubt { mut sending, why, gathering, .. } = doubt;
            match judgement {
                Judgement::Send => {
                    sending.conflicts += u32::from(why == Why::Conflict);
                    sending.in_doubt = false;
                    // Where reads take so long that nothing would be fresh, the answer's moment counts.
                    sending.read_at = if sending.stale >= 2 { Some(settling.answered_at) } else { settling.asked_at };
                    if let Some(user) = &user {
                        sending.rebased |= user.version != sending.change.version;
                        sending.change = self.vendor.rebase(sending.change, user);
                    }
                    if let Some(alone) = self.gatherings.add(gathering, sending) {
                        self.queue.again(alone);
                    }
                }
                Judgement::Made => self.made(sending, None),
                Judgement::NotMade(outcome, refusal) => self.not_made(sending, outcome, refusal),
                Judgement::Suspect(refusal) => self.suspect(sending, refusal, true),
                Judgement::Wait => {
                    self.confirming.wait();
                    self.queue.free(&sending.change.user);
                }
            }
            self.gathered(gathering);
        }
    }

    /// One more of a part has been read.
    fn gathered(&mut self, number: Option<u64>) {
        if let Some((target, trail)) = self.gatherings.has_read(number) {
            self.bisect.lost(&target, trail);
        }
    }
}
