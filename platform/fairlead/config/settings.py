"""The workspace's own words: its name, languages, currency and time zone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fairlead.base.clock import is_zone
from fairlead.base.problems import Problems
from fairlead.config.document import Document, Node
from fairlead.config.link import Linker


@dataclass(frozen=True, slots=True)
class Settings:
    """What `fairlead.yaml` says, or else the template."""

    name: str = "workspace"
    languages: tuple[str, ...] = ("en", "zh")
    currency: str = "CNY"
    zone: str = "Asia/Shanghai"
    template: str | None = None
    template_version: str | None = None
    keep_dropped_days: int = 30
    """How long the values of fields and entities that were dropped are kept before they may be purged."""


def settings_of(own: Document | None, template: Document | None, problems: Problems) -> Settings:
    """Return the settings of a workspace; what its own file leaves out comes from the template."""
    made = Settings()
    if template is not None and template.usable:
        made = _taken(made, template.root, problems)
        made = replace(
            made, name=template.name, template=template.name, template_version=template.root.maybe("version")
        )
    if own is not None and own.usable:
        node = own.root
        made = _taken(made, node, problems)
        made = replace(
            made,
            name=node.text("name", made.name),
            template=node.maybe("template") or made.template,
            template_version=node.maybe("template_version") or made.template_version,
        )
        days = node.get("keep_dropped_days")
        if days is not None and isinstance(days.value, int):
            made = replace(made, keep_dropped_days=days.value)
    return made


def _taken(settings: Settings, node: Node, problems: Problems) -> Settings:
    languages = tuple(item.value for item in node.each("languages"))
    zone = node.get("zone")
    if zone is not None and not is_zone(zone.value):
        Linker({}, problems).add(
            "unknown_zone", zone, f"there is no time zone {zone.value!r}; write Asia/Shanghai"
        )
        zone = None
    return replace(
        settings,
        languages=languages or settings.languages,
        currency=node.text("currency", settings.currency),
        zone=settings.zone if zone is None else zone.value,
    )
