/** The page of a run, used: it leads to the code, takes tests out and puts them back, and is there after a reload. */
import assert from "node:assert/strict";

import type { FrameLocator } from "playwright-core";

import { journey } from "../support/journey";
import { namesOfTests } from "../support/realProject";
import { waitFor } from "../support/waiting";

/** What the code that runs in the page has of a browser. */
interface Browser {
    getComputedStyle(element: unknown): { readonly fill: string; readonly color: string };
}

describe("the report of a run", () => {
    const steps = journey("report", { file: "src/mdurl/_encode.py" });

    /** The document of the page, two frames below the window's. */
    function report(): FrameLocator {
        return steps.vscode.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
    }

    /** Where the cursor is: the line, from 1. */
    async function cursorLine(): Promise<number> {
        const text = await steps.vscode.workbench.status(/^Ln \d+/).innerText();
        return Number(/Ln (\d+)/.exec(text)?.[1]);
    }

    /** What was written, whole. */
    let whole = "";

    it("is a page beside the code", async () => {
        const { vscode, project } = steps;
        const { workbench } = vscode;
        await workbench.tab("_encode.py", { active: true }).waitFor();
        await workbench.status(/^tests/).waitFor();
        await workbench.run("Testwright: Generate Tests for Module");
        const message = workbench.toast(/test_encode\.py/);
        await message.waitFor({ timeout: 90_000 });
        await message.locator(".monaco-button", { hasText: "Report" }).click();
        await workbench.tabs(/^Tests of _encode/).waitFor();
        whole = project.read(project.testFile);
        const names = namesOfTests(whole);
        await report().getByRole("heading", { name: "Tests for mdurl._encode" }).waitFor();
        assert.match(
            await report().locator(".headline").innerText(),
            new RegExp(`${names.length} tests were added to tests/test_encode.py\\.`),
        );
        assert.deepEqual(await report().locator(".test .name .link").allInnerTexts(), names);
        await workbench.clear();
        await vscode.screenshot("1-page");
    });

    it("is drawn in the colours of the theme, by its own style alone", async () => {
        const total = report().getByRole("img", { name: /^Total: .* before, .* after, threshold 70 %$/ });
        await total.waitFor();
        const gain = total.locator("rect.gain");
        assert.notEqual(
            await gain.evaluate((rect) => (globalThis as unknown as Browser).getComputedStyle(rect).fill),
            "rgb(0, 0, 0)",
        );
        assert.ok(((await gain.boundingBox())?.width ?? 0) > 20);
        const links = await report().locator("link[rel=stylesheet], script[src]").count();
        assert.equal(links, 2);
    });

    it("leads to lines of the module", async () => {
        const { workbench } = steps.vscode;
        const link = report().locator(".evidence [data-line]").first();
        const line = Number(await link.getAttribute("data-line"));
        await link.click();
        await workbench.tab("_encode.py", { active: true }).waitFor();
        await waitFor("the cursor in the line", async () => (await cursorLine()) >= line);
    });

    it("leads to a test", async () => {
        const { vscode, project } = steps;
        const names = namesOfTests(whole);
        const last = names.at(-1) ?? assert.fail();
        await report().getByRole("button", { name: last, exact: true }).click();
        await vscode.workbench.tab("test_encode.py", { active: true }).waitFor();
        const line = project.lineOf(project.testFile, `def ${last}(`);
        await waitFor("the cursor at the test", async () => (await cursorLine()) === line);
    });

    it("takes a test out of the file, and puts it back", async () => {
        const { vscode, project } = steps;
        const [first] = namesOfTests(whole);
        assert.ok(first !== undefined);
        await report()
            .getByRole("button", { name: `Reject ${first}` })
            .click();
        const test = report().locator(`.test[data-name="${first}"]`);
        await test.getByText("taken out").waitFor();
        await report()
            .locator("#answer", { hasText: `${first} was taken out of test_encode.py` })
            .waitFor();
        await waitFor("the file without it", () => !namesOfTests(project.read(project.testFile)).includes(first));
        await vscode.screenshot("2-rejected");
        // The keyboard goes on where it was.
        await test.locator("[data-do=accept]:focus").waitFor();
        await vscode.page.keyboard.press("Enter");
        await report()
            .locator("#answer", { hasText: `${first} was put back into test_encode.py` })
            .waitFor();
        await waitFor("the file as it was", () => project.read(project.testFile) === whole);
    });

    it("takes all of them back, and puts them back", async () => {
        const { project } = steps;
        await report()
            .getByRole("button", { name: /^Discard All \d+ Tests$/ })
            .click();
        await report().locator("#answer", { hasText: "test_encode.py was removed" }).waitFor();
        assert.equal(project.exists(project.testFile), false);
        await report()
            .getByRole("button", { name: /^Put Back \d+ Tests$/ })
            .click();
        await report().locator("#answer", { hasText: "were put back into test_encode.py" }).waitFor();
        assert.equal(project.read(project.testFile), whole);
    });

    it("is as it was after something else was in its place", async () => {
        const { vscode } = steps;
        const { workbench } = vscode;
        await report().locator("details").first().locator("summary").click();
        await report().locator("details[open] pre").first().waitFor();
        // The page is forgotten by the editor as soon as it is not seen; what it keeps is written a moment after a change.
        await vscode.page.waitForTimeout(1000);
        await workbench.open("src/mdurl/_url.py");
        await vscode.page.locator("iframe.webview.ready").waitFor({ state: "hidden" });
        await workbench.tabs(/^Tests of _encode/).click();
        await report().locator("details[open] pre").first().waitFor();
        const [first] = namesOfTests(whole);
        await report()
            .getByRole("button", { name: `Reject ${first ?? ""}` })
            .waitFor();
    });

    it("is there again when the window is loaded anew", async () => {
        const { vscode, project } = steps;
        // Without the file that the first address asked for: with one, VS Code restores nothing.
        await vscode.page.goto(vscode.server.page(project.root, []));
        await vscode.workbench.ready();
        await vscode.workbench.tabs(/^Tests of _encode/).click();
        await report().getByRole("heading", { name: "Tests for mdurl._encode" }).waitFor({ timeout: 120_000 });
        // The server that has written them is gone, and with it what it knew of them.
        await report().getByText("The language server was started again since").waitFor();
        assert.equal(
            await report()
                .getByRole("button", { name: /^Reject|^Discard/ })
                .count(),
            0,
        );
        await vscode.screenshot("3-reloaded");
    });

    it("follows the next run", async () => {
        const { vscode } = steps;
        await report().getByRole("button", { name: "Judge Tests" }).click();
        await report().locator("#answer", { hasText: "It has begun" }).waitFor();
        await report().getByRole("heading", { name: "The tests of mdurl._encode" }).waitFor({ timeout: 120_000 });
        await vscode.workbench.clear();
        await vscode.screenshot("4-judged");
        assert.equal(await vscode.workbench.tabs(/^Tests of _encode/).count(), 1);
    });

    it("can be read in the dark, and when it is narrow", async () => {
        const { vscode } = steps;
        const color = async (): Promise<string> =>
            report()
                .locator("body")
                .evaluate((body) => (globalThis as unknown as Browser).getComputedStyle(body).color);
        const light = await color();
        await vscode.workbench.run("Preferences: Toggle between Light/Dark Themes");
        await waitFor("the colours of the other theme", async () => (await color()) !== light);
        await vscode.screenshot("5-dark");
        const isCut = await report()
            .locator("body")
            .evaluate((body) => {
                const { scrollWidth, clientWidth } = body as unknown as { scrollWidth: number; clientWidth: number };
                return scrollWidth > clientWidth;
            });
        assert.equal(isCut, false, "nothing is cut off");
    });
});
