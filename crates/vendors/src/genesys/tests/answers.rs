//! What every published code means.

use super::answer;
use crate::genesys::{Genesys, reads};
use Meaning::{Conflict, Fixed, Forbidden, Rejected, Renewed, Throttled, Transient};
use paceline_core::pace::Scope;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::UserId;
use paceline_core::vendor::{Answer, Answers, Directory, Method, Request, Verdict, Writes};
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Meaning {
    Rejected,
    Transient,
    Conflict,
    Forbidden,
    Renewed,
    Fixed,
    Throttled,
}

/// Every code of `x-inin-error-codes` in the published description, as the answer to a PATCH of a user.
const PUBLISHED: &[(u16, Meaning, &[&str])] = &[
    (400, Conflict, &["general.conflict", "response.entity.too.large"]),
    (
        400,
        Rejected,
        &[
            "bad.request",
            "bad.role.divisions",
            "both.after.and.before.provided",
            "constraint.validation",
            "empty.bulk.division.update",
            "endpoint.does.not.support.on.queue",
            "general.bad.request",
            "general.resource.not.found",
            "interrupt.same.media.type",
            "invalid.date",
            "invalid.id",
            "invalid.media.capacity",
            "invalid.new.password",
            "invalid.organization.type",
            "invalid.page.number",
            "invalid.password",
            "invalid.property",
            "invalid.query.param.value",
            "invalid.subject.type",
            "invalid.type",
            "invalid.value",
            "max user ids",
            "max.directory.users",
            "max.response.size.reached",
            "max.role.assignments.exceeded",
            "max.role.ids",
            "max.subject.ids",
            "max.user.ids",
            "max.user.presences",
            "not.a.user",
            "password.compromised",
            "password.empty",
            "password.not.enough.digits",
            "password.not.enough.letters",
            "password.not.enough.lowercase",
            "password.not.enough.specials",
            "password.not.enough.uppercase",
            "password.reused",
            "password.too.short",
            "password.too.young",
            "query.too.long",
            "queue.size.limit",
            "search.criteria.values.exceed.limit",
            "too.many.bulk.division.updates",
            "too.many.requested.results",
            "too.many.search.criteria",
            "unsupported.media.type",
            "user.custom.attributes.schema.validation.error",
            "wfm.entity.not.found",
        ],
    ),
    (400, Transient, &["client.failed.request"]),
    (401, Fixed, &["ip.not.authorized"]),
    (401, Renewed, &["authentication.required", "bad.credentials"]),
    (
        403,
        Forbidden,
        &[
            "app.not.authorized.for.scope",
            "authz.policy.denied",
            "missing.any.permissions",
            "missing.permissions",
            "not.authorized",
            "presence.not.authorized.update.on.queue",
            "presence.not.authorized.update.other.user.presence",
        ],
    ),
    (
        403,
        Rejected,
        &[
            "bulk.move.no.permission.division",
            "insufficient.permissions",
            "missing.any.division.permissions",
            "missing.division.permission",
            "missing.division.permission.implied",
            "missing.division.permissions",
        ],
    ),
    (
        404,
        Rejected,
        &[
            "client.not.found",
            "edgeconfiguser.userdoesnotexist",
            "general.resource.not.found",
            "not.found",
            "presenceservice.usernotfound",
            "resource.not.found",
            "skillsservice.skillnotfound",
            "user.custom.attributes.schema.not.found",
            "userservice.station.notfound",
            "voicemailservice.user.usernotfound",
            "wfm.business.units.not.found",
            "wfm.management.units.not.found",
        ],
    ),
    (408, Transient, &["client.timeout", "unknown"]),
    (409, Conflict, &["conflict", "general.conflict", "presenceservice.conflict", "request.conflict"]),
    (
        409,
        Rejected,
        &[
            "bulk.move.unable.to.move",
            "callforwarding.callrequiresatleastonetarget",
            "callforwarding.calltargetphonenumberrequiresvalue",
            "callforwarding.calltargetrequirestype",
            "callforwarding.calltargetrequiresvalue",
            "callforwarding.calltargetstationrequiresstation",
            "callforwarding.calltargetunknowntype",
            "callforwarding.duplicatetargetnotallowed",
            "callforwarding.enabledcannotbenull",
            "callforwarding.enablednotallowedwhileonqueue",
            "callforwarding.enablednotallowedwithoutcalls",
            "callforwarding.invalidextension",
            "callforwarding.invalidphonenumberformat",
            "callforwarding.invalidtargettype",
            "callforwarding.maxnumberofcallsexceeded",
            "callforwarding.maxnumberofcalltargetsexceeded",
            "callforwarding.voicemaillastcallcannotuseextension",
            "callforwarding.voicemaillastcallcannotusestation",
            "callforwarding.voicemaillastcallmustbeanexternalphonenumber",
            "callforwarding.voicemaillastcallrequiresatleastonecalltoaphonenumber",
            "callforwarding.voicemailpermissionrequired",
            "callforwarding.voicemailpurecloudrequiresatleastonecall",
            "callforwarding.webrtcstationmustbelongtouser",
            "general.resource.conflict",
            "userservice.station.nothomed",
            "userservice.station.providerlocationmissing",
            "userservice.stationalreadyassociated",
            "userservice.stationalreadyhasdefaultuser",
        ],
    ),
    (413, Rejected, &["request.entity.too.large"]),
    (415, Rejected, &["unsupported.media.type"]),
    (422, Rejected, &["dynamic.schema.expand.failed"]),
    (424, Rejected, &["externalservice.unexpectedresponsecode"]),
    (429, Throttled, &["too.many.requests", "too.many.requests.retry.after"]),
    (
        500,
        Transient,
        &[
            "architect.external.call.failure",
            "bulk.move.permission.check.error",
            "general.internal.server.error",
            "internal.server.error",
            "unable.to.set.password",
        ],
    ),
    (502, Transient, &["502"]),
    (
        503,
        Transient,
        &["external.server.error", "external.service.error", "general.internal.server.error", "service.unavailable"],
    ),
    (504, Transient, &["authentication.request.timeout", "division.authorization.timeout", "request.timeout"]),
];

fn meaning(verdict: &Verdict) -> Option<Meaning> {
    Some(match verdict {
        Verdict::Rejected => Rejected,
        Verdict::Transient => Transient,
        Verdict::Conflict => Conflict,
        Verdict::Forbidden => Forbidden,
        Verdict::Unauthorized { renew: true, .. } => Renewed,
        Verdict::Unauthorized { renew: false, .. } => Fixed,
        Verdict::Throttled(_) => Throttled,
        _ => return None,
    })
}

fn write(kind: &str) -> Request {
    let key = ChangeKey { stage: 0, group: "+g".into(), row: 1 };
    let (user, none) = (UserId("u-1".into()), Map::new());
    Genesys.call(&[Change {
        key,
        kind: kind.into(),
        user,
        before: none.clone(),
        after: none.clone(),
        rest: none,
        columns: vec![],
        version: Some(1),
    }])
}

fn said(request: &Request, status: u16, code: &str) -> Verdict {
    let body = json!({"code": code, "message": "no", "status": status, "contextId": "c"});
    Genesys.verdict(request, &answer(status, &body))
}

#[test]
fn every_published_code_has_its_meaning() {
    for (status, expected, codes) in PUBLISHED {
        for code in *codes {
            let verdict = said(&write("fields"), *status, code);
            assert_eq!(meaning(&verdict), Some(*expected), "{status} {code}: {verdict:?}");
        }
    }
}

#[test]
fn the_table_holds_every_code_of_the_published_description() {
    let Some(description) = super::description("the_table_holds_every_code_of_the_published_description") else {
        return;
    };
    let known: BTreeSet<(u16, &str)> =
        PUBLISHED.iter().flat_map(|(status, _, codes)| codes.iter().map(|code| (*status, *code))).collect();
    let mut published = BTreeMap::new();
    for (path, calls) in description["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            for (status, answer) in call["responses"].as_object().into_iter().flatten() {
                for code in answer["x-inin-error-codes"].as_object().into_iter().flatten().map(|(code, _)| code) {
                    published.insert((status.parse::<u16>().unwrap(), code.as_str()), format!("{method} {path}"));
                }
            }
        }
    }
    published.retain(|(status, _), _| *status >= 300);
    let unknown: Vec<_> = published.iter().filter(|(code, _)| !known.contains(*code)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(known.len(), published.len(), "a code that is not published");
}

#[test]
fn a_status_without_a_known_code_has_its_meaning_too() {
    let table = [
        (302, Rejected),
        (400, Rejected),
        (401, Renewed),
        (403, Forbidden),
        (404, Rejected),
        (408, Transient),
        (409, Conflict),
        (412, Conflict),
        (413, Rejected),
        (429, Throttled),
        (500, Transient),
        (501, Rejected),
        (502, Transient),
        (503, Transient),
        (504, Transient),
    ];
    for (status, expected) in table {
        for body in [json!({}), json!(null), json!([]), json!({"code": "new.code"})] {
            let verdict = Genesys.verdict(&write("fields"), &answer(status, &body));
            assert_eq!(meaning(&verdict), Some(expected), "{status} {body}");
        }
    }
}

#[test]
fn a_code_means_what_its_call_makes_of_it() {
    let search = reads::search(&["a@x.org".into()], None, &[]);
    let users = reads::users(&["u-1".into()], &BTreeSet::new());
    let members = Genesys.list("members of queue q1", None);
    let grants = reads::grants_of("u-1");
    let roles = Genesys.list("grants of role r1", None);
    let nobody = Verdict::Applied { version: None };
    let table = [
        (write("division"), 403, "insufficient.permissions", Verdict::Rejected),
        (write("groups+"), 403, "insufficient.permissions", Verdict::Forbidden),
        (write("groups+"), 400, "general.conflict", Verdict::Conflict),
        (write("skills"), 400, "general.conflict", Verdict::Conflict),
        (write("division"), 409, "bulk.move.unable.to.move", Verdict::Rejected),
        (write("skill-"), 404, "general.resource.not.found", Verdict::Conflict),
        (write("skill-"), 404, "", Verdict::Rejected),
        (write("fields"), 404, "general.resource.not.found", Verdict::Rejected),
        (search.clone(), 404, "resource.not.found", nobody.clone()),
        (search, 404, "", Verdict::Rejected),
        (users.clone(), 404, "general.resource.not.found", nobody.clone()),
        (users.clone(), 404, "not.found", Verdict::Rejected),
        (users.clone(), 400, "response.entity.too.large", Verdict::Rejected),
        (users.clone(), 409, "request.conflict", Verdict::Transient),
        (users, 403, "missing.permissions", Verdict::Forbidden),
        (members.clone(), 404, "resource.not.found", nobody.clone()),
        (members.clone(), 403, "missing.permissions", nobody.clone()),
        (members.clone(), 403, "missing.division.permission", nobody.clone()),
        (members.clone(), 400, "response.entity.too.large", nobody.clone()),
        (members, 404, "", nobody.clone()),
        (roles.clone(), 501, "", nobody.clone()),
        (Genesys.list("home division", None), 403, "missing.permissions", nobody.clone()),
        (Genesys.list("home division", None), 404, "", nobody.clone()),
        (roles, 429, "too.many.requests", Verdict::Throttled(Scope::Unsaid)),
        (grants.clone(), 403, "missing.permissions", nobody),
        (grants.clone(), 401, "bad.credentials", Verdict::Unauthorized { renew: true, may_be_the_rows: false }),
        (grants, 500, "internal.server.error", Verdict::Transient),
    ];
    for (request, status, code, expected) in table {
        assert_eq!(said(&request, status, code), expected, "{} {status} {code}", request.template);
    }
    let stale = json!({"code": "bad.request", "message": "The version supplied does not match the current version of the user"});
    assert_eq!(Genesys.verdict(&write("fields"), &answer(400, &stale)), Verdict::Conflict);
}

#[test]
fn a_throttle_says_whose_it_is() {
    for (body, scope) in [
        (json!({}), Scope::Unsaid),
        (json!({"limit": {"namespace": "platform.api"}}), Scope::Token),
        (json!({"limit": {"namespace": "users"}}), Scope::Service),
    ] {
        assert_eq!(Genesys.verdict(&write("fields"), &answer(429, &body)), Verdict::Throttled(scope));
    }
}

#[test]
fn a_success_that_is_not_the_apis_is_none() {
    for request in [write("fields"), write("division"), Genesys.whoami()] {
        assert_eq!(request.method == Method::Get, request.body.is_none());
        for body in ["<html>blocked</html>", "OK", "\"OK\"", "7", "{\"id\":", "true"] {
            let page = Answer::new(200, vec![], body.as_bytes().to_vec());
            assert_eq!(Genesys.verdict(&request, &page), Verdict::NotTheApi, "{body}");
        }
        for body in ["", " \r\n", "{}", "[]", "null", "\u{feff}{}"] {
            let empty = Answer::new(204, vec![], body.as_bytes().to_vec());
            assert_eq!(Genesys.verdict(&request, &empty), Verdict::Applied { version: None }, "{body}");
        }
    }
    for version in [json!(152), json!("152"), json!(152.0)] {
        let answer = answer(200, &json!({"version": version}));
        assert_eq!(Genesys.verdict(&write("fields"), &answer), Verdict::Applied { version: Some(152) });
    }
}

#[test]
fn a_refusal_is_read_from_whatever_the_gateway_says() {
    let full = json!({"message": "no", "code": "not.found", "status": 404, "contextId": "c-1"});
    let refused = Genesys.refusal(&answer(404, &full));
    assert_eq!((refused.code.as_deref(), refused.correlation_id.as_deref()), (Some("not.found"), Some("c-1")));
    let html = Answer::new(502, vec![], b"<html>".to_vec());
    assert_eq!(Genesys.refusal(&html).message.as_deref(), Some("the answer is an HTML page, not the API's JSON"));
    let page = Answer::new(200, vec![], b"<html>".to_vec());
    assert_eq!(Genesys.refusal(&page).code.as_deref(), Some("not.the.api"));
    let long = Genesys.refusal(&answer(400, &json!({"message": "x".repeat(1_000_000)})));
    assert!(long.message.unwrap().len() < 600);
    let oauth = json!({"error": "invalid_client", "error_description": "wrong"});
    assert_eq!(Genesys.refusal(&answer(401, &oauth)).line(), "401 invalid_client wrong");
}
