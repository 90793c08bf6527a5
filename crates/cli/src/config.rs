//! The configuration file: its text in, profiles out.
//!
//! What is wrong is told by line and key, never by what stands there: people write secrets where they do not belong, and an
//! error is read over shoulders and kept in logs. Values are held to the same ranges as the flags of their names.

use crate::values;
use paceline_core::backoff::Jitter;
use paceline_core::validate::nearest;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The whole file.
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
    pub(crate) vendor: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) auth_url: Option<String>,
    pub(crate) uh_url: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret_env: Option<String>,
    pub(crate) client_secret_file: Option<PathBuf>,
    pub(crate) client_secret_keyring: Option<String>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) access_key_secret_env: Option<String>,
    pub(crate) access_key_secret_file: Option<PathBuf>,
    pub(crate) access_key_secret_keyring: Option<String>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) rate: Option<String>,
    pub(crate) share: Option<u32>,
    pub(crate) spread: Option<bool>,
    pub(crate) tokens: Option<u32>,
    pub(crate) max_wait: Option<f64>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) base_delay: Option<f64>,
    pub(crate) max_delay: Option<f64>,
    pub(crate) jitter: Option<Jitter>,
    pub(crate) timeout: Option<f64>,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    Text,
    Flag,
    Whole(u32, u32),
    /// Seconds, from none on.
    Wait,
    /// Seconds, more than none.
    Time,
    Rate,
    Jitter,
}

const KEYS: &[(&str, Takes)] = &[
    ("vendor", Takes::Text),
    ("region", Takes::Text),
    ("base_url", Takes::Text),
    ("auth_url", Takes::Text),
    ("uh_url", Takes::Text),
    ("issuer", Takes::Text),
    ("api_version", Takes::Text),
    ("client_id", Takes::Text),
    ("client_secret_env", Takes::Text),
    ("client_secret_file", Takes::Text),
    ("client_secret_keyring", Takes::Text),
    ("access_key_id", Takes::Text),
    ("access_key_secret_env", Takes::Text),
    ("access_key_secret_file", Takes::Text),
    ("access_key_secret_keyring", Takes::Text),
    ("state_dir", Takes::Text),
    ("max_concurrent", Takes::Whole(1, 1000)),
    ("rate", Takes::Rate),
    ("share", Takes::Whole(1, 100)),
    ("spread", Takes::Flag),
    ("tokens", Takes::Whole(1, 50)),
    ("max_wait", Takes::Wait),
    ("max_retries", Takes::Whole(0, 100)),
    ("base_delay", Takes::Wait),
    ("max_delay", Takes::Wait),
    ("jitter", Takes::Jitter),
    ("timeout", Takes::Time),
];

/// Where people put a secret that belongs elsewhere.
const SECRETS: &[&str] = &["client_secret", "access_key_secret", "secret", "password"];

/// What is wrong with a file, without a word of what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    line: usize,
    key: Option<String>,
    why: String,
    pub(crate) hint: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, ", `{key}`"))?;
        write!(f, ": {}", self.why)
    }
}

const PLACE: &str = "secrets do not belong into it: name their place with `…_secret_env` or `…_secret_file`";

/// The file's profiles.
pub(crate) fn profiles(text: &str) -> Result<BTreeMap<String, Profile>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let wrong = |at: usize, key: Option<&str>, why: &str, hint: &str| {
        let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        Wrong { line, key: key.and_then(tellable), why: why.into(), hint: hint.into() }
    };
    let file = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        wrong(at, key_at(text, at), "is not TOML", PLACE)
    })?;
    for (section, profiles) in file.get_ref() {
        let told = wrong(section.span().start, Some(section.get_ref()), "is no section", "write [profile.NAME]");
        let DeValue::Table(profiles) = profiles.get_ref() else { return Err(told) };
        if section.get_ref() != "profile" {
            return Err(told);
        }
        for (name, profile) in profiles {
            let DeValue::Table(profile) = profile.get_ref() else {
                return Err(wrong(name.span().start, Some(name.get_ref()), "is no profile", "write [profile.NAME]"));
            };
            for (key, value) in profile {
                if let Err((why, hint)) = check(key.get_ref(), value) {
                    return Err(wrong(key.span().start, Some(key.get_ref()), &why, &hint));
                }
            }
        }
    }
    let file: ConfigFile = toml::from_str(text).map_err(|_| wrong(0, None, "is not understood", PLACE))?;
    Ok(file.profile)
}

fn check(key: &str, value: &Spanned<DeValue<'_>>) -> Result<(), (String, String)> {
    let Some((_, takes)) = KEYS.iter().find(|(known, _)| *known == key) else {
        let near = nearest(key, KEYS.iter().map(|(known, _)| *known));
        let hint = match near {
            _ if SECRETS.contains(&key) => PLACE.to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None => "the README lists the keys of a profile".into(),
        };
        return Err(("is no key of a profile".into(), hint));
    };
    let value = value.get_ref();
    let whole = |least: u32, most: u32| {
        let number = value.as_integer().and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        number.is_some_and(|number| (least..=most).contains(&number))
    };
    let seconds = |least_excluded: bool| {
        let integer = value.as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        let float = value.as_float().and_then(|number| number.as_str().parse::<f64>().ok());
        let seconds = integer.map(|number| number as f64).or(float);
        seconds.is_some_and(|seconds| (0.0..=1e9).contains(&seconds) && !(least_excluded && seconds == 0.0))
    };
    let (right, must) = match *takes {
        Takes::Text => (value.is_str(), "must be a text in quotes".to_owned()),
        Takes::Flag => (value.is_bool(), "must be true or false".into()),
        Takes::Whole(least, most) => (whole(least, most), format!("must be a whole number from {least} to {most}")),
        Takes::Wait => (seconds(false), "must be a number of seconds from 0 to 1000000000".into()),
        Takes::Time => (seconds(true), "must be a number of seconds, more than 0 and up to 1000000000".into()),
        Takes::Rate => (
            value.as_str().is_some_and(|text| values::rate(text).is_ok()),
            "must be calls per seconds, as in \"300/60\"".into(),
        ),
        Takes::Jitter => (
            value.as_str().is_some_and(|text| serde_json::from_value::<Jitter>(text.into()).is_ok()),
            "must be one of \"none\", \"proportional\", \"equal\", \"full\", \"decorrelated\"".into(),
        ),
    };
    if right { Ok(()) } else { Err((must, "correct it, or leave it out".into())) }
}

/// The key of the line that holds this place, where it is one that is known: anything else may be the secret itself.
fn key_at(text: &str, at: usize) -> Option<&str> {
    let start = text.as_bytes().iter().take(at).rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (key, _) = text.get(start..)?.lines().next()?.split_once('=')?;
    let key = key.trim();
    (SECRETS.contains(&key) || KEYS.iter().any(|(known, _)| *known == key)).then_some(key)
}

/// A name that may be told: one that looks like a key, not like a secret.
fn tellable(name: &str) -> Option<String> {
    let plain = name.len() <= 40 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-');
    plain.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        profiles(text).map_or_else(|wrong| format!("{wrong}; {}", wrong.hint), |_| "right".into())
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_key_and_never_by_what_stands_there() {
        let table = [
            ("client_secret = \"S3CRET\"", "line 3, `client_secret`: is no key of a profile"),
            ("client_secret_file = \"S3CRET", "line 3, `client_secret_file`: is not TOML"),
            ("client_secret = S3CRET", "line 3, `client_secret`: is not TOML"),
            ("S3CRET", "line 3: is not TOML"),
            ("S3CRET=", "line 3: is not TOML"),
            ("S3CRET= 1", "line 3: is no key of a profile"),
            ("client_id = [\"S3CRET\"]", "line 3, `client_id`: must be a text in quotes"),
            ("timeout = \"S3CRET\"", "line 3, `timeout`: must be a number of seconds"),
            ("jitter = \"S3CRET\"", "line 3, `jitter`: must be one of"),
            ("rate = \"S3CRET\"", "line 3, `rate`: must be calls per seconds"),
            ("share = \"\"\"S3CRET\nS3CRET\"\"\"", "line 3, `share`: must be a whole number from 1 to 100"),
            ("client_id = \"a\"\nclient_id = \"S3CRET\"", "line 4, `client_id`: is not TOML"),
            ("client_id = \"\"\"\nS3CRET", "is not TOML"),
            ("client_id = 'S3CRET", "line 3, `client_id`: is not TOML"),
            ("client_id: S3CRET", "line 3: is not TOML"),
            ("[profile.p.S3CRET]", "is no key of a profile"),
            ("[S3CRET]", "line 3: is no section"),
            ("[profil.x]\na = \"S3CRET\"", "line 3, `profil`: is no section"),
            ("\u{0}S3CRET", "line 3: is not TOML"),
        ];
        for (line, expected) in table {
            let told = told(&format!("# a\n[profile.p]\n{line}\n"));
            assert!(told.contains(expected) && !told.contains("S3CRET"), "{line:?}: {told}");
        }
        assert!(told("[profile.p]\nclient_secret = \"x\"").contains("name their place"));
        assert!(told("[profile.p]\nregoin = \"x\"").contains("did you mean `region`?"));
        assert!(told("profile = 3").contains("line 1, `profile`: is no section"));
    }

    #[test]
    fn values_are_held_to_the_ranges_of_their_flags() {
        let wrong = [
            "timeout = 0",
            "timeout = 0.0",
            "timeout = -1",
            "timeout = nan",
            "timeout = inf",
            "tokens = 0",
            "tokens = 51",
            "max_concurrent = 0",
            "max_concurrent = 1001",
            "share = 0",
            "share = 101",
            "share = 99999999999999999999",
            "max_retries = 101",
            "max_wait = -0.5",
            "base_delay = 1e10",
            "rate = \"0/60\"",
            "rate = 5",
            "spread = \"yes\"",
        ];
        for line in wrong {
            let told = told(&format!("[profile.p]\n{line}"));
            let key = line.split(' ').next().unwrap();
            assert!(told.contains(&format!("line 2, `{key}`: must be")), "{line}: {told}");
        }
        let right = "[profile.p]\ntimeout = 0.5\ntokens = 50\nmax_concurrent = 1\nshare = 100\nmax_retries = 0\n\
                     max_wait = 0\nbase_delay = 0\nmax_delay = 1_000\nrate = \"300/60\"\nspread = true\njitter = \"full\"";
        assert_eq!(told(right), "right");
    }

    #[test]
    fn every_key_that_is_known_is_one_of_a_profile() {
        for (key, takes) in KEYS {
            let value = match takes {
                Takes::Text => "\"x\"",
                Takes::Flag => "false",
                Takes::Whole(..) | Takes::Wait | Takes::Time => "5",
                Takes::Rate => "\"5/1\"",
                Takes::Jitter => "\"none\"",
            };
            assert_eq!(told(&format!("[profile.p]\n{key} = {value}")), "right", "{key}");
        }
        assert_eq!(told("\u{feff}[profile.p]\nregion = \"x\""), "right");
    }
}
