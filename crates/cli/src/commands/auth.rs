//! `paceline auth test`: does sign-in work, and as whom?

use crate::args::Common;
use crate::commands::work;
use crate::error::Failure;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::{credentials, settings};
use paceline_core::pace::Quota;
use paceline_engine::{Caller, Interrupt, Settings};
use std::sync::Arc;

/// Who we are there.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) vendor: &'static str,
    pub(crate) base_url: String,
    pub(crate) client_id: String,
    pub(crate) tenant: Option<String>,
    /// Calls a minute, where the vendor tells.
    pub(crate) quota: Option<u32>,
    /// What is kept to where it does not.
    pub(crate) otherwise: Quota,
}

pub(crate) async fn run(common: &Common) -> Result<SignedIn, Failure> {
    let profile = settings::profile(common)?;
    let credentials = credentials::read(common, &profile)?;
    let whereabouts = settings::whereabouts(common, &profile, &credentials)?;
    // Somebody is waiting: fewer and shorter retries than a run's.
    let facts = whereabouts.vendor.facts();
    let settings = Settings { max_retries: 2, ..settings::engine(&Default::default(), false, &profile, facts)? };
    let connection = work::connect(whereabouts, &credentials, settings.timeout).await?;
    let progress = Arc::new(Progress::new(0, 0, false));
    let tools = work::tools(&connection, credentials.clone(), 1, Interrupt::new(), progress)?;
    let mut caller = Caller::new(tools, settings);
    let vendor = &connection.vendor;
    let (answer, refusal, passed) = caller.call(vendor.whoami()).await?;
    if !passed {
        let message = format!("there is a token, and the first call with it was refused: {}", refusal.line());
        let hint = "give the OAuth client a role with the permissions for the work";
        return Err(Failure { exit: Exit::Halted, ..Failure::wrong(message, hint) });
    }
    let quota = match vendor.quota_request() {
        Some(request) => caller.call(request).await.ok().and_then(|(answer, _, _)| vendor.quota(&answer)),
        None => None,
    };
    Ok(SignedIn {
        vendor: vendor.facts().title,
        base_url: connection.hosts.base_url.clone(),
        client_id: credentials.name().to_owned(),
        tenant: vendor.tenant(&answer).map(|tenant| tenant.name),
        quota: quota.map(|quota| quota.allowed),
        otherwise: vendor.facts().quota,
    })
}
