//! Access tokens: minted by one task while the others wait, refreshed before they end.

use crate::clock::Clock;
use crate::error::{Halt, TOKENS};
use crate::settings::Settings;
use crate::transport::{Lost, Outgoing, Target, Transport};
use paceline_core::Moment;
use paceline_core::retry;
use paceline_core::run::dispatch::Token as Life;
use paceline_core::vendor::{Answer, Credentials, Refusal, TokenVerdict, Vendor};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// A token that was just had.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    /// What is known of it without its secret.
    pub(crate) life: Life,
    /// What the next one is had with, where the vendor gave such.
    pub(crate) successor: Option<SecretString>,
}

/// Everything that minting takes.
#[derive(Debug, Clone)]
pub(crate) struct Mint {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    /// What came with the last token, where that was a good one until its end.
    pub(crate) successor: Option<SecretString>,
}

/// What minting has cost and brought.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: Result<Token, Halt>,
    /// The form of the grant that worked: the next one starts with it.
    pub(crate) form: usize,
    pub(crate) calls: u64,
}

/// Refused connections before a host that never answered is given up: a mistyped one should not take minutes to be told.
const UNREACHED: u32 = 2;

impl Mint {
    /// Asks for a token until there is one, or until there is no use in asking.
    pub(crate) async fn mint(self, generation: u64, form: usize, seed: u64) -> Minted {
        let mut asking = Asking {
            mint: self,
            form,
            calls: 0,
            failures: 0,
            throttles: 0,
            last_wait: Duration::ZERO,
            rng: fastrand::Rng::with_seed(seed),
        };
        let token = asking.ask(generation).await;
        Minted { token, form: asking.form, calls: asking.calls }
    }
}

struct Asking {
    mint: Mint,
    form: usize,
    calls: u64,
    failures: u32,
    throttles: u32,
    last_wait: Duration,
    rng: fastrand::Rng,
}

impl Asking {
    async fn ask(&mut self, generation: u64) -> Result<Token, Halt> {
        let first_form = self.form;
        let mut first_refusal: Option<Refusal> = None;
        let began = self.mint.clock.now();
        loop {
            let refreshing = self.mint.successor.as_ref();
            let refresh = refreshing.and_then(|token| self.mint.vendor.refresh(&self.mint.credentials, token));
            let renews = refresh.is_some();
            let Some(grant) = refresh.or_else(|| self.mint.vendor.grant(&self.mint.credentials, self.form)) else {
                self.form = first_form;
                return Err(Halt::Credentials(first_refusal.unwrap_or_default()));
            };
            let sent = self.mint.clock.now();
            self.calls += 1;
            let sending = self.mint.transport.send(Outgoing { target: Target::Token(grant, None) });
            let answer = tokio::time::timeout(self.mint.settings.timeout, sending).await.unwrap_or(Err(Lost::Timeout));
            let answer = match answer {
                Ok(answer) => answer,
                Err(lost) => {
                    self.failed(&lost, generation).await?;
                    continue;
                }
            };
            match self.mint.vendor.token(&answer) {
                TokenVerdict::Granted { token, expires_in, refresh } => {
                    return Ok(Token {
                        secret: token,
                        successor: refresh,
                        life: Life::new(
                            generation,
                            expires_in.filter(|life| *life > 0).map(|life| sent + usable(Duration::from_secs(life))),
                        ),
                    });
                }
                TokenVerdict::Throttled(_) => self.throttled(&answer, began).await?,
                TokenVerdict::Transient(refusal) => {
                    self.failures += 1;
                    if self.failures > self.patience() {
                        return Err(Halt::Trouble(format!("{TOKENS} answers {}", refusal.line())));
                    }
                    let asked = self.asked(&answer).unwrap_or_default();
                    let own = self.backoff(self.failures);
                    self.wait(own.max(asked), began).await?;
                }
                // Whatever is wrong with it, the credentials themselves may still be good.
                TokenVerdict::Refused(_) | TokenVerdict::NotOAuth(_) if renews => self.mint.successor = None,
                TokenVerdict::Refused(refusal) => {
                    first_refusal.get_or_insert(refusal);
                    self.form += 1;
                }
                TokenVerdict::NotOAuth(refusal) => return Err(Halt::NotTheVendor { what: TOKENS, refusal }),
            }
        }
    }

    /// An endpoint that is down for a minute is waited for: two probes more than a call would get.
    fn patience(&self) -> u32 {
        self.mint.settings.max_retries + 2
    }

    async fn failed(&mut self, lost: &Lost, generation: u64) -> Result<(), Halt> {
        self.failures += 1;
        let never_answered = generation <= 1 && matches!(lost, Lost::NotSent(_));
        let most = match lost {
            Lost::Insecure(_) => 0,
            _ if never_answered => UNREACHED.min(self.patience()),
            _ => self.patience(),
        };
        if self.failures > most {
            return Err(Halt::Unreachable { what: TOKENS, why: lost.to_string() });
        }
        let wait = self.backoff(self.failures);
        tracing::info!(wait_s = wait.as_secs_f64(), why = %lost, "the token endpoint does not answer");
        self.mint.clock.until(self.mint.clock.now() + wait).await;
        Ok(())
    }

    async fn throttled(&mut self, answer: &Answer, began: Moment) -> Result<(), Halt> {
        self.throttles += 1;
        let own = self.backoff(self.throttles);
        let wait = self.asked(answer).filter(|wait| !wait.is_zero()).unwrap_or(own);
        self.wait(wait, began).await
    }

    fn asked(&self, answer: &Answer) -> Option<Duration> {
        retry::retry_after(answer.header("retry-after"), answer.header("date").next(), self.mint.clock.wall())
    }

    fn backoff(&mut self, n: u32) -> Duration {
        self.last_wait = self.mint.settings.backoff.wait(n, self.last_wait, self.rng.f64());
        self.last_wait
    }

    async fn wait(&self, wait: Duration, began: Moment) -> Result<(), Halt> {
        let clock = self.mint.clock;
        let until = clock.now().saturating_add(wait);
        if until.saturating_sub(began) > self.mint.settings.max_wait {
            return Err(Halt::Throttled(wait));
        }
        clock.until(until).await;
        Ok(())
    }
}

/// No token lives longer, whatever its answer says: a larger number is no time that can be reckoned with.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 86_400);

/// The part of a token's life that it is used for: all but 60 s or a tenth, whichever is less.
fn usable(life: Duration) -> Duration {
    let life = life.min(LONGEST_LIFE);
    life - (life / 10).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_refreshed_a_minute_or_a_tenth_of_its_life_before_it_ends() {
        for (life, used) in [(86_400, 86_340), (600, 540), (100, 90), (10, 9), (1, 0)] {
            assert_eq!(usable(Duration::from_secs(life)).as_secs(), used);
        }
    }

    #[test]
    fn a_life_that_no_clock_can_hold_is_taken_for_a_year() {
        let used = usable(Duration::from_secs(u64::MAX));
        assert_eq!(used, LONGEST_LIFE - Duration::from_secs(60));
        assert!(Moment::from_secs(3600).checked_add(used).is_some());
    }
}
