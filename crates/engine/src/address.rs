//! May a secret be sent to this URL?
//!
//! Over TLS anywhere; in clear text to this machine only. The decision is about the parsed URL, so that no spelling of it
//! (`HTTP://`, `127.1`, `LOCALHOST`) is treated otherwise than another.

use url::{Host, Url};

/// Why nothing is sent to a URL. None repeats the URL: it may hold what somebody typed as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Insecure {
    /// It cannot be parsed, or names no host.
    #[error("is no URL")]
    NoUrl,
    /// It holds a user name or a password.
    #[error("holds a user name or password")]
    HoldsCredentials,
    /// It is plain http to another machine.
    #[error("is plain http, which everybody on the way can read")]
    PlainHttp,
    /// It is neither http nor https.
    #[error("is no https URL")]
    NoHttps,
}

/// The URL, where a secret may be sent to it.
///
/// # Errors
/// Where it may not, or where it is no URL at all.
pub fn secure(text: &str) -> Result<Url, Insecure> {
    let url = Url::parse(text).map_err(|_| Insecure::NoUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Insecure::HoldsCredentials);
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_this_machine(&url) => Ok(url),
        "http" => Err(Insecure::PlainHttp),
        _ => Err(Insecure::NoHttps),
    }
}

/// Whether the URL's host is this machine: no proxy lies on the way there. `0.0.0.0` is every interface and none of them.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only_however_it_is_spelt() {
        let here = [
            "http://127.0.0.1:1/x",
            "HTTP://127.0.0.1:1",
            "http://127.0.0.2",
            "http://127.1",
            "http://2130706433",
            "http://0x7f000001",
            "http://LOCALHOST:8080",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]",
            "https://api.mypurecloud.de",
            "HTTPS://0.0.0.0:1",
        ];
        for url in here {
            assert!(secure(url).is_ok(), "{url}");
        }
        let elsewhere = [
            "http://0.0.0.0:1",
            "http://0",
            "http://[::]",
            "http://api.mypurecloud.de",
            "hTTp://10.0.0.1",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://[::ffff:10.0.0.1]",
        ];
        for url in elsewhere {
            assert_eq!(secure(url), Err(Insecure::PlainHttp), "{url}");
        }
    }

    #[test]
    fn what_is_no_https_url_is_refused_without_being_repeated() {
        for (url, why) in [
            ("api.mypurecloud.de", Insecure::NoUrl),
            ("https://", Insecure::NoUrl),
            ("https://me:hunter2@host:99999", Insecure::NoUrl),
            ("https://me:hunter2@host", Insecure::HoldsCredentials),
            ("http://hunter2@127.0.0.1", Insecure::HoldsCredentials),
            ("ftp://127.0.0.1", Insecure::NoHttps),
            ("file:///etc/passwd", Insecure::NoHttps),
            ("localhost:8080", Insecure::NoHttps),
        ] {
            assert_eq!(secure(url), Err(why), "{url}");
            assert!(!why.to_string().contains("hunter2"));
        }
    }
}
