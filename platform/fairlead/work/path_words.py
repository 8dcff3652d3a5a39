"""Where a change stands, in people's words: `Lead › Company › required` for `entity.lead.fields.company.required`.

Things are called by their labels in the documents; keys of documents by the words of this table; what neither knows keeps
its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairlead.base.texts import LANGUAGES, Label
from fairlead.fields.kind import both
from fairlead.model.workspace import Workspace

BETWEEN = " › "

_GROUPS: Mapping[str, str] = {
    "entity": "entities", "options": "options", "pipeline": "pipelines", "pool": "pools", "approval": "approvals",
    "automation": "automations", "connector": "connectors", "form": "forms", "list": "lists", "board": "boards",
    "page": "pages", "menu": "menus", "role": "roles", "report": "reports", "dashboard": "dashboards", "test": "tests",
    "calendar": "calendars", "message": "messages", "document": "printed", "public_form": "public_forms",
    "quota": "quotas",
}  # fmt: skip

_KINDS: Mapping[str, Label] = {
    "workspace": both("Workspace", "工作区"), "file": both("File", "文件"), "template": both("Template", "模板"),
    "options": both("Options", "选项集"), "pipeline": both("Pipeline", "流程"), "pool": both("Pool", "公海"),
    "approval": both("Approval", "审批"), "automation": both("Automation", "自动化"),
    "connector": both("Connector", "连接器"), "form": both("Form", "表单"), "list": both("List", "列表"),
    "board": both("Board", "看板"), "page": both("Page", "页面"), "menu": both("Menu", "菜单"),
    "role": both("Role", "角色"), "report": both("Report", "报表"), "dashboard": both("Dashboard", "数据看板"),
    "test": both("Test", "测试"), "calendar": both("Calendar", "日历"), "message": both("Message", "消息模板"),
    "document": both("Printed document", "打印模板"), "public_form": both("Public form", "公开表单"),
    "quota": both("Quota", "配额"),
}  # fmt: skip

_SILENT = frozenset({"fields", "stages", "params", "texts", "grants", "scopes", "options"})
"""Keys that only hold things which have names of their own."""

_LANGUAGES = {"en": both("English", "英文"), "zh": both("Chinese", "中文")}

_KEYS: Mapping[str, Label] = {
    "label": both("label", "名称"), "plural": both("plural", "复数名称"), "help": both("help", "说明"),
    "required": both("required", "必填"), "unique": both("unique", "唯一"), "default": both("default", "默认值"),
    "kind": both("type", "类型"), "type": both("type", "类型"), "formula": both("formula", "公式"),
    "rollup": both("roll-up", "汇总"), "index": both("index", "索引"), "indexes": both("indexes", "索引"),
    "history": both("history", "变更历史"), "searchable": both("searchable", "可检索"),
    "readonly": both("read-only", "只读"), "visible_when": both("visible when", "显示条件"),
    "required_when": both("required when", "必填条件"), "readonly_when": both("read-only when", "只读条件"),
    "from_now_on": both("from now on", "仅约束今后"), "sensitive": both("sensitive", "敏感"),
    "min": both("least", "最小值"), "max": both("most", "最大值"), "min_length": both("least length", "最小长度"),
    "max_length": both("most characters", "最大长度"), "pattern": both("pattern", "格式"),
    "max_items": both("most items", "最多项数"), "max_rows": both("most lines", "最多行数"),
    "scale": both("decimals", "小数位"), "currency": both("currency", "币种"), "entity": both("entity", "实体"),
    "on_delete": both("when deleted", "删除时"), "match": both("match", "匹配"), "unit": both("unit", "单位"),
    "migration": both("values that exist", "已有的值"), "backfill": both("backfill", "填充"),
    "backfill_default": both("filled with the default", "以默认值填充"), "map": both("map", "映射"),
    "truncate": both("truncate", "截短"), "relabel": both("relabel", "换标不换算"),
    "rounding": both("rounding", "舍入"), "rate": both("rate", "汇率"), "on_fail": both("on failure", "失败时"),
    "title_fields": both("title", "标题字段"), "checks": both("checks", "校验"), "rule": both("rule", "规则"),
    "duplicates": both("duplicates", "查重"), "traits": both("traits", "特性"), "color": both("colour", "颜色"),
    "icon": both("icon", "图标"), "active": both("active", "启用"), "position": both("position", "顺序"),
    "initial": both("first stage", "初始阶段"), "moves": both("moves", "可推进到"),
    "probability": both("probability", "赢率"), "outcome": both("outcome", "结果"),
    "require": both("required there", "必填项"), "stale_after": both("stale after", "停滞期限"),
    "on_enter": both("on entering", "进入时"), "checklist": both("checklist", "检查清单"),
    "calendar": both("calendar", "日历"), "zone": both("time zone", "时区"), "days": both("days", "日期"),
    "week": both("week", "工作周"), "holidays": both("holidays", "节假日"), "work": both("working time", "工作时间"),
    "known_until": both("known until", "已知至"), "member_roles": both("member roles", "成员角色"),
    "member_teams": both("member teams", "成员团队"), "admin_roles": both("administrators", "管理角色"),
    "hide_until_claimed": both("hidden until claimed", "领取前隐藏"), "claim": both("claiming", "领取"),
    "quota": both("quota", "配额"), "quotas": both("quotas", "配额"), "reclaim": both("reclaiming", "回收"),
    "inherits": both("inherits", "继承"), "capabilities": both("rooms", "管理权限"),
    "steps": both("steps", "步骤"), "approvers": both("approvers", "审批人"), "mode": both("mode", "方式"),
    "when": both("when", "条件"), "trigger": both("trigger", "触发"), "timeout": both("time limit", "时限"),
    "filter": both("filter", "筛选"), "columns": both("columns", "列"), "sort": both("order", "排序"),
    "sections": both("sections", "分区"), "width": both("width", "宽度"), "items": both("items", "项目"),
    "group_by": both("grouped by", "分组"), "measures": both("measures", "度量"), "roles": both("roles", "角色"),
    "subject": both("subject", "主题"), "body": both("body", "正文"), "after": both("after", "之后"),
    "read": both("read", "读取"), "create": both("create", "新建"), "update": both("change", "修改"),
    "delete": both("delete", "删除"), "export": both("export", "导出"), "import": both("import", "导入"),
    "assign": both("assign", "分配"), "share": both("share", "共享"), "move": both("move", "推进"),
    "reports": both("reports", "报表"), "name": both("name", "名称"), "text": both("text", "文本"),
    "message": both("message", "提示"), "on": both("on", "时机"),
}  # fmt: skip


def in_words(path: Sequence[str], *workspaces: Workspace | None) -> Label:
    """Return a path of a change as people read it.

    Args:
        path: Kind, name and keys.
        workspaces: Where labels are looked for; the first that knows a thing names it.
    """
    known = [one for one in workspaces if one is not None]
    return Label({lang: BETWEEN.join(_parts(path, known, lang)) for lang in LANGUAGES})


def _parts(path: Sequence[str], workspaces: Sequence[Workspace], lang: str) -> Iterator[str]:
    kind, *rest = path
    word = _KINDS.get(kind)
    if word is not None:
        yield word.get(lang)
    if kind not in _GROUPS:
        yield from (_key(one, lang) if kind == "workspace" else one for one in rest)
        return
    if not rest:
        return
    name, *keys = rest
    here: list[Any] = [getattr(one, _GROUPS[kind]).get(name) for one in workspaces]
    yield _label(here, lang) or name
    for number, key in enumerate(keys):
        before = keys[number - 1] if number else ""
        here = [_below(one, key) for one in here]
        if before == "grants":
            # A grant is about an entity and its fields, and has no label of its own.
            here = [one.entities.get(key) for one in workspaces]
        if key not in _SILENT or number + 1 == len(keys):
            yield _called(here, before, key, lang)


def _called(here: Sequence[Any], before: str, key: str, lang: str) -> str:
    if key.isdigit():
        return str(int(key) + 1)
    if before == "texts" and key in _LANGUAGES:
        return _LANGUAGES[key].get(lang)
    return _label(here, lang) or _key(key, lang)


def _key(key: str, lang: str) -> str:
    found = _KEYS.get(key)
    return key.replace("_", " ") if found is None else found.get(lang)


def _label(found: Sequence[Any], lang: str) -> str | None:
    for one in found:
        label = getattr(one, "label", None)
        if isinstance(label, Label) and label:
            return label.get(lang)
    return None


def _below(value: Any, key: str) -> Any:
    """Return what stands under a key of a model value; None where nothing of that name does."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, tuple):
        if key.isdigit():
            return value[int(key)] if int(key) < len(value) else None
        return next((one for one in value if getattr(one, "name", None) == key), None)
    return getattr(value, key, None)
