//! `paceline export`: the tenant's users as a roster that `apply` reads back to "nothing to change".

use crate::args::{Common, ExportArgs};
use crate::commands::work;
use crate::error::Failure;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::{credentials, printer, settings};
use paceline_core::validate::nearest;
use paceline_core::vendor::{User, Uses, Vendor};
use paceline_engine::{Caller, Everyone, Interrupt, Listed};
use paceline_files::export::{Export, Exported};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// What `--state` takes.
const STATES: &[&str] = &["active", "inactive", "deleted", "any"];

pub(crate) async fn run(common: &Common, args: &ExportArgs) -> Result<Exit, Failure> {
    let profile = settings::profile(common)?;
    let credentials = credentials::read(common, &profile)?;
    let whereabouts = settings::whereabouts(common, &profile, &credentials)?;
    let vendor = Arc::clone(&whereabouts.vendor);
    let settings = settings::engine(&args.sending, false, &profile, vendor.facts())?;
    let columns = columns(args, vendor.as_ref())?;
    if let Some(state) = args.state.as_deref().filter(|state| !STATES.contains(state)) {
        let hint = format!("--state takes one of {}", STATES.join(", "));
        return Err(Failure::wrong(format!("users have no state `{state}`"), hint));
    }
    let filters = [("division", &args.division), ("department", &args.department), ("email", &args.email)];
    let asked = || filters.iter().filter(|(_, wanted)| wanted.is_some()).map(|(column, _)| *column);
    if let Some(column) = asked().find(|column| vendor.facts().table.field(column).is_none()) {
        let message = format!("{} has no `{column}` to choose users by", vendor.facts().title);
        return Err(Failure::wrong(message, format!("leave --{column} out")));
    }
    let mut export = match &args.output {
        Some(path) => Export::open(path)?,
        None => Export::csv(printer::long_stdout()),
    };
    let connection = work::connect(whereabouts, &credentials, settings.timeout).await?;
    let progress = Arc::new(Progress::new(0, 0, false));
    let tools = work::tools(&connection, credentials, settings.max_concurrent, Interrupt::new(), progress)?;
    let mut caller = Caller::new(tools, settings);
    // The filters look at columns that need not be written.
    let mut read: BTreeSet<String> = columns.iter().cloned().collect();
    read.extend(asked().map(str::to_owned));
    // What is read is told by ids and names already: as for an undo, hardly a list is needed.
    let uses = Uses { columns: read, undo: true, ..Uses::default() };
    let names = caller.names(&uses).await?;
    let mut everyone = Everyone::new(caller, args.state.clone(), uses, names);
    let mut told = Told::default();
    let failed = |error: io::Error| {
        Failure::wrong(format!("the export cannot be written: {error}"), "check its path and the disk")
    };
    let mut writing = export.begin(&columns);
    while let Some(listed) = everyone.next().await? {
        told.unread(&listed);
        for user in listed.users.iter().filter(|user| wanted(args, vendor.as_ref(), user)) {
            let values = || columns.iter().map(|column| (column.as_str(), vendor.value(user, column))).collect();
            let exported = || Exported { id: &user.id.0, values: values() };
            writing = writing.and_then(|()| export.user(&vendor.facts().table, exported())).map(|unheld| {
                unheld.into_iter().for_each(|column| told.unheld(user, column, export.has_cells()));
            });
        }
        if writing.is_err() {
            break;
        }
    }
    let written_users = export.written();
    let written = writing.and_then(|()| export.finish());
    printer::bear_gone(written).map_err(failed)?;
    Ok(told.exit(written_users))
}

/// What is told of an export besides the file.
#[derive(Default)]
struct Told {
    unread: u64,
    unheld: u64,
    broken_off: bool,
}

/// Users and values that are missing that are told one by one; more are counted.
const SHOWN: u64 = 100;

impl Told {
    fn unread(&mut self, listed: &Listed) {
        for (id, refusal) in &listed.unread {
            self.unread += 1;
            if self.unread <= SHOWN {
                printer::warning(&format!("user {id} could not be read and is not in the export: {}", refusal.line()));
            }
        }
        if let Some(why) = listed.broken_off {
            self.broken_off = true;
            printer::warning(&format!("{why}: users may be missing from the export"));
        }
    }

    /// A value that `apply` would read back as another one: nothing stands for it, and leaves it alone.
    fn unheld(&mut self, user: &User, column: &str, has_cells: bool) {
        self.unheld += 1;
        if self.unheld <= SHOWN {
            let way_out =
                if has_cells { ": an export to .jsonl may hold it" } else { ", which holds what cannot be seen" };
            let user = &user.id.0;
            printer::warning(&format!("user {user}: the export cannot hold the value of `{column}`{way_out}"));
        }
    }

    fn exit(&self, written: u64) -> Exit {
        let counted = |count: u64, what: &str| if count == 0 { String::new() } else { format!("; {count} {what}") };
        let unread = counted(self.unread, "could not be read");
        let unheld =
            counted(self.unheld, if self.unheld == 1 { "value could not be held" } else { "values could not be held" });
        printer::stderr(&format!("Exported {written} users{unread}{unheld}"));
        if self.unread > 0 || self.unheld > 0 || self.broken_off { Exit::SomeFailed } else { Exit::Done }
    }
}

fn columns(args: &ExportArgs, vendor: &dyn Vendor) -> Result<Vec<String>, Failure> {
    let table = &vendor.facts().table;
    let Some(asked) = &args.columns else {
        return Ok(vendor.facts().export_columns.iter().map(|column| (*column).to_owned()).collect());
    };
    let known = |name: &str| table.field(name).is_some() && !name.ends_with(['+', '-']) && name != "queues";
    let asked = asked.iter().map(|name| table.unaliased(name.trim()).to_owned()).filter(|name| name != "id");
    asked
        .map(|name| {
            if known(&name) {
                return Ok(name);
            }
            let names = table.fields.iter().map(|field| field.name).filter(|name| known(name));
            let hint = nearest(&name, names)
                .map_or("`paceline check` lists the fields".into(), |near| format!("did you mean `{near}`?"));
            Err(Failure::wrong(format!("column `{name}` cannot be exported"), hint))
        })
        .collect()
}

fn wanted(args: &ExportArgs, vendor: &dyn Vendor, user: &User) -> bool {
    let is = |column: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| {
            vendor.value(user, column).as_str().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
        })
    };
    let email = vendor.value(user, "email");
    let fits_email = args
        .email
        .as_ref()
        .is_none_or(|pattern| fits(&pattern.to_lowercase(), &email.as_str().unwrap_or_default().to_lowercase()));
    is("division", &args.division) && is("department", &args.department) && fits_email
}

/// Whether `text` fits `pattern`, in which `*` stands for anything. Each piece is looked for once, where it comes first.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let tail = text.strip_prefix(start).and_then(|text| text.strip_suffix(end));
    let pieces = middle.split('*').filter(|piece| !piece.is_empty());
    pieces.fold(tail, |tail, piece| Some(tail?.split_once(piece)?.1)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_with_stars_for_anything() {
        let table = [
            ("*@x.org", "a@x.org", true),
            ("a*", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c", "ab", false),
            ("ab", "ab", true),
            ("*", "", true),
            ("**", "x", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*b*", "ab", false),
            ("*b*b*", "bäb", true),
            ("ä*é", "äxé", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        // Each star more took twice as long.
        assert!(!fits(&"*a".repeat(2_000), &"ab".repeat(1_999)));
    }
}
