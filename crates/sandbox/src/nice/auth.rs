//! Sign-in: discovery, grants and the token that says its tenant.

use crate::http::{Reply, Request};
use crate::odd::{Odd, Odds};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The discovery documents; `base` is where they were asked for.
pub(crate) fn discovery(path: &str, base: &str, tenant: &str) -> Option<Reply> {
    match path {
        "/.well-known/openid-configuration" => {
            Some(Reply::json(200, &json!({"issuer": base, "token_endpoint": format!("{base}/auth/token")})))
        }
        "/.well-known/cxone-configuration" => Some(Reply::json(
            200,
            &json!({"area": "na1", "api_endpoint": base, "uhDomain": "nice-incontact.invalid", "tenantId": tenant}),
        )),
        _ => None,
    }
}

/// Whether a token request is right, by path and form: an access key with its client (HTTP Basic or form fields), a key alone
/// (the older endpoint's JSON), a refresh, or client credentials as gateways have them.
pub(crate) fn granted(
    request: &Request,
    key: (&str, &str),
    client: (&str, &str),
    refreshes: impl Fn(&str) -> bool,
) -> bool {
    if request.path() == "/authentication/v1/token/access-key" {
        let body = request.json().unwrap_or_default();
        return body["accessKeyId"] == key.0 && body["accessKeySecret"] == key.1;
    }
    let form = request.form();
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = request.basic();
    let (id, secret) = match &basic {
        Some((id, secret)) => (id.as_str(), secret.as_str()),
        None => (given("client_id"), given("client_secret")),
    };
    (id, secret) == client
        && match given("grant_type") {
            "password" => (given("username"), given("password")) == key,
            "refresh_token" => refreshes(given("refresh_token")),
            "client_credentials" => true,
            _ => false,
        }
}

/// A token that says its tenant and area, as CXone's do.
pub(crate) fn id_token(tenant: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.sandbox", part(&json!({"alg": "none"})), part(&json!({"tenantId": tenant, "area": "na1"})))
}

/// The id of the tenant.
pub(crate) fn tenant_id(odds: &Odds) -> String {
    odds.value(Odd::Tenant, "").unwrap_or_else(|| "tenant-1".into())
}
