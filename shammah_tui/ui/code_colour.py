"""How code is coloured, in the variables of any theme."""

from __future__ import annotations

from typing import ClassVar

from textual.highlight import HighlightTheme, TokenType


class CodeColours(HighlightTheme):
    """Pygments' token types (they are tuples) in the theme's variables; what is not named takes its parent's."""

    STYLES: ClassVar[dict[TokenType, str]] = {  # type: ignore[misc]
        ("Comment",): "italic $quiet",
        ("Error",): "$code-name",
        ("Generic", "Deleted"): "$error",
        ("Generic", "Inserted"): "$success",
        ("Generic", "Heading"): "bold $code-name",
        ("Generic", "Subheading"): "$code-type",
        ("Keyword",): "$code-keyword",
        ("Keyword", "Constant"): "$code-number",
        ("Keyword", "Type"): "$code-type",
        ("Literal", "Number"): "$code-number",
        ("Literal", "String"): "$code-string",
        ("Name",): "$code-name",
        ("Name", "Attribute"): "$code-type",
        ("Name", "Builtin"): "$code-type",
        ("Name", "Class"): "bold $code-type",
        ("Name", "Decorator"): "$code-function",
        ("Name", "Exception"): "$code-type",
        ("Name", "Function"): "bold $code-function",
        ("Name", "Tag"): "$code-keyword",
        ("Operator",): "$quiet",
        ("Operator", "Word"): "$code-keyword",
        ("Punctuation",): "$quiet",
    }
