//! What the arguments mean, after flag, environment, profile and default. The only file that reads the environment.

use crate::args::{Common, SendArgs};
use crate::config;
pub(crate) use crate::config::Profile;
use crate::error::Failure;
use paceline_core::backoff::Backoff;
use paceline_core::validate::nearest;
use paceline_core::vendor::{Clues, Credentials, Facts, Hosts, Lookup, Vendor};
use paceline_engine::{Insecure, Settings, secure};
use paceline_journal::{Folder, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Which vendor, and what was said of where it is.
#[derive(Debug, Clone)]
pub(crate) struct Whereabouts {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) base_url: Option<String>,
    second_url: Option<String>,
    auth_url: Option<String>,
    pub(crate) clues: Clues,
}

/// Where a vendor is and which one.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) hosts: Hosts,
}

#[expect(clippy::disallowed_methods, reason = "this file is the one that may")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who types, for the record of who agreed to what: the system's word for it.
pub(crate) fn operator() -> String {
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| variable(name)).unwrap_or_else(|| "unknown".into())
}

/// The profile that is asked for; the one called `default`, where there is one; else none.
pub(crate) fn profile(common: &Common) -> Result<Profile, Failure> {
    let found = match &common.config {
        Some(path) => Some(path.clone()),
        None => {
            let here = PathBuf::from("paceline.toml");
            let user = dirs::config_dir().map(|dir| dir.join("paceline").join("paceline.toml"));
            [Some(here), user].into_iter().flatten().find(|path| path.is_file())
        }
    };
    let Some(path) = found else {
        return match &common.profile {
            Some(name) => Err(Failure::wrong(
                format!("there is no profile `{name}`: no paceline.toml was found"),
                "write one here or in the user's config directory, or name it with --config",
            )),
            None => Ok(Profile::default()),
        };
    };
    let shown = path.display();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::wrong(format!("the configuration `{shown}` cannot be read: {error}"), "check its path and rights")
    })?;
    let mut profiles = config::profiles(&text).map_err(|wrong| {
        Failure::wrong(format!("the configuration `{shown}` is wrong: {wrong}"), wrong.hint.clone())
    })?;
    let wanted = common.profile.as_deref().unwrap_or("default");
    match (profiles.remove(wanted), &common.profile) {
        (Some(profile), _) => Ok(profile.of_vendor(common.vendor.as_deref())),
        (None, None) => Ok(Profile::default()),
        (None, Some(name)) => {
            let names: Vec<&str> = profiles.keys().map(String::as_str).collect();
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", names.join(", ")),
            };
            Err(Failure::wrong(format!("there is no profile `{name}` in `{shown}`"), hint))
        }
    }
}

/// What one place (the command line, the environment, a profile, a run that is resumed) says of where the tenant is, and so of
/// where credentials go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) region: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) auth_url: Option<String>,
    pub(crate) second_url: Option<String>,
    pub(crate) issuer: Option<String>,
}

impl Said {
    pub(crate) fn of(common: &Common) -> Self {
        let Common { region, base_url, auth_url, second_url, issuer, .. } = common.clone();
        Self { region, base_url, auth_url, second_url, issuer }
    }

    /// `common` saying this instead.
    pub(crate) fn into_common(self, common: &Common) -> Common {
        let Self { region, base_url, auth_url, second_url, issuer } = self;
        Common { region, base_url, auth_url, second_url, issuer, ..common.clone() }
    }

    /// What comes of both, where this is the stronger. A place that it names (a region, a base URL, an issuer) drops what the
    /// weaker adds of another one: credentials go nowhere but where the stronger says.
    pub(crate) fn over(self, weaker: Self) -> Self {
        let trimmed = |url: &Option<String>| url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        let same_base = self.base_url.is_some() && trimmed(&self.base_url) == trimmed(&weaker.base_url);
        let same_region = self.region.is_some() && self.region == weaker.region;
        let elsewhere = (self.region.is_some() || self.base_url.is_some()) && !same_base && !same_region;
        let weaker = match &self.issuer {
            _ if elsewhere => Self::default(),
            // An access key alone needs its area beside an issuer.
            Some(_) => Self { region: weaker.region, ..Self::default() },
            None => weaker,
        };
        Self {
            region: self.region.or(weaker.region),
            base_url: self.base_url.or(weaker.base_url),
            auth_url: self.auth_url.or(weaker.auth_url),
            second_url: self.second_url.or(weaker.second_url),
            issuer: self.issuer.or(weaker.issuer),
        }
    }

    /// # Errors
    /// Where a region and a base URL are said in one breath, which cannot both be meant.
    fn one_place(self) -> Result<Self, Failure> {
        if self.region.is_some() && self.base_url.is_some() {
            let message = "both a region and a base URL are said, and credentials can go to one place only";
            return Err(Failure::wrong(message, "give one of --region and --base-url, or one of the profile's keys"));
        }
        Ok(self)
    }
}

/// What was typed wins over the environment. `typed` tells which of clap's arguments were.
pub(crate) fn typed_first(common: &Common, typed: impl Fn(&str) -> bool) -> Common {
    let Said { region, base_url, auth_url, second_url, issuer } = Said::of(common);
    let split = |name: &str, value: Option<String>| if typed(name) { (value, None) } else { (None, value) };
    let (region, base_url) = (split("region", region), split("base_url", base_url));
    let (auth_url, second_url) = (split("auth_url", auth_url), split("second_url", second_url));
    let issuer = split("issuer", issuer);
    let said = |region, base_url, auth_url, second_url, issuer| Said { region, base_url, auth_url, second_url, issuer };
    let typed = said(region.0, base_url.0, auth_url.0, second_url.0, issuer.0);
    typed.over(said(region.1, base_url.1, auth_url.1, second_url.1, issuer.1)).into_common(common)
}

/// The vendor asked for; the default one where nothing is said.
pub(crate) fn vendor(common: &Common, profile: &Profile) -> Result<Arc<dyn Vendor>, Failure> {
    let name = common.vendor.as_deref().or(profile.vendor.as_deref()).unwrap_or(paceline_vendors::DEFAULT);
    let version = common.api_version.as_deref().or(profile.api_version.as_deref());
    let is_version = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') && !text.is_empty();
    if let Some(text) = version.filter(|text| !is_version(text)) {
        return Err(Failure::wrong(format!("`{text}` is no version of an API"), "write it as in v34.0"));
    }
    paceline_vendors::by_name(name, version).map(Arc::from).ok_or_else(|| {
        let known = paceline_vendors::NAMES.join(", ");
        Failure::wrong(format!("there is no vendor `{name}`"), format!("--vendor takes one of: {known}"))
    })
}

/// Where the vendor is, as far as it is said: the rest is its to find out.
pub(crate) fn whereabouts(
    common: &Common,
    profile: &Profile,
    credentials: &Credentials,
) -> Result<Whereabouts, Failure> {
    let vendor = vendor(common, profile)?;
    let Said { region, base_url, auth_url, second_url, issuer } = Said::of(common).over(profile.said()).one_place()?;
    let region = region.or_else(|| vendor.facts().region_variable.and_then(variable));
    let urls = [("--base-url", &base_url), ("--auth-url", &auth_url), ("--uh-url", &second_url), ("--issuer", &issuer)];
    for (flag, url) in urls {
        url.as_ref().map_or(Ok(()), |url| check_url(flag, url))?;
    }
    let clues = Clues { region, issuer, auth_url: auth_url.clone(), key_alone: credentials.client_id.is_empty() };
    let whereabouts = Whereabouts { vendor, base_url, second_url, auth_url, clues };
    if whereabouts.base_url.is_none() {
        whereabouts.refuse_unknown()?;
    }
    Ok(whereabouts)
}

impl Whereabouts {
    /// What is known to be wrong before anything is asked.
    fn refuse_unknown(&self) -> Result<(), Failure> {
        let Ok(Lookup::Unknown(known)) = self.vendor.lookup(&self.clues, &[]) else { return Ok(()) };
        let title = self.vendor.facts().title;
        Err(match &self.clues.region {
            Some(region) => {
                let hint = match nearest(region, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the regions are {}", known.join(", ")),
                };
                Failure::wrong(format!("{title} has no region `{region}`"), hint)
            }
            None => Failure::wrong(format!("it is not said where {title} is"), self.vendor.facts().hosts_hint),
        })
    }

    /// The hosts, where they are all said; what was found (if it was looked for) is overruled by what was said.
    pub(crate) fn hosts(&self, found: Option<Hosts>) -> Result<Hosts, Failure> {
        let found = found.or_else(|| {
            let base_url = self.base_url.clone()?;
            let auth_url = format!("{}/oauth/token", base_url.trim_end_matches('/'));
            Some(Hosts { base_url, second_url: None, auth_url })
        });
        let Some(found) = found else {
            let title = self.vendor.facts().title;
            return Err(Failure::wrong(format!("it is not said where {title} is"), self.vendor.facts().hosts_hint));
        };
        let hosts = Hosts {
            base_url: self.base_url.clone().unwrap_or(found.base_url),
            second_url: self.second_url.clone().or(found.second_url),
            auth_url: self.auth_url.clone().unwrap_or(found.auth_url),
        };
        check_url("--base-url", &hosts.base_url)?;
        check_url("--auth-url", &hosts.auth_url)?;
        hosts.second_url.as_ref().map_or(Ok(()), |url| check_url("--uh-url", url))?;
        Ok(hosts)
    }
}

/// TLS everywhere but on this machine: a token in clear text is everyone's. The URL is not repeated: it may hold a password.
fn check_url(flag: &str, text: &str) -> Result<(), Failure> {
    let Err(why) = secure(text) else { return Ok(()) };
    let hint = match why {
        Insecure::HoldsCredentials => "credentials come from the environment or a file",
        Insecure::PlainHttp => "use https; plain http is for this machine only",
        Insecure::NoUrl | Insecure::NoHttps => "write it with its scheme: https://api.mypurecloud.de",
    };
    Err(Failure::wrong(format!("{flag} {why}"), hint))
}

impl Profile {
    fn said(&self) -> Said {
        Said {
            region: self.region.clone(),
            base_url: self.base_url.clone(),
            auth_url: self.auth_url.clone(),
            second_url: self.uh_url.clone(),
            issuer: self.issuer.clone(),
        }
    }

    /// Of a profile that is another vendor's, neither hosts nor credentials: they must not meet.
    fn of_vendor(self, wanted: Option<&str>) -> Self {
        let other = matches!((&self.vendor, wanted), (Some(its), Some(wanted)) if its != wanted);
        if !other {
            return self;
        }
        let Self { state_dir, max_concurrent, rate, share, spread, tokens, .. } = self;
        let Self { max_wait, max_retries, base_delay, max_delay, jitter, timeout, .. } = self;
        Self {
            state_dir,
            max_concurrent,
            rate,
            share,
            spread,
            tokens,
            max_wait,
            max_retries,
            base_delay,
            max_delay,
            jitter,
            timeout,
            ..Self::default()
        }
    }
}

/// Where runs are kept.
fn state_dir(common: &Common, profile: &Profile) -> Result<PathBuf, Failure> {
    let default = || dirs::state_dir().or_else(dirs::data_local_dir).map(|dir| dir.join("paceline"));
    common.state_dir.clone().or(profile.state_dir.clone()).or_else(default).ok_or_else(|| {
        Failure::wrong("there is no place to keep runs in: no home directory is known", "name one with --state-dir")
    })
}

/// Where runs are kept.
pub(crate) fn store(common: &Common, profile: &Profile) -> Result<Box<dyn Store>, Failure> {
    Ok(Box::new(Folder::new(&state_dir(common, profile)?)))
}

/// How a run goes about it.
pub(crate) fn engine(args: &SendArgs, blind: bool, profile: &Profile, facts: &Facts) -> Result<Settings, Failure> {
    let over = Settings { blind, ..from_profile(profile, facts)? };
    Ok(overridden(over, args))
}

/// `settings` with what was given on the command line or in the environment: a resumed run's, overridden.
pub(crate) fn overridden(settings: Settings, args: &SendArgs) -> Settings {
    Settings {
        max_concurrent: args.max_concurrent.unwrap_or(settings.max_concurrent),
        rate: args.rate.or(settings.rate),
        share: args.share.unwrap_or(settings.share),
        spread: args.spread || settings.spread,
        tokens: args.tokens.unwrap_or(settings.tokens),
        max_wait: args.max_wait.unwrap_or(settings.max_wait),
        max_retries: args.max_retries.unwrap_or(settings.max_retries),
        backoff: Backoff {
            base: args.base_delay.unwrap_or(settings.backoff.base),
            max: args.max_delay.unwrap_or(settings.backoff.max),
            jitter: args.jitter.unwrap_or(settings.backoff.jitter),
        },
        timeout: args.timeout.unwrap_or(settings.timeout),
        max_failures: args.max_failures.or(settings.max_failures),
        canary: args.canary.or(settings.canary),
        blind: settings.blind,
        force: args.force || settings.force,
        include_deleted: args.include_deleted || settings.include_deleted,
    }
}

/// The ranges were looked at when the file was read.
fn from_profile(profile: &Profile, facts: &Facts) -> Result<Settings, Failure> {
    let seconds = |value: Option<f64>, default: Duration| {
        value.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(default)
    };
    let wrong = |why| Failure::wrong(format!("the profile's `rate`: {why}"), "correct it in paceline.toml");
    let rate = profile.rate.as_deref().map(crate::values::rate).transpose().map_err(wrong)?;
    let default = Settings { share: facts.share, max_concurrent: facts.max_concurrent, ..Settings::default() };
    Ok(Settings {
        max_concurrent: profile.max_concurrent.unwrap_or(default.max_concurrent),
        rate,
        share: profile.share.unwrap_or(default.share),
        spread: profile.spread.unwrap_or(default.spread),
        tokens: profile.tokens.unwrap_or(default.tokens),
        max_wait: seconds(profile.max_wait, default.max_wait),
        max_retries: profile.max_retries.unwrap_or(default.max_retries),
        backoff: Backoff {
            base: seconds(profile.base_delay, default.backoff.base),
            max: seconds(profile.max_delay, default.backoff.max),
            jitter: profile.jitter.unwrap_or(default.backoff.jitter),
        },
        timeout: seconds(profile.timeout, default.timeout),
        ..default
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `region base_url auth_url second_url issuer`; `-` for none.
    fn said(text: &str) -> Said {
        let mut words = text.split(' ').map(|word| Some(word).filter(|word| *word != "-").map(str::to_owned));
        let mut next = || words.next().flatten();
        Said { region: next(), base_url: next(), auth_url: next(), second_url: next(), issuer: next() }
    }

    #[test]
    fn credentials_go_where_the_stronger_says_and_the_weaker_adds_nothing_of_another_place() {
        let profiles = ["- B A U I", "R - A U I"];
        let table = [
            // Nothing is said: the profile's.
            ("- - - - -", ["- B A U I", "R - A U I"]),
            // A region or a base URL is a place of its own.
            ("r - - - -", ["r - - - -", "r - - - -"]),
            ("- b - - -", ["- b - - -", "- b - - -"]),
            ("- b a - -", ["- b a - -", "- b a - -"]),
            ("r - - - i", ["r - - - i", "r - - - i"]),
            // So is an issuer, but for the area that an access key needs.
            ("- - - - i", ["- - - - i", "R - - - i"]),
            ("- - a - i", ["- - a - i", "R - a - i"]),
            // A part of a place replaces that part.
            ("- - a - -", ["- B a U I", "R - a U I"]),
            ("- - - u -", ["- B A u I", "R - A u I"]),
            // The same place again drops nothing of it.
            ("- B/ - - -", ["- B/ A U I", "- B/ - - -"]),
            ("R - - - -", ["R - - - -", "R - A U I"]),
        ];
        for (stronger, expected) in table {
            for (weaker, expected) in profiles.into_iter().zip(expected) {
                let found = said(stronger).over(said(weaker));
                assert_eq!(found, said(expected), "{stronger} over {weaker}");
            }
        }
        assert!(said("r b - - -").over(Said::default()).one_place().is_err());
        assert!(Said::default().over(said("R B - - -")).one_place().is_err());
        assert_eq!(said("r - - - -").over(said("R B - - -")).one_place().ok(), Some(said("r - - - -")));
    }

    #[test]
    fn a_profile_of_another_vendor_adds_neither_hosts_nor_credentials() {
        let text = "[profile.p]\nvendor = \"genesys\"\nregion = \"r\"\nclient_id = \"c\"\nclient_secret_env = \"X\"\nshare = 5";
        let profile = config::profiles(text).unwrap().remove("p").unwrap();
        let nice = profile.clone().of_vendor(Some("nice"));
        assert!(nice.said() == Said::default() && nice.client_id.is_none() && nice.client_secret_env.is_none());
        assert_eq!((nice.share, nice.vendor), (Some(5), None));
        for same in [None, Some("genesys")] {
            assert_eq!(profile.clone().of_vendor(same).said(), said("r - - - -"));
        }
    }
}
