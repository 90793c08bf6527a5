//! Where secrets are read from: the environment, a file, never a flag.

use crate::args::Common;
use crate::error::Failure;
use crate::settings::{Profile, variable, vendor};
use paceline_core::vendor::Credentials;
use secrecy::SecretString;
use std::path::{Path, PathBuf};

/// Who asks for tokens. Never from a flag: those are in the process list.
pub(crate) fn read(common: &Common, profile: &Profile) -> Result<Credentials, Failure> {
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
    /// What its keys begin with.
    of: &'static str,
    env: Option<&'a String>,
    file: Option<&'a PathBuf>,
    keyring: Option<&'a String>,
}

impl Profile {
    fn client_secret(&self) -> SecretPlace<'_> {
        SecretPlace {
            of: "client_secret",
            env: self.client_secret_env.as_ref(),
            file: self.client_secret_file.as_ref(),
            keyring: self.client_secret_keyring.as_ref(),
        }
    }

    fn access_key_secret(&self) -> SecretPlace<'_> {
        SecretPlace {
            of: "access_key_secret",
            env: self.access_key_secret_env.as_ref(),
            file: self.access_key_secret_file.as_ref(),
            keyring: self.access_key_secret_keyring.as_ref(),
        }
    }
}

impl SecretPlace<'_> {
    /// What is not there is not repeated: people write the secret itself where its place belongs.
    fn read(&self) -> Result<Option<String>, Failure> {
        let of = self.of;
        if let Some(name) = self.env {
            let is_plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let name_it = name.contains('_') && name.chars().all(is_plain);
            let which = if name_it { format!(" `{name}`") } else { String::new() };
            return variable(name).map(Some).ok_or_else(|| {
                let message = format!("the variable{which} that the profile's `{of}_env` names is not set");
                Failure::wrong(message, "set it; the key takes the variable's name, not the secret")
            });
        }
        if let Some(path) = self.file {
            std::fs::metadata(path).map_err(|error| {
                let error = error.kind();
                let message = format!("the file that the profile's `{of}_file` names cannot be read: {error}");
                Failure::wrong(message, "check its path and rights; the key takes the file's path, not the secret")
            })?;
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
    // Windows' editor puts a byte order mark before it.
    let secret = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() {
        return Err(Failure::wrong(format!("the secret's file `{shown}` is empty"), "write the secret into it"));
    }
    Ok(secret.to_owned())
}
