//! Refusals that are a row's own or everyone's: as long as nobody gets through, nobody can tell.

use super::Cause;
use super::bisect::Target;
use super::queue::Sending;
use crate::vendor::Refusal;

/// Rows refused for a missing right, or answered by something that is not the API, with nobody getting through, before
/// that is everyone's.
const SUSPECTS: usize = 5;
/// The same, where all of them are one target's: others are tried as long as so many can be kept in mind.
const OF_ONE_TARGET: usize = 10_000;

/// A change of which it is not known whether its refusal is everyone's.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) sending: Sending,
    pub(super) refusal: Refusal,
    /// Whether something that is not the API answered; else a right is missing.
    pub(super) odd: bool,
}

#[derive(Debug, Default)]
pub(super) struct Suspects {
    list: Vec<Suspect>,
    /// The target of all of them, where they have one.
    target: Option<Target>,
    /// Somebody got through.
    passed: bool,
}

impl Suspects {
    pub(super) fn passed(&self) -> bool {
        self.passed
    }

    /// Somebody got through: gives back those who are refused for themselves.
    #[must_use]
    pub(super) fn pass(&mut self) -> Vec<Suspect> {
        self.passed = true;
        std::mem::take(&mut self.list)
    }

    /// One more while nobody got through; the cause that is everyone's, where they are enough.
    pub(super) fn add(&mut self, suspect: Suspect) -> Option<Cause> {
        // Where all of them are one division's or one queue's, others may get through.
        let target = suspect.sending.target();
        let is_first = self.list.is_empty();
        let is_alike = is_first || self.target.as_ref() == Some(&target);
        self.target = Some(target).filter(|target| is_alike && !target.group.is_empty() && !suspect.odd);
        self.list.push(suspect);
        let most = if self.target.is_some() { OF_ONE_TARGET } else { SUSPECTS };
        if self.list.len() >= most { self.everyones() } else { None }
    }

    fn everyones(&self) -> Option<Cause> {
        let Suspect { refusal, odd, .. } = self.list.last()?;
        Some(if *odd {
            let said = refusal.message.as_deref().unwrap_or("no JSON");
            let message = format!("something between here and the API answers in its place: {said}");
            Cause::NotTheVendor(Refusal { message: Some(message), ..refusal.clone() })
        } else {
            Cause::Forbidden(refusal.clone())
        })
    }

    /// Nothing is left to send, and nobody got through: the cause that is everyone's, where all of several rows are
    /// suspects or nothing of the API was heard; else they answer for themselves.
    pub(super) fn judge(&mut self, rows: u64) -> Result<Vec<Suspect>, Cause> {
        let all_odd = self.list.iter().all(|suspect| suspect.odd);
        match self.everyones() {
            Some(cause) if all_odd || self.list.len() as u64 >= rows.max(2) => Err(cause),
            _ => Ok(std::mem::take(&mut self.list)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn drain(&mut self) -> Vec<Sending> {
        self.list.drain(..).map(|suspect| suspect.sending).collect()
    }
}
