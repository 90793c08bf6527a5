//! How the user stops a run.

use tokio::sync::watch;

/// Tells a run to stop: the first time gently, the second at once.
#[derive(Debug, Clone)]
pub struct Interrupt {
    presses: watch::Sender<u32>,
}

impl Interrupt {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self { presses: watch::Sender::new(0) }
    }

    /// Asks.
    pub fn press(&self) {
        self.presses.send_modify(|presses| *presses += 1);
    }

    pub(crate) fn presses(&self) -> u32 {
        *self.presses.borrow()
    }

    /// Waits until it has been asked so many times.
    pub async fn pressed(&self, presses: u32) {
        // The sender lives in `self`: waiting cannot fail.
        let _ = self.presses.subscribe().wait_for(|now| *now >= presses).await;
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}
