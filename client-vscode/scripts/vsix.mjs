// Makes testwright-<version>.vsix: the bundles, the server's wheel with its requirements, and what people read.
//
// All is laid out in a folder of its own, file by file, so that nothing gets into the package by not being ignored.
// The same sources make the same bytes.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildExtension } from "./build.mjs";
import { bundle, EPOCH, version } from "./bundle.mjs";
import { notices } from "./notices.mjs";

const here = dirname(dirname(fileURLToPath(import.meta.url)));

const [major] = process.versions.node.split(".").map(Number);
if (major < 22) {
    console.error(`vsce needs Node 22 or newer, and this is ${process.version}. \`make vsix\` finds or brings one.`);
    process.exit(1);
}
const { values } = parseArgs({ options: { out: { type: "string" } } });
const target = resolve(values.out ?? join(here, `testwright-${version()}.vsix`));

const stage = mkdtempSync(join(tmpdir(), "testwright-vsix-"));
try {
    const inputs = await buildExtension({ outdir: join(stage, "dist"), production: true });
    bundle(join(stage, "bundled"));
    mkdirSync(join(stage, "media"));
    for (const path of [
        "media/icon.png",
        ...readdirSync(join(here, "media/walkthrough")).map((name) => `media/walkthrough/${name}`),
        "package.nls.json",
        "CHANGELOG.md",
    ]) {
        cpSync(join(here, path), join(stage, path));
    }
    writeFileSync(join(stage, "README.md"), withoutPictures(readFileSync(join(here, "README.md"), "utf8")));
    cpSync(join(here, "../LICENSE"), join(stage, "LICENSE"));
    writeFileSync(join(stage, "THIRD-PARTY-NOTICES.txt"), notices(here, inputs));
    writeFileSync(join(stage, "package.json"), `${JSON.stringify(published(), null, 2)}\n`);
    writeFileSync(join(stage, ".vscodeignore"), ""); // all that is here is meant to be in it
    for (const entry of readdirSync(stage, { recursive: true, withFileTypes: true })) {
        // The archive tells who may read a file; that must not be what the builder's umask says.
        chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
    }
    Object.assign(process.env, { SOURCE_DATE_EPOCH: EPOCH, TZ: "UTC" }); // the times in the archive, as vsce writes them
    const { createVSIX } = await import("@vscode/vsce");
    await createVSIX({
        cwd: stage,
        packagePath: target,
        dependencies: false,
        allowMissingRepository: true,
        rewriteRelativeLinks: false,
    });
} finally {
    rmSync(stage, { recursive: true, force: true });
}

/** The editor shows only those pictures of a README that are fetched from an address, and ours have none. */
function withoutPictures(markdown) {
    return markdown.replaceAll(/^!\[[^\]]*\]\([^)]*\)\n\n?/gm, "");
}

/** package.json as the editor needs it. */
function published() {
    const manifest = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
    delete manifest.scripts;
    delete manifest.devDependencies;
    delete manifest.dependencies; // they are in the bundles
    return manifest;
}
