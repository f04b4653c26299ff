"""What a question's rules note about it reaches the metrics, by rule and severity."""

from __future__ import annotations

from uuid import UUID

from prometheus_client import CollectorRegistry

from generation.model import QuestionType
from generation.rules.table import TEXT_RULES
from generation.run_events import QuestionAccepted
from runtime.metrics import Metrics
from worker.run_metrics import RunMetrics

RULES = {rule.name: rule for rule in TEXT_RULES}


def test_flags_and_counts_of_an_accepted_question_are_counted() -> None:
    registry = CollectorRegistry()
    observer = RunMetrics(Metrics(registry))
    noted = (RULES["key_length"], RULES["unordered_numbers"])
    observer.notice(QuestionAccepted(UUID(int=7), 0, 3, QuestionType.MCQ, "claude", 900, noted))
    observer.notice(QuestionAccepted(UUID(int=7), 0, 4, QuestionType.MCQ, "claude", 950, noted[:1]))
    observer.notice(QuestionAccepted(UUID(int=7), 0, 5, QuestionType.MCQ, "claude", 990))

    def counted(rule: str, severity: str) -> float | None:
        labels = {"rule": rule, "severity": severity}
        return registry.get_sample_value("tafawoq_questions_flagged_total", labels)

    assert counted("key_length", "flag") == 2
    assert counted("unordered_numbers", "count") == 1
