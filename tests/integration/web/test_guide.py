"""The TypeScript that documents show compiles against the built client as a strict project, and does what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.node import CLIENT, PROJECT, node, tool

GUIDE = (PROJECT / "docs" / "web-app.md").read_text("utf-8")
README = (CLIENT / "README.md").read_text("utf-8")

#: What the snippets have from the page around them.
GIVEN = {
    "guide.ts": """
        import type { Session } from "@tafawoq/generation-client";
        declare const answer: { json(): Promise<Session> };
        declare const NextResponse: { json(body: unknown): Response };
        """,
    "guide.tsx": """
        import type { Question } from "@tafawoq/generation-client";
        declare const diagram: Extract<Question["diagram"], { svg: string }> | undefined;
        """,
    "readme.ts": """
        declare const supabase: { auth: { getSession(): Promise<{ data: { session: { access_token: string } | null } }> } };
        declare function show(question: unknown): void;
        """,
    "readme.tsx": """
        import { TafawoqClient } from "@tafawoq/generation-client";
        declare const client: TafawoqClient;
        """,
}


def snippet(page: str, language: str) -> str:
    [first, *_] = re.findall(rf"^ *```{language}\n(.*?)```", page, flags=re.DOTALL | re.MULTILINE)
    return dedent(first)


def written(name: str) -> str:
    """The snippet as a module: an expression and a `return` stand in a function."""
    page, _, language = name.partition(".")
    shown = snippet({"guide": GUIDE, "readme": README}[page], language)
    if name == "guide.ts":
        shown = f"export async function POST() {{\n{shown}}}\n"
    if name == "guide.tsx":
        shown = f"export const shown = <>{shown}</>;\n"
    return f"{dedent(GIVEN[name])}{shown}export {{}};\n"


@pytest.mark.proof
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", sorted(GIVEN))
def test_the_typescript_that_a_page_shows_compiles(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(written(name), "utf-8")
    project = {
        "compilerOptions": {
            "target": "ES2022",
            "module": "ESNext",
            "moduleResolution": "Bundler",
            "lib": ["ES2022", "DOM", "DOM.Iterable"],
            "jsx": "react-jsx",
            "strict": True,
            "noEmit": True,
            "skipLibCheck": True,
            "types": [],
            "paths": {
                "@tafawoq/generation-client": [str(CLIENT / "dist" / "index.d.ts")],
                "@tafawoq/generation-client/react": [str(CLIENT / "dist" / "react.d.ts")],
                "react": [str(CLIENT / "node_modules" / "@types" / "react" / "index.d.ts")],
                "react/*": [str(CLIENT / "node_modules" / "@types" / "react" / "*")],
            },
        },
        "files": [name],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(project), "utf-8")

    assert tool("tsc", "--project", str(tmp_path)) == ""


@pytest.mark.timeout(60)
def test_the_creating_handler_answers_in_the_shape_that_the_pages_know() -> None:
    made = {"id": "s", "createdAt": "2026-01-01T00:00:00Z", "questions": [{"id": "quant_0_01"}]}
    script = f"""
      const answer = {{ json: async () => ({json.dumps(made)}) }};
      const NextResponse = {{ json: body => body }};
      const post = async () => {{ {snippet(GUIDE, "ts")} }};
      console.log(JSON.stringify(await post()));
    """
    answered = json.loads(node("--input-type=module", "--eval", script, within_s=30))

    assert answered["questions"] == made["questions"]
    assert answered["session"] == {**made, "startTime": made["createdAt"], "questionsAnswered": 0}
