"""One Markdown block as lines of `Content`. Nothing is fetched and nothing is obeyed: images and links show where they
lead, HTML is text. Styles are the theme's variables, resolved when a line is put on the screen.
"""

from __future__ import annotations

from collections.abc import Callable

from markdown_it.tree import SyntaxTreeNode
from textual.content import Content
from textual.highlight import highlight
from textual.style import Style

from shammah_tui.ui.code_colour import CodeColours
from shammah_tui.ui.lines import CODE_META, wrapped
from shammah_tui.ui.table import Table

CODE_FILL = "on $surface"
COPY_LABEL = "copy "
_LABEL = Content.assemble((COPY_LABEL, Style.from_meta({CODE_META: True}))).stylize_before("$quiet")
BULLETS = "•◦▪"
CODE_TAB_CELLS = 4


def draw_block(node: SyntaxTreeNode, width: int, depth: int = 0) -> list[Content]:
    """`depth` counts the lists around it."""
    match node.type:
        case "heading":
            return _heading(node, width)
        case "paragraph":
            return wrapped(inline(node.children[0]), width)
        case "fence" | "code_block":
            return draw_code(node.content.rstrip("\n"), node.info, width)
        case "bullet_list" | "ordered_list":
            return draw_list(node, width, first_number(node), tight=is_tight(node), depth=depth)
        case "blockquote":
            bar = Content.styled("▎ ", "$faint")
            return [bar + line.stylize_before("$quiet") for line in _stacked(node.children, width - 2, depth)]
        case "hr":
            return [Content.styled("─" * width, "$line")]
        case "table":
            return table_of(node).draw(width)
        case _:
            return wrapped(Content(node.content.rstrip("\n") if node.content else ""), width)


def draw_code(code: str, info: str, width: int, *, headed: bool = True) -> list[Content]:
    """Highlighted code on a raised ground as wide as the text; `headed` puts a line above it with the language's name
    and the label that copies."""
    language = info.split()[0] if info.split() else ""
    # It takes one line break off the end, and with it an empty line, where that is the last.
    coloured = highlight(f"{code}\n", language=language or "text", theme=CodeColours, tab_size=CODE_TAB_CELLS)
    lines = [piece for line in coloured.split(allow_blank=True) for piece in line.fold(width - 2) or [line]]
    drawn = [_filled(Content(" ") + line, width) for line in lines]
    if headed:
        drawn.insert(0, _code_head(language, width))
    return drawn


def _code_head(language: str, width: int) -> Content:
    name = Content.styled(f" {language}", "$quiet").truncate(max(1, width - len(COPY_LABEL)))
    gap = Content(" " * max(0, width - name.cell_length - len(COPY_LABEL)))
    return (name + gap + _LABEL).truncate(width).stylize_before(CODE_FILL)


def _filled(line: Content, width: int) -> Content:
    return line.pad_right(max(0, width - line.cell_length)).stylize_before(CODE_FILL)


def _heading(node: SyntaxTreeNode, width: int) -> list[Content]:
    style = "bold $accent" if node.tag in ("h1", "h2") else "bold"
    return [line.stylize_before(style) for line in wrapped(inline(node.children[0]), width)]


def _stacked(nodes: list[SyntaxTreeNode], width: int, depth: int, *, tight: bool = False) -> list[Content]:
    """Blocks one below the other, an empty line between them unless `tight`."""
    lines: list[Content] = []
    for node in nodes:
        if lines and not (tight and node.type != "fence"):
            lines.append(Content(""))
        lines.extend(draw_block(node, max(1, width), depth))
    return lines


def is_tight(node: SyntaxTreeNode) -> bool:
    """Whether a list has no empty lines between its items."""
    return all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")


def first_number(node: SyntaxTreeNode) -> int:
    """Of a list's first item, where it is an ordered one."""
    return int(node.attrs.get("start", 1))


def draw_list(node: SyntaxTreeNode, width: int, first: int, *, tight: bool, depth: int = 0) -> list[Content]:
    """`first` is the number of its first item; an empty line stands between its items unless `tight`."""
    labels = (
        [f"{first + index}." for index in range(len(node.children))]
        if node.type == "ordered_list"
        else [BULLETS[depth % len(BULLETS)]] * len(node.children)
    )
    margin = max(len(label) for label in labels) + 1
    lines: list[Content] = []
    for label, item in zip(labels, node.children, strict=True):
        if lines and not tight:
            lines.append(Content(""))
        body = _stacked(item.children, width - margin, depth + 1, tight=tight) or [Content("")]
        mark = Content.styled(label.rjust(margin - 1) + " ", "$accent")
        lines.append(mark + body[0])
        lines.extend(Content(" " * margin) + line for line in body[1:])
    return lines


def table_rows(node: SyntaxTreeNode) -> list[SyntaxTreeNode]:
    """The header, and all rows below it."""
    return [row for part in node.children for row in part.children]


def table_of(node: SyntaxTreeNode) -> Table:
    rows = table_rows(node)
    cells = [[inline(cell.children[0]) if cell.children else Content("") for cell in row.children] for row in rows]
    alignments = [str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0].children]
    return Table(cells, alignments)


def inline(node: SyntaxTreeNode) -> Content:
    """Running text with its styles."""
    parts: list[tuple[str, str]] = []
    _collect(node, "", lambda text, style: parts.append((text, style)))
    return Content.assemble(*parts)


def _collect(node: SyntaxTreeNode, style: str, add: Callable[[str, str], None]) -> None:
    match node.type:
        case "text":
            add(node.content, style)
        case "softbreak":
            add(" ", style)
        case "hardbreak":
            add("\n", style)
        case "code_inline":
            add(node.content, f"{style} $code-function on $surface".strip())
        case "image":
            add(f"[image: {node.content}] ({node.attrs.get('src', '')})", f"{style} $quiet".strip())
        case "strong" | "em" | "s":
            extra = {"strong": "bold", "em": "italic", "s": "strike"}[node.type]
            for child in node.children:
                _collect(child, f"{style} {extra}".strip(), add)
        case "link":
            _link(node, style, add)
        case _:
            if node.children:
                for child in node.children:
                    _collect(child, style, add)
            elif node.content:
                add(node.content, style)


def _link(node: SyntaxTreeNode, style: str, add: Callable[[str, str], None]) -> None:
    target = str(node.attrs.get("href", ""))
    shown: list[str] = []

    def add_text(text: str, inner: str) -> None:
        shown.append(text)
        add(text, inner)

    for child in node.children:
        _collect(child, f"{style} underline".strip(), add_text)
    if "".join(shown) not in (target, target.removeprefix("mailto:")):
        add(f" ({target})", f"{style} $quiet".strip())
