"""``audit``: every output's lineage, re-hashed."""

from landloom.config.section import Section


class AuditConfig(Section):
    """Settings of the audit."""

    strict: bool = False
    """Fail the job when an output was changed, is missing, is out of date, or has no record."""
