"""An example of the web app's database before our migrations, and a snapshot of it for comparison."""

from __future__ import annotations

import psycopg

#: Two tables of the web app in an early shape: policies, a trigger, odd columns, rows, foreign keys.
EXISTING = """
CREATE ROLE {role} NOLOGIN;
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY);
INSERT INTO auth.users VALUES ('00000000-0000-0000-0000-000000000001');
CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users, name varchar(40));
CREATE TABLE exam_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES auth.users,
  track varchar(20),
  status varchar(20) NOT NULL DEFAULT 'in_progress'
    CHECK (status IN ('in_progress', 'paused', 'completed', 'abandoned')),
  questions jsonb,
  questions_answered integer DEFAULT 0,
  total_questions integer NOT NULL,
  start_time timestamptz DEFAULT now(),
  created_at timestamp NOT NULL DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  their_own numeric(5, 2)
);
CREATE INDEX exams_by_user ON exam_sessions (user_id);
CREATE TABLE practice_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES auth.users,
  created_at timestamp NOT NULL DEFAULT now(),
  question_ids jsonb NOT NULL DEFAULT '[]',
  student_responses jsonb NOT NULL DEFAULT '{{}}',
  total_questions integer DEFAULT 0,
  generated_batches integer DEFAULT 7
);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.updated_at = clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON exam_sessions FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE exam_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_sessions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON exam_sessions FOR SELECT TO {role} USING (user_id IS NOT NULL);
INSERT INTO exam_sessions (user_id, track, total_questions, questions, their_own)
  SELECT '00000000-0000-0000-0000-000000000001', 'scientific', 96, '[{{"id": "quant_0_01"}}]', n
  FROM generate_series(1, 200) AS n;
INSERT INTO practice_sessions (user_id) VALUES ('00000000-0000-0000-0000-000000000001');
"""

ADDED_TO_EXAMS = {"exam_config", "generated_batches", "generation_context", "generation_in_progress"}
ADDED_TO_PRACTICE = {
    "section",
    "categories",
    "difficulty",
    "question_count",
    "target_question_count",
    "status",
    "questions",
    "generation_context",
    "generation_in_progress",
}

Rows = list[dict[str, object]]

_CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid) AS "default"
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace IN ('public'::regnamespace, 'auth'::regnamespace)
          AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
        ORDER BY 1, 2""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) AS def FROM pg_constraint
        WHERE connamespace IN ('public'::regnamespace, 'auth'::regnamespace) ORDER BY 1, 2""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname IN ('public', 'auth') ORDER BY 1, 2""",
    "policies": "SELECT * FROM pg_policies ORDER BY 1, 2, 3",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE NOT tgisinternal ORDER BY 1, 2",
    "tables": "SELECT relname, relrowsecurity, relforcerowsecurity, relowner, relacl::text FROM pg_class"
    " WHERE relnamespace IN ('public'::regnamespace, 'auth'::regnamespace) AND relkind = 'r' ORDER BY 1",
}


def picture(db: psycopg.Connection[dict[str, object]]) -> dict[str, Rows]:
    """The catalog of everything outside our schema."""
    return {what: db.execute(query.encode()).fetchall() for what, query in _CATALOG.items()}


def without_ours(seen: dict[str, Rows]) -> dict[str, Rows]:
    """The snapshot without the columns and indexes that we add."""
    ours = {("exam_sessions", name) for name in ADDED_TO_EXAMS}
    ours |= {("practice_sessions", name) for name in ADDED_TO_PRACTICE}
    return {
        **seen,
        "columns": [row for row in seen["columns"] if (row["relname"], row["attname"]) not in ours],
        "indexes": [
            row
            for row in seen["indexes"]
            if row["indexname"] not in {"idx_exam_sessions_pending", "idx_exam_sessions_generating"}
        ],
    }
