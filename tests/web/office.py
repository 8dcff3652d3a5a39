"""The small office with everything that screens are made of: forms, lists, boards, pages and a menu."""

from __future__ import annotations

from tests.support.world import DEAL

_MORE = {
    "schemas/room.yaml": """
kind: entity
name: room
label: {en: Room, zh: 房间}
plural: {en: Rooms, zh: 房间}
title: "{code}"
icon: door
fields:
  code: {type: text, label: {en: Code, zh: 编号}, required: true, unique: true, searchable: true}
  house: {type: reference, entity: house, label: {en: House, zh: 楼}, required: true, on_delete: restrict}
  floor: {type: integer, label: {en: Floor, zh: 楼层}, required: true}
  place: {type: integer, label: {en: Place, zh: 位置}, required: true}
  state: {type: choice, label: {en: State, zh: 状态}, default: free,
    options: {free: {label: {en: Free, zh: 空闲}, color: green}, taken: {label: {en: Taken, zh: 已占}, color: red}}}
  size: {type: choice, label: {en: Size, zh: 大小},
    options: {small: {label: {en: Small, zh: 小}}, large: {label: {en: Large, zh: 大}}}}
""",
    "schemas/house.yaml": """
kind: entity
name: house
label: {en: House, zh: 楼}
title: "{name}"
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, searchable: true}
""",
    "schemas/order.yaml": """
kind: entity
name: order
label: {en: Order, zh: 订单}
title: "{name}"
traits: [owned, tags]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, searchable: true}
  deal: {type: reference, entity: deal, label: {en: Deal, zh: 交易}, on_delete: clear}
  urgent: {type: boolean, label: {en: Urgent, zh: 加急}}
  why_urgent: {type: text, label: {en: Why urgent, zh: 加急原因}, visible_when: "record.urgent", required_when: "record.urgent"}
  colours: {type: multi_choice, label: {en: Colours, zh: 颜色},
    options: {red: {label: {en: Red, zh: 红}}, blue: {label: {en: Blue, zh: 蓝}}, green: {label: {en: Green, zh: 绿}}}}
  share: {type: percent, label: {en: Share, zh: 比例}}
  due_on: {type: date, label: {en: Due on, zh: 截止}}
  site: {type: url, label: {en: Site, zh: 网址}}
""",
    "forms/deal_list.yaml": """
kind: list
name: deal
label: {en: Deals, zh: 交易}
entity: deal
columns: [name, stage, amount, region, phone, margin, owner, close_on]
filters: [stage, region, owner]
order: ["-created_at"]
page_size: 5
views:
  - {name: mine, label: {en: Mine, zh: 我的}, filter: "record.owner == user"}
  - {name: due, label: {en: Due, zh: 到期}, filter: "record.close_on <= today && record.stage in ['open', 'offer']", order: [close_on]}
  - {name: all, label: {en: All, zh: 全部}}
""",
    "forms/deal_board.yaml": """
kind: board
name: deal_board
label: {en: Deal board, zh: 交易看板}
entity: deal
type: kanban
column: stage
card: [name, amount, close_on, region]
sum: amount
""",
    "forms/room_board.yaml": """
kind: board
name: room_board
label: {en: Room board, zh: 房间图}
entity: room
type: grid
group: house
row: floor
column: place
cell: code
color_by: state
card: [code, size]
""",
    "forms/deal_page.yaml": """
kind: page
name: deal
label: {en: Deal, zh: 交易}
entity: deal
facts: [amount, close_on, total, margin]
sections:
  - {label: {en: The deal, zh: 交易信息}, columns: 2, fields: [name, amount, double, margin, phone, region, close_on, hot, reason]}
related:
  - {entity: order, field: deal, label: {en: Orders, zh: 订单}, columns: [name, due_on]}
actions:
  - name: order
    label: {en: Make an order, zh: 生成订单}
    create: order
    when: "record.stage == 'offer'"
    with: {name: record.name, deal: record}
    then_move: won
""",
    "forms/menu.yaml": """
kind: menu
name: main
label: {en: Menu, zh: 菜单}
groups:
  - label: {en: Work, zh: 工作}
    items:
      - {screen: today, icon: home}
      - {list: deal, icon: coin}
      - {board: deal_board}
      - {pool: deal_pool}
      - {board: room_board}
      - {report: by_stage}
""",
}
_EVERYTHING = "{read: all, create: all, update: all, delete: all}"
_ROLES = {
    "admin/role_admin.yaml": {"house": _EVERYTHING, "room": _EVERYTHING, "order": _EVERYTHING},
    "admin/role_manager.yaml": {"order": "{read: all}", "room": "{read: all}", "house": "{read: all}"},
    "admin/role_rep.yaml": {
        "order": "{read: own, create: own, update: own}",
        "room": "{read: all}",
        "house": "{read: all}",
    },
}

OFFICE = {**DEAL, **_MORE}
for _path, _grants in _ROLES.items():
    _lines = "".join(f"  {entity}: {grant}\n" for entity, grant in _grants.items())
    OFFICE[_path] = OFFICE[_path].replace("grants:\n", f"grants:\n{_lines}")
