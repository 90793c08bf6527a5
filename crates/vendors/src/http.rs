//! What both vendors' HTTP has in common, whatever their words: RFC 3986, RFC 6749, and JSON as gateways write it.

use paceline_core::vendor::{Answer, Refusal, TokenVerdict};
use secrecy::SecretString;
use serde_json::Value;

/// Percent-encodes all that is not unreserved (RFC 3986, section 2.3). What a URL would take for "here" or "one up" (`.`,
/// `..`, nothing at all), encoded or not, gets a space behind it: so a call never reaches another path than its own.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    if matches!(text, "" | "." | "..") {
        out += "%20";
    }
    out
}

/// Numbers come as numbers and, in places, as strings.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|n| n as i64)).or_else(|| value.as_str()?.trim().parse().ok())
}

/// The first of these keys that holds a text.
pub(crate) fn text(body: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| body[*key].as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

/// As much of a text as is told of it: a body may hold megabytes.
pub(crate) fn short(text: String) -> String {
    match text.char_indices().nth(500) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What a body says that is no JSON of the API's, in a line.
pub(crate) fn plain(answer: &Answer) -> Option<String> {
    let plain = String::from_utf8_lossy(answer.body());
    match plain.trim() {
        "" => None,
        plain if plain.starts_with('<') => Some("the answer is an HTML page, not the API's JSON".into()),
        plain => Some(plain.chars().take(200).collect()),
    }
}

/// What a token endpoint's answer means (RFC 6749, section 5), but for what a vendor says of too many requests.
pub(crate) fn token(answer: &Answer, refusal: Refusal) -> TokenVerdict {
    let body = answer.json_or_null();
    match answer.status {
        200..=299 => match text(body, &["access_token"]) {
            Some(token) => TokenVerdict::Granted {
                token: SecretString::from(token),
                expires_in: seconds(&body["expires_in"]),
                refresh: text(body, &["refresh_token"]).map(SecretString::from),
            },
            None if body["error"].is_string() => TokenVerdict::Refused(refusal),
            None => TokenVerdict::NotOAuth(refusal),
        },
        429 => TokenVerdict::Throttled(refusal),
        408 | 500..=599 => TokenVerdict::Transient(refusal),
        400 | 401 | 403 => TokenVerdict::Refused(refusal),
        _ => TokenVerdict::NotOAuth(refusal),
    }
}

/// `expires_in` is an integer by RFC 6749; gateways write it as a string or with a fraction.
fn seconds(value: &Value) -> Option<u64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_told_in_short() {
        assert_eq!(short("a".into()), "a");
        assert_eq!(short("ü".repeat(501)), format!("{}…", "ü".repeat(500)));
    }

    #[test]
    fn no_id_leads_to_another_path_than_its_own() {
        let table =
            [("u-1", "u-1"), ("a b/c", "a%20b%2Fc"), (".", ".%20"), ("..", "..%20"), ("", "%20"), ("...", "...")];
        for (id, encoded) in table {
            assert_eq!(encode(id), encoded, "{id}");
        }
    }
}
