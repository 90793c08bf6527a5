//! What acts: the network, the waiting, the tasks. It decides nothing that can be decided as a value in
//! `paceline-core`, and knows a vendor only by its trait.
//!
//! [`Run`] is the story, top to bottom.

mod address;
mod caller;
mod clock;
mod error;
mod event;
mod everyone;
mod http;
mod interrupt;
mod learn;
mod listing;
mod locate;
mod phase;
mod plan;
mod planned;
mod recorder;
mod redact;
mod run;
mod scheduler;
mod send;
mod settings;
mod token;
mod tools;
mod transport;

pub use address::{Insecure, secure};
pub use caller::Caller;
pub use clock::Clock;
pub use error::{Halt, Stop};
pub use event::Event;
pub use everyone::{Everyone, Listed};
pub use http::Http;
pub use interrupt::Interrupt;
pub use locate::locate;
pub use paceline_core::run::MaxFailures;
pub use planned::Planned;
pub use run::{Closed, Confirm, Run};
pub use settings::Settings;
pub use tools::Tools;
pub use transport::{Answering, Lost, Outgoing, Target, Transport};
