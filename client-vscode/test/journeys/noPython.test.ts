/** A machine without any Python: one message that says what to do, and VS Code goes on as before. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

import { journey } from "../support/journey";

/** Whatever may be taken for a Python, or may bring one. */
const PROGRAMS = ["/usr/bin", "/usr/local/bin", "/bin"]
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => /\/(python[\d.]*|pypy[\d.]*|py|uvx?)$/.test(path))
    .map((path) => realpathSync(path));

describe("a machine without Python", () => {
    const steps = journey("no-python", {
        ownEnvironment: true,
        path: ["/usr/bin", "/bin"],
        withoutPrograms: [...new Set(PROGRAMS)],
        file: "src/mdurl/_encode.py",
    });

    it("is told once, with the next step", async () => {
        const { workbench } = steps.vscode;
        await workbench.toast(/needs Python 3\.11 or newer .* found none/).waitFor({ timeout: 120_000 });
        await steps.vscode.screenshot("1-told");
        for (const file of ["src/mdurl/_decode.py", "src/mdurl/_format.py"]) {
            await workbench.open(file);
        }
        assert.equal(await workbench.toast(/Python/).count(), 1);
    });

    it("can edit and save as before", async () => {
        const { vscode, project } = steps;
        const { workbench, page } = vscode;
        await workbench.clear();
        await workbench.open("src/mdurl/_format.py");
        await page.keyboard.press("Control+Home");
        await page.keyboard.type("# mine\n");
        await workbench.dirtyTab("_format.py").waitFor();
        await page.keyboard.press("Control+s");
        await workbench.dirtyTab("_format.py").waitFor({ state: "detached" });
        assert.match(project.read("src/mdurl/_format.py"), /^# mine\n/);
        assert.deepEqual(await workbench.toasts(), []);
    });

    it("is told again when something is asked for", async () => {
        const { workbench } = steps.vscode;
        await workbench.run("Testwright: Generate Tests for Module");
        await workbench.toast(/needs Python 3\.11 or newer/).waitFor();
        await steps.vscode.screenshot("2-asked");
        assert.equal(await workbench.toast(/Python/).count(), 1);
    });
});
