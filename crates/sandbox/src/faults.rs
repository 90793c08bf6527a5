//! What goes wrong, on demand and by chance with a seed.

use crate::http::{Fate, Reply};
use crate::odd::{Odd, Oddity};
use crate::people::Chance;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The planned failures by name, with their values and meanings, for people. The odd answers are told by [`Odd`].
pub(crate) const EXPLAINED: &[(&str, &str)] = &[
    ("error_500=CHANCE", "500 before anything is done; a chance is 0 to 1, a request each"),
    ("error_503=CHANCE", "503 before anything is done"),
    ("retry_after_503_s=S", "the Retry-After of those 503s"),
    ("reset_before=CHANCE", "the connection closes before a write is done"),
    ("reset_after=CHANCE", "it closes after a write was done"),
    ("hang=CHANCE", "no answer ever comes, and nothing is done"),
    ("outages=[{\"from_s\":S,\"until_s\":S,\"status\":N}]", "stretches in which nothing works; status 0 resets"),
    ("token_outages=[…]", "stretches in which the token endpoint does not work"),
    ("lost_members=[\"ID\"]", "users whose group changes are accepted and never made"),
    ("forbidden=true", "the client lacks the permission to write"),
    ("users.ID=STATUS", "writes to this user are refused so"),
    ("services.CALL=N", "calls a window of one method and path template, below the token's"),
    ("colleague.chance=CHANCE", "a colleague edits the department of the user of a write"),
    ("colleague.same_field=true", "… or the title"),
    ("rival_per_s=N", "calls a second that another program makes on the same quota"),
    ("nice.batch_cap=N", "people that a batched write carries at most"),
    ("nice.nameless=true", "failed items do not say whose they are"),
    ("nice.partial_status=STATUS", "the status of a batch of which some items failed: 200, 206 or 400"),
    ("nice.search_cap=N", "agents that a search by id takes at most"),
];

/// All faults, a line each, as `--help` shows them.
pub fn explained() -> String {
    let planned = EXPLAINED.iter().map(|(name, meaning)| format!("  {name}: {meaning}\n"));
    let odd = Odd::ALL.iter().map(|odd| format!("  {}\n", odd.explained()));
    planned.chain(odd).collect()
}

/// Planned failures. Chances are `0.0..=1.0`, a request each.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// 500 before anything is done.
    pub error_500: f64,
    /// 503 before anything is done, with this Retry-After where it is more than nothing.
    pub error_503: f64,
    /// See `error_503`.
    pub retry_after_503_s: u64,
    /// The connection closes before a write is done.
    pub reset_before: f64,
    /// It closes after a write was done.
    pub reset_after: f64,
    /// No answer ever comes, and nothing is done.
    pub hang: f64,
    /// Stretches in which nothing works.
    pub outages: Vec<Outage>,
    /// Stretches in which the token endpoint does not.
    pub token_outages: Vec<Outage>,
    /// Users whose group changes are accepted (202) and never made.
    pub lost_members: Vec<String>,
    /// The client lacks the permission to write.
    pub forbidden: bool,
    /// Statuses for single users: user id → status.
    pub users: BTreeMap<String, u16>,
    /// Calls a window of one method and path template, below the token's.
    pub services: BTreeMap<String, u32>,
    /// A colleague who edits users just before our writes.
    pub colleague: Colleague,
    /// Calls a second that another program makes on the same quota.
    pub rival_per_s: f64,
    /// Odd answers, each as `NAME[=VALUE][@CALLS]`.
    pub odd: Vec<Oddity>,
}

/// A colleague at work.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Colleague {
    /// The chance that a write meets a fresh edit.
    pub chance: f64,
    /// Whether the edit is to the title, which runs like to set; else it is to the department.
    pub same_field: bool,
}

impl Colleague {
    pub(crate) fn field(self) -> &'static str {
        if self.same_field { "title" } else { "department" }
    }
}

/// A stretch of trouble.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// From this second on.
    pub from_s: f64,
    /// Until this one.
    pub until_s: f64,
    /// What is answered; 0 resets the connection.
    pub status: u16,
}

impl Outage {
    fn covers(&self, now: Duration) -> bool {
        (self.from_s..self.until_s).contains(&now.as_secs_f64())
    }

    pub(crate) fn reply(&self) -> Reply {
        match self.status {
            0 => Reply { fate: Fate::Reset, ..Reply::empty(503) },
            status => Reply::error(status, "service.unavailable", "The service is down"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    Status(u16, u64),
    ResetBefore,
    ResetAfter,
    Hang,
}

impl Fault {
    /// The answer that comes instead of the real one.
    pub(crate) fn instead(self) -> Option<Reply> {
        match self {
            Self::Status(status, retry_after) => {
                let mut reply = Reply::error(status, "internal.server.error", "An unexpected error occurred");
                if retry_after > 0 {
                    reply.headers.push(("retry-after".into(), retry_after.to_string()));
                }
                Some(reply)
            }
            Self::ResetBefore => Some(Reply { fate: Fate::Reset, ..Reply::empty(500) }),
            Self::Hang => Some(Reply { fate: Fate::Hang, ..Reply::empty(500) }),
            Self::ResetAfter => None,
        }
    }

    /// What becomes of the real one.
    pub(crate) fn after(self, reply: Reply) -> Reply {
        if self == Self::ResetAfter { Reply { fate: Fate::Reset, ..reply } } else { reply }
    }
}

impl Faults {
    /// The number of an odd answer that is about no call.
    pub(crate) fn number(&self, odd: Odd) -> usize {
        let found = self.odd.iter().find(|oddity| oddity.odd == odd);
        found.and_then(|oddity| oddity.value.as_ref()?.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn outage_at(&self, now: Duration) -> Option<Outage> {
        self.outages.iter().find(|outage| outage.covers(now)).copied()
    }

    pub(crate) fn token_outage_at(&self, now: Duration) -> Option<Outage> {
        self.token_outages.iter().find(|outage| outage.covers(now)).copied()
    }

    pub(crate) fn draw(&self, chance: &mut Chance, write: bool, _now: Duration) -> Option<Fault> {
        let resets = if write { (self.reset_before, self.reset_after) } else { (0.0, 0.0) };
        let table = [
            (self.error_500, Fault::Status(500, 0)),
            (self.error_503, Fault::Status(503, self.retry_after_503_s)),
            (resets.0, Fault::ResetBefore),
            (resets.1, Fault::ResetAfter),
            (self.hang, Fault::Hang),
        ];
        let mut drawn = chance.draw();
        for (share, fault) in table {
            if drawn < share {
                return Some(fault);
            }
            drawn -= share;
        }
        None
    }

    /// A call that carries a user with a fault is refused as a whole.
    pub(crate) fn for_users(&self, ids: &[String]) -> Option<Reply> {
        let status = *ids.iter().find_map(|id| self.users.get(id))?;
        let (code, message) = match status {
            400 => ("invalid.value", "Value [x] is not valid for field type [string]. Allowable values are: y"),
            403 => (
                "missing.division.permission",
                "Unable to perform the requested action. You are missing a division permission",
            ),
            404 => ("not.found", "The requested resource was not found"),
            409 => ("general.conflict", "Resource conflict"),
            _ => ("internal.server.error", "An unexpected error occurred"),
        };
        Some(Reply::error(status, code, message))
    }

    pub(crate) fn service_limit(&self, template: &str) -> Option<u32> {
        self.services.get(template).copied()
    }

    /// How many calls a rival with an even drip has made in a stretch.
    pub(crate) fn rival_calls(&self, _now: Duration) -> impl Fn(Duration, Duration) -> u32 + use<> {
        let rate = self.rival_per_s;
        move |from, to| ((to.as_secs_f64() * rate).floor() - (from.as_secs_f64() * rate).floor()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_explained() {
        let names: String = EXPLAINED.iter().map(|(name, _)| format!("{name}\n")).collect();
        let fields = serde_json::to_value(Faults::default()).unwrap();
        for field in fields.as_object().unwrap().keys().filter(|field| *field != "odd") {
            let is_named = names.lines().any(|name| name.starts_with(field.as_str()));
            assert!(is_named, "{field}");
        }
        for field in serde_json::to_value(crate::Oddities::default()).unwrap().as_object().unwrap().keys() {
            assert!(names.contains(&format!("nice.{field}=")), "{field}");
        }
        let all = explained();
        assert!(Odd::ALL.iter().all(|odd| all.contains(odd.name())), "{all}");
    }
}
