"""Made-up data for the gallery: short and long labels, both languages, nothing at all."""

from __future__ import annotations

from typing import Any

Pair = tuple[str, str]

MENU: list[tuple[Pair | None, list[tuple[Pair, str, str, int]]]] = [
    (
        None,
        [
            (("Today", "今天"), "/today", "home", 0),
            (("Inbox", "待办"), "/inbox", "inbox", 7),
            (("Calendar", "日历"), "/calendar", "calendar", 0),
        ],
    ),
    (
        ("Sales", "销售"),
        [
            (("Leads", "线索"), "/empty", "user-search", 0),
            (("Lead pool", "公海"), "/pool", "pool", 128),
            (("Customers", "客户"), "/list", "building", 0),
            (("Opportunities", "商机"), "/board", "target-arrow", 0),
            (("Quotes and contracts under negotiation", "报价单"), "/form", "file-invoice", 0),
            (("Orders", "订单"), "/orders", "shopping-cart", 0),
        ],
    ),
    (
        ("Service", "服务"),
        [(("Tickets", "工单"), "/tickets", "headset", 3), (("Knowledge base", "知识库"), "/kb", "book", 0)],
    ),
    (
        ("Analysis", "分析"),
        [
            (("Reports", "报表"), "/report", "chart-bar", 0),
            (("Forecast", "预测"), "/forecast", "trending-up", 0),
        ],
    ),
    (
        ("Manage", "管理"),
        [
            (("Studio", "配置工作室"), "/studio", "adjustments", 0),
            (("Administration", "系统管理"), "/admin", "settings", 0),
        ],
    ),
]


def shared(lang: str, page: str) -> dict[str, Any]:
    """What the renderer gives every page."""
    at = 0 if lang == "en" else 1

    def say(pair: Pair) -> str:
        return pair[at]

    return {
        "menu": [
            {
                "label": say(label) if label else None,
                "items": [
                    {
                        "label": say(name),
                        "href": href,
                        "icon": icon,
                        "count": count or None,
                        "active": href == f"/{page}",
                    }
                    for name, href, icon, count in items
                ],
            }
            for label, items in MENU
        ],
        "user": {
            "name": say(("Rui Wang", "王睿")),
            "initials": say(("RW", "睿")),
            "roles": [say(("Sales representative", "销售代表"))],
        },
        "creates": [
            {"label": say(name), "href": f"/form?new={icon}", "icon": icon}
            for name, icon in (
                (("Customer", "客户"), "building"),
                (("Lead", "线索"), "user-search"),
                (("Opportunity", "商机"), "target-arrow"),
                (("Follow-up task", "跟进任务"), "checkbox"),
            )
        ],
        "inbox": {"href": "/inbox", "count": 7},
        "workspace": {"name": say(("Harbour Trading", "海港贸易"))},
        "urls": {"home": "/today"},
        "messages": [],
        "customers": customers(lang),
        "cards": cards(lang),
    }


NAMES: list[tuple[Pair, Pair, str, str, Pair, str]] = [
    (
        (
            "Nordwind Logistics International Holding Company Limited",
            "上海北风国际供应链管理（集团）股份有限公司",
        ),
        ("Shanghai", "上海"),
        "1,284,000.00",
        "proposal",
        ("Rui Wang", "王睿"),
        "2026-03-02T09:10:00Z",
    ),
    (
        ("Lighthouse Foods", "灯塔食品"),
        ("Ningbo", "宁波"),
        "86,500.00",
        "qualified",
        ("Sana Li", "李桑"),
        "2026-03-01T16:40:00Z",
    ),
    (
        ("Bluewater Instruments", "碧水仪器"),
        ("Qingdao", "青岛"),
        "432,000.00",
        "won",
        ("Mei Chen", "陈梅"),
        "2026-02-27T08:00:00Z",
    ),
    (
        ("Pier 9", "九号码头"),
        ("Xiamen", "厦门"),
        "12,800.00",
        "lost",
        ("Rui Wang", "王睿"),
        "2026-02-20T11:25:00Z",
    ),
    (
        ("Tidal Energy Research Institute", "潮汐能源研究院"),
        ("Dalian", "大连"),
        "2,960,000.00",
        "negotiation",
        ("Otto Zhang", "张奥"),
        "2026-02-18T14:05:00Z",
    ),
    (
        ("Seagull Kindergarten", "海鸥幼儿园"),
        ("Zhuhai", "珠海"),
        "",
        "new",
        ("Sana Li", "李桑"),
        "2026-02-11T10:00:00Z",
    ),
    (
        ("Anchor & Sons", "安可父子商行"),
        ("Tianjin", "天津"),
        "154,320.50",
        "qualified",
        ("Mei Chen", "陈梅"),
        "2026-01-30T10:00:00Z",
    ),
    (
        ("Compass Travel", "罗盘旅行社"),
        ("Guangzhou", "广州"),
        "73,000.00",
        "proposal",
        ("Rui Wang", "王睿"),
        "2026-01-12T10:00:00Z",
    ),
]
STAGES: dict[str, tuple[Pair, str, str]] = {
    "new": (("New", "新建"), "grey", "new"),
    "qualified": (("Qualified", "已确认"), "sky", "open"),
    "proposal": (("Proposal", "方案"), "violet", "progress"),
    "negotiation": (("In negotiation", "谈判中"), "amber", "progress"),
    "won": (("Won", "赢单"), "green", "done"),
    "lost": (("Lost", "输单"), "red", "lost"),
}
TONES = ("teal", "violet", "amber", "pink")


def customers(lang: str) -> list[dict[str, Any]]:
    at = 0 if lang == "en" else 1
    return [
        {
            "id": number,
            "name": name[at],
            "city": city[at],
            "amount": amount,
            "stage": (STAGES[stage][0][at], STAGES[stage][1], STAGES[stage][2]),
            "stage_name": stage,
            "owner": {
                "name": owner[at],
                "initials": owner[at][:1] if at else "".join(part[0] for part in owner[at].split()),
                "tone": TONES[len(owner[0]) % 4],
            },
            "when": when,
            "phone": "138 0013 8000",
        }
        for number, (name, city, amount, stage, owner, when) in enumerate(NAMES, 1)
    ]


def cards(lang: str) -> list[dict[str, Any]]:
    """Columns of a board with their cards."""
    at = 0 if lang == "en" else 1
    every = list(STAGES)
    columns = []
    for stage in every:
        own = [c for c in customers(lang) if c["stage_name"] == stage]
        (label, tone, shape) = STAGES[stage]
        columns.append(
            {
                "stage": stage,
                "label": label[at],
                "tone": tone,
                "shape": shape,
                "count": len(own),
                "total": ("¥", "¥ ")[at]
                + f"{sum(float(c['amount'].replace(',', '') or 0) for c in own):,.0f}",
                "cards": [
                    {
                        "id": c["id"],
                        "version": 1,
                        "title": c["name"],
                        "href": "/record",
                        "subtitle": c["city"],
                        "facts": [{"text": f"¥ {c['amount']}", "strong": True}] * bool(c["amount"])
                        + [
                            {
                                "text": ("12 Mar", "3月12日")[at],
                                "icon": "calendar",
                                "tone": "red" if c["id"] == 1 else None,
                            }
                        ],
                        "owner": c["owner"],
                        "allowed": [s for s in every if s != stage and s != "new"]
                        if c["id"] != 2
                        else ["proposal"],
                        "why": {}
                        if c["id"] != 2
                        else {
                            "won": ("A quote has to be accepted first.", "需先有已接受的报价单。")[at],
                            "negotiation": ("Only after a proposal.", "需先经过方案阶段。")[at],
                            "lost": ("Give a reason in the record.", "请先在记录中填写原因。")[at],
                            "new": ("It cannot become new again.", "不能再变为新建。")[at],
                        },
                        "moves": [{"stage": s, "label": STAGES[s][0][at]} for s in every if s != stage],
                        "alert": ("No activity for 12 days", "已 12 天没有跟进")[at]
                        if c["id"] == 5
                        else None,
                    }
                    for c in own
                ],
            }
        )
    return columns


def palette(query: str) -> dict[str, Any]:
    found = [c for c in customers("en") + customers("zh") if query.lower() in c["name"].lower()][:6]
    return {
        "groups": [
            {
                "label": "Customers",
                "items": [
                    {"label": c["name"], "detail": c["city"], "href": "/record", "icon": "building"}
                    for c in found
                ],
            }
        ]
    }


def products(query: str) -> dict[str, Any]:
    names = [
        "Harbour crane service",
        "Container, 40 ft",
        "Container, 20 ft",
        "冷藏箱",
        "Mooring rope",
        "Pilot hour",
    ]
    return {
        "items": [
            {"id": n, "title": name, "detail": f"P-{n:04}"}
            for n, name in enumerate(names, 1)
            if query.lower() in name.lower()
        ]
    }
