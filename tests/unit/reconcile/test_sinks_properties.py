"""From whatever settings there are: soon nothing more is planned, and nobody else's setting is touched."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.diagnostics import DiagnosticSetting, Selection, selection_of, sent
from shared.domain.errors import MeshError
from shared.domain.sinks import ASKED, CategoryRule, covered
from tests.fakes import setting_rules
from tests.fakes.catalogue import CATEGORIES
from tests.support.sinks import NAMES, Observed, node_sinks, setting

VAULT_CATEGORIES = CATEGORIES["microsoft.keyvault/vaults"]
LOGS = [c.name for c in VAULT_CATEGORIES if not c.is_metric]

logs = st.one_of(
    st.sampled_from([Selection(groups=frozenset({"allLogs"})), Selection(groups=frozenset({"audit"}))]),
    st.frozensets(st.sampled_from(LOGS)).map(lambda names: Selection(logs=names)),
)


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    """Something that Azure takes: logs by group or by name, with metrics or without."""
    chosen = draw(logs)
    metrics = frozenset({"AllMetrics"}) if chosen.empty or draw(st.booleans()) else frozenset[str]()
    return Selection(chosen.logs, chosen.groups, metrics)


sinks_used = (
    st.frozensets(st.sampled_from("wes123"), min_size=1).map("".join).map(lambda t: "".join(sorted(t)))
)
names = st.one_of(st.sampled_from(sorted(NAMES.values())), st.integers(0, 9).map(lambda n: f"theirs-{n}"))
existing = st.lists(st.builds(setting, names, selections(), sinks_used), max_size=7)
rules = st.lists(
    st.builds(
        CategoryRule,
        st.sampled_from(["exclude", "archive"]),
        st.just("*"),
        st.sampled_from([*LOGS, "AllMetrics"]),
    ),
    max_size=2,
).map(tuple)


def put(vault: Observed, found: list[DiagnosticSetting]) -> None:
    """Those of the settings that Azure accepts one after the other."""
    for one in found:
        there = [s for s in vault.settings.values() if s.name != one.name]
        try:
            setting_rules.check(vault.resource.id, one, tuple(there))
        except MeshError:
            continue
        vault.have(one)


@settings(max_examples=200, deadline=None)
@given(existing, st.sets(names), rules, st.sampled_from(sorted(ASKED)), rules, st.sampled_from(sorted(ASKED)))
def test_two_wishes_one_after_the_other_come_to_rest_and_leave_others_alone(
    found: list[DiagnosticSetting],
    recorded: set[str],
    first_rules: tuple[CategoryRule, ...],
    first_tag: str,
    rules: tuple[CategoryRule, ...],
    tag: str,
) -> None:
    """The fake refuses what Azure would: a sixth setting, a category twice to one sink, a sink elsewhere."""
    vault = Observed()
    put(vault, found)
    vault.have(recorded=recorded)
    first = node_sinks(first_tag, rules=first_rules)
    ours = {
        s.name
        for s in vault.settings.values()
        if s.name in NAMES.values() and (s.name in recorded or not set("123") & set(_sinks(s)))
    }
    foreign = {name: s for name, s in vault.settings.items() if name not in ours}
    vault.settle(first, passes=2)
    wanted = node_sinks(tag, rules=rules)
    end = vault.settle(wanted, passes=2)
    assert {name: s for name, s in vault.settings.items() if name in foreign} == foreign
    assert len(vault.settings) <= 5
    assert set(vault.settings) - set(foreign) <= set(NAMES.values())
    if vault.row.status == "covered":
        need = wanted.wanted(vault.resource.id, vault.resource.type, "westeurope", VAULT_CATEGORIES).sinks
        for sink, categories in need.items():
            assert categories <= covered(vault.settings.values(), VAULT_CATEGORIES, sink)
    else:
        assert end.findings or vault.row.status == "unsupported"


def _sinks(one: DiagnosticSetting) -> str:
    places = {"w": one.workspace.endswith("/logs"), "e": one.event_hub_rule, "s": one.storage_account}
    return "".join(k for k, v in places.items() if v) + (
        one.workspace[-1] if one.workspace and not places["w"] else ""
    )


@given(st.frozensets(st.sampled_from([c.name for c in VAULT_CATEGORIES])))
def test_a_selection_sends_exactly_the_names_that_it_was_made_of(chosen: frozenset[str]) -> None:
    """The group is used only where it means all logs."""
    assert sent(selection_of(chosen, VAULT_CATEGORIES), VAULT_CATEGORIES) == chosen
