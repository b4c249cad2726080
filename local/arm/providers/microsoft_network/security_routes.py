"""Requests to network security groups and their rules."""

from dataclasses import dataclass

from local.arm.documents import JsonObject, object_in
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.microsoft_network.answers import Answers, id_of, read
from local.arm.providers.microsoft_network.security_documents import (
    DEFAULT_RULES,
    RULES,
    SECURITY_GROUPS,
    rule_document,
)
from local.arm.providers.microsoft_network.security_groups import SecurityGroups
from local.arm.providers.microsoft_network.versions import versioned
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager, groups: SecurityGroups, answers: Answers) -> None:
    routes = SecurityRoutes(manager, groups, answers)
    collection = "/providers/Microsoft.Network/networkSecurityGroups"
    within = "/subscriptions/{subscription}/resourceGroups/{group}" + collection
    group = within + "/{name}"
    for method, pattern, handler in (
        ("GET", "/subscriptions/{subscription}" + collection, routes.list_groups),
        ("GET", within, routes.list_groups),
        ("PUT", group, routes.put_group),
        ("GET", group, routes.get_group),
        ("PATCH", group, routes.patch_group),
        ("DELETE", group, routes.delete_group),
        ("GET", group + "/securityRules", routes.list_rules),
        ("GET", group + "/defaultSecurityRules", routes.list_default_rules),
        ("GET", group + "/defaultSecurityRules/{rule}", routes.get_rule),
        ("PUT", group + "/securityRules/{rule}", routes.put_rule),
        ("GET", group + "/securityRules/{rule}", routes.get_rule),
        ("DELETE", group + "/securityRules/{rule}", routes.delete_rule),
    ):
        router.add(method, pattern, versioned(handler))


@dataclass(frozen=True, slots=True)
class SecurityRoutes:
    manager: ResourceManager
    groups: SecurityGroups
    answers: Answers

    def list_groups(self, request: ArmRequest) -> ArmResponse:
        prefix = f"/subscriptions/{request.subscription}/"
        if request.group:
            prefix = self.manager.store.group(request.subscription, request.group).key + "/"
        everywhere = self.manager.store.of_type(SECURITY_GROUPS)
        found = [item for item in everywhere if item.key.startswith(prefix.lower())]
        body = page(
            request,
            found,
            key=lambda item: item.key,
            render=self.groups.document,
            size=self.manager.page_size,
        )
        return ArmResponse(body=body)

    def put_group(self, request: ArmRequest) -> ArmResponse:
        change = self.groups.put(id_of(request), request)
        document = self.groups.document(change.resource)
        return self.answers.written(request, change, document, "PutNetworkSecurityGroupOperation")

    def get_group(self, request: ArmRequest) -> ArmResponse:
        found = self.groups.get(id_of(request))
        self.manager.operations.note_read(found.key)
        return read(self.groups.document(found), found)

    def patch_group(self, request: ArmRequest) -> ArmResponse:
        found = self.groups.patch_tags(id_of(request), request.document())
        return ArmResponse(body=self.groups.document(found))

    def delete_group(self, request: ArmRequest) -> ArmResponse:
        found = self.groups.delete(id_of(request), request)
        return self.answers.deleted(request, found, "DeleteNetworkSecurityGroupOperation")

    def list_rules(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body=self._rules(request, RULES))

    def list_default_rules(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body=self._rules(request, DEFAULT_RULES))

    def get_rule(self, request: ArmRequest) -> ArmResponse:
        rule = id_of(request)
        self.manager.operations.note_read(rule.key)
        owner, document = self.groups.get_rule(rule)
        return read(document, owner)

    def put_rule(self, request: ArmRequest) -> ArmResponse:
        change = self.groups.put_rule(id_of(request), request)
        owner = self.groups.owner_of(change.resource.id, "write")
        document = rule_document(change.resource, owner)
        return self.answers.written(request, change, document, "PutSecurityRuleOperation")

    def delete_rule(self, request: ArmRequest) -> ArmResponse:
        found = self.groups.delete_rule(id_of(request), request)
        return self.answers.deleted(request, found, "DeleteSecurityRuleOperation")

    def _rules(self, request: ArmRequest, type_: str) -> JsonObject:
        parent = ResourceId.parse(request.path.rpartition("/")[0])
        assert parent is not None
        properties = object_in(self.groups.document(self.groups.get(parent)), "properties")
        return {"value": properties[type_.rpartition("/")[2]]}
