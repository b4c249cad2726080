"""What happens to network security groups and their rules."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, as_json, copied, object_in, objects_in, tags_in, text_in
from local.arm.errors import NetworkError, network_child_not_found, parent_not_found, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest
from local.arm.placement import check_parent_of_deleted, place
from local.arm.providers.microsoft_network.contention import check_free
from local.arm.providers.microsoft_network.models import SUBNETS, etag_of, new_etag
from local.arm.providers.microsoft_network.preconditions import Change, check_etag, check_name, unchanged
from local.arm.providers.microsoft_network.security_documents import (
    RULES,
    SECURITY_GROUPS,
    rule_document,
    rule_properties,
    security_group_document,
)
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

_COLLECTION = "securityRules"
_INTERFACES = "Microsoft.Network/networkInterfaces"


@dataclass(frozen=True, slots=True)
class SecurityGroups:
    manager: ResourceManager

    def register(self) -> None:
        self.manager.on_removal(SECURITY_GROUPS, lambda _group: None, self._all_users)

    def get(self, group: ResourceId) -> Resource:
        self.manager.store.group(group.subscription, group.group or "")
        found = self.manager.store.find(group.text)
        if found is None:
            raise resource_not_found(group)
        return found

    def document(self, group: Resource) -> JsonObject:
        """The group with its rules, the default ones, and what refers to it."""
        return security_group_document(
            group,
            self.manager.store.children(group.id, _COLLECTION),
            subnets=self._users(group.key, SUBNETS),
            interfaces=self._users(group.key, _INTERFACES),
        )

    def put(self, group: ResourceId, request: ArmRequest) -> Change:
        store, body = self.manager.store, request.document()
        owner = store.group_for_writing(group.subscription, group.group or "")
        group = group.spelled(owner.name, SECURITY_GROUPS)
        check_name(group)
        existing = store.find(group.text)
        check_etag(request.headers.get("if-match"), existing, group)
        check_free(self.manager.operations, group, request)
        stored = self._composed(group, body, existing)
        wanted = objects_in(object_in(body, "properties"), _COLLECTION)
        self._check_rules(wanted)
        before = self.document(existing) if existing else None
        store.put(stored)
        self._replace_rules(stored, wanted)
        after = self.document(stored)
        # Tags are Resource Manager's business: the group itself is as before.
        settled = before is not None and unchanged(
            {"properties": before["properties"]}, {"properties": after["properties"]}
        )
        if not settled:
            self._touch(stored)
        return Change(stored, existing is None, settled)

    def delete(self, group: ResourceId, request: ArmRequest) -> Resource | None:
        """Mark for deletion; None where there is nothing."""
        self.manager.store.group_for_writing(group.subscription, group.group or "")
        found = self.manager.store.find(group.text)
        if found is None:
            return None
        check_free(self.manager.operations, group, request)
        users = self._all_users(found)
        if users:
            raise NetworkError(
                400,
                "InUseNetworkSecurityGroupCannotBeDeleted",
                f"Network security group {found.id.text} cannot be deleted because it is in use by the following "
                f"resources: {', '.join(users)}. In order to delete the Network security group, remove the association "
                "with the resource(s). To learn how to do this, see aka.ms/deletensg.",
            )
        found.properties["provisioningState"] = "Deleting"
        return found

    def patch_tags(self, group: ResourceId, body: JsonObject) -> Resource:
        found = self.get(group)
        self.manager.store.group_for_writing(group.subscription, group.group or "")
        tags = tags_in(body)
        tag_rules.check(tags)
        found.body["tags"] = as_json(dict(tags))
        found.body["etag"] = new_etag()
        return found

    def owner_of(self, rule: ResourceId, verb: str) -> Resource:
        """The group of a rule, which must exist."""
        self.manager.store.group(rule.subscription, rule.group or "")
        parent = rule.parent
        found = self.manager.store.find(parent.text) if parent else None
        if parent is not None and found is None:
            raise parent_not_found(rule, verb, parent)
        assert found is not None
        return found

    def get_rule(self, rule: ResourceId) -> tuple[Resource, JsonObject]:
        """The group and the document of one of its rules, default ones included."""
        owner = self.owner_of(rule, "read")
        document = self.document(owner)
        for found in objects_in(object_in(document, "properties"), _spelled(rule)):
            if (text_in(found, "name") or "").lower() == rule.name.lower():
                return owner, found
        raise network_child_not_found(rule)

    def put_rule(self, rule: ResourceId, request: ArmRequest) -> Change:
        owner = self.owner_of(rule, "write")
        self.manager.store.group_for_writing(rule.subscription, rule.group or "")
        check_name(rule)
        existing = self.manager.store.find(rule.text)
        check_etag(request.headers.get("if-match"), owner if existing else None, rule)
        check_free(self.manager.operations, owner.id, request)
        others = self.manager.store.children(owner.id, _COLLECTION)
        named: JsonObject = {
            "name": rule.name,
            "properties": object_in(request.document(), "properties"),
        }
        self._check_rules([_named(item) for item in others if item.key != rule.key] + [named])
        before = rule_document(existing, owner) if existing else None
        stored = self._stored_rule(owner, named, existing)
        self.manager.store.put(stored)
        settled = unchanged(before, rule_document(stored, owner))
        if not settled:
            stored.properties["provisioningState"] = "Updating"
            owner.body["etag"] = new_etag()
        return Change(stored, existing is None, settled)

    def delete_rule(self, rule: ResourceId, request: ArmRequest) -> Resource | None:
        self.manager.store.group_for_writing(rule.subscription, rule.group or "")
        check_parent_of_deleted(rule, self.manager.store)
        owner = self.owner_of(rule, "delete")
        found = self.manager.store.find(rule.text)
        if found is None:
            return None
        check_free(self.manager.operations, owner.id, request)
        found.properties["provisioningState"] = "Deleting"
        return found

    def _composed(self, group: ResourceId, body: JsonObject, existing: Resource | None) -> Resource:
        kept: JsonObject = {name: copied(body[name]) for name in ("location", "tags") if name in body}
        place(group, kept, existing, needed=True)
        tag_rules.check(tags_in(kept))
        previous = existing.properties if existing else {}
        kept["etag"] = etag_of(existing) if existing else new_etag()
        kept["properties"] = {
            "provisioningState": previous.get("provisioningState", "Updating"),
            "resourceGuid": previous.get("resourceGuid", str(uuid.uuid4())),
        }
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else group,
            type=SECURITY_GROUPS,
            body=kept,
            created=existing.created if existing else now,
            changed=now,
        )

    def _replace_rules(self, group: Resource, wanted: Sequence[JsonObject]) -> None:
        """The rules of a group's PUT are all it has from then on."""
        store = self.manager.store
        names = {(text_in(rule, "name") or "").lower() for rule in wanted}
        for present in store.children(group.id, _COLLECTION):
            if present.name.lower() not in names:
                store.remove(present.key)
        for rule in wanted:
            identifier = group.id.child(_COLLECTION, text_in(rule, "name") or "")
            store.put(self._stored_rule(group, rule, store.find(identifier.text)))

    def _stored_rule(self, group: Resource, rule: JsonObject, existing: Resource | None) -> Resource:
        state = existing.properties.get("provisioningState") if existing else "Updating"
        properties = {"provisioningState": state, **rule_properties(object_in(rule, "properties"))}
        now = timestamp(self.manager.clock.now())
        return Resource(
            id=existing.id if existing else group.id.child(_COLLECTION, text_in(rule, "name") or ""),
            type=RULES,
            body={"properties": properties},
            created=existing.created if existing else now,
            changed=now,
        )

    def _touch(self, group: Resource) -> None:
        group.body["etag"] = new_etag()
        for resource in (group, *self.manager.store.children(group.id, _COLLECTION)):
            resource.properties["provisioningState"] = "Updating"

    def _check_rules(self, rules: Sequence[JsonObject]) -> None:
        """No two rules of one direction may have one priority."""
        taken: dict[tuple[str, str], str] = {}
        for rule in rules:
            properties = object_in(rule, "properties")
            name = text_in(rule, "name") or ""
            slot = (str(properties.get("priority")), str(properties.get("direction")).lower())
            if slot in taken:
                raise NetworkError(
                    400,
                    "SecurityRuleConflict",
                    f"Security rule {name} conflicts with rule {taken[slot]}. Rules cannot have the same Priority and "
                    "Direction. To learn more, see aka.ms/nsgrules.",
                )
            taken[slot] = name

    def _users(self, group_key: str, type_: str) -> list[str]:
        return [
            item.id.text
            for item in self.manager.store.of_type(type_)
            if (text_in(object_in(item.properties, "networkSecurityGroup"), "id") or "").lower() == group_key
        ]

    def _all_users(self, group: Resource) -> list[str]:
        return self._users(group.key, _INTERFACES) + self._users(group.key, SUBNETS)


def _named(rule: Resource) -> JsonObject:
    return {"name": rule.name, "properties": rule.properties}


def _spelled(rule: ResourceId) -> str:
    return "defaultSecurityRules" if rule.types[-1].lower().startswith("default") else _COLLECTION
