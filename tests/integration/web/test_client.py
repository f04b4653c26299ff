"""The TypeScript client and the page /demo are made from their sources, and compile without errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.description import description
from tests.support.node import CLIENT, DEMO, PROJECT, node, tool

#: Takes long, and is run by `make proof`.
pytestmark = pytest.mark.proof


_AGAIN = "Make it again with `make client` and look at what has changed."


def test_the_committed_description_is_current() -> None:
    committed = json.loads((CLIENT / "openapi.json").read_text("utf-8"))

    assert committed == description(), _AGAIN


@pytest.mark.timeout(240)
def test_the_committed_types_are_made_from_the_description(tmp_path: Path) -> None:
    generate = json.loads((CLIENT / "package.json").read_text("utf-8"))["scripts"]["generate"].split()
    made = tmp_path / "schema.ts"
    tool(generate[0], *generate[1:-1], str(made))

    assert made.read_text("utf-8") == (CLIENT / "src" / "schema.ts").read_text("utf-8"), _AGAIN


@pytest.mark.timeout(240)
def test_the_committed_client_is_built_from_its_sources(tmp_path: Path) -> None:
    tool("tsc", "--project", str(CLIENT), "--noEmit", "false", "--outDir", str(tmp_path))

    assert files_in(tmp_path) == files_in(CLIENT / "dist"), _AGAIN


@pytest.mark.timeout(240)
def test_the_committed_page_is_built_from_its_sources(tmp_path: Path) -> None:
    """And from the committed client: the page uses it as a stranger would."""
    assert tool("tsc", "--noEmit", "--project", str(DEMO), cwd=DEMO) == ""
    node(str(DEMO / "build.mjs"), str(tmp_path), within_s=60)

    assert files_in(tmp_path) == files_in(PROJECT / "api" / "demo_page"), _AGAIN


@pytest.mark.timeout(240)
def test_create_retries_with_one_key_until_retry_after_is_hours() -> None:
    """A spend limit lasts until midnight: a page that waited so long would show nothing."""
    client = CLIENT / "dist" / "index.js"
    script = f"""
      import {{ TafawoqClient }} from {json.dumps(client.as_uri())};
      const keys = [];
      const fetch = async (_, {{ headers }}) => {{
        const wait = keys.push(headers["Idempotency-Key"]) < 3 ? "0" : "36000";
        const body = JSON.stringify({{ error: "عُد لاحقًا", code: "generation_unavailable" }});
        return new Response(body, {{ status: 503, headers: {{ "Retry-After": wait }} }});
      }};
      const exams = new TafawoqClient({{ baseUrl: "", fetch }}).exams;
      const error = await exams.create({{ track: "literary" }}).catch((thrown) => thrown);
      console.log(JSON.stringify([error.message, error.retryAfterS, keys.length, new Set(keys).size]));
    """
    printed = node("--input-type=module", "--eval", script, within_s=30)

    assert json.loads(printed) == ["عُد لاحقًا", 36000, 3, 1]


@pytest.mark.timeout(240)
def test_a_drawing_becomes_the_address_of_an_image() -> None:
    """Nothing in it can end the attribute that it stands in, or be read as markup."""
    client = CLIENT / "dist" / "index.js"
    drawing = "<svg xmlns='http://www.w3.org/2000/svg'><title>م \"١\" #%</title></svg>"
    script = f"""
      import {{ imageOf }} from {json.dumps(client.as_uri())};
      console.log(imageOf({{ svg: {json.dumps(drawing)}, caption: "مثلث" }}).src);
    """
    address = node("--input-type=module", "--eval", script, within_s=30).strip()

    assert address.startswith("data:image/svg+xml,")
    assert not re.search(r"[<>\"#\s]", address)
    assert unquote(address.removeprefix("data:image/svg+xml,")) == drawing


def test_no_page_of_ours_reads_a_text_as_markup() -> None:
    for source in [
        *(CLIENT / "src").glob("*.ts"),
        *(DEMO / "src").glob("*.ts*"),
        *(DEMO / "src").glob("*.html"),
    ]:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc", source.read_text("utf-8")
        )


@pytest.mark.parametrize("project", [CLIENT, DEMO], ids=["client", "demo"])
def test_the_lock_names_no_download_address(project: Path) -> None:
    lock = json.loads((project / "package-lock.json").read_text("utf-8"))
    packages = {
        name: package
        for name, package in lock["packages"].items()
        if name.startswith("node_modules/") and not package.get("link")
    }

    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for package in packages.values())
    assert set(re.findall(r"https?://([^/\"]+)", json.dumps(lock))) <= FUNDING


#: Where the locks' funding links go.
FUNDING = {"github.com", "opencollective.com"}


def files_in(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.iterdir()}
