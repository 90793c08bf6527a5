//! Single calls outside a run.

use crate::error::{Halt, Stop};
use crate::listing::{Listing, single};
use crate::scheduler::Scheduler;
use crate::settings::Settings;
use crate::tools::Tools;
use paceline_core::vendor::{Answer, Names, Refusal, Request, Uses, Vendor, Verdict};
use std::sync::Arc;

/// Makes single calls, for `auth test` and `export`: with a token, paced and retried like any other.
pub struct Caller {
    scheduler: Scheduler,
}

impl Caller {
    /// Nothing is sent yet.
    pub fn new(tools: Tools, settings: Settings) -> Self {
        Self { scheduler: Scheduler::new(tools, settings) }
    }

    /// Makes one call; tells its answer, what it says as a refusal, and whether it is none.
    ///
    /// # Errors
    /// Where no token is granted, or the run of one call halts.
    pub async fn call(&mut self, request: Request) -> Result<(Answer, Refusal, bool), Stop> {
        let (verdict, answer) = self
            .answer(request)
            .await?
            .ok_or_else(|| Halt::Trouble("the call failed every time it was sent".into()))?;
        let refusal = self.scheduler.vendor.refusal(&answer);
        Ok((answer, refusal, matches!(verdict, Verdict::Applied { .. })))
    }

    /// The answer to one call and what it means; `None` where it failed every time it was sent.
    pub(crate) async fn answer(&mut self, request: Request) -> Result<Option<(Verdict, Answer)>, Stop> {
        single(&mut self.scheduler, request).await
    }

    pub(crate) fn vendor(&self) -> Arc<dyn Vendor> {
        Arc::clone(&self.scheduler.vendor)
    }

    /// Reads the lists that are needed.
    ///
    /// # Errors
    /// Where the run of these calls halts.
    pub async fn names(&mut self, uses: &Uses) -> Result<Names, Stop> {
        let mut listing = Listing::new(Arc::clone(&self.scheduler.vendor), uses, vec![]);
        self.scheduler.drive(&mut listing).await?;
        Ok(listing.names)
    }
}
