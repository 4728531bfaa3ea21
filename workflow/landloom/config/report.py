"""``report``: the page that shows what came out."""

from pydantic import Field

from landloom.config.section import Section


class ReportConfig(Section):
    """Settings of the report."""

    title: str | None = None
    """Title of the page; made from the dataset's name when absent."""
    label_table: bool = False
    """Show the ablation of mask generation, which must then be made: it takes its own trainings."""
    evidence: bool = False
    """Show the evidence, which must then be made: it runs everything once for each share of labels."""
    examples: int = Field(default=6, ge=1, le=64)
    """Samples shown per contact sheet."""
    captions: int = Field(default=24, ge=0, le=200)
    """Captions shown, each beside its tile."""
