"""instructor's scanner over the pieces of a reply: microseconds of CPU a reply. Run by the peers' interpreter."""

from __future__ import annotations

import json
import statistics
import sys
import time
from itertools import chain

from instructor.dsl.iterable import IterableBase
from pydantic import BaseModel, ConfigDict


class Question(BaseModel):
    model_config = ConfigDict(extra="allow")


class Questions(IterableBase):
    task_type = Question


pieces = json.load(sys.stdin)
took = []
for _ in range(int(sys.argv[1])):
    began = time.thread_time()
    # Its scanner looks for an array; our replies are lines.
    found = sum(1 for _ in Questions.tasks_from_chunks(chain(["["], pieces)))
    took.append(time.thread_time() - began)
print(json.dumps({"us": 1e6 * statistics.median(took), "found": found}))
