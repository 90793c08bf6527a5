"""The vendor's own Python SDK (PureCloudPlatformClientV2) against the sandbox at argv[1].

What it does without a word of ours is what the sandbox has to bear. Each test stands alone: it takes users of its own.
"""

import sys
import unittest

import PureCloudPlatformClientV2 as sdk
from PureCloudPlatformClientV2.rest import ApiException

HOST, CLIENT_ID, CLIENT_SECRET = sys.argv[1:4]


def sign_in(secret=CLIENT_SECRET):
    # The login host is derived from this one: "api." becomes "login.", and a host without it stays.
    sdk.configuration.host = HOST
    return sdk.api_client.ApiClient().get_client_credentials_token(CLIENT_ID, secret)


class OfficialSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        client = sign_in()
        cls.users = sdk.UsersApi(client)
        cls.routing = sdk.RoutingApi(client)
        cls.groups = sdk.GroupsApi(client)
        cls.teams = sdk.TeamsApi(client)
        cls.authorization = sdk.AuthorizationApi(client)
        cls.ids = [user.id for user in cls.users.get_users(page_size=100).entities]

    def refused(self, status, code, call, *args, **kwargs):
        with self.assertRaises(ApiException) as told:
            call(*args, **kwargs)
        self.assertEqual(told.exception.status, status)
        self.assertIn(code, told.exception.body)

    @staticmethod
    def update(version, **fields):
        body = sdk.UpdateUser()
        body.version = version
        for name, value in fields.items():
            setattr(body, name, value)
        return body

    def named(self, listing, name):
        return next(item.id for item in listing.entities if item.name == name)

    def test_sign_in(self):
        self.refused(401, "invalid_client", sign_in, "wrong")
        organization = sdk.OrganizationApi(sign_in()).get_organizations_me()
        self.assertTrue(organization.id and organization.name and organization.version)
        tenant = sdk.TokensApi(sign_in()).get_tokens_me().organization
        self.assertEqual(tenant.id, organization.id)

    def test_list_and_pages(self):
        first = self.users.get_users(page_size=30, page_number=1, state="any")
        second = self.users.get_users(page_size=30, page_number=2, state="any")
        self.assertEqual((len(first.entities), first.total, first.page_count), (30, 60, 2))
        self.assertFalse({user.id for user in first.entities} & {user.id for user in second.entities})
        self.assertTrue(first.next_uri and not second.next_uri)

    def test_ids_joined_by_commas(self):
        # This SDK writes every list so.
        found = self.users.get_users(id=self.ids[:3], page_size=100)
        self.assertEqual([user.id for user in found.entities], self.ids[:3])
        nobody = ["00000000-0000-4000-8000-000000000001"]
        self.refused(404, "general.resource.not.found", self.users.get_users, id=nobody)

    def test_get_with_expand(self):
        expand = ["skills", "languages", "locations", "groups", "authorization", "employerInfo", "team"]
        user = self.users.get_user(self.ids[3], expand=expand)
        self.assertTrue(user.skills[0].name and user.languages[0].proficiency)
        self.assertEqual(user.locations[0].id, None)
        self.assertTrue(user.locations[0].location_definition.id and user.locations[0].notes)
        self.assertEqual(user.authorization.roles[0].name, "employee")
        plain = self.users.get_user(self.ids[3])
        self.assertEqual((plain.skills, plain.version), (None, user.version))

    def test_patch_with_version(self):
        user = self.users.get_user(self.ids[8])
        after = self.users.patch_user(user.id, self.update(user.version, title="Lead"))
        self.assertEqual((after.title, after.version, after.email), ("Lead", user.version + 1, user.email))

    def test_stale_version(self):
        user = self.users.get_user(self.ids[9])
        self.users.patch_user(user.id, self.update(user.version, title="First"))
        self.refused(409, "general.conflict", self.users.patch_user, user.id, self.update(user.version, title="Second"))
        self.assertEqual(self.users.get_user(user.id).title, "First")

    def test_manager_set_and_cleared(self):
        user = self.users.get_user(self.ids[10])
        after = self.users.patch_user(user.id, self.update(user.version, manager=self.ids[11]))
        self.assertEqual(after.manager.id, self.ids[11])
        after = self.users.patch_user(user.id, self.update(after.version, manager=""))
        self.assertEqual(after.manager, None)

    def test_whole_record_sent_back(self):
        # Read-only members of the body are no harm.
        user = self.users.get_user(self.ids[12])
        body = self.update(user.version, department="Care", addresses=user.addresses)
        body._id, body._self_uri = user.id, user.self_uri
        after = self.users.patch_user(user.id, body)
        self.assertEqual((after.id, after.department), (user.id, "Care"))

    def test_bulk_auto_answer(self):
        asked = []
        for user in self.ids[13:16]:
            one = sdk.PatchUser()
            one.id, one.acd_auto_answer = user, True
            asked.append(one)
        told = self.users.patch_users_bulk(asked)
        self.assertEqual([user.acd_auto_answer for user in told.entities], [True, True, True])
        self.assertTrue(self.users.get_user(self.ids[13]).acd_auto_answer)

    def test_skills(self):
        chat = self.named(self.routing.get_routing_skills(name="Ch"), "Chat")
        german = self.named(self.routing.get_routing_skills(page_size=100), "German")

        def post(skill, proficiency):
            body = sdk.UserRoutingSkillPost()
            body.id, body.proficiency = skill, proficiency
            return body

        user = self.ids[16]
        told = self.users.put_user_routingskills_bulk(user, [post(chat, 2.5)])
        self.assertEqual([(skill.name, skill.proficiency) for skill in told.entities], [("Chat", 2.5)])
        told = self.users.patch_user_routingskills_bulk(user, [post(german, 4.0)])
        self.assertEqual([skill.name for skill in told.entities], ["Chat", "German"])
        self.users.delete_user_routingskill(user, chat)
        self.assertEqual([skill.name for skill in self.users.get_user_routingskills(user).entities], ["German"])

    def test_languages(self):
        english = self.named(self.routing.get_routing_languages(), "English")
        body = sdk.UserRoutingLanguagePost()
        body.id, body.proficiency = english, 3.0
        told = self.users.patch_user_routinglanguages_bulk(self.ids[17], [body])
        self.assertIn("English", [language.name for language in told.entities])
        self.users.delete_user_routinglanguage(self.ids[17], english)

    def test_divisions(self):
        billing = self.named(self.authorization.get_authorization_divisions(page_size=100), "Billing")
        move = self.authorization.post_authorization_division_object
        move(billing, "USER", self.ids[18:20])
        self.assertEqual(self.users.get_user(self.ids[18]).division.id, billing)
        self.refused(400, "empty.bulk.division.update", move, billing, "USER", [])

    def test_groups(self):
        group = next(item for item in self.groups.get_groups(page_size=100).entities if item.name == "Late Shift")
        self.assertTrue(group.type and group.visibility and group.rules_visible is not None)
        body = sdk.GroupMembersUpdate()
        body.member_ids, body.version = self.ids[20:22], group.version
        self.groups.post_group_members(group.id, body)
        members = self.groups.get_group_members(group.id, page_size=100)
        self.assertEqual({user.id for user in members.entities}, set(self.ids[20:22]))
        self.refused(409, "general.conflict", self.groups.post_group_members, group.id, body)
        self.groups.delete_group_members(group.id, ",".join(self.ids[20:22]))
        self.assertEqual(self.groups.get_group_members(group.id).total, 0)

    def test_queues(self):
        queue = self.named(self.routing.get_routing_queues(name="*line*"), "Main Line")
        member = sdk.WritableEntity()
        member.id = self.ids[22]
        self.routing.post_routing_queue_members(queue, [member])
        members = self.routing.get_routing_queue_members(queue, page_size=100)
        self.assertEqual([one.id for one in members.entities], [self.ids[22]])
        self.assertEqual([one.name for one in self.users.get_user_queues(self.ids[22]).entities], ["Main Line"])

    def test_teams(self):
        teams = self.teams.get_teams(page_size=100)
        self.assertIn("after=", teams.next_uri)
        body = sdk.TeamMembers()
        body.member_ids = [self.ids[23], "00000000-0000-4000-8000-000000000001"]
        told = self.teams.post_team_members(teams.entities[0].id, body)
        self.assertEqual([one.id for one in told.entities], [self.ids[23]])
        self.assertEqual([one.reason for one in told.failures], ["UserNotFound"])

    def test_roles(self):
        role = self.named(self.authorization.get_authorization_roles(page_size=100), "Agent")
        self.authorization.put_authorization_role_users_add(role, [self.ids[25]])
        grants = self.authorization.get_authorization_subject(self.ids[25]).grants
        self.assertIn(("Agent", "Home"), [(grant.role.name, grant.division.name) for grant in grants])

    def test_search(self):
        def ask(values, size=100):
            criterion = sdk.UserSearchCriteria()
            criterion.type, criterion.fields, criterion.values = "EXACT", ["email"], values
            body = sdk.UserSearchRequest()
            body.query, body.page_size, body.page_number = [criterion], size, 1
            return self.users.post_users_search(body)

        emails = [user.email for user in self.users.get_users(id=self.ids[26:29]).entities]
        found = ask(emails)
        self.assertEqual({user.id for user in found.results}, set(self.ids[26:29]))
        self.assertEqual((found.total, found.page_count, found.types), (3, 1, ["users"]))
        self.refused(404, "resource.not.found", ask, ["nobody@example.com"])
        many = ["user%d@example.com" % number for number in range(51)]
        self.refused(400, "search.criteria.values.exceed.limit", ask, many)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
