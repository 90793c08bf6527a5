//! What acts: the network, the waiting, the tasks. It decides nothing that can be decided as a value in
//! `paceline-core`, and knows a vendor only by its trait.
//!
//! [`Run`] is the story, top to bottom.

mod address;
mod clock;
mod error;
mod event;
mod everyone;
mod http;
mod plan;
mod recorder;
mod redact;
mod run;
mod scheduler;
mod send;
mod settings;
mod token;
mod transport;

pub use address::{Insecure, secure};
pub use clock::Clock;
pub use error::{Halt, Stop};
pub use event::Event;
pub use everyone::{Everyone, Listed};
pub use http::Http;
pub use paceline_core::run::MaxFailures;
pub use run::{Caller, Closed, Confirm, Planned, Run, Tools, locate};
pub use scheduler::Interrupt;
pub use settings::Settings;
pub use transport::{Answering, Lost, Outgoing, Target, Transport};
