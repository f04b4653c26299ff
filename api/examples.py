"""One exam in JSON, shown in the OpenAPI description; a test compares it with the shapes."""

from __future__ import annotations

from typing import Any

SESSION_ID = "5d3f0a52-3c7e-4a55-9a0e-6f1f5f0e7a11"
REQUEST_ID = "0a5152c4557c4dc9bbea281e33b9cd19"
EVENTS_URL = f"/api/exams/{SESSION_ID}/events"

QUESTION: dict[str, Any] = {
    "id": "quant_0_01",
    "index": 0,
    "section": "quantitative",
    "topic": "algebra",
    "difficulty": "easy",
    "questionType": "mcq",
    "stem": "إذا كان ٣س + ٥ = ٢٠، فما قيمة س؟",
    "choices": ["٣", "٤", "٥", "٦"],
}

REPORT: dict[str, Any] = {"reason": "mathematical", "text": "الخيار الثاني صحيح أيضًا"}

FIGURE: dict[str, Any] = {
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 285">...</svg>',
    "caption": "مثلث أ ب ج قائم الزاوية في ب، القاعدة 12 م، الارتفاع 9 م",
    "figure": {
        "pattern": "right-triangle",
        "unit": "م",
        "points": "بجأ",
        "measures": {"base": 12, "height": 9},
    },
    "type": "triangle",
    "renderHint": "SVG",
    "data": {
        "vertices": [[60, 305], [340, 305], [60, 95]],
        "labels": ["ب", "ج", "أ"],
        "sides": ["12 م", "؟", "9 م"],
        "angles": [90],
    },
}

SUMMARY: dict[str, Any] = {
    "id": SESSION_ID,
    "track": "scientific",
    "status": "in_progress",
    "generatedBatches": 0,
    "totalQuestions": 96,
    "createdAt": "2026-11-22T09:00:00Z",
    "updatedAt": "2026-11-22T09:00:04Z",
}

SESSION: dict[str, Any] = {**SUMMARY, "generationInProgress": True, "questions": [QUESTION]}

CREATE_EXAM: dict[str, Any] = {"track": "scientific"}

RETAKE_EXAM: dict[str, Any] = {"sourceSessionId": SESSION_ID}

CREATE_PRACTICE: dict[str, Any] = {
    "section": "verbal",
    "categories": ["analogy", "reading-comprehension"],
    "difficulty": "medium",
    "questionCount": 10,
    "track": "literary",
}

BATCH: dict[str, Any] = {
    "questions": [QUESTION],
    "meta": {"batchIndex": 0, "totalLoaded": 10, "cacheHit": False},
}

PENDING: dict[str, Any] = {"batchIndex": 1, "status": "running", "eventsUrl": EVENTS_URL}

#: The additional fields of errors with these codes.
DETAILS: dict[str, dict[str, Any]] = {
    "invalid_batch_index": {"expectedBatchIndex": 3},
    "generation_in_progress": {"eventsUrl": EVENTS_URL},
    "invalid_request": {"fields": [{"field": "batchIndex", "problem": "greater_than_equal", "minimum": 0}]},
}

STREAM = (
    "retry: 2000\n\n"
    'id: 1\nevent: session\ndata: {"status": "in_progress"}\n\n'
    'id: 2\nevent: question\ndata: {"id":"quant_0_01","index":0,"section":"quantitative",...}\n\n'
    'id: 12\nevent: batch-ready\ndata: {"batchIndex": 0}\n\n'
)
