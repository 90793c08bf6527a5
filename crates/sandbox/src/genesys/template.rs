//! Which call a request is.

/// The path template that a limit or a book entry counts by.
pub(crate) fn template(method: &str, path: &str) -> String {
    const TEMPLATES: &[&str] = &[
        "/api/v2/users/search",
        "/api/v2/users/bulk",
        "/api/v2/users/{userId}",
        "/api/v2/users/{userId}/state",
        "/api/v2/users/{userId}/roles",
        "/api/v2/users/{userId}/profileskills",
        "/api/v2/users/{userId}/queues",
        "/api/v2/users/customattributes/schemas",
        "/api/v2/users/customattributes/schemas/{schemaId}",
        "/api/v2/users/{userId}/customattributes/bulk",
        "/api/v2/users/{userId}/routingskills",
        "/api/v2/users/{userId}/routingskills/bulk",
        "/api/v2/users/{userId}/routingskills/{skillId}",
        "/api/v2/users/{userId}/routinglanguages",
        "/api/v2/users/{userId}/routinglanguages/bulk",
        "/api/v2/users/{userId}/routinglanguages/{languageId}",
        "/api/v2/organizations/limits/namespaces/{namespaceName}",
        "/api/v2/authorization/divisions/home",
        "/api/v2/authorization/divisions/{divisionId}",
        "/api/v2/authorization/divisions/{divisionId}/objects/{objectType}",
        "/api/v2/authorization/roles/{roleId}",
        "/api/v2/authorization/roles/{roleId}/subjectgrants",
        "/api/v2/authorization/roles/{roleId}/users/add",
        "/api/v2/authorization/roles/{roleId}/users/remove",
        "/api/v2/authorization/subjects/{subjectId}",
        "/api/v2/authorization/subjects/{subjectId}/bulkadd",
        "/api/v2/authorization/subjects/{subjectId}/bulkremove",
        "/api/v2/authorization/subjects/{subjectId}/bulkreplace",
        "/api/v2/authorization/subjects/{subjectId}/divisions/{divisionId}/roles/{roleId}",
        "/api/v2/groups/{groupId}",
        "/api/v2/groups/{groupId}/members",
        "/api/v2/locations/{locationId}",
        "/api/v2/routing/skills/{skillId}",
        "/api/v2/routing/languages/{languageId}",
        "/api/v2/routing/queues/{queueId}",
        "/api/v2/routing/queues/{queueId}/members",
        "/api/v2/routing/queues/{queueId}/members/{memberId}",
        "/api/v2/teams/{teamId}",
        "/api/v2/teams/{teamId}/members",
    ];
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(known, found)| known == found || known.starts_with('{'))
    };
    let known = TEMPLATES.iter().find(|template| fits(template));
    format!("{method} {}", known.unwrap_or(&path))
}
