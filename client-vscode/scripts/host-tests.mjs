// Runs the extension-host tests of test/host in a real VS Code, each file in one of its own:
//
//     node scripts/host-tests.mjs [--file lifecycle]… [--grep REGEXP] [--seconds 300] [--jobs 1]
//
// What failed is kept in out/failures: a picture of the window, and the logs.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";

import { buildExtension, buildFiles } from "./build.mjs";
import { bundle } from "./bundle.mjs";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
process.env.REPOSITORY = dirname(here);

const { values } = parseArgs({
    options: {
        file: { type: "string", multiple: true },
        grep: { type: "string" },
        seconds: { type: "string", default: "300" },
        jobs: { type: "string", default: "1" },
    },
});
const all = readdirSync(join(here, "test", "host"))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => name.slice(0, -".test.ts".length))
    .sort();
const chosen = values.file ?? all;
for (const name of chosen.filter((name) => !all.includes(name))) {
    throw new Error(`There is no test/host/${name}.test.ts; there are: ${all.join(", ")}`);
}

const load = async (source, name) => {
    await build({
        absWorkingDir: here,
        bundle: true,
        platform: "node",
        format: "esm",
        target: "node20",
        // Below this folder, so that packages are found.
        entryPoints: [source],
        outfile: join(here, "out", "runner", `${process.pid}`, `${name}.mjs`),
        packages: "external",
        logLevel: "warning",
    });
    return import(pathToFileURL(join(here, "out", "runner", `${process.pid}`, `${name}.mjs`)).href);
};

const failed = [];
try {
    const { runHostTests, findTools } = await load("test/support/runner.ts", "runner");
    const tools = findTools(process.env.REPOSITORY);
    bundle(); // of what the extension's own environment is made
    const jobs = Number(values.jobs);
    const waiting = [...chosen];
    const work = async () => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
            const printed = [];
            const print = (text) => {
                printed.push(text);
                if (jobs === 1) {
                    process.stdout.write(text);
                }
            };
            print(`== ${name}\n`);
            const file = name;
            const ok = await runHostTests(tools, {
                name,
                window: existsSync(join(here, "test", "host", `${name}.window.ts`))
                    ? (await load(`test/host/${name}.window.ts`, name)).default
                    : {},
                grep: values.grep,
                seconds: Number(values.seconds),
                print,
                build: async (folder) => {
                    await buildExtension({ outdir: join(folder, "dist") });
                    await buildFiles(["test/host/index.ts", `test/host/${file}.test.ts`], {
                        outdir: join(folder, "out", "host"),
                        outbase: "test/host",
                    });
                },
            }).catch((error) => {
                print(`${name}: ${error.stack}\n`);
                return false;
            });
            if (jobs > 1) {
                process.stdout.write(printed.join("")); // whole, where several run at once
            }
            if (!ok) {
                failed.push({ name, text: printed.join("") });
            }
        }
    };
    await Promise.all(Array.from({ length: jobs }, work));
} finally {
    rmSync(join(here, "out", "runner", `${process.pid}`), { recursive: true, force: true });
}
// Once more at the end, where it is looked for.
for (const { name, text } of failed) {
    console.log(`-- failed: ${name}\n${text}`);
}
console.log(failed.length === 0 ? "== all passed" : `== failed: ${failed.map(({ name }) => name).join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
