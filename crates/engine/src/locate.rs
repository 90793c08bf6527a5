//! Where a tenant is, asked of the vendor's own documents before there is a run.

use crate::error::{DISCOVERY, Halt, Stop};
use crate::tools::Tools;
use crate::transport::{Lost, Outgoing, Target};
use paceline_core::retry::retry_after;
use paceline_core::vendor::{Answer, Clues, Lookup};
use serde_json::Value;
use std::time::Duration;

/// Finds out where the tenant is. Asks for a token where that takes one; the token is not kept.
///
/// # Errors
/// Where a document or a token cannot be had, or does not say it.
pub async fn locate(tools: &Tools, clues: &Clues, timeout: Duration) -> Result<Lookup, Stop> {
    let Tools { vendor, credentials, .. } = tools;
    let mut documents: Vec<Value> = vec![];
    loop {
        let step = vendor.lookup(clues, &documents);
        let targets = match step.map_err(|refusal| Halt::NotTheVendor { what: DISCOVERY, refusal })? {
            Lookup::Document(url) => vec![Target::Document(url)],
            Lookup::Token(url) => (0..)
                .map_while(|form| vendor.grant(credentials, form))
                .map(|grant| Target::Token(grant, Some(url.clone())))
                .collect(),
            found => return Ok(found),
        };
        let mut refused = None;
        for target in targets {
            let is_token = matches!(target, Target::Token(..));
            let answer = asked_twice(tools, target, timeout).await?;
            match answer.json() {
                Some(document) if answer.status == 200 => {
                    documents.push(document.clone());
                    refused = None;
                    break;
                }
                _ if is_token => refused = Some(Halt::Credentials(vendor.refusal(&answer))),
                _ => refused = Some(Halt::NotTheVendor { what: DISCOVERY, refusal: vendor.refusal(&answer) }),
            }
        }
        if let Some(halt) = refused {
            return Err(halt.into());
        }
    }
}

/// The longest wait that discovery takes upon itself: somebody is waiting, and nothing is lost by giving up.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Nothing is at stake yet, and somebody is waiting: one more attempt, once the Retry-After is over.
async fn asked_twice(tools: &Tools, target: Target, timeout: Duration) -> Result<Answer, Halt> {
    let mut again = true;
    loop {
        let sending = tools.transport.send(Outgoing { target: target.clone() });
        let pause = match tokio::time::timeout(timeout, sending).await.unwrap_or(Err(Lost::Timeout)) {
            Ok(answer) if again && matches!(answer.status, 429 | 500..=599) => {
                let date = answer.header("date").next();
                retry_after(answer.header("retry-after"), date, tools.clock.wall())
            }
            Ok(answer) => return Ok(answer),
            Err(lost) if !again || matches!(lost, Lost::Insecure(_)) => {
                return Err(Halt::Unreachable { what: DISCOVERY, why: lost.to_string() });
            }
            Err(_) => None,
        };
        again = false;
        let pause = pause.unwrap_or_default().max(Duration::from_secs(1));
        if pause > LONGEST_PAUSE {
            return Err(Halt::Trouble(format!("{DISCOVERY} asks to wait {} s: nothing was written", pause.as_secs())));
        }
        tools.clock.until(tools.clock.now() + pause).await;
    }
}
