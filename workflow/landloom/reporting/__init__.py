"""The report: one page that shows what came out, and a contact sheet."""
