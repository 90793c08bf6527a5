//! NICE CXone's grants and the discovery of its hosts (facts/nice.md, "Hosts").

use super::Nice;
use crate::http::{self, encode, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use paceline_core::vendor::{
    Answer, Answers as _, Clues, Credentials, Grant, Hosts, Lookup, Refusal, SignIn, TokenVerdict,
};
use secrecy::SecretString;
use serde_json::Value;

/// The commercial issuer; others are said with `--issuer`.
const ISSUER: &str = "https://cxone.niceincontact.com";

/// Areas that were seen; a tenant's own comes with its token.
const AREAS: &[&str] = &["na1", "na2", "au1", "eu1", "uk1", "jp1"];

/// Where an answer does not say how long its token lives. "Tokens last about an hour": facts/nice.md.
const LIFE_S: u64 = 3600;

impl SignIn for Nice {
    /// Issuer → its openid-configuration → a token → its tenant and area → the cxone-configuration → hosts.
    fn lookup(&self, clues: &Clues, documents: &[Value]) -> Result<Lookup, Refusal> {
        let issuer = clues.issuer.as_deref().unwrap_or(ISSUER).trim_end_matches('/');
        let (token_url, rest) = match (&clues.auth_url, clues.key_alone, documents) {
            (Some(url), ..) => (url.clone(), documents),
            (None, true, _) => match &clues.region {
                Some(area) if is_area(area) => {
                    (format!("https://{area}.nice-incontact.com/authentication/v1/token/access-key"), documents)
                }
                _ => return Ok(Lookup::Unknown(AREAS.to_vec())),
            },
            (None, false, []) => return Ok(Lookup::Document(format!("{issuer}/.well-known/openid-configuration"))),
            (None, false, [openid, rest @ ..]) => (url_in("openid-configuration", openid, "token_endpoint")?, rest),
        };
        match rest {
            [] => Ok(Lookup::Token(token_url)),
            [token] => {
                let tenant = claim(token, "tenantId").ok_or_else(|| missing("token", "tenantId"))?;
                Ok(Lookup::Document(format!("{issuer}/.well-known/cxone-configuration?tenantId={}", encode(&tenant))))
            }
            [token, configuration, ..] => {
                let name = "cxone-configuration";
                let area = text(configuration, &["area"]).or_else(|| claim(token, "area"));
                let area = area.ok_or_else(|| missing(name, "area"))?;
                let domain = text(configuration, &["uhDomain"]).ok_or_else(|| missing(name, "uhDomain"))?;
                if !is_area(&area) {
                    return Err(not_a(name, "area", "area"));
                }
                if !is_domain(&domain) {
                    return Err(not_a(name, "uhDomain", "host name"));
                }
                let second_url = Some(format!("https://{area}.{domain}"));
                let base_url = url_in(name, configuration, "api_endpoint")?;
                Ok(Lookup::Found(Hosts { base_url, second_url, auth_url: token_url }))
            }
        }
    }

    /// An access key with its client: the password grant, by HTTP Basic as documented, then by form fields. A key alone: the
    /// older endpoint's JSON, then the same form without a client. A client alone, as gateways have it: client credentials.
    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant> {
        let Credentials { client_id, client_secret, access_key } = credentials;
        let is = |text: &str| SecretString::from(text);
        let client = || vec![("client_id", is(client_id)), ("client_secret", client_secret.clone())];
        let basic = || Some((client_id.clone(), client_secret.clone()));
        let key = access_key.as_ref().map(|(id, secret)| {
            vec![("grant_type", is("password")), ("username", is(id)), ("password", secret.clone())]
        });
        let forms = |basic, fields| Some(Grant { basic, fields, json: false });
        match (key, access_key, client_id.is_empty(), form) {
            (Some(key), _, false, 0) => forms(basic(), key),
            (Some(key), _, false, 1) => forms(None, key.into_iter().chain(client()).collect()),
            (_, Some((id, secret)), true, 0) => {
                let fields = vec![("accessKeyId", is(id)), ("accessKeySecret", secret.clone())];
                Some(Grant { basic: None, fields, json: true })
            }
            (Some(key), _, true, 1) => forms(None, key),
            (None, _, _, 0) => forms(basic(), vec![("grant_type", is("client_credentials"))]),
            (None, _, _, 1) => {
                forms(None, std::iter::once(("grant_type", is("client_credentials"))).chain(client()).collect())
            }
            _ => None,
        }
    }

    /// The next token by the last one's refresh token: for an access key with its client.
    fn refresh(&self, credentials: &Credentials, token: &SecretString) -> Option<Grant> {
        let Credentials { client_id, client_secret, access_key } = credentials;
        if access_key.is_none() || client_id.is_empty() {
            return None;
        }
        let fields = vec![
            ("grant_type", SecretString::from("refresh_token")),
            ("refresh_token", token.clone()),
            ("client_id", SecretString::from(client_id.as_str())),
        ];
        Some(Grant { basic: Some((client_id.clone(), client_secret.clone())), fields, json: false })
    }

    fn token(&self, answer: &Answer) -> TokenVerdict {
        match http::token(answer, self.refusal(answer)) {
            TokenVerdict::Granted { token, expires_in, refresh } => {
                TokenVerdict::Granted { token, expires_in: expires_in.or(Some(LIFE_S)), refresh }
            }
            TokenVerdict::NotOAuth(refusal) => older(answer).unwrap_or(TokenVerdict::NotOAuth(refusal)),
            other => other,
        }
    }
}

/// The older endpoint's names for the same.
fn older(answer: &Answer) -> Option<TokenVerdict> {
    let body = answer.json().filter(|_| (200..300).contains(&answer.status))?;
    let token = SecretString::from(text(body, &["token"])?);
    let life = http::number(&body["tokenExpirationTimeSec"]).and_then(|life| u64::try_from(life).ok());
    Some(TokenVerdict::Granted { token, expires_in: life.or(Some(LIFE_S)), refresh: None })
}

fn is_area(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_domain(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    host.split('.').all(is_label) && port.parse::<u16>().is_ok()
}

/// The absolute URL that a document names. Whether it is one to send secrets to is the transport's to say.
fn url_in(document: &str, body: &Value, key: &str) -> Result<String, Refusal> {
    let url = text(body, &[key]).ok_or_else(|| missing(document, key))?;
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_http = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let is_host = !host.is_empty() && !host.contains(['@', '\\']) && url.chars().all(|c| c.is_ascii_graphic());
    if is_http && is_host { Ok(url) } else { Err(not_a(document, key, "absolute URL")) }
}

/// What a document says is not repeated: it may hold a password.
fn not_a(document: &str, key: &str, what: &str) -> Refusal {
    Refusal::own("not.understood", format!("what the {document} says for `{key}` is no {what}"))
}

fn missing(document: &str, key: &str) -> Refusal {
    Refusal::own("not.understood", format!("the {document} does not say `{key}`"))
}

/// What a token says of itself (a JWT's payload, RFC 7519): the id token, else the access token. It is not verified: it
/// came from the issuer over TLS, and it only says where to ask next.
fn claim(token: &Value, name: &str) -> Option<String> {
    let payload = |key: &str| {
        let token = token[key].as_str()?;
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
        let claims: Value = serde_json::from_slice(&bytes).ok()?;
        text(&claims, &[name])
    };
    payload("id_token").or_else(|| payload("access_token"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    fn lookup(clues: &Clues, documents: &[Value]) -> Result<Lookup, Refusal> {
        Nice::new(None).lookup(clues, documents)
    }

    fn jwt(claims: &Value) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn the_hosts_are_discovered_step_by_step() {
        let clues = Clues::default();
        let mut documents = vec![];
        let first = lookup(&clues, &documents);
        assert_eq!(first, Ok(Lookup::Document(format!("{ISSUER}/.well-known/openid-configuration"))));
        documents.push(json!({"token_endpoint": "https://cxone.niceincontact.com/auth/token"}));
        assert_eq!(lookup(&clues, &documents), Ok(Lookup::Token("https://cxone.niceincontact.com/auth/token".into())));
        documents.push(json!({"access_token": "opaque", "id_token": jwt(&json!({"tenantId": "t 1", "area": "na1"}))}));
        let third = lookup(&clues, &documents);
        assert_eq!(third, Ok(Lookup::Document(format!("{ISSUER}/.well-known/cxone-configuration?tenantId=t%201"))));
        documents.push(json!({"api_endpoint": "https://api-na1.niceincontact.com", "uhDomain": "nice-incontact.com"}));
        let hosts = Hosts {
            base_url: "https://api-na1.niceincontact.com".into(),
            second_url: Some("https://na1.nice-incontact.com".into()),
            auth_url: "https://cxone.niceincontact.com/auth/token".into(),
        };
        assert_eq!(lookup(&clues, &documents), Ok(Lookup::Found(hosts)));
        documents[2] = json!({"area": "na1"});
        assert!(lookup(&clues, &documents).is_err());
        documents[1] = json!({"access_token": "opaque"});
        assert!(lookup(&clues, &documents[..2]).is_err());
    }

    #[test]
    fn a_document_that_names_no_absolute_url_is_told_with_its_key() {
        let clues = Clues::default();
        let message = |documents: &[Value]| lookup(&clues, documents).unwrap_err().message.unwrap();
        let token = json!({"access_token": jwt(&json!({"tenantId": "t", "area": "na1"}))});
        for wrong in [
            "/auth/token",
            "cxone.example",
            "ftp://x.org/",
            "https://",
            "https://user:pw@x.org/",
            "https://x .org",
            "javascript:1",
            "https:///auth",
            "https://x.org\\@y.org",
        ] {
            let openid = json!({"token_endpoint": wrong});
            let told = message(&[openid]);
            assert!(told.contains("openid-configuration") && told.contains("`token_endpoint`"), "{told}");
            assert!(!told.contains("pw"), "{told}");
            let configuration = json!({"api_endpoint": wrong, "uhDomain": "x.org", "area": "na1"});
            let told = message(&[json!({"token_endpoint": "https://x.org/t"}), token.clone(), configuration]);
            assert!(told.contains("cxone-configuration") && told.contains("`api_endpoint`"), "{told}");
        }
        for (area, domain, key) in [
            ("na1", "x.org/evil", "uhDomain"),
            ("na1", "u@x.org", "uhDomain"),
            ("a/b", "x.org", "area"),
            ("na1", "", "uhDomain"),
        ] {
            let configuration = json!({"api_endpoint": "https://x.org", "uhDomain": domain, "area": area});
            let told = message(&[json!({"token_endpoint": "https://x.org/t"}), token.clone(), configuration]);
            assert!(told.contains(&format!("`{key}`")), "{told}");
        }
        for right in ["https://x.org", "HTTPS://x.org/a?b=c", "http://127.0.0.1:8080/auth/token", "https://[::1]:8443"]
        {
            assert_eq!(lookup(&clues, &[json!({"token_endpoint": right})]), Ok(Lookup::Token(right.into())));
        }
    }

    #[test]
    fn a_key_alone_needs_its_area() {
        let clues = Clues { key_alone: true, ..Clues::default() };
        assert_eq!(lookup(&clues, &[]), Ok(Lookup::Unknown(AREAS.to_vec())));
        let clues = Clues { region: Some("eu1".into()), ..clues };
        let url = "https://eu1.nice-incontact.com/authentication/v1/token/access-key";
        assert_eq!(lookup(&clues, &[]), Ok(Lookup::Token(url.into())));
    }

    #[test]
    fn each_kind_of_credentials_has_its_grants() {
        let nice = Nice::new(None);
        let secret = |text: &str| SecretString::from(text);
        let fields = |credentials: &Credentials| -> Vec<(bool, bool, Vec<String>)> {
            let shown = |grant: Grant| {
                let fields = grant.fields.iter().map(|(key, value)| format!("{key}={}", value.expose_secret()));
                (grant.basic.is_some(), grant.json, fields.collect())
            };
            (0..).map_while(|form| nice.grant(credentials, form)).map(shown).collect()
        };
        let client = Credentials::client("c", secret("s"));
        let key = Some(("k====".to_owned(), secret("p")));
        let both = Credentials { access_key: key.clone(), ..client.clone() };
        let alone = Credentials { access_key: key, ..Credentials::client("", secret("")) };
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let password = ["grant_type=password", "username=k====", "password=p"];
        assert_eq!(
            fields(&both),
            [
                (true, false, list(&password)),
                (false, false, list(&[&password[..], &["client_id=c", "client_secret=s"]].concat()))
            ]
        );
        assert_eq!(
            fields(&alone),
            [(false, true, list(&["accessKeyId=k====", "accessKeySecret=p"])), (false, false, list(&password))]
        );
        assert_eq!(
            fields(&client),
            [
                (true, false, list(&["grant_type=client_credentials"])),
                (false, false, list(&["grant_type=client_credentials", "client_id=c", "client_secret=s"]))
            ]
        );
        assert!(nice.refresh(&both, &secret("r")).is_some() && nice.refresh(&alone, &secret("r")).is_none());
    }
}
