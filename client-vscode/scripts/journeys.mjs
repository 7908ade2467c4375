// Runs the journeys of test/journeys: what a user does, in a real VS Code with the packaged extension:
//
//     node scripts/journeys.mjs [--file generate]… [--grep REGEXP] [--vsix PATH] [--jobs 2] [--update-screenshots]
//
// Pictures of each state are kept in out/screenshots, those of failures with the logs in out/failures. The pictures of
// the README are taken from there by --update-screenshots.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildFiles } from "./build.mjs";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(here);
const out = join(here, "out");

/** Pictures of the README, and the journeys' that they are. */
const README = {
    actions: "generate-3-actions",
    progress: "generate-4-progress",
    written: "generate-5-written",
    coverage: "generate-6-coverage",
    report: "report-1-page",
    agent: "agent-1-running",
};

const { values } = parseArgs({
    options: {
        file: { type: "string", multiple: true },
        grep: { type: "string" },
        vsix: { type: "string" },
        jobs: { type: "string", default: "2" },
        "update-screenshots": { type: "boolean", default: false },
    },
});

const all = readdirSync(join(here, "test", "journeys"))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => name.slice(0, -".test.ts".length))
    .sort();
// It needs an engine with the agent's image, which .ci/install-docker and `testwright setup docker` make.
const lacksDocker = process.env.DOCKER_HOST === undefined || process.env.TESTWRIGHT_DOCKER_BASE === undefined;
if (lacksDocker && values.file === undefined) {
    if (process.env.TESTWRIGHT_E2E !== undefined) {
        throw new Error(
            "The journey agent needs DOCKER_HOST and TESTWRIGHT_DOCKER_BASE; .ci/install-docker prints them.",
        );
    }
    console.log("== without the journey agent: neither DOCKER_HOST nor TESTWRIGHT_DOCKER_BASE names an engine");
}
const chosen = values.file ?? all.filter((name) => name !== "agent" || !lacksDocker);
for (const name of chosen.filter((name) => !all.includes(name))) {
    throw new Error(`There is no test/journeys/${name}.test.ts; there are: ${all.join(", ")}`);
}

const tools = process.env.VSCODE_TOOLS ?? execFileSync(join(root, ".ci/install-vscode"), { encoding: "utf8" });
mkdirSync(out, { recursive: true });
let vsix = values.vsix === undefined ? undefined : resolve(values.vsix);
if (vsix === undefined) {
    vsix = join(out, `journeys-${process.pid}.vsix`);
    const [, node] = /^node=(.*)$/m.exec(tools);
    execFileSync(node, [join(here, "scripts/vsix.mjs"), "--out", vsix], { stdio: ["ignore", "ignore", "inherit"] });
}
const built = join(out, `journeys-${process.pid}`);
// What is there besides VS Code on the machine of the journeys: a Python without any packages, and wheels instead of an index.
const python = process.env.TESTS_PYTHON ?? "/usr/bin/python3";
const wheels =
    process.env.TESTS_WHEELS ??
    execFileSync(join(root, ".ci/download-wheels"), [python], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
    });
const variables = {
    REPOSITORY: root,
    VSCODE_TOOLS: tools,
    TESTS_VSIX: vsix,
    TESTS_PYTHON: python,
    TESTS_WHEELS: wheels.trim(),
};
let status;
try {
    await buildFiles(
        chosen.map((name) => `test/journeys/${name}.test.ts`),
        { outdir: built, outbase: "test/journeys" },
    );
    // Only root can take the network away; what the browser asks for is held against it in any case.
    const [program, ...words] =
        process.getuid() === 0 ? [join(root, ".ci/offline"), process.execPath] : [process.execPath];
    ({ status } = spawnSync(
        program,
        [
            ...words,
            join(here, "node_modules/mocha/bin/mocha.js"),
            ...["--forbid-only", "--forbid-pending", "--timeout", "180000", "--no-config"],
            // Each of them mostly waits, and all that they have is their own.
            ...["--parallel", "--jobs", values.jobs],
            ...(values.grep === undefined ? [] : ["--grep", values.grep]),
            ...chosen.map((name) => join(built, `${name}.test.js`)),
        ],
        { stdio: "inherit", env: { ...process.env, ...variables } },
    ));
} finally {
    rmSync(built, { recursive: true, force: true });
    if (values.vsix === undefined) {
        rmSync(vsix, { force: true });
    }
}
if (status === 0 && values["update-screenshots"]) {
    mkdirSync(join(here, "media/screenshots"), { recursive: true });
    for (const [name, picture] of Object.entries(README)) {
        cpSync(join(out, "screenshots", `${picture}.png`), join(here, "media/screenshots", `${name}.png`));
    }
}
process.exitCode = status ?? 1;
