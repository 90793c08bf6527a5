//! What the arguments mean, after flag, environment, profile and default. The only file that reads the environment.

use crate::args::{Common, SendArgs};
use crate::error::Failure;
use paceline_core::backoff::{Backoff, Jitter};
use paceline_core::validate::nearest;
use paceline_core::vendor::{Clues, Credentials, Facts, Hosts, Lookup, Vendor};
use paceline_engine::Settings;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

/// Named settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Profile {
    vendor: Option<String>,
    region: Option<String>,
    base_url: Option<String>,
    auth_url: Option<String>,
    uh_url: Option<String>,
    issuer: Option<String>,
    api_version: Option<String>,
    client_id: Option<String>,
    client_secret_env: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_secret_keyring: Option<String>,
    access_key_id: Option<String>,
    access_key_secret_env: Option<String>,
    access_key_secret_file: Option<PathBuf>,
    access_key_secret_keyring: Option<String>,
    state_dir: Option<PathBuf>,
    max_concurrent: Option<u32>,
    rate: Option<String>,
    share: Option<u32>,
    spread: Option<bool>,
    tokens: Option<u32>,
    max_wait: Option<f64>,
    max_retries: Option<u32>,
    base_delay: Option<f64>,
    max_delay: Option<f64>,
    jitter: Option<Jitter>,
    timeout: Option<f64>,
}

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
fn variable(name: &str) -> Option<String> {
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
    let mut file: ConfigFile = toml::from_str(&text).map_err(|error| {
        Failure::wrong(
            format!("the configuration `{shown}` is wrong: {error}"),
            "secrets do not belong into it: name their place",
        )
    })?;
    let wanted = common.profile.as_deref().unwrap_or("default");
    match (file.profile.remove(wanted), &common.profile) {
        (Some(profile), _) => Ok(profile),
        (None, None) => Ok(Profile::default()),
        (None, Some(name)) => {
            let names: Vec<&str> = file.profile.keys().map(String::as_str).collect();
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", names.join(", ")),
            };
            Err(Failure::wrong(format!("there is no profile `{name}` in `{shown}`"), hint))
        }
    }
}

/// The vendor asked for; Genesys Cloud where nothing is said.
pub(crate) fn vendor(common: &Common, profile: &Profile) -> Result<Arc<dyn Vendor>, Failure> {
    let name = common.vendor.as_deref().or(profile.vendor.as_deref()).unwrap_or("genesys");
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
    let facts = *vendor.facts();
    let base_url = common.base_url.clone().or(profile.base_url.clone());
    let region = common.region.clone().or(profile.region.clone());
    let region = region.or_else(|| facts.region_variable.and_then(variable));
    let auth_url = common.auth_url.clone().or(profile.auth_url.clone());
    let second_url = common.second_url.clone().or(profile.uh_url.clone());
    let issuer = common.issuer.clone().or(profile.issuer.clone());
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

/// TLS everywhere but on this machine: a token in clear text is everyone's.
fn check_url(flag: &str, text: &str) -> Result<(), Failure> {
    let wrong = |why: &str, hint: &str| Err(Failure::wrong(format!("{flag} {why}"), hint));
    let Ok(url) = Url::parse(text) else {
        return wrong(&format!("`{text}` is no URL"), "write it with its scheme: https://api.mypurecloud.de");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("holds a user name or password", "credentials come from the environment or a file");
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if loopback => Ok(()),
        "http" => wrong(&format!("`{text}` is plain http"), "use https; plain http is for this machine only"),
        _ => wrong(&format!("`{text}` is no https URL"), "write it with its scheme: https://api.mypurecloud.de"),
    }
}

/// Who asks for tokens. Never from a flag: those are in the process list.
pub(crate) fn credentials(common: &Common, profile: &Profile) -> Result<Credentials, Failure> {
    let [ids, secrets, key_ids, key_secrets] = vendor(common, profile)?.facts().variables;
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
    let or_else =
        |found: Option<String>, secret: &SecretPlace<'_>| found.map_or_else(|| secret.read(), |it| Ok(Some(it)));
    let id = first(ids).or_else(|| profile.client_id.clone());
    let secret = or_else(first(secrets), &profile.client_secret())?;
    let has_keys = !key_ids.is_empty();
    let key_id = first(key_ids).or_else(|| profile.access_key_id.clone().filter(|_| has_keys));
    let key_secret = if has_keys { or_else(first(key_secrets), &profile.access_key_secret())? } else { None };
    let missing = |of: &[(bool, &[&str])]| {
        let names = of.iter().filter(|(missing, _)| *missing).map(|(_, names)| names.join(" or "));
        let also = if has_keys { ", or the same of an access key" } else { "" };
        Failure::wrong(
            format!("the credentials are missing: {} is not set", names.collect::<Vec<_>>().join(", and ")),
            format!(
                "set them, or use a profile with `client_id` and `client_secret_env` or `client_secret_file`{also}"
            ),
        )
    };
    let access_key = match (key_id, key_secret) {
        (Some(id), Some(secret)) => Some((id, SecretString::from(secret))),
        (None, None) => None,
        (id, secret) => return Err(missing(&[(id.is_none(), key_ids), (secret.is_none(), key_secrets)])),
    };
    match (id, secret) {
        (Some(id), Some(secret)) => {
            Ok(Credentials { access_key, ..Credentials::client(id, SecretString::from(secret)) })
        }
        (None, None) if access_key.is_some() => {
            Ok(Credentials { access_key, ..Credentials::client("", SecretString::default()) })
        }
        (id, secret) => {
            let key = has_keys && id.is_none() && secret.is_none();
            Err(missing(&[(id.is_none(), ids), (secret.is_none(), secrets), (key, key_ids), (key, key_secrets)]))
        }
    }
}

/// Where a profile keeps a secret.
struct SecretPlace<'a> {
    env: Option<&'a String>,
    file: Option<&'a PathBuf>,
    keyring: Option<&'a String>,
}

impl Profile {
    fn client_secret(&self) -> SecretPlace<'_> {
        SecretPlace {
            env: self.client_secret_env.as_ref(),
            file: self.client_secret_file.as_ref(),
            keyring: self.client_secret_keyring.as_ref(),
        }
    }

    fn access_key_secret(&self) -> SecretPlace<'_> {
        SecretPlace {
            env: self.access_key_secret_env.as_ref(),
            file: self.access_key_secret_file.as_ref(),
            keyring: self.access_key_secret_keyring.as_ref(),
        }
    }
}

impl SecretPlace<'_> {
    fn read(&self) -> Result<Option<String>, Failure> {
        if let Some(name) = self.env {
            return variable(name).map(Some).ok_or_else(|| {
                Failure::wrong(format!("the profile takes its secret from `{name}`, which is not set"), "set it")
            });
        }
        if let Some(path) = self.file {
            return secret_file(path).map(Some);
        }
        match self.keyring {
            Some(_) => Err(Failure::wrong(
                "this build of Paceline cannot read the system's keyring",
                "use the profile's `…_secret_env` or `…_secret_file`",
            )),
            None => Ok(None),
        }
    }
}

fn secret_file(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Failure::wrong(format!("the secret's file `{shown}` cannot be read: {error}"), "check its path and rights")
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            let hint = format!("chmod 600 {shown}");
            return Err(Failure::wrong(format!("others can read the secret's file `{shown}`"), hint));
        }
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Where runs are kept.
pub(crate) fn state_dir(common: &Common, profile: &Profile) -> Result<PathBuf, Failure> {
    let default = || dirs::state_dir().or_else(dirs::data_local_dir).map(|dir| dir.join("paceline"));
    common.state_dir.clone().or(profile.state_dir.clone()).or_else(default).ok_or_else(|| {
        Failure::wrong("there is no place to keep runs in: no home directory is known", "name one with --state-dir")
    })
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
    }
}

fn from_profile(profile: &Profile, facts: &Facts) -> Result<Settings, Failure> {
    let wrong =
        |key: &str, why: String| Failure::wrong(format!("the profile's `{key}`: {why}"), "correct it in paceline.toml");
    let seconds = |key: &str, value: Option<f64>, default: Duration| match value {
        None => Ok(default),
        Some(value) if (0.0..=1e9).contains(&value) => Ok(Duration::from_secs_f64(value)),
        Some(value) => Err(wrong(key, format!("`{value}` is no number of seconds"))),
    };
    let rate = profile.rate.as_deref().map(crate::args::rate).transpose().map_err(|why| wrong("rate", why))?;
    if profile.share.is_some_and(|share| !(1..=100).contains(&share)) {
        return Err(wrong("share", "must be 1 to 100".into()));
    }
    let default = Settings { share: facts.share, max_concurrent: facts.max_concurrent, ..Settings::default() };
    Ok(Settings {
        max_concurrent: profile.max_concurrent.unwrap_or(default.max_concurrent).clamp(1, 1000),
        rate,
        share: profile.share.unwrap_or(default.share),
        spread: profile.spread.unwrap_or(default.spread),
        tokens: profile.tokens.unwrap_or(default.tokens).clamp(1, 50),
        max_wait: seconds("max_wait", profile.max_wait, default.max_wait)?,
        max_retries: profile.max_retries.unwrap_or(default.max_retries),
        backoff: Backoff {
            base: seconds("base_delay", profile.base_delay, default.backoff.base)?,
            max: seconds("max_delay", profile.max_delay, default.backoff.max)?,
            jitter: profile.jitter.unwrap_or(default.backoff.jitter),
        },
        timeout: seconds("timeout", profile.timeout, default.timeout)?,
        ..default
    })
}
