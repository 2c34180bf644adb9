"""Testing an implementation against what the mathematics says: cases, laws, subjects, reports."""

from .cases import Case, cases
from .check import check, conforms
from .report import Deviation, Report
from .subject import Refusal, Subject

__all__ = ["Case", "Deviation", "Refusal", "Report", "Subject", "cases", "check", "conforms"]
