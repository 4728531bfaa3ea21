"""Text for Markdown."""


def cell(text: str) -> str:
    """Text for one cell of a table: a bar or a new line would end the cell."""
    return " ".join(text.replace("|", "\\|").split())
