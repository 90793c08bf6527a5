//! What is put into a run's hands.

use crate::clock::Clock;
use crate::event::Event;
use crate::interrupt::Interrupt;
use crate::transport::Transport;
use paceline_core::vendor::{Credentials, Vendor};
use std::sync::Arc;

/// What a run acts with.
pub struct Tools {
    /// Whose API it is.
    pub vendor: Arc<dyn Vendor>,
    /// The way there.
    pub transport: Arc<dyn Transport>,
    /// Who asks.
    pub credentials: Credentials,
    /// The time.
    pub clock: Clock,
    /// How the user stops it.
    pub interrupt: Interrupt,
    /// Who is told of what happens.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
    /// What chance is drawn from.
    pub seed: u64,
}
