// Builds the extension into dist/, and with `--tests unit|host|journeys|vsix` those tests into out/.
//
// The language client is a bundle of its own, loaded when the server starts: activation reads the small one alone.
import { build } from "esbuild";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(dirname(fileURLToPath(import.meta.url)));

const shared = {
    absWorkingDir: here,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["vscode"],
    sourcemap: true,
    logLevel: "warning",
    metafile: true,
};

/**
 * Build what the editor runs.
 *
 * @param {{ outdir?: string; production?: boolean }} options `production` leaves out source maps and makes it small.
 * @returns {Promise<string[]>} The files that went into it, relative to the extension.
 */
export async function buildExtension({ outdir = join(here, "dist"), production = false } = {}) {
    rmSync(outdir, { recursive: true, force: true });
    const program = await build({
        ...shared,
        entryPoints: ["src/extension.ts", "src/server/connection.ts"],
        outdir,
        entryNames: "[name]",
        external: [...shared.external, "./connection.js"],
        sourcemap: !production,
        minify: production,
        legalComments: "none", // the notices hold the licences, whole
    });
    // What runs in the page of a report, which is no Node.
    const page = await build({
        ...shared,
        entryPoints: ["src/report/page/report.ts", "src/report/page/report.css"],
        outdir: join(outdir, "page"),
        platform: "browser",
        format: "iife",
        target: "es2022",
        external: [],
        sourcemap: !production && "inline",
        minify: production,
    });
    return [program, page].flatMap(({ metafile }) => Object.keys(metafile.inputs));
}

/** Build the tests below test/<kind> into out/<kind>. */
export async function buildTests(kind) {
    const outdir = join(here, "out", kind);
    rmSync(outdir, { recursive: true, force: true });
    const files = readdirSync(join(here, "test", kind), { recursive: true }).filter((name) => name.endsWith(".ts"));
    await buildFiles(
        files.map((name) => `test/${kind}/${name}`),
        { outdir, outbase: `test/${kind}` },
    );
}

/** Build files of the tests, each into one of its own below a folder. */
export async function buildFiles(entryPoints, { outdir, outbase }) {
    await build({
        ...shared,
        entryPoints,
        outdir,
        outbase,
        external: [...shared.external, "mocha", "playwright-core"],
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const { values } = parseArgs({
        options: { tests: { type: "string", multiple: true }, production: { type: "boolean" } },
    });
    if (values.tests === undefined) {
        await buildExtension({ production: values.production ?? false });
    }
    for (const kind of values.tests ?? []) {
        await buildTests(kind);
    }
}
