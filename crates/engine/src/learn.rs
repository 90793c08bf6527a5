//! What is asked of the vendor before users are read: whose they are, the names that a roster uses, the token's quota.

use crate::error::Stop;
use crate::event::Event;
use crate::listing::{Listing, single};
use crate::scheduler::Scheduler;
use paceline_core::vendor::{Names, Tenant, Uses, Verdict};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whose users they are, where the vendor tells.
pub(crate) async fn tenant(scheduler: &mut Scheduler) -> Result<Option<Tenant>, Stop> {
    let request = scheduler.vendor.whoami();
    Ok(match single(scheduler, request).await? {
        Some((Verdict::Applied { .. }, answer)) => scheduler.vendor.tenant(&answer),
        _ => None,
    })
}

/// Reads each list whose names the roster uses once, and looks up the people that it names by e-mail.
pub(crate) async fn names(scheduler: &mut Scheduler, uses: &Uses) -> Result<Names, Stop> {
    let vendor = Arc::clone(&scheduler.vendor);
    let values = vendor.people().0.iter().filter_map(|column| uses.values.get(*column)).flatten();
    let people: BTreeSet<String> = values.filter(|value| value.contains('@')).cloned().collect();
    let mut listing = Listing::new(Arc::clone(&vendor), uses, people.into_iter().collect());
    scheduler.drive(&mut listing).await?;
    listing.add(vendor.further_lists(uses, &listing.names));
    scheduler.drive(&mut listing).await?;
    Ok(listing.names)
}

/// Asks the vendor for the token's quota, where a run is long enough for it to matter.
pub(crate) async fn quota(scheduler: &mut Scheduler, pending: u64) -> Result<(), Stop> {
    // A read for a hundred users, as the vendors have it, and a write for each.
    let calls = pending + pending.div_ceil(100);
    let matters = scheduler.settings.rate.is_none() && calls > scheduler.allowance();
    let Some(request) = scheduler.vendor.quota_request().filter(|_| matters) else { return Ok(()) };
    let told = match single(scheduler, request).await? {
        Some((Verdict::Applied { .. }, answer)) => scheduler.vendor.quota(&answer),
        _ => None,
    };
    match told {
        Some(quota) => scheduler.set_quota(quota.share(scheduler.settings.share)),
        None => (scheduler.events)(Event::Note(
            "the vendor does not tell this token's quota: pacing to the published default".into(),
        )),
    }
    Ok(())
}
