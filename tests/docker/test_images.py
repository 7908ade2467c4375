from __future__ import annotations

import asyncio
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_engine import IMAGE, OwnEngine, engine_programs
from image_yard import Yard

from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.protocol import Command, World
from testwright.errors import DockerFailure, DockerUnavailable, SetupFailure
from testwright.provisioning.images.agent_images import find_image, make_agent_image, make_project_image
from testwright.provisioning.images.building import Build, build
from testwright.provisioning.images.making import ImageRequest, ProjectRequest
from testwright.provisioning.images.names import Contents, MadeImage, remove_images
from testwright.provisioning.images.progress import ImageProgress

NOWHERE = World(Path("/nonexistent"), Path("/nonexistent"), ())


async def told_by(yard: Yard, image: MadeImage, python: str, source: str) -> list[str]:
    """What a program of an image prints, in the box that the agent gets."""
    async with await DockerBox(yard.client, image.name).start(NOWHERE, Command((python, "-c", source))) as process:
        lines = [line.decode() async for line in process.lines()]
        ended = await process.wait()
    assert ended.code == 0, ended.stderr
    return lines


async def test_the_agent_image_is_made_once_tried_and_found(yard: Yard) -> None:
    before = await yard.containers()
    made = await make_agent_image(yard.client, yard.request())
    assert yard.steps == ["looking", "fetching", "installing", "packing", "building", "trying", "done"]
    assert (made.contents.sdk, made.contents.python_version[:4]) == ("1.0", "3.12")
    source = "import openhands.sdk as s, os, pwd; print(s.__file__); print(pwd.getpwuid(os.getuid()).pw_name)"
    file, user = await told_by(yard, made, made.agent.python, source)
    assert file == "/opt/testwright/agent/lib/python3.12/site-packages/openhands/sdk/__init__.py"
    assert user == "box"
    compiled = "import openhands.sdk as s, os; print(os.path.exists(s.__cached__))"
    assert await told_by(yard, made, made.agent.python, compiled) == ["True"]
    assert await find_image(yard.client, root=None, base=yard.base) == (made, ())
    yard.told.clear()
    assert await make_agent_image(yard.client, yard.request()) == made
    assert yard.steps == ["looking", "done"], "what is there is not made again"
    assert await yard.made() == {made.name}
    assert await yard.containers() == before
    assert {path.name for path in yard.agents.iterdir()} <= {".lock", "uv.toml", ".uv-cache"}
    assert "testwright-" in made.name
    tags = json.loads(await yard.client.run("image", "inspect", "--format", "{{json .RepoTags}}", made.name))
    assert tags == [made.name], "the name that it had while it was made is gone"


async def test_a_project_gets_its_packages_for_its_python_and_none_of_its_code(yard: Yard) -> None:
    yard.house.add("colours", {"colours.py": "RED = 1\n"})
    yard.house.add(
        "paints",
        {"paints.py": "", "paints-1.0.dist-info/entry_points.txt": "[console_scripts]\npaint = colours:print\n"},
    )
    root = yard.workspace
    (root / "requirements.txt").write_text("colours\npaints\n-e .\n")
    (root / ".python-version").write_text("3.11\n")
    (root / "secret_code.py").write_text("CODE = 'canary-of-the-project'\n")
    agent = await make_agent_image(yard.client, yard.request())
    found, notes = await find_image(yard.client, root=root, base=yard.base)
    assert found == agent
    assert "testwright setup docker --project" in notes[0]
    made, needs = await make_project_image(yard.client, yard.request(), ProjectRequest(root))
    assert made.contents.python_version.startswith("3.11.")
    assert needs.source == "requirements.txt"
    assert "an editable package is code of the project itself" in needs.notes[0]
    source = "import colours, sys; print(colours.RED, sys.version_info[:2], sys.prefix)"
    assert await told_by(yard, made, made.contents.python, source) == ["1 (3, 11) /opt/testwright/project"]
    assert await told_by(yard, made, made.agent.python, "import openhands.sdk; print('agent')") == ["agent"]
    first = "print(open('/opt/testwright/project/bin/paint').readline().strip())"
    assert await told_by(yard, made, made.contents.python, first) == ["#!/opt/testwright/project/bin/python"]
    search = "import subprocess; print(subprocess.run(['grep', '-rl', 'canary-of-the-project', '/opt', '/tmp', '/home', '/root'], capture_output=True, text=True).stdout)"
    assert await told_by(yard, made, made.contents.python, search) == [""]
    assert await find_image(yard.client, root=root, base=yard.base) == (made, ())
    (root / "requirements.txt").write_text("colours\n")
    assert (await find_image(yard.client, root=root, base=yard.base))[0] == agent
    again, _ = await make_project_image(yard.client, yard.request(), ProjectRequest(root))
    assert again.name != made.name
    assert await yard.made() == {agent.name, again.name}, "the one before it is gone"


async def test_a_project_that_depends_on_nothing_needs_no_image_of_its_own(yard: Yard) -> None:
    root = yard.workspace
    agent = await make_agent_image(yard.client, yard.request())
    python, *others = sorted(agent.contents.pythons, key=lambda one: one.version != agent.contents.python_version)
    (root / ".python-version").write_text(f"{python.minor}\n")
    (root / "pyproject.toml").write_text('[project]\nname = "plain"\nversion = "1"\ndependencies = []\n')
    assert await find_image(yard.client, root=root, base=yard.base) == (agent, ())
    (root / ".python-version").write_text(f"{others[0].minor}\n")
    assert (await find_image(yard.client, root=root, base=yard.base))[1] != (), "its Python is another one"


async def test_an_image_that_cannot_import_the_agent_is_not_kept(yard: Yard) -> None:
    yard.house.lines.clear()
    broken = "raise RuntimeError('it is broken')\n"
    yard.house.add("openhands_sdk", {"openhands/sdk/__init__.py": broken})
    before = await yard.all_images(), await yard.containers()
    with pytest.raises(SetupFailure, match="cannot be imported in the box docker: RuntimeError: it is broken"):
        await make_agent_image(yard.client, yard.request())
    assert (await yard.all_images(), await yard.containers()) == before


@pytest.mark.parametrize("moment", ["looking", "fetching", "packing", "building", "RUN", "trying"])
async def test_cancelled_nothing_is_left(yard: Yard, moment: str) -> None:
    before = await yard.all_images(), await yard.containers()
    reached = asyncio.Event()

    def tell(event: ImageProgress) -> None:
        if event.step == moment or (event.step == "building" and moment in event.detail):
            reached.set()

    task = asyncio.create_task(make_agent_image(yard.client, yard.request(tell)))
    await asyncio.wait({task, asyncio.create_task(reached.wait())}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await yard.made() == set()
    assert (await yard.all_images(), await yard.containers()) == before
    assert {path.name for path in yard.agents.iterdir()} <= {".lock", "uv.toml", ".uv-cache"}


async def test_what_a_base_lacks_is_installed_from_its_packages(yard: Yard) -> None:
    bare = f"FROM {yard.base}\nUSER 0:0\nRUN dpkg --purge tmux\n"
    await yard.client.run("build", "--network", "none", "--tag", yard.base, "-", stdin=bare.encode(), seconds=120)
    made = await make_agent_image(yard.client, yard.request())
    assert "tools" in yard.steps
    source = "import shutil; print(shutil.which('git'), shutil.which('tmux'))"
    assert await told_by(yard, made, made.agent.python, source) == ["/usr/bin/git /usr/bin/tmux"]
    assert {name.partition(":")[0] for name in await yard.made()} == {"testwright-tools", "testwright-agent"}


async def test_a_base_that_can_be_had_nowhere(yard: Yard) -> None:
    request = ImageRequest(yard.workspace, lambda _: None, "127.0.0.1:9/no/such:image", "pinned", yard.environ)
    with pytest.raises(
        DockerUnavailable, match=r"127\.0\.0\.1:9/no/such:image, is not on this engine and could not be"
    ) as caught:
        await make_agent_image(yard.client, request)
    assert "with --base" in caught.value.next_step
    assert "docker load" in caught.value.next_step


async def test_no_engine(yard: Yard, tmp_path: Path) -> None:
    client = DockerClient.find(None, {"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    with pytest.raises(DockerUnavailable, match="does not answer"):
        await make_agent_image(client, yard.request())


async def test_a_project_whose_python_the_base_lacks(yard: Yard) -> None:
    (yard.workspace / "pyproject.toml").write_text('[project]\nname = "old"\nrequires-python = "<3.9"\n')
    with pytest.raises(SetupFailure, match=r"has Python 3\.12\.\d+, 3\.11\.\d+, and .* requires-python is <3\.9"):
        await make_project_image(yard.client, yard.request(), ProjectRequest(yard.workspace))
    assert await yard.made() == set(), "this is told before anything is built"


async def test_a_package_that_the_index_does_not_have(yard: Yard) -> None:
    (yard.workspace / "requirements.txt").write_text("nobody-has-this\n")
    with pytest.raises(SetupFailure, match=r"The image was not built.*nobody-has-this"):
        await make_project_image(yard.client, yard.request(), ProjectRequest(yard.workspace))


BACKEND = """
import os, zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("built.py", f"BY = {os.getuid()}\\nKEYS = {sorted(key for key in os.environ if 'SECRET' in key)!r}\\n")
        wheel.writestr("built-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n")
        wheel.writestr("built-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("built-1.0.dist-info/RECORD", "")
    return name
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """An index on loopback that has one package, as a source distribution whose build needs nothing."""
    folder = tmp_path / "index" / "built"
    folder.mkdir(parents=True)
    files = {
        "pyproject.toml": '[project]\nname = "built"\nversion = "1.0"\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND,
        "PKG-INFO": "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n",
    }
    with tarfile.open(folder / "built-1.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"built-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "index"))

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_source_distribution_is_built_by_consent_only_and_in_a_container(yard: Yard, index: str) -> None:
    yard.environ |= {"UV_INDEX": index, "UV_INDEX_SECRET_PASSWORD": "canary"}
    del yard.environ["PIP_NO_INDEX"]
    yard.environ["UV_DEFAULT_INDEX"] = index
    yard.environ["UV_FIND_LINKS"] = str(yard.house.folder)
    (yard.workspace / "requirements.txt").write_text("built==1.0\n")
    with pytest.raises(SetupFailure) as caught:
        await make_project_image(yard.client, yard.request(), ProjectRequest(yard.workspace))
    assert "--allow-sdists" in caught.value.next_step
    before = await yard.containers()
    made, needs = await make_project_image(
        yard.client, yard.request(), ProjectRequest(yard.workspace, allow_sdists=True)
    )
    assert "building-packages" in yard.steps
    source = "import built; print(built.BY, built.KEYS)"
    assert await told_by(yard, made, made.contents.python, source) == ["64000 []"]
    assert any("indexes that are of this machine" in note for note in needs.notes)
    assert await yard.containers() == before


async def test_removing_the_images_leaves_none(yard: Yard) -> None:
    (yard.workspace / "requirements.txt").write_text("")
    made, _ = await make_project_image(yard.client, yard.request(), ProjectRequest(yard.workspace))
    mine = await yard.made()
    assert len(mine) == 2
    assert made.name in mine
    assert set(await remove_images(yard.client, mine)) == mine
    assert await yard.made() == set()


async def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    why = engine_programs()
    if why:
        pytest.skip(why)
    archive = tmp_path / "context.tar"
    with tarfile.open(archive, "w") as tar:
        contents = Contents("tools", IMAGE, "", "x86_64", ())
        dockerfile = f"ARG BASE\nFROM ${{BASE}}\nLABEL testwright.build={contents.token}\nCOPY big /big\n".encode()
        for name, content in (("Dockerfile", dockerfile), ("big", b"x" * 200_000_000)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    with OwnEngine.running() as engine:
        before = engine.docker("image", "ls", "--all", "--quiet")
        wanted = Build(contents, IMAGE, archive)
        with pytest.raises(DockerFailure, match="The disk of the Docker engine is full") as caught:
            await build(engine.client(), wanted, lambda _: None)
        assert "docker system" in caught.value.next_step
        assert engine.docker("image", "ls", "--all", "--quiet") == before
        assert engine.docker("ps", "--all", "--quiet") == ""
