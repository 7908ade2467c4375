/** The whole job with the agent in Docker: cancelled in its middle, cut off by a crash, and done. */
import assert from "node:assert/strict";

import type { FrameLocator, Locator } from "playwright-core";

import { AgentModel } from "../support/agentModel";
import { containersOf, docker } from "../support/containers";
import { journey } from "../support/journey";
import { descendants, type Process } from "../support/processes";
import { namesOfTests } from "../support/realProject";
import { waitFor } from "../support/waiting";

/** SHA-256 of `sesame`: no search finds the word, and a model may know it. */
const GATE = `"""A gate that opens to a word."""

import hashlib

DIGEST = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272"


def knock(word: str) -> str:
    """What the gate does."""
    if hashlib.sha256(word.encode()).hexdigest() == DIGEST:
        return "open"
    return "shut"
`;
const MODULE = "src/mdurl/_gate.py";
const TESTS = "tests/test_gate.py";
/** At first the model is wrong, and reads in pytest's output what is true. */
const GUESSES = { "knock('sesame')": "'shut'" };

/** It has taken steps, and waits for its model. */
const AT_WORK = /Generating tests for _gate: .*, 3 requests, \d+ % covered/;

/** What the code that runs in the page has of a browser. */
interface Browser {
    getComputedStyle(element: unknown): { readonly color: string };
}

describe("the agent in Docker", () => {
    let model: AgentModel | undefined;
    const { host, base } = docker();
    const steps = journey("agent", {
        file: MODULE,
        prepare: (project) => {
            project.write(MODULE, GATE);
        },
        environment: { DOCKER_HOST: host },
        settings: async () => {
            model = await AgentModel.start({
                testFile: TESTS,
                imports: "from mdurl._gate import knock",
                guesses: GUESSES,
                hangsAfter: [3, 3],
            });
            return { ...model.settings, "testwright.agentBox": "docker", "testwright.agentImageBase": base };
        },
    });
    let files: readonly string[];
    let going: { readonly owner: Process; readonly container: string };

    after(async () => {
        await model?.stop();
    });

    async function server(): Promise<Process> {
        return waitFor("server", () =>
            descendants(steps.vscode.server.pid).find(({ command }) => /\btestwright lsp\b/.test(command)),
        );
    }

    /** Wait until the agent is at work, and then waits for its model. @returns The server, and the agent's container. */
    async function atWork(): Promise<typeof going> {
        await steps.vscode.workbench.toast(AT_WORK).waitFor({ timeout: 150_000 });
        const owner = await server();
        const [container] = await waitFor("container", () => {
            const found = containersOf(owner.pid);
            return found.length > 0 && found;
        });
        return { owner, container: container ?? "" };
    }

    function report(): FrameLocator {
        return steps.vscode.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
    }

    it("shows each of its steps, the time and the requests, in a toast or in the status bar", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        files = project.files();
        await workbench.focusEditor();
        await workbench.run("Testwright: Generate Tests for Module");
        going = await atWork();
        await workbench.toast(/: (step \d+: .*|Asking .*), (\d+ min )?\d+ s, 3 requests, \d+ % covered/).waitFor();
        await vscode.screenshot("1-running");
        await vscode.page.keyboard.press("Escape");
        await workbench.toast(/Generating tests for/).waitFor({ state: "hidden" });
        await workbench.status(/Generating tests for/).waitFor();
        await vscode.screenshot("2-in-the-status-bar");
    });

    it("is gone at once when the run is cancelled, and what was proven is offered", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.run("Testwright: Cancel");
        await waitFor("end of the container", () => !containersOf(going.owner.pid).includes(going.container), {
            seconds: 3,
            pause: 0.02,
        });
        const message = workbench.toast(/The run for _?gate was cancelled\. What was proven until then is saved in /);
        await message.waitFor({ timeout: 10_000 });
        assert.deepEqual(project.files(), files);
        assert.deepEqual(vscode.leftovers(), []);
        await vscode.screenshot("3-cancelled");
        await workbench.button(message, "Show Proposal").click();
        await workbench.tabs(/test_gate/).waitFor();
        assert.match(await workbench.editorText(), /def test_\w+/);
        await vscode.screenshot("4-proposal");
        await message.waitFor(); // it stays until the user has decided
    });

    it("leaves no container when the server crashes, and what was proven is told of", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        const message = workbench.toast(/What was proven until then is saved in /);
        await workbench.button(message, "Generate Again").click();
        const { owner, container } = await atWork();
        process.kill(owner.pid, "SIGKILL");
        const told = workbench.toast(/A run on _gate\.py was cut off in the phase \w+, when it had proven \d+ tests?/);
        await told.waitFor({ timeout: 60_000 });
        await waitFor("end of the container", () => !containersOf(owner.pid).includes(container));
        assert.deepEqual(project.files(), files);
        await vscode.screenshot("5-cut-off");
        await workbench.clear();
    });

    it("takes on what the search has left, and only what is proven is written", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.open(MODULE);
        await workbench.run("Testwright: Generate Tests for Module");
        const message = workbench.toast(/\d+ tests for _?gate are in tests\/test_gate\.py: (\d+ → )?100 % covered/);
        await message.waitFor({ timeout: 170_000 });
        await vscode.screenshot("6-written");
        const written = project.read(TESTS);
        assert.match(written, /knock\(["']sesame["']\) == ["']open["']/);
        assert.equal(project.passing(TESTS), namesOfTests(written).length);
        assert.deepEqual(project.files(), [...files, TESTS].sort());
        const owner = await server();
        assert.deepEqual(containersOf(owner.pid), []);
        await workbench.button(message, "Report").click();
    });

    it("is told of in the report: which tests are its own, its rounds, and what it took", async () => {
        const { vscode, project } = steps;
        const part = report().locator('section[aria-labelledby="agent"]');
        await part.waitFor();
        assert.match(await part.innerText(), /The agent worked \d rounds? of \d+ steps: .* left now\./);
        assert.match(await part.innerText(), /Requests\s+\d+\s+Tokens\s+[\d,]+\s+Cost\s+free/);
        const marked = report().locator(".test", { has: report().locator(".badge") });
        const names = await marked.locator(".name .link").allInnerTexts();
        assert.ok(names.length >= 1);
        for (const name of names) {
            assert.ok(namesOfTests(project.read(TESTS)).includes(name), name);
        }
        await vscode.workbench.clear();
        await vscode.screenshot("7-report");
        await part.scrollIntoViewIfNeeded();
        await vscode.screenshot("8-report-below");
    });

    it("can be read in the dark, and when it is narrow", async () => {
        const { vscode } = steps;
        const body = report().locator("body");
        const light = await colorOf(body);
        await vscode.workbench.run("Preferences: Toggle between Light/Dark Themes");
        await waitFor("the colours of the other theme", async () => (await colorOf(body)) !== light);
        await vscode.screenshot("9-report-dark");
        await vscode.workbench.run("View: Toggle Primary Side Bar Visibility");
        await vscode.page.setViewportSize({ width: 700, height: 900 });
        await waitFor("a page as wide as its window", async () => isNotCut(body));
        await report().locator('section[aria-labelledby="agent"]').scrollIntoViewIfNeeded();
        await vscode.screenshot("10-report-narrow");
    });
});

async function colorOf(body: Locator): Promise<string> {
    return body.evaluate((element) => (globalThis as unknown as Browser).getComputedStyle(element).color);
}

async function isNotCut(body: Locator): Promise<boolean> {
    return body.evaluate((element) => {
        const { scrollWidth, clientWidth } = element as unknown as { scrollWidth: number; clientWidth: number };
        return scrollWidth <= clientWidth;
    });
}
