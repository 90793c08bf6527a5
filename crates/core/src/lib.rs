//! What Paceline decides, as plain values.
//!
//! Nothing here reads a clock, opens a socket or a file, or draws a random number: time, chance and the
//! vendor's answers are arguments. The engine acts on what is decided here.
//!
//! ```text
//!   a roster's cells ──► roster ── is this row right? ──► desired ── a row, its user, its fields
//!                                                            │
//!   vendor ── what a vendor is: five traits ─────────────────┤   diff ── what differs, what became of it?
//!                                                            ▼
//!   entry ── what has happened ◄── run ── the sending as a value ◄── plan ── changes and their order
//!                                   │
//!                                   ├─ dispatch ── which call leaves, on which token, when?
//!   pace ── when may a call leave? ─┤
//!   retry, backoff, concurrency ────┘   summary ── what came of it
//! ```
//!
//! A vendor that throttles, as the pacer sees it:
//!
//! ```
//! use paceline_core::backoff::Backoff;
//! use paceline_core::pace::{Leave, Pacer, Quota, Scope, Throttle};
//! use std::time::Duration;
//!
//! let second = Duration::from_secs(1);
//! let mut pacer = Pacer::new(Quota { allowed: 300, window: 60 * second }, false);
//! let call = "PATCH /api/v2/users/{userId}";
//! assert_eq!(pacer.leave(call, second), Leave::Now);
//! pacer.sent(call, second, 0.0);
//! let said = Throttle { scope: Scope::Token, retry_after: Some(7 * second) };
//! let pause = pacer.throttled(call, second, 2 * second, &said, &Backoff::default(), 0.0);
//! assert_eq!((pause.wait, pacer.leave(call, 3 * second)), (7 * second, Leave::At(9 * second)));
//! ```

pub mod backoff;
pub mod concurrency;
pub mod desired;
pub mod diff;
pub mod entry;
pub mod pace;
pub mod plan;
pub mod retry;
pub mod roster;
pub mod run;
pub mod summary;
pub mod text;
pub mod user;
pub mod validate;
pub mod vendor;

/// A moment of a run: the time since the run's process began. Monotonic; never a calendar date.
pub type Moment = std::time::Duration;
