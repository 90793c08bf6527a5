//! A run's facts, written out: for people in `text`, for programs here.

pub(crate) mod results;
pub(crate) mod text;

use crate::args::Output;
use crate::commands::auth::SignedIn;
use crate::commands::check::Checked;
use crate::commands::work::Worked;
use paceline_core::plan::Change;
use serde_json::{Value, json};

fn line(value: &Value) -> String {
    format!("{value}\n")
}

/// What came of working on a run.
pub(crate) fn worked(worked: &Worked, format: Output) -> String {
    match (worked, format) {
        (Worked::Left { summary, results, .. }, Output::Text) => text::summary(summary, results),
        (Worked::Left { summary, .. }, Output::Json) => line(&json!(summary)),
        (Worked::Planned { planned, blind, saved }, Output::Text) => {
            let mut out = text::plan(planned, *blind);
            if let Some(run) = saved {
                out += &format!("Kept as {run}: send it with `paceline apply --plan {run}`\n");
            }
            out
        }
        (Worked::Planned { planned, saved, .. }, Output::Json) => {
            let changes: serde_json::Map<_, _> = planned
                .kinds
                .iter()
                .map(|(kind, changes, calls)| (kind.clone(), json!({"changes": changes, "calls": calls})))
                .collect();
            let warnings: Vec<Value> =
                planned.warnings.iter().map(|(users, why)| json!({"users": users, "why": why})).collect();
            let one = |change: &Change| json!({"row": change.key.row, "user": change.user, "kind": change.kind, "before": change.before, "after": change.after});
            line(&json!({
                "rows": planned.counts.rows, "to_update": planned.counts.pending, "unchanged": planned.counts.unchanged,
                "failed": planned.counts.failed, "changes": changes, "calls": planned.calls, "allowed": planned.allowed,
                "time_s": planned.time.as_secs_f64(), "reads": planned.reads, "naive_calls": planned.naive, "warnings": warnings, "note": planned.note,
                "run": saved, "diff": planned.diff.iter().map(one).collect::<Vec<_>>(),
            }))
        }
    }
}

/// What a check found.
pub(crate) fn checked(checked: &Checked, format: Output) -> String {
    match format {
        Output::Text => text::checked(checked),
        Output::Json => line(&json!({"roster": checked.file, "rows": checked.rows, "columns": checked.columns})),
    }
}

/// Who we are at the vendor.
pub(crate) fn signed_in(signed_in: &SignedIn, format: Output) -> String {
    match format {
        Output::Text => text::signed_in(signed_in),
        Output::Json => line(&json!({
            "vendor": signed_in.vendor, "base_url": signed_in.base_url, "client_id": signed_in.client_id,
            "tenant": signed_in.tenant, "calls_per_minute": signed_in.quota,
        })),
    }
}
