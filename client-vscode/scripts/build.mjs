// Builds the extension into dist/, and with `--tests unit|host|journeys` those tests into out/.
//
// The language client is a bundle of its own, loaded when the server starts: activation reads the small one alone.
import { build } from "esbuild";
import { readdirSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";

const { values } = parseArgs({
    options: { tests: { type: "string", multiple: true }, production: { type: "boolean" } },
});

const shared = {
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["vscode"],
    sourcemap: !values.production,
    minify: values.production ?? false,
    logLevel: "warning",
};

if (values.tests === undefined) {
    rmSync("dist", { recursive: true, force: true });
    await build({
        ...shared,
        entryPoints: ["src/extension.ts", "src/server/connection.ts"],
        outdir: "dist",
        entryNames: "[name]",
        external: [...shared.external, "./connection.js"],
    });
}

for (const kind of values.tests ?? []) {
    rmSync(`out/${kind}`, { recursive: true, force: true });
    await build({
        ...shared,
        entryPoints: readdirSync(`test/${kind}`, { recursive: true })
            .filter((name) => name.endsWith(".ts"))
            .map((name) => `test/${kind}/${name}`),
        outdir: `out/${kind}`,
        outbase: `test/${kind}`,
        external: [...shared.external, "mocha", "playwright-core"],
    });
}
